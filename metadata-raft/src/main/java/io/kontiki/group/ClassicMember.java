package io.kontiki.group;

import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A member of a group of Kafka's classic protocol, as applied.
 *
 * @param name Kafka's group.instance.id, makes it static; empty: dynamic
 * @param clientId free text for operators
 * @param host the client's address
 * @param sessionTimeoutMs how long it may be silent
 * @param rebalanceTimeoutMs how long it may take to join again
 * @param topics that it subscribes to, as far as its door can read that
 * @param metadata of the chosen protocol
 * @param assignment from the group's leader; empty until then
 * @param owned what the assignment says, as far as the door can read it; for people
 */
public record ClassicMember(
    String id,
    String name,
    String clientId,
    String host,
    long sessionTimeoutMs,
    long rebalanceTimeoutMs,
    List<String> topics,
    Opaque metadata,
    Opaque assignment,
    SortedSet<PartitionId> owned) {
  private static final int BYTES_PER_CHAR = 3;

  public ClassicMember {
    topics = List.copyOf(topics);
    owned = Collections.unmodifiableSortedSet(new TreeSet<>(owned));
  }

  /** What it has from the leader of its group. */
  public record Assigned(Opaque assignment, SortedSet<PartitionId> owned) {
    /** Nothing. */
    public static final Assigned NOTHING = new Assigned(Opaque.EMPTY, Collections.emptySortedSet());

    public Assigned {
      owned = Collections.unmodifiableSortedSet(new TreeSet<>(owned));
    }
  }

  /** The same member with another assignment. */
  public ClassicMember with(Assigned assigned) {
    return new ClassicMember(
        id,
        name,
        clientId,
        host,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        topics,
        metadata,
        assigned.assignment(),
        assigned.owned());
  }

  /** Bytes that clients made it keep, at most. */
  public int bytes() {
    int chars = id.length() + name.length() + clientId.length() + host.length();
    for (String topic : topics) {
      chars += topic.length() + 1;
    }
    return BYTES_PER_CHAR * chars + metadata.size() + assignment.size();
  }
}
