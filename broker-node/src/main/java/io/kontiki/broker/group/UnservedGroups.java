package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Refusals;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;

/** Of a broker without coordinators: every call is refused as not served. */
public final class UnservedGroups implements Groups {
  private static ApiError refusal() {
    return Refusals.unimplemented("consumer groups");
  }

  @Override
  public Membership join(
      CallContext call,
      String group,
      String memberId,
      String memberName,
      MemberDetails details,
      MemberListener listener) {
    call.loop().execute(() -> listener.ended(refusal()));
    return new Nobody();
  }

  @Override
  public void submit(
      CallContext call, GroupCommand command, Completion<Result<GroupAnswer>> completion) {
    completion.complete(Result.error(refusal()));
  }

  @Override
  public void offsets(
      CallContext call,
      String group,
      SortedSet<PartitionId> partitions,
      Completion<Result<SortedMap<PartitionId, CommittedOffset>>> completion) {
    completion.complete(Result.error(refusal()));
  }

  @Override
  public void describe(CallContext call, String group, Completion<Result<GroupReport>> completion) {
    completion.complete(Result.error(refusal()));
  }

  @Override
  public void list(CallContext call, Completion<Result<List<GroupLine>>> completion) {
    completion.complete(Result.error(refusal()));
  }

  /** Of a join that was refused. */
  private static final class Nobody implements Membership {
    @Override
    public void commit(List<OffsetCommit> offsets, Completion<Result<GroupAnswer>> completion) {
      completion.complete(Result.error(refusal()));
    }

    @Override
    public void release(List<PartitionId> partitions) {}

    @Override
    public void seen() {}

    @Override
    public void leave(CallContext call, Completion<Result<GroupAnswer>> completion) {
      completion.complete(Result.error(refusal()));
    }

    @Override
    public void abandon() {}
  }
}
