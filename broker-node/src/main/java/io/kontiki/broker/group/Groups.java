package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.MemberDetails;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;

/**
 * This broker's way to the coordinators of groups, whoever they are at the moment. Thread-safe;
 * completions and listeners run on the loop of the call.
 *
 * <p>While a coordinator moves, calls wait and are repeated as far as that is safe (rule G6); at
 * the call's end they are refused with COORDINATOR_UNAVAILABLE, or OUTCOME_UNKNOWN if a command may
 * still be applied.
 */
public interface Groups {
  /**
   * Makes a member, or takes one up again, and keeps it from here on: the coordinator hears from
   * this broker that its client is there. The first word to the listener is {@link
   * MemberListener#changed} or {@link MemberListener#ended}.
   *
   * @param memberId of an earlier stream; else empty
   * @param memberName static; else empty
   * @param details with this broker's id and epoch filled in by the callee
   */
  Membership join(
      CallContext call,
      String group,
      String memberId,
      String memberName,
      MemberDetails details,
      MemberListener listener);

  /**
   * A command that comes from no stream: CommitOffsets, ResetOffsets, DeleteOffsets, DeleteGroup,
   * and LeaveGroup of another's member. A rejection arrives as {@code Ok(Rejected)}.
   */
  void submit(CallContext call, GroupCommand command, Completion<Result<GroupAnswer>> completion);

  /**
   * What a group has committed, at least as new as every answer given before the call (rule G5).
   * Partitions without a committed offset are missing in the answer; a group that is not there has
   * none.
   */
  void offsets(
      CallContext call,
      String group,
      SortedSet<PartitionId> partitions,
      Completion<Result<SortedMap<PartitionId, CommittedOffset>>> completion);

  /** A group, with what only its coordinator knows; GROUP_NOT_FOUND. */
  void describe(CallContext call, String group, Completion<Result<GroupReport>> completion);

  /** All groups of all shards, by name. */
  void list(CallContext call, Completion<Result<List<GroupLine>>> completion);
}
