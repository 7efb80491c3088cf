package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;

/** A member whose stream this broker holds. All calls on the loop of the join. */
public interface Membership {
  /**
   * Commits with the epoch that the listener was told last. Waits and repeats while the coordinator
   * moves, however long that takes, until {@link MemberListener#ended}; commits are applied in the
   * order of the calls.
   *
   * @param completion {@code Ok(Committed)}; MEMBER_FENCED if the member is no more
   */
  void commit(List<OffsetCommit> offsets, Completion<Result<GroupAnswer>> completion);

  /** Gives up partitions that are being revoked, after all commits called before. */
  void release(List<PartitionId> partitions);

  /**
   * The client has spoken, or answered a ping. Cheap; reported now and then.
   *
   * @param msAgo at least within so long
   */
  void seen(long msAgo);

  /**
   * Leaves the group after all commits called before; a static member stays for its session. The
   * listener hears nothing more.
   */
  void leave(CallContext call, Completion<Result<GroupAnswer>> completion);

  /**
   * The stream broke, or is being closed by plan: the member's session runs from now. The listener
   * hears nothing more.
   */
  void abandon();
}
