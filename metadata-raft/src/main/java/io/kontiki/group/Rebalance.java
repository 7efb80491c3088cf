package io.kontiki.group;

import io.kontiki.group.assign.EvenAssignor;
import io.kontiki.group.assign.RangeAssignor;
import io.kontiki.group.assign.Subscribers;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Who should own what, and the way there: marks first, moves only of what nobody owns (rule G2).
 */
final class Rebalance {
  private Rebalance() {}

  /** Members or topics have changed. */
  static void run(GroupDraft group) {
    group.flush();
    TopicNews.prune(group);
    if (group.members().isEmpty()) {
      group.target(new TreeMap<>());
      return;
    }
    group.assignor(chosen(group));
    group.target(target(group));
    mark(group);
    deliver(group);
    group.flush();
  }

  /** These have no owner any more. */
  static void deliver(GroupDraft group, List<PartitionId> free) {
    for (PartitionId partition : free) {
      String member = wanted(group.target(), partition);
      if (!member.isEmpty()) {
        group.give(member, partition);
      }
    }
  }

  /** What most members ask for; of two equally many the one that is declared first. */
  private static Assignor chosen(GroupDraft group) {
    EnumMap<Assignor, Integer> votes = new EnumMap<>(Assignor.class);
    for (MemberState member : group.members().values()) {
      votes.merge(member.details().assignor(), 1, Integer::sum);
    }
    Assignor best = Assignor.STICKY;
    for (Assignor assignor : Assignor.values()) {
      if (votes.getOrDefault(assignor, 0) > votes.getOrDefault(best, 0)) {
        best = assignor;
      }
    }
    return best;
  }

  private static SortedMap<TopicId, List<String>> target(GroupDraft group) {
    List<MemberState> members = new ArrayList<>(group.members().values());
    // By static name where there is one: a member that replaces another takes its place in line.
    members.sort(
        Comparator.comparing((MemberState m) -> m.name().isEmpty() ? m.id() : m.name())
            .thenComparing(MemberState::id));
    TreeSet<String> names = new TreeSet<>();
    List<SortedSet<TopicId>> wanted = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    for (MemberState member : members) {
      TreeSet<TopicId> own = new TreeSet<>();
      for (String name : TopicNews.wanted(group, member.details())) {
        names.add(name);
        KnownTopic topic = group.topics().get(name);
        if (topic != null) {
          own.add(topic.id());
        }
      }
      wanted.add(own);
      ids.add(member.id());
    }
    List<Subscribers.Topic> topics = new ArrayList<>();
    for (KnownTopic topic : group.topics().values()) {
      if (names.contains(topic.name())) {
        topics.add(new Subscribers.Topic(topic.id(), topic.partitions()));
      }
    }
    Subscribers subscribers = new Subscribers(ids, topics, wanted);
    return switch (group.assignor()) {
      case STICKY -> EvenAssignor.sticky(subscribers, present(group));
      case UNIFORM -> EvenAssignor.uniform(subscribers);
      case RANGE -> RangeAssignor.assign(subscribers);
    };
  }

  private static EvenAssignor.Present present(GroupDraft group) {
    Map<PartitionId, String> owners = owners(group);
    SortedMap<TopicId, List<String>> target = group.target();
    return new EvenAssignor.Present() {
      @Override
      public @Nullable String owner(PartitionId partition) {
        return owners.get(partition);
      }

      @Override
      public @Nullable String next(PartitionId partition) {
        String member = wanted(target, partition);
        return member.isEmpty() ? null : member;
      }
    };
  }

  /** Looked up only; never iterated. */
  private static Map<PartitionId, String> owners(GroupDraft group) {
    Map<PartitionId, String> owners = new HashMap<>();
    for (MemberState member : group.members().values()) {
      for (PartitionId partition : member.owned().keySet()) {
        owners.put(partition, member.id());
      }
    }
    return owners;
  }

  private static String wanted(SortedMap<TopicId, List<String>> target, PartitionId partition) {
    List<String> topic = target.get(partition.topicId());
    return topic == null || partition.partition() >= topic.size()
        ? ""
        : topic.get(partition.partition());
  }

  /** What a member should not have it must give up; a mark that is wrong now is taken back. */
  private static void mark(GroupDraft group) {
    for (MemberState member : group.members().values()) {
      for (var entry : member.owned().entrySet()) {
        OwnedPartition now = entry.getValue();
        boolean revoking = !member.id().equals(wanted(group.target(), entry.getKey()));
        if (now.revoking() != revoking) {
          group
              .owned(member.id())
              .put(entry.getKey(), new OwnedPartition(now.since(), revoking, now.fromStart()));
        }
      }
    }
  }

  /** What nobody owns goes to its target at once. */
  private static void deliver(GroupDraft group) {
    Map<PartitionId, String> owners = owners(group);
    for (var entry : group.target().entrySet()) {
      List<PartitionId> free = new ArrayList<>();
      for (int p = 0; p < entry.getValue().size(); p++) {
        PartitionId partition = new PartitionId(entry.getKey(), p);
        if (!owners.containsKey(partition)) {
          free.add(partition);
        }
      }
      deliver(group, free);
    }
  }
}
