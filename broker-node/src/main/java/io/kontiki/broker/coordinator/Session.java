package io.kontiki.broker.coordinator;

import io.kontiki.group.MemberState;
import io.kontiki.group.OwnedPartition;
import io.kontiki.group.PartitionLoss;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a coordinator believes of a member: soft, and begun anew by each coordinator (rule G3). */
final class Session implements Comparable<Session> {
  static final long NEVER = Long.MAX_VALUE;
  private static final long NANOS_PER_MS = 1_000_000;

  final String group;
  final String memberId;
  MemberState member;

  /** Of the broker that holds the stream; null: detached. */
  @Nullable BrokerLink link;

  /** When it expires, unless it is attached. */
  long expiresAt = NEVER;

  /** Why it is going to expire. */
  String why = "";

  /** Its broker was fenced while it held the stream: expires at once. */
  boolean fenced;

  /**
   * Its stream ended while its broker was well, as the broker said itself or was stopping by plan:
   * a fence that follows does not cut the session short.
   */
  boolean spared;

  /** An expiry is under way. */
  boolean expiring;

  /** A forced release is under way. */
  boolean releasing;

  /** When each partition that is being revoked is taken by force. */
  final TreeMap<PartitionId, Long> revokeAt = new TreeMap<>();

  /** What went since the member was told last. */
  final TreeMap<PartitionId, PartitionLoss> lost = new TreeMap<>();

  /** When its client last spoke; 0: not since this coordinator began. */
  long lastSeenMs;

  /** The key under which it waits for its time; {@link #NEVER}: it does not. */
  long dueAt = NEVER;

  Session(String group, MemberState member) {
    this.group = group;
    this.memberId = member.id();
    this.member = member;
  }

  long sessionNanos() {
    return member.details().sessionTimeoutMs() * NANOS_PER_MS;
  }

  /** The state as applied; what is newly being revoked gets its time from now. */
  void update(MemberState newest, long now) {
    member = newest;
    revokeAt.keySet().removeIf(partition -> !revoking(newest, partition));
    long at = now + newest.details().revokeTimeoutMs() * NANOS_PER_MS;
    for (Map.Entry<PartitionId, OwnedPartition> owned : newest.owned().entrySet()) {
      if (owned.getValue().revoking()) {
        revokeAt.putIfAbsent(owned.getKey(), at);
      }
    }
  }

  private static boolean revoking(MemberState member, PartitionId partition) {
    OwnedPartition owned = member.owned().get(partition);
    return owned != null && owned.revoking();
  }

  /** When something is due next. */
  long nextDue() {
    long due = NEVER;
    if (!expiring && (fenced || link == null)) {
      due = expiresAt;
    }
    if (!releasing) {
      for (long at : revokeAt.values()) {
        due = Math.min(due, at);
      }
    }
    return due;
  }

  /** Partitions whose revoke timeout has passed. */
  List<PartitionId> overdue(long now) {
    return revokeAt.entrySet().stream()
        .filter(entry -> entry.getValue() <= now)
        .map(Map.Entry::getKey)
        .toList();
  }

  @Override
  public int compareTo(Session other) {
    int byGroup = group.compareTo(other.group);
    return byGroup != 0 ? byGroup : memberId.compareTo(other.memberId);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }

  @Override
  public String toString() {
    return memberId + " of group " + group;
  }
}
