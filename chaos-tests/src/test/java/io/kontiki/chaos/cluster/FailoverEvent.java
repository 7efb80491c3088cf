package io.kontiki.chaos.cluster;

import java.util.Locale;

/** What happens to nodes of a cluster of three under load, and what is allowed for it. */
enum FailoverEvent {
  /** The control: how much of the other figures is the machine. */
  NOTHING("nothing", 100),
  KILL_LEADER("SIGKILL of a partition leader", 400),
  KILL_FOLLOWER("SIGKILL of a follower", 300),
  KILL_METADATA_LEADER("SIGKILL of the metadata leader", 400),
  KILL_BOTH("SIGKILL of the node with both roles", 600),
  FREEZE_LEADER("SIGSTOP of a partition leader", 2_000),
  FREEZE_BOTH("SIGSTOP of the node with both roles", 3_500),
  STOP_NODE("SIGTERM of a node", 200),
  RESTART_FSYNC("SIGKILL of all, started again (fsync)", 4_000),
  RESTART_REPLICATED("SIGKILL of all, started again (replicated)", 4_000);

  private final String title;
  private final long budgetMs;

  FailoverEvent(String title, long budgetMs) {
    this.title = title;
    this.budgetMs = budgetMs;
  }

  /** For people. */
  String title() {
    return title;
  }

  /** For command lines and files: {@code kill-leader}. */
  String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** How long a partition may acknowledge nothing, on an idle machine with two cores. */
  long budgetMs() {
    return budgetMs;
  }

  /** Whether all nodes die, so that the time counts from the start of the new processes. */
  boolean isRestart() {
    return this == RESTART_FSYNC || this == RESTART_REPLICATED;
  }

  boolean isFreeze() {
    return this == FREEZE_LEADER || this == FREEZE_BOTH;
  }

  /** The topic's setting. */
  String durability() {
    return this == RESTART_REPLICATED ? "replicated" : "fsync";
  }
}
