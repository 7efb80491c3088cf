package io.kontiki.replication;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Who waits for an end offset to be reached, in the order of the offsets. Answers to repeated
 * batches (rule I2) may come in at lower offsets than what waits already.
 *
 * @param <W> who waits
 */
public final class PendingAppends<W> {
  private static final long NONE = Long.MAX_VALUE;

  private final ArrayDeque<Entry<W>> waiting = new ArrayDeque<>(0);

  /** Not later than the earliest deadline; it need not be moved on when its waiter completes. */
  private long nextDeadline = NONE;

  /**
   * Adds a waiter.
   *
   * @param endOffset exclusive: last offset + 1
   * @param deadlineNanos when waiting ends
   */
  public void add(long endOffset, long deadlineNanos, W waiter) {
    Entry<W> entry = new Entry<>(endOffset, deadlineNanos, waiter);
    nextDeadline = Math.min(nextDeadline, deadlineNanos);
    if (waiting.isEmpty() || waiting.getLast().endOffset <= endOffset) {
      waiting.addLast(entry);
      return;
    }
    ArrayDeque<Entry<W>> behind = new ArrayDeque<>();
    while (!waiting.isEmpty() && waiting.getLast().endOffset > endOffset) {
      behind.addFirst(waiting.removeLast());
    }
    waiting.addLast(entry);
    waiting.addAll(behind);
  }

  /** Takes out everybody who waited for {@code endOffset} or less, in order. */
  public List<W> reached(long endOffset) {
    if (waiting.isEmpty() || waiting.getFirst().endOffset > endOffset) {
      return List.of();
    }
    List<W> done = new ArrayList<>();
    while (!waiting.isEmpty() && waiting.getFirst().endOffset <= endOffset) {
      done.add(waiting.removeFirst().waiter);
    }
    return done;
  }

  /** Takes out everybody whose time is up, in order. */
  public List<W> expired(long nowNanos) {
    if (nowNanos < nextDeadline) {
      return List.of();
    }
    List<W> done = new ArrayList<>();
    nextDeadline = NONE;
    for (Iterator<Entry<W>> it = waiting.iterator(); it.hasNext(); ) {
      Entry<W> entry = it.next();
      if (entry.deadlineNanos <= nowNanos) {
        done.add(entry.waiter);
        it.remove();
      } else {
        nextDeadline = Math.min(nextDeadline, entry.deadlineNanos);
      }
    }
    return done;
  }

  /** Takes out everybody, in order: leadership is lost (rule R23). */
  public List<W> drain() {
    List<W> all = new ArrayList<>(waiting.size());
    for (Entry<W> entry : waiting) {
      all.add(entry.waiter);
    }
    waiting.clear();
    nextDeadline = NONE;
    return all;
  }

  /** When to call {@link #expired} next; {@code Long.MAX_VALUE}: not at all. */
  public long nextDeadlineNanos() {
    return waiting.isEmpty() ? NONE : nextDeadline;
  }

  /** How many wait. */
  public int size() {
    return waiting.size();
  }

  private record Entry<W>(long endOffset, long deadlineNanos, W waiter) {}
}
