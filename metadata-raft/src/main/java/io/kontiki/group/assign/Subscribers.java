package io.kontiki.group.assign;

import io.kontiki.model.TopicId;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * Who wants what.
 *
 * @param members in an order that stays the same while members come and go, so that the same ones
 *     get the same
 * @param topics that somebody subscribes to, in the order in which they are dealt out
 * @param wanted of each member, in the order of {@code members}
 */
public record Subscribers(
    List<String> members, List<Topic> topics, List<SortedSet<TopicId>> wanted) {
  public Subscribers {
    members = List.copyOf(members);
    topics = List.copyOf(topics);
    wanted = List.copyOf(wanted);
    if (members.size() != wanted.size()) {
      throw new IllegalArgumentException(
          members.size() + " members with " + wanted.size() + " subscriptions");
    }
  }

  /** A topic with its number of partitions. */
  public record Topic(TopicId id, int partitions) {}

  /** Numbers of the members that want the topic, ascending. */
  int[] of(Topic topic) {
    int[] found = new int[members.size()];
    int count = 0;
    for (int i = 0; i < found.length; i++) {
      if (wanted.get(i).contains(topic.id())) {
        found[count++] = i;
      }
    }
    return Arrays.copyOf(found, count);
  }

  /** Nobody has anything. */
  int[][] nothing() {
    int[][] owners = new int[topics.size()][];
    for (int t = 0; t < owners.length; t++) {
      owners[t] = new int[topics.get(t).partitions()];
      Arrays.fill(owners[t], -1);
    }
    return owners;
  }

  /** As a target: by topic, of each partition the member; empty: none. */
  SortedMap<TopicId, List<String>> named(int[][] owners) {
    TreeMap<TopicId, List<String>> target = new TreeMap<>();
    for (int t = 0; t < owners.length; t++) {
      String[] names = new String[owners[t].length];
      for (int p = 0; p < names.length; p++) {
        names[p] = owners[t][p] < 0 ? "" : members.get(owners[t][p]);
      }
      target.put(topics.get(t).id(), List.of(names));
    }
    return Collections.unmodifiableSortedMap(target);
  }
}
