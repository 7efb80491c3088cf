package io.kontiki.group;

import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A group, as applied: an immutable picture for those who ask.
 *
 * @param generation grows with every change of who owns what
 * @param assignor in use: the one that most members ask for
 * @param metadataIndex of the newest image that its topics were told from
 * @param members by id
 * @param topics known to it, by name: those subscribed to, and those with offsets
 * @param offsets committed
 */
public record GroupState(
    String name,
    Phase phase,
    int generation,
    Assignor assignor,
    long metadataIndex,
    SortedMap<String, MemberState> members,
    SortedMap<String, KnownTopic> topics,
    SortedMap<PartitionId, CommittedOffset> offsets) {
  public GroupState {
    members = Collections.unmodifiableSortedMap(new TreeMap<>(members));
    topics = Collections.unmodifiableSortedMap(new TreeMap<>(topics));
    offsets = Collections.unmodifiableSortedMap(new TreeMap<>(offsets));
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
