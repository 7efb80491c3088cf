package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.Node;
import io.kontiki.runtime.Completion;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Rule M4 for one group. A read is tried again until its deadline: just after an election a leader
 * that has not committed an entry of its term refuses it, and during one there is nobody to ask.
 */
final class ReadIndexes {
  private static final long NO_INDEX = -1;
  private static final long RETRY_MS = 25;
  private static final byte[] NO_CONTEXT = new byte[0];

  private final Node node;
  private final ScheduledExecutorService timer;
  private final long attemptMs;
  private final long deadlineNanos;
  private volatile boolean closed;

  /**
   * @param attemptMs of one attempt
   * @param deadlineMs of all attempts of a read
   */
  ReadIndexes(Node node, ScheduledExecutorService timer, long attemptMs, long deadlineMs) {
    this.node = node;
    this.timer = timer;
    this.attemptMs = attemptMs;
    this.deadlineNanos = TimeUnit.MILLISECONDS.toNanos(deadlineMs);
  }

  /** Answers with an index that this node has applied, or -1. */
  void read(Completion<Long> completion) {
    attempt(completion, System.nanoTime() + deadlineNanos);
  }

  /** Reads that wait for their next attempt end without an index. */
  void close() {
    closed = true;
  }

  private void attempt(Completion<Long> completion, long until) {
    long leftMs = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
    if (closed || leftMs <= 0) {
      completion.complete(NO_INDEX);
      return;
    }
    LeaderRounds.OnceReadIndex closure =
        new LeaderRounds.OnceReadIndex(Math.min(attemptMs, leftMs)) {
          @Override
          void ended(boolean found, long index) {
            if (found) {
              completion.complete(index);
            } else {
              retry(completion, until);
            }
          }
        };
    try {
      node.readIndex(NO_CONTEXT, closure);
    } catch (IllegalStateException e) {
      closure.give(false, NO_INDEX); // shutting down
    }
  }

  private void retry(Completion<Long> completion, long until) {
    if (!closed) {
      try {
        Future<?> unused =
            timer.schedule(() -> attempt(completion, until), RETRY_MS, TimeUnit.MILLISECONDS);
        return;
      } catch (RejectedExecutionException e) {
        // shutting down
      }
    }
    completion.complete(NO_INDEX);
  }
}
