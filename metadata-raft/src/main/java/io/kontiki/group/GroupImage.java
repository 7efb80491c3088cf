package io.kontiki.group;

import io.kontiki.group.GroupState.Phase;
import io.kontiki.model.TopicId;
import java.util.Collections;
import java.util.List;
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
    OffsetTable offsets) {
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
        OffsetTable.EMPTY);
  }

  /** What the group is doing. Costs a look at everything that its members own. */
  public Phase phase() {
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
    return new GroupState(
        name, phase(), generation, assignor, metadataIndex, members, topics, offsets.toMap());
  }
}
