package io.kontiki.broker.partition;

import io.kontiki.replication.Resignation;

/** Told of what replication does. On the data loops; cheap; never throws. */
public interface ReplicationMeters {
  /** Counts nothing. */
  ReplicationMeters NONE =
      new ReplicationMeters() {
        @Override
        public void onResignation(Resignation.Cause cause) {}

        @Override
        public void onCatchUp(int replicas, long bytes) {}
      };

  /** A leader here asks to be replaced (rule R38). */
  void onResignation(Resignation.Cause cause);

  /**
   * Something happened on the catch-up lane.
   *
   * @param replicas by how many more or fewer are being caught up from here
   * @param bytes shipped to them
   */
  void onCatchUp(int replicas, long bytes);
}
