package io.kontiki.group;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** What a group knows of topics (G7 to G9). */
final class TopicNews {
  private TopicNews() {}

  /** Whether taking it in would let the group outgrow its bound (M19). */
  static boolean tooMuch(TopicsSeen seen) {
    long partitions = 0;
    for (KnownTopic topic : seen.topics()) {
      partitions += topic.partitions();
    }
    return partitions > GroupLimits.PARTITIONS_PER_GROUP;
  }

  /**
   * Takes in what a command told, before the command changes the members.
   *
   * @param forgotten deleted, whatever an older image says (G8)
   * @return false: it is older than what the group knows, nothing has changed (G7)
   */
  static boolean take(GroupDraft group, TopicsSeen seen, SortedSet<TopicId> forgotten) {
    if (seen.metadataIndex() < group.metadataIndex()) {
      return false;
    }
    // Before the new names: whom to ask whether it had subscribed already.
    TreeSet<String> wantedBefore = new TreeSet<>();
    for (MemberState member : group.members().values()) {
      if (!group.isUntold(member.id())) {
        wantedBefore.addAll(member.details().topics());
        wantedBefore.addAll(seen.matches().getOrDefault(member.details().pattern(), List.of()));
      }
    }
    for (KnownTopic topic : seen.topics()) {
      if (!forgotten.contains(topic.id())) {
        take(group, topic, wantedBefore.contains(topic.name()));
      }
    }
    TreeMap<String, List<String>> matches = new TreeMap<>(group.matches());
    seen.matches()
        .forEach(
            (pattern, names) -> {
              // What is missing has not been deleted (G8).
              TreeSet<String> all = new TreeSet<>(matches.getOrDefault(pattern, List.of()));
              all.addAll(names);
              matches.put(pattern, List.copyOf(all));
            });
    group.matches(matches);
    group.told(seen.metadataIndex());
    return true;
  }

  private static void take(GroupDraft group, KnownTopic topic, boolean wantedBefore) {
    KnownTopic known = group.topics().get(topic.name());
    if (known != null && known.id().equals(topic.id())) {
      if (topic.partitions() > known.partitions()) {
        // G9: numbers that the group did not know of a topic that it knew.
        group.putTopic(topic, Math.min(group.startFrom(topic.id()), known.partitions()));
      }
      return;
    }
    if (known != null) {
      // A name belongs to one topic at a time: this is evidence, not absence (G8).
      drop(group, known.id());
    }
    group.putTopic(topic, wantedBefore ? 0 : topic.partitions());
  }

  /** The topic is deleted (G8): members lose it at once, its offsets go. */
  static void forget(GroupDraft group, TopicId topic) {
    if (group.knows(topic) || group.hasOffsets(topic)) {
      drop(group, topic);
      Rebalance.run(group);
    }
  }

  private static void drop(GroupDraft group, TopicId topic) {
    for (MemberState member : group.members().values()) {
      PartitionId first = new PartitionId(topic, 0);
      for (PartitionId id : member.owned().tailMap(first).keySet()) {
        if (!id.topicId().equals(topic)) {
          break;
        }
        group.take(member.id(), id, PartitionLoss.TOPIC_DELETED);
      }
    }
    for (PartitionId id : group.offsetsOf(topic)) {
      group.removeOffset(id);
    }
    for (KnownTopic known : new ArrayList<>(group.topics().values())) {
      if (known.id().equals(topic)) {
        group.removeTopic(known);
        TreeMap<String, List<String>> matches = new TreeMap<>(group.matches());
        matches.replaceAll(
            (pattern, names) -> names.stream().filter(n -> !n.equals(known.name())).toList());
        group.matches(matches);
      }
    }
  }

  /** Names that a member wants, of those that the group knows. */
  static TreeSet<String> wanted(GroupDraft group, MemberDetails details) {
    TreeSet<String> names = new TreeSet<>(details.topics());
    if (!details.pattern().isEmpty()) {
      names.addAll(group.matches().getOrDefault(details.pattern(), List.of()));
    }
    names.retainAll(group.topics().keySet());
    return names;
  }

  /** What nobody wants any more, and has no offsets, need not be known (M19). */
  static void prune(GroupDraft group) {
    TreeSet<String> wanted = new TreeSet<>();
    TreeSet<String> patterns = new TreeSet<>();
    for (MemberState member : group.members().values()) {
      wanted.addAll(wanted(group, member.details()));
      patterns.add(member.details().pattern());
    }
    for (KnownTopic topic : new ArrayList<>(group.topics().values())) {
      if (!wanted.contains(topic.name())
          && !group.hasOffsets(topic.id())
          && !owned(group, topic.id())) {
        group.removeTopic(topic);
      }
    }
    if (!patterns.containsAll(group.matches().keySet())) {
      TreeMap<String, List<String>> matches = new TreeMap<>(group.matches());
      matches.keySet().retainAll(patterns);
      group.matches(matches);
    }
  }

  private static boolean owned(GroupDraft group, TopicId topic) {
    PartitionId first = new PartitionId(topic, 0);
    for (MemberState member : group.members().values()) {
      var rest = member.owned().tailMap(first);
      if (!rest.isEmpty() && rest.firstKey().topicId().equals(topic)) {
        return true;
      }
    }
    return false;
  }
}
