package io.kontiki.group;

import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * The whole state of one group, immutable. Beyond what {@link GroupState} shows to others it holds
 * what later commands are decided by. The maps are shared with other images: whoever makes one
 * hands them over.
 *
 * @param generation 0: it never had a member
 * @param joined by member: the generation in which its present stream took it up
 * @param untold members of whose topics the group was not told yet, because the image behind their
 *     join was older than the group's (rule G7)
 * @param topics known, by name: subscribed to, or with offsets
 * @param startFrom by known topic: partitions from this number on appeared after the group had
 *     subscribed (rule G9)
 * @param matches by pattern in use: names that match it
 * @param target by topic: of each partition the id of the member that should have it; empty: none
 * @param classic members that speak Kafka's classic protocol; then there are no others (rule G11)
 */
public record GroupImage(
    String name,
    int generation,
    Assignor assignor,
    long metadataIndex,
    SortedMap<String, MemberState> members,
    SortedMap<String, Integer> joined,
    SortedSet<String> untold,
    SortedMap<String, KnownTopic> topics,
    SortedMap<TopicId, Integer> startFrom,
    SortedMap<String, List<String>> matches,
    SortedMap<TopicId, List<String>> target,
    OffsetTable offsets,
    ClassicState classic) {
  public GroupImage {
    members = Collections.unmodifiableSortedMap(members);
    joined = Collections.unmodifiableSortedMap(joined);
    untold = Collections.unmodifiableSortedSet(untold);
    topics = Collections.unmodifiableSortedMap(topics);
    startFrom = Collections.unmodifiableSortedMap(startFrom);
    matches = Collections.unmodifiableSortedMap(matches);
    target = Collections.unmodifiableSortedMap(target);
  }

  static GroupImage empty(String name) {
    return new GroupImage(
        name,
        0,
        Assignor.STICKY,
        -1,
        new TreeMap<>(),
        new TreeMap<>(),
        Collections.emptySortedSet(),
        new TreeMap<>(),
        new TreeMap<>(),
        new TreeMap<>(),
        new TreeMap<>(),
        OffsetTable.EMPTY,
        ClassicState.NONE);
  }

  /** What the group is doing. Costs a look at everything that its members own. */
  public Phase phase() {
    if (!classic.members().isEmpty()) {
      return classic.assigned() ? Phase.STABLE : Phase.REBALANCING;
    }
    if (members.isEmpty()) {
      return Phase.EMPTY;
    }
    // What nobody owns goes to its target at once: whatever is on its way is still with somebody.
    for (MemberState member : members.values()) {
      for (OwnedPartition owned : member.owned().values()) {
        if (owned.revoking()) {
          return Phase.REBALANCING;
        }
      }
    }
    return Phase.STABLE;
  }

  /** As others see it: a copy. */
  public GroupState state() {
    SortedMap<String, MemberState> all = members;
    if (kind() == Kind.CLASSIC) {
      all = new TreeMap<>();
      for (ClassicMember member : classic.members().values()) {
        all.put(member.id(), shown(member));
      }
    }
    return new GroupState(
        name,
        phase(),
        kind(),
        generation,
        kind() == Kind.CLASSIC ? classic.protocol() : assignor.name().toLowerCase(Locale.ROOT),
        metadataIndex,
        all,
        topics,
        offsets.toMap());
  }

  /** How its members speak. */
  public Kind kind() {
    if (!classic.members().isEmpty()) {
      return Kind.CLASSIC;
    }
    return members.isEmpty() ? Kind.NONE : Kind.STREAM;
  }

  /** Of whichever kind. */
  public int memberCount() {
    return members.size() + classic.members().size();
  }

  private MemberState shown(ClassicMember member) {
    TreeMap<PartitionId, OwnedPartition> owned = new TreeMap<>();
    member
        .owned()
        .forEach(partition -> owned.put(partition, new OwnedPartition(generation, false, false)));
    return new MemberState(
        member.id(),
        member.name(),
        generation,
        new MemberDetails(
            member.clientId(),
            member.host(),
            -1,
            -1,
            member.topics(),
            "",
            assignor,
            member.sessionTimeoutMs(),
            member.rebalanceTimeoutMs()),
        owned);
  }
}
