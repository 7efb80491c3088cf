package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ReadIndexClosure;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Rule M14 for one group: confirms to many callers at once that this node leads. An answer rests on
 * a ReadIndex round that began after the question, and on the same leadership before and after it,
 * since JRaft forwards the round of a follower to the leader, where it succeeds.
 *
 * <p>Rounds begin at least 100 ms apart, and none without a question: idle costs nothing.
 */
final class LeaderRounds {
  /** The answer when this node does not lead, or cannot prove it. */
  static final long NOT_LEADER = -1;

  private static final long SPACING_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final byte[] NO_CONTEXT = new byte[0];

  private final Node node;
  private final LongSupplier ledTerm;
  private final ScheduledExecutorService timer;
  private final long timeoutMs;

  private List<Completion<Long>> waiting = new ArrayList<>();
  private boolean scheduled;
  private long lastRoundNanos = System.nanoTime() - SPACING_NANOS;

  /**
   * @param ledTerm the term that this node leads, or {@link #NOT_LEADER}
   * @param timer runs nothing that waits
   * @param timeoutMs of one round
   */
  LeaderRounds(Node node, LongSupplier ledTerm, ScheduledExecutorService timer, long timeoutMs) {
    this.node = node;
    this.ledTerm = ledTerm;
    this.timer = timer;
    this.timeoutMs = timeoutMs;
  }

  /** Answers with the term that this node leads, or {@link #NOT_LEADER}; never under a lock. */
  void confirm(Completion<Long> answer) {
    if (led() == NOT_LEADER) {
      answer.complete(NOT_LEADER);
      return;
    }
    synchronized (this) {
      waiting.add(answer);
      if (scheduled) {
        return;
      }
      scheduled = true;
      long delay = lastRoundNanos + SPACING_NANOS - System.nanoTime();
      try {
        Future<?> unused = timer.schedule(this::round, Math.max(0, delay), TimeUnit.NANOSECONDS);
        return;
      } catch (RejectedExecutionException e) {
        waiting.remove(answer); // shutting down
        scheduled = false;
      }
    }
    answer.complete(NOT_LEADER);
  }

  private void round() {
    List<Completion<Long>> asked;
    synchronized (this) {
      asked = waiting;
      waiting = new ArrayList<>();
      scheduled = false;
      lastRoundNanos = System.nanoTime();
    }
    long before = led();
    if (before == NOT_LEADER) {
      answer(asked, NOT_LEADER);
      return;
    }
    OnceReadIndex closure =
        new OnceReadIndex(timeoutMs) {
          @Override
          void ended(boolean found, long index) {
            answer(asked, found && led() == before ? before : NOT_LEADER);
          }
        };
    try {
      node.readIndex(NO_CONTEXT, closure);
    } catch (IllegalStateException e) {
      closure.give(false, -1); // shutting down
    }
  }

  private long led() {
    long term = ledTerm.getAsLong();
    return node.isLeader(false) ? term : NOT_LEADER;
  }

  private static void answer(List<Completion<Long>> asked, long term) {
    asked.forEach(one -> one.complete(term));
  }

  /** JRaft may both run a closure and throw: the first counts. */
  abstract static class OnceReadIndex extends ReadIndexClosure {
    private boolean given;

    OnceReadIndex(long timeoutMs) {
      super(timeoutMs);
    }

    abstract void ended(boolean found, long index);

    final void give(boolean found, long index) {
      synchronized (this) {
        if (given) {
          return;
        }
        given = true;
      }
      ended(found, index);
    }

    @Override
    public final void run(Status status, long index, byte @Nullable [] context) {
      give(status.isOk(), index);
    }
  }
}
