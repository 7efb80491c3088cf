package io.kontiki.broker.partition;

import io.kontiki.model.PartitionId;
import io.kontiki.runtime.EventLoop;
import java.util.List;

/**
 * The loops that partitions live on.
 *
 * @param all the same list and order for the life of the process
 */
public record PartitionLoops(List<EventLoop> all) {
  public PartitionLoops {
    all = List.copyOf(all);
  }

  /** The number of the loop that a partition lives on. */
  public int indexOf(PartitionId partition) {
    long hash = partition.topicId().high() * 31 + partition.topicId().low();
    hash = (hash ^ (hash >>> 32)) * 31 + partition.partition();
    return (int) Math.floorMod(hash, (long) all.size());
  }

  /** The loop that a partition lives on. */
  public EventLoop of(PartitionId partition) {
    return all.get(indexOf(partition));
  }
}
