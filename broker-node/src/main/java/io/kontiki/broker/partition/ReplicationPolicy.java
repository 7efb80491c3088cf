package io.kontiki.broker.partition;

import io.kontiki.replication.ReplicaTimes;

/** What replication goes by; the same on all loops of a broker. */
public record ReplicationPolicy(
    ReplicationLimits limits, ReplicaTimes times, CatchUpBudget catchUp, ReplicationMeters meters) {
  /** For one loop, without a bound on catching up. */
  public static final ReplicationPolicy DEFAULT =
      new ReplicationPolicy(
          ReplicationLimits.DEFAULT,
          ReplicaTimes.DEFAULT,
          CatchUpBudget.NONE,
          ReplicationMeters.NONE);
}
