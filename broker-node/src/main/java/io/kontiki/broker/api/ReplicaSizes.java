package io.kontiki.broker.api;

import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.List;

/** What the replicas of this broker take on its disk. Thread-safe. */
public interface ReplicaSizes {
  /**
   * Asks all loops.
   *
   * @param home where the answer arrives
   * @param completion gets those whose logs are open, in no order
   */
  void sizes(EventLoop home, Completion<List<Size>> completion);

  /**
   * Of one replica.
   *
   * @param bytes of its segments
   * @param lag records up to its high watermark that it does not have, 0 but after a loss
   */
  record Size(PartitionId partition, long bytes, long lag) {}
}
