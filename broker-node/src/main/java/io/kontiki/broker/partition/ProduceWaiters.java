package io.kontiki.broker.partition;

import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.model.ApiError;
import io.kontiki.model.Result;
import io.kontiki.replication.PendingAppends;
import io.kontiki.runtime.Completion;
import org.jspecify.annotations.Nullable;

/** Producers whose batches are appended and not yet held as their acks demand. */
final class ProduceWaiters {
  private final PendingAppends<Waiter> forCommit = new PendingAppends<>();
  private final PendingAppends<Waiter> forHold = new PendingAppends<>();

  /** A producer and the answer it will get; its high watermark is filled in at the end. */
  record Waiter(Appended answer, Completion<Result<Appended>> completion) {
    void succeed(long highWatermark) {
      completion.complete(
          Result.ok(
              new Appended(
                  answer.baseOffset(),
                  answer.lastOffset(),
                  answer.appendTimeMs(),
                  answer.logStartOffset(),
                  highWatermark,
                  answer.leaderEpoch())));
    }

    void fail(ApiError error) {
      completion.complete(Result.error(error));
    }
  }

  /** acks=all: waits for the high watermark behind the batch (rule R21). */
  void awaitCommit(Waiter waiter, long deadlineNanos) {
    forCommit.add(waiter.answer.lastOffset() + 1, deadlineNanos, waiter);
  }

  /** acks=leader: waits until the leader itself holds the batch (rule R36). */
  void awaitHold(Waiter waiter, long deadlineNanos) {
    forHold.add(waiter.answer.lastOffset() + 1, deadlineNanos, waiter);
  }

  /**
   * The high watermark is here.
   *
   * @param shown the same as clients are shown it
   * @param failure null, or why it may not count: the in-sync set is too small (rule R21)
   */
  void onCommitted(long highWatermark, long shown, @Nullable ApiError failure) {
    for (Waiter waiter : forCommit.reached(highWatermark)) {
      if (failure == null) {
        waiter.succeed(shown);
      } else {
        waiter.fail(failure);
      }
    }
  }

  /** The leader holds everything below an offset. */
  void onHeld(long heldEnd, long shownHighWatermark) {
    for (Waiter waiter : forHold.reached(heldEnd)) {
      waiter.succeed(shownHighWatermark);
    }
  }

  void expire(long nowNanos, ApiError error) {
    forCommit.expired(nowNanos).forEach(waiter -> waiter.fail(error));
    forHold.expired(nowNanos).forEach(waiter -> waiter.fail(error));
  }

  /** Leadership is lost or the log is gone: nobody can say what becomes of them (rule R23). */
  void failAll(ApiError error) {
    forCommit.drain().forEach(waiter -> waiter.fail(error));
    forHold.drain().forEach(waiter -> waiter.fail(error));
  }

  long nextDeadlineNanos() {
    return Math.min(forCommit.nextDeadlineNanos(), forHold.nextDeadlineNanos());
  }

  int size() {
    return forCommit.size() + forHold.size();
  }
}
