package io.kontiki.broker.api;

import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.SortedMap;
import java.util.SortedSet;

/** What groups have committed, for reads that name a place by it. */
public interface CommittedOffsets {
  /**
   * A place that was committed.
   *
   * @param leaderEpoch of the record before it; -1: not known
   */
  record At(long offset, int leaderEpoch) {}

  /**
   * As new as every commit that was answered before the call (rule G5).
   *
   * @param completion on the call's loop; partitions of which nothing is committed are missing;
   *     GROUP_NOT_FOUND, COORDINATOR_UNAVAILABLE
   */
  void find(
      CallContext call,
      String group,
      SortedSet<PartitionId> partitions,
      Completion<Result<SortedMap<PartitionId, At>>> completion);
}
