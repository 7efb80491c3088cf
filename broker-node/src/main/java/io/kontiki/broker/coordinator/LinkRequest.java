package io.kontiki.broker.coordinator;

import io.kontiki.group.GroupCommand;
import io.kontiki.group.MemberDetails;
import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a broker says to a coordinator on its link, in order. Requests with an id are answered. */
public sealed interface LinkRequest {
  /**
   * The first word.
   *
   * @param brokerEpoch of the process: members that joined in another epoch are not its own
   */
  record Open(int shard, int brokerId, long brokerEpoch) implements LinkRequest {}

  /** Members whose streams this broker holds; answered with the state of each, or its end. */
  record Claims(List<Claim> members) implements LinkRequest {
    public Claims {
      members = List.copyOf(members);
    }
  }

  /** A member. */
  record Claim(String group, String memberId) {}

  /**
   * A member joins; may be repeated.
   *
   * @param newMemberId the same in every repetition
   * @param memberId of an earlier stream, or empty
   * @param memberName static, or empty
   * @param metadataIndex that the broker has seen: what the coordinator takes for the group's
   *     topics is not older (rule G7)
   */
  record Join(
      long id,
      String group,
      String newMemberId,
      String memberId,
      String memberName,
      MemberDetails details,
      long metadataIndex)
      implements LinkRequest {}

  /** Commands other than joins; applied in their order, all answered at once. */
  record Submit(long id, List<GroupCommand> commands) implements LinkRequest {
    public Submit {
      commands = List.copyOf(commands);
    }
  }

  /** The stream of a member is gone: its session runs from now (rule G3). */
  record Abandon(String group, String memberId) implements LinkRequest {}

  /** "I live", every half second, and which clients have spoken since the last time. */
  record Heartbeat(List<Seen> seen) implements LinkRequest {
    public Heartbeat {
      seen = List.copyOf(seen);
    }
  }

  /**
   * A client has spoken.
   *
   * @param wallMs milliseconds since 1970, for display
   */
  record Seen(String group, String memberId, long wallMs) {}

  /** What is committed (rule G5). */
  record Offsets(long id, String group, SortedSet<PartitionId> partitions) implements LinkRequest {
    public Offsets {
      partitions = Collections.unmodifiableSortedSet(new TreeSet<>(partitions));
    }
  }

  /** A group with what only its coordinator knows. */
  record Describe(long id, String group) implements LinkRequest {}

  /** The shard's groups. */
  record ListGroups(long id) implements LinkRequest {}
}
