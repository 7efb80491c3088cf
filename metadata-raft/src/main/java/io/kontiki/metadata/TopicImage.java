package io.kontiki.metadata;

import io.kontiki.model.Durability;
import io.kontiki.model.TopicId;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A topic. Immutable.
 *
 * @param config what was set for the topic, by key; what differs from the built-in defaults (M1)
 * @param partitions by number
 * @param former brokers from which a reassignment took a replica, sorted: one that was down then
 *     may hold it still when the topic is deleted (rule M20)
 */
public record TopicImage(
    TopicId id,
    String name,
    SortedMap<String, String> config,
    List<PartitionImage> partitions,
    List<Integer> former) {
  public TopicImage {
    config = Collections.unmodifiableSortedMap(new TreeMap<>(config));
    partitions = List.copyOf(partitions);
    former = List.copyOf(former);
  }

  /** Replicas of the first partition, as new ones get; a reassignment may make others differ. */
  public int replicationFactor() {
    return partitions.isEmpty() ? 0 : partitions.get(0).replicationFactor();
  }

  /** The fewest replicas that any partition has, or has when its reassignment has ended. */
  public int leastReplication() {
    int least = Integer.MAX_VALUE;
    for (PartitionImage partition : partitions) {
      int target = partition.replicas().size() - partition.removing().size();
      least = Math.min(least, Math.min(target, partition.replicationFactor()));
    }
    return least;
  }

  /** In-sync replicas that an acknowledgement of one of its partitions needs (rule R37). */
  public int minIsr(PartitionImage partition) {
    return TopicRules.minIsr(config, partition.replicationFactor());
  }

  /**
   * Whether the replicas that a reassignment takes away may go (rule R34): all that it brings are
   * in sync, and without those that go the in-sync set is no smaller than min ISR, of before and of
   * then; with fewer replicas than min ISR was before, all of them.
   */
  public boolean canShrink(PartitionImage partition) {
    if (!partition.reassigning() || !partition.isr().containsAll(partition.adding())) {
      return false;
    }
    int staying = 0;
    for (int member : partition.isr()) {
      staying += partition.removing().contains(member) ? 0 : 1;
    }
    int needed = Math.max(minIsr(partition), minIsrThen(partition));
    return staying >= Math.min(needed, partition.target().size());
  }

  /** {@link #minIsr} when the reassignment has ended. */
  int minIsrThen(PartitionImage partition) {
    return TopicRules.minIsr(config, partition.target().size());
  }

  /** What "held" means for this topic (rule R36). */
  public Durability durability() {
    return TopicRules.durability(config);
  }
}
