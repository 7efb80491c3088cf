package io.kontiki.group;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a coordinator knew of a group's topics when it proposed: of every topic that a member of the
 * group subscribes to and that exists. What is missing has not been deleted (rule G8).
 *
 * @param metadataIndex of the image; a lower one than the group has seen is ignored (rule G7)
 * @param topics by name
 * @param matches of each pattern in use, the names that match it, sorted: patterns are evaluated
 *     where a command is proposed, so that all replicas agree
 */
public record TopicsSeen(
    long metadataIndex, List<KnownTopic> topics, SortedMap<String, List<String>> matches) {
  public TopicsSeen {
    topics = List.copyOf(topics);
    matches = Collections.unmodifiableSortedMap(new TreeMap<>(matches));
  }
}
