package io.kontiki.broker.partition;

import io.kontiki.log.PartitionLog;
import io.kontiki.runtime.Completion;

/** Opens logs for one loop: a port to the log directory. */
public interface PartitionLogs {
  /**
   * Opens the log of a replica, or makes an empty one; what was on disk has been recovered and
   * synced (rule D10).
   *
   * @param completion on the loop, perhaps inside the call; not called if the directory is offline
   */
  void open(
      PartitionAssignment assignment,
      PartitionLog.Listener listener,
      Completion<PartitionLog> completion);
}
