package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.CommittedOffsets;
import io.kontiki.group.CommittedOffset;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;

/** Looks groups' commits up for reads without a group. Stateless; any loop. */
public final class GroupOffsets implements CommittedOffsets {
  private final Groups groups;

  public GroupOffsets(Groups groups) {
    this.groups = groups;
  }

  @Override
  public void find(
      CallContext call,
      String group,
      SortedSet<PartitionId> partitions,
      Completion<Result<SortedMap<PartitionId, At>>> completion) {
    ApiError bad = SubscriptionCheck.badName("committed_by", group);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    groups.offsets(
        call,
        group,
        partitions,
        answer -> {
          if (answer instanceof Result.Ok<SortedMap<PartitionId, CommittedOffset>> ok
              && ok.value().isEmpty()) {
            whetherThere(call, group, completion);
          } else {
            completion.complete(answer.map(GroupOffsets::places));
          }
        });
  }

  /** A group that is not there has no offsets either, but that is another answer. */
  private void whetherThere(
      CallContext call, String group, Completion<Result<SortedMap<PartitionId, At>>> completion) {
    groups.describe(
        call, group, found -> completion.complete(found.map(report -> new TreeMap<>())));
  }

  private static SortedMap<PartitionId, At> places(
      SortedMap<PartitionId, CommittedOffset> committed) {
    SortedMap<PartitionId, At> places = new TreeMap<>();
    committed.forEach(
        (id, offset) -> places.put(id, new At(offset.offset(), offset.leaderEpoch())));
    return places;
  }
}
