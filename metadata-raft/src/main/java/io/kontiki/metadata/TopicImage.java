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
 */
public record TopicImage(
    TopicId id, String name, SortedMap<String, String> config, List<PartitionImage> partitions) {
  public TopicImage {
    config = Collections.unmodifiableSortedMap(new TreeMap<>(config));
    partitions = List.copyOf(partitions);
  }

  /** Replicas per partition, those that a reassignment brings not counted. */
  public int replicationFactor() {
    if (partitions.isEmpty()) {
      return 0;
    }
    PartitionImage first = partitions.get(0);
    return first.replicas().size() - first.adding().size();
  }

  /** In-sync replicas that an acknowledgement needs (rule R37). */
  public int minIsr() {
    return TopicRules.minIsr(config, replicationFactor());
  }

  /** What "held" means for this topic (rule R36). */
  public Durability durability() {
    return TopicRules.durability(config);
  }
}
