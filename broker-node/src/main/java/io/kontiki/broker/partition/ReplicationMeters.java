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

        @Override
        public void onNoRoom(int replicas) {}
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

  /**
   * A replica here stops being appended to because the disk is full, or is appended to again (rule
   * D4).
   *
   * @param replicas 1 or -1
   */
  void onNoRoom(int replicas);
}
