package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.Opaque;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * Groups as Kafka clients use them: at the broker that coordinates them, and nowhere else.
 * Thread-safe; completions run on the given loop. Joins and syncs may wait as long as the members'
 * rebalance timeouts.
 *
 * <p>A group of the classic protocol is a second kind of group in the same shards, with the same
 * offsets (rules G11, G12).
 */
public interface ClassicGroups {
  /**
   * The broker that coordinates a group; COORDINATOR_UNAVAILABLE if nobody does in the call's time.
   */
  void coordinator(CallContext call, String group, Completion<Result<Integer>> completion);

  /**
   * What a member says when it joins.
   *
   * @param memberId empty: new
   * @param name static; empty: dynamic
   * @param offers protocols that it supports, the dearest first
   * @param idRequired a new dynamic member gets its id first and comes again with it (KIP-394)
   * @param skips knows that it may be told not to assign (KIP-814)
   */
  record Join(
      String group,
      String memberId,
      String name,
      String clientId,
      String host,
      String protocolType,
      List<Offer> offers,
      long sessionTimeoutMs,
      long rebalanceTimeoutMs,
      boolean idRequired,
      boolean skips) {
    public Join {
      offers = List.copyOf(offers);
    }
  }

  /**
   * A protocol that a member supports.
   *
   * @param topics that the metadata subscribes to, as far as the door can read it
   */
  record Offer(String name, Opaque metadata, List<String> topics) {
    public Offer {
      topics = List.copyOf(topics);
    }
  }

  /**
   * The member is in.
   *
   * @param skip the leader is not to assign
   * @param members for the leader: all; else none
   */
  record Joined(
      int generation,
      String protocolType,
      String protocol,
      String leader,
      String memberId,
      boolean skip,
      List<Peer> members) {
    public Joined {
      members = List.copyOf(members);
    }
  }

  /** A member, for the leader of its group. */
  record Peer(String memberId, String name, Opaque metadata) {}

  /** Joins; answered when all members have, or the time of those who have not is up. */
  void join(EventLoop loop, Join request, Completion<ClassicReply<Joined>> completion);

  /** Who speaks, and in which generation; -1: none. */
  record Speaker(String group, String memberId, String name, int generation) {}

  /**
   * A member wants its assignment.
   *
   * @param protocolType empty: not said
   * @param protocol empty: not said
   * @param assignments of the leader, by member id
   */
  record Sync(
      Speaker who,
      String protocolType,
      String protocol,
      SortedMap<String, ClassicMember.Assigned> assignments) {
    public Sync {
      assignments = Collections.unmodifiableSortedMap(new TreeMap<>(assignments));
    }
  }

  /** What a member has to do. */
  record Synced(String protocolType, String protocol, Opaque assignment) {}

  /** Answered when the leader has assigned. */
  void sync(EventLoop loop, Sync request, Completion<ClassicReply<Synced>> completion);

  /** "I live." */
  void heartbeat(EventLoop loop, Speaker who, Completion<ClassicReply<Boolean>> completion);

  /** Who leaves: a member id, or a static name, or both. */
  record Leaver(String memberId, String name) {}

  /** Members leave; what is wrong with each, in order. */
  void leave(
      EventLoop loop,
      String group,
      List<Leaver> leavers,
      Completion<ClassicReply<List<Optional<Refusal>>>> completion);

  /** Stores offsets: of a member, or from outside with generation -1 if there are no members. */
  void commit(
      EventLoop loop,
      Speaker who,
      List<OffsetCommit> offsets,
      Completion<ClassicReply<GroupAnswer.Committed>> completion);

  /**
   * What is committed (rule G5).
   *
   * @param partitions empty: all that is
   */
  void offsets(
      EventLoop loop,
      String group,
      Optional<SortedSet<PartitionId>> partitions,
      Completion<ClassicReply<SortedMap<PartitionId, CommittedOffset>>> completion);

  /** Deletes offsets of partitions of one topic to which no member is subscribed. */
  void deleteOffsets(
      EventLoop loop,
      String group,
      String topic,
      List<PartitionId> partitions,
      Completion<ClassicReply<Boolean>> completion);

  /** Deletes a group without members. */
  void delete(EventLoop loop, String group, Completion<ClassicReply<Boolean>> completion);

  /** What a group does, in the classic protocol's words. */
  enum State {
    EMPTY("Empty"),
    PREPARING("PreparingRebalance"),
    COMPLETING("CompletingRebalance"),
    STABLE("Stable");

    private final String word;

    State(String word) {
      this.word = word;
    }

    /** On the wire. */
    public String word() {
      return word;
    }
  }

  /** A line of the list. */
  record Line(String group, Kind kind, String protocolType, State state) {}

  /**
   * A group.
   *
   * @param members of a group of the classic protocol by id; of streams with what each owns
   */
  record Described(Line line, String protocol, List<ClassicMember> members) {
    public Described {
      members = List.copyOf(members);
    }
  }

  /** A group; NOT_FOUND. */
  void describe(EventLoop loop, String group, Completion<ClassicReply<Described>> completion);

  /** The groups that this broker coordinates; LOADING while it cannot tell of some. */
  void list(EventLoop loop, Completion<ClassicReply<List<Line>>> completion);
}
