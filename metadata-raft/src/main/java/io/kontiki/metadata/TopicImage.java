package io.kontiki.metadata;

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
}
