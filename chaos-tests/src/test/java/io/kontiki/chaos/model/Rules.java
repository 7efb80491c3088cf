package io.kontiki.chaos.model;

import java.util.EnumSet;
import java.util.Set;

/**
 * What holds in a run.
 *
 * @param fsync durability=fsync; else the page cache is what counts
 * @param lossyStops how many stops may lose what was not synced
 * @param off rules that are switched off
 */
record Rules(boolean fsync, int lossyStops, Set<Rule> off) {
  /** Followers and leader, together; f = {@link #MIN_ISR} - 1. */
  static final int BROKERS = 3;

  static final int MIN_ISR = 2;

  Rules {
    off = off.isEmpty() ? EnumSet.noneOf(Rule.class) : EnumSet.copyOf(off);
  }

  /** At most f lossy stops, which is what is promised. */
  static Rules inPageCache(Rule... off) {
    return new Rules(false, MIN_ISR - 1, Set.of(off));
  }

  /** Any number of lossy stops. */
  static Rules withFsync(Rule... off) {
    return new Rules(true, Integer.MAX_VALUE, Set.of(off));
  }

  boolean on(Rule rule) {
    return !off.contains(rule);
  }

  /** R3: with fsync an unclean broker keeps its ELR place. */
  boolean uncleanLeaves() {
    return !fsync && on(Rule.UNCLEAN_LEAVES_ELR);
  }

  /** Whether only synced entries count. */
  boolean countsSynced() {
    return fsync && on(Rule.FSYNC_BEFORE_ACK);
  }
}
