package io.kontiki.replication;

import io.kontiki.model.PartitionId;

/**
 * A leader's wish to be replaced: a compare-and-set on both epochs. By another member of the
 * in-sync set, which stays as it is (rule R38); or, if its log is damaged and there is none, by an
 * eligible replica (rule D9).
 *
 * @param successor whom the leader would have: one that may lead as far as it knows
 */
public record Resignation(
    PartitionId partition, int leaderEpoch, int partitionEpoch, int successor, Cause cause) {
  /** Why. */
  public enum Cause {
    /** What the leader wrote last has been on its way to its own disk for too long. */
    SYNC_STUCK("its own disk has not finished a sync"),
    /** Members are silent or lag, and without them too few would be in sync. */
    FOLLOWERS_SILENT("too few of its followers keep up"),
    /** It cannot read all of its log (rule D9). */
    LOG_DAMAGED("its log is damaged");

    private final String text;

    Cause(String text) {
      this.text = text;
    }

    /** For people. */
    public String text() {
      return text;
    }
  }
}
