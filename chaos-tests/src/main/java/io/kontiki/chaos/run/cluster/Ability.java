package io.kontiki.chaos.run.cluster;

/** What may be done to a cluster, if the machine or the file that describes it allows it. */
public enum Ability {
  /** SIGKILL. */
  KILL,
  /** A stop in order. */
  STOP,
  /** SIGSTOP and SIGCONT. */
  FREEZE,
  /** The deletion of a node's data directory. */
  WIPE,
  /** Looking into a node's data directory. */
  FILES,
  /** Taking a whole node off the network. */
  CUT,
  /** Cutting one direction between two nodes, or one kind of traffic. */
  CUT_LANES,
  /** A network with little throughput, that delays and drops what exceeds it. */
  SLOW_NETWORK,
  /** A network that delays and drops at random. */
  LOSSY_NETWORK,
  /** A disk without room. */
  FULL_DISK,
  /** The loss of everything that is not synced. */
  POWER_CUT,
  /** A wall clock of a node's own. */
  CLOCK,
  /** Slow and failing system calls. */
  SYSTEM_CALLS
}
