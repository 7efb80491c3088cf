package io.kontiki.broker.group;

import io.kontiki.group.GroupAnswer;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;
import java.util.TreeMap;

/**
 * Commits of one stream that are not answered yet, by partition. A look-up of what is committed may
 * overtake them: where delivery begins may not be asked for while one of them is under way, else
 * the commit could be acknowledged beside an assignment that begins before it (rule G5). Lives on
 * the stream's loop.
 */
final class UnderWay {
  private final Membership membership;
  private final TreeMap<PartitionId, Integer> commits = new TreeMap<>();
  private Runnable answered = () -> {};

  UnderWay(Membership membership) {
    this.membership = membership;
  }

  /** Told after each answer, when it has been dealt with. */
  void onAnswered(Runnable listener) {
    answered = listener;
  }

  /** Whether a commit for the partition is not answered. */
  boolean has(PartitionId partition) {
    return commits.containsKey(partition);
  }

  /** As {@link Membership#commit}; when it completes, this one is not under way any more. */
  void commit(List<OffsetCommit> offsets, Completion<Result<GroupAnswer>> completion) {
    List<PartitionId> partitions = offsets.stream().map(OffsetCommit::partition).toList();
    partitions.forEach(partition -> commits.merge(partition, 1, Integer::sum));
    membership.commit(
        offsets,
        answer -> {
          partitions.forEach(
              partition ->
                  commits.computeIfPresent(
                      partition, (key, count) -> count == 1 ? null : count - 1));
          completion.complete(answer);
          answered.run();
        });
  }
}
