package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Finds the leader epoch of the record before an offset, for commits that do not tell it: who goes
 * on from there notices by it that the log was truncated (P10). Stateless; any loop.
 */
final class EpochFinder {
  /** For all that is asked at a time; what is not found by then stays untold. */
  private static final long FIND_NANOS = 1_000_000_000L;

  private final PartitionRequests partitions;

  EpochFinder(PartitionRequests partitions) {
    this.partitions = partitions;
  }

  /**
   * A question.
   *
   * @param presentEpoch of the partition's leader
   */
  record Question(PartitionId partition, long offset, int presentEpoch) {}

  /** Answers in order; {@link Place#NO_EPOCH} where it is not known. On the call's loop. */
  void find(CallContext call, List<Question> questions, Completion<List<Integer>> found) {
    long deadline = Math.min(call.answerByNanos(), call.loop().clock().nanoTime() + FIND_NANOS);
    Gather.<Integer>all(
        call.loop(),
        questions.size(),
        i -> Place.NO_EPOCH,
        (i, answer) -> find(call, questions.get(i), deadline, answer),
        found);
  }

  private void find(
      CallContext call, Question question, long deadline, Completion<Integer> answer) {
    if (question.offset() == 0 || question.presentEpoch() < 0) {
      answer.complete(Place.NO_EPOCH);
    } else if (question.presentEpoch() == 0) {
      answer.complete(0); // there was no other
    } else if (call.loop().clock().nanoTime() >= deadline) {
      answer.complete(Place.NO_EPOCH);
    } else {
      long before = question.offset() - 1;
      partitions.fetch(
          new Fetch(
              question.partition(), -1, before, Place.NO_EPOCH, 1, 0, deadline, Route.FORWARD),
          fetched ->
              answer.complete(
                  fetched instanceof FetchAnswer.Fetched batches
                      ? epochOf(batches.batches(), before)
                      : Place.NO_EPOCH));
    }
  }

  /** Of the batch that holds the record; a record that compaction took leaves none. */
  private static int epochOf(List<ByteBuffer> batches, long offset) {
    if (batches.isEmpty()) {
      return Place.NO_EPOCH;
    }
    RecordBatch first = RecordBatch.at(batches.get(0));
    return first.baseOffset() <= offset && offset <= first.lastOffset()
        ? first.leaderEpoch()
        : Place.NO_EPOCH;
  }
}
