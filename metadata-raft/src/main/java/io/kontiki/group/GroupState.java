package io.kontiki.group;

import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A group, as applied: an immutable picture for those who ask.
 *
 * @param generation grows with every change of who owns what
 * @param assignor in use, its name: the one that most members ask for; of a classic group the
 *     protocol that its members chose
 * @param metadataIndex of the newest image that its topics were told from
 * @param members by id; of a classic group as far as they can be shown in this form
 * @param topics known to it, by name: those subscribed to, and those with offsets
 * @param offsets committed
 */
public record GroupState(
    String name,
    Phase phase,
    Kind kind,
    int generation,
    String assignor,
    long metadataIndex,
    SortedMap<String, MemberState> members,
    SortedMap<String, KnownTopic> topics,
    SortedMap<PartitionId, CommittedOffset> offsets) {
  public GroupState {
    members = Collections.unmodifiableSortedMap(new TreeMap<>(members));
    topics = Collections.unmodifiableSortedMap(new TreeMap<>(topics));
    offsets = Collections.unmodifiableSortedMap(new TreeMap<>(offsets));
  }

  /** The same, doing something else. */
  public GroupState in(Phase now) {
    return new GroupState(
        name, now, kind, generation, assignor, metadataIndex, members, topics, offsets);
  }

  /** How the members of a group speak: all the same way (rule G11). */
  public enum Kind {
    /** There are none. */
    NONE,
    /** By streams; the group assigns. */
    STREAM,
    /** Kafka's classic protocol; one of the members assigns. */
    CLASSIC
  }

  /** What a group is doing. */
  public enum Phase {
    /** It has no members; its offsets stay. */
    EMPTY,
    /** Every member has what it should have. */
    STABLE,
    /** Partitions are on their way from one member to another. */
    REBALANCING
  }
}
