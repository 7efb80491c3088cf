package io.kontiki.group;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A change that somebody asks for. Each is a compare-and-set on a member and its epoch, checked at
 * apply (rules G1, M1, M2); the time in it is the proposer's, for display only. One Raft entry
 * carries many.
 */
public sealed interface GroupCommand {
  /** Milliseconds since 1970 by the proposer's clock. */
  long timeMs();

  /**
   * A member joins, or takes its membership up again from another stream. The answer is {@link
   * GroupAnswer.Joined}.
   *
   * @param newMemberId random, for a member that is new
   * @param memberId of an earlier stream; taken up if that member is still there; else empty
   * @param memberName makes it static: it takes the place and the partitions of the one with this
   *     name; else empty
   * @param topics of all members, the joining one included
   */
  record JoinGroup(
      long timeMs,
      String group,
      String newMemberId,
      String memberId,
      String memberName,
      MemberDetails details,
      TopicsSeen topics)
      implements GroupCommand {}

  /** A member leaves of its own will. */
  record LeaveGroup(long timeMs, String group, String memberId, int memberEpoch)
      implements GroupCommand {}

  /**
   * A member's session has passed, or its broker was fenced (rule G3).
   *
   * @param memberEpoch that was judged: a member that came back since stays
   * @param reason for people
   */
  record ExpireMember(long timeMs, String group, String memberId, int memberEpoch, String reason)
      implements GroupCommand {}

  /**
   * A member gives up partitions that it was asked to give up (rule G2); others are ignored.
   *
   * @param forced its time was up
   */
  record ReleasePartitions(
      long timeMs,
      String group,
      String memberId,
      int memberEpoch,
      List<PartitionId> partitions,
      boolean forced)
      implements GroupCommand {
    public ReleasePartitions {
      partitions = List.copyOf(partitions);
    }
  }

  /**
   * Commits offsets (rules G4, G10). A commit for a partition counts if its member has owned it
   * without a break since {@code memberEpoch} or before.
   *
   * @param memberId empty: from outside, for a group without members
   * @param memberEpoch that the member knew
   * @param all either all offsets are stored, or none
   */
  record CommitOffsets(
      long timeMs,
      String group,
      String memberId,
      int memberEpoch,
      List<OffsetCommit> offsets,
      boolean all)
      implements GroupCommand {
    public CommitOffsets {
      offsets = List.copyOf(offsets);
    }
  }

  /** An administrator sets offsets of a group without members; makes the group (rule G10). */
  record ResetOffsets(long timeMs, String group, List<OffsetCommit> offsets)
      implements GroupCommand {
    public ResetOffsets {
      offsets = List.copyOf(offsets);
    }
  }

  /**
   * Deletes committed offsets of partitions to whose topic no member is subscribed.
   *
   * @param topics names of the partitions' topics: members of a classic group tell names alone
   */
  record DeleteOffsets(long timeMs, String group, List<PartitionId> partitions, List<String> topics)
      implements GroupCommand {
    public DeleteOffsets {
      partitions = List.copyOf(partitions);
      topics = List.copyOf(topics);
    }
  }

  /** Deletes a group without members. */
  record DeleteGroup(long timeMs, String group) implements GroupCommand {}

  /** The group's topics have changed (rules G7, G9). */
  record UpdateTopics(long timeMs, String group, TopicsSeen topics) implements GroupCommand {}

  /**
   * All members of a classic group have joined, or their time was up (rule G11): the next
   * generation begins, with these members and nobody else, without assignments. Makes the group.
   *
   * @param generation that it ends
   * @param leader id of one of the members
   * @param members without assignments
   */
  record CompleteJoin(
      long timeMs,
      String group,
      int generation,
      String protocolType,
      String protocol,
      String leader,
      List<ClassicMember> members)
      implements GroupCommand {
    public CompleteJoin {
      members = List.copyOf(members);
    }
  }

  /**
   * The leader of a classic group has assigned (rule G12); once in a generation.
   *
   * @param assignments by member id; who is missing has nothing
   */
  record SyncClassic(
      long timeMs,
      String group,
      int generation,
      SortedMap<String, ClassicMember.Assigned> assignments)
      implements GroupCommand {
    public SyncClassic {
      assignments = Collections.unmodifiableSortedMap(new TreeMap<>(assignments));
    }
  }

  /** Members of a classic group leave, or their sessions have passed (rule G3). */
  record EndClassic(
      long timeMs, String group, int generation, List<String> memberIds, MemberEnd how)
      implements GroupCommand {
    public EndClassic {
      memberIds = List.copyOf(memberIds);
    }
  }

  /**
   * A static member of a classic group has started anew, and goes on under another id in the same
   * generation.
   *
   * @param memberId before
   * @param member as it is now; its assignment stays
   */
  record ReplaceClassic(
      long timeMs, String group, int generation, String memberId, ClassicMember member)
      implements GroupCommand {}

  /** A topic was deleted, on a tombstone (rule G8); concerns every group of the shard. */
  record ForgetTopic(long timeMs, TopicId topicId) implements GroupCommand {}
}
