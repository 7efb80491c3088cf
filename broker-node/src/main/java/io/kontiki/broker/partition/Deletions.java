package io.kontiki.broker.partition;

import io.kontiki.model.ApiError;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;

/**
 * Deletions of records that are not durable yet on every replica that might be elected (rule D5).
 * Belongs to the leader's loop.
 */
final class Deletions {
  private static final int MOST = 1_000;

  private final List<Waiter> waiters = new ArrayList<>();

  private record Waiter(long start, long deadlineNanos, Completion<Result<Long>> completion) {}

  boolean isFull() {
    return waiters.size() >= MOST;
  }

  boolean isEmpty() {
    return waiters.isEmpty();
  }

  /** Waits until all logs begin at an offset or behind it. */
  void await(long start, long deadlineNanos, Completion<Result<Long>> completion) {
    waiters.add(new Waiter(start, deadlineNanos, completion));
  }

  /** Records below an offset are gone for good; the leader's own start may be further already. */
  void onLowWatermark(long lowWatermark) {
    end(waiter -> waiter.start <= lowWatermark, Result.ok(lowWatermark));
  }

  void expire(long nowNanos, ApiError error) {
    end(waiter -> nowNanos - waiter.deadlineNanos >= 0, Result.error(error));
  }

  void failAll(ApiError error) {
    end(waiter -> true, Result.error(error));
  }

  long nextDeadlineNanos() {
    return waiters.stream().mapToLong(Waiter::deadlineNanos).min().orElse(Long.MAX_VALUE);
  }

  private void end(java.util.function.Predicate<Waiter> which, Result<Long> answer) {
    List<Waiter> due = waiters.stream().filter(which).toList();
    waiters.removeAll(due);
    due.forEach(waiter -> waiter.completion.complete(answer));
  }
}
