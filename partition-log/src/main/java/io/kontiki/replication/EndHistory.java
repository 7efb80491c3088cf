package io.kontiki.replication;

import java.util.Arrays;

/**
 * Where a log ended some time ago, to the half second: what "caught up" is measured against, never
 * a distance in records (rule R38). Nothing is kept of a log that stands still.
 */
final class EndHistory {
  private static final int CAPACITY = 24;
  private static final long STEP_NANOS = 500_000_000L;

  private static final long[] NONE = {};

  // As long as they need to be: most logs stand still.
  private long[] times = NONE;
  private long[] ends = NONE;
  private int first;
  private int size;

  /** Notes the log end; steps shorter than half a second are left out. */
  void note(long nowNanos, long endOffset) {
    if (size > 0) {
      int last = at(size - 1);
      if (ends[last] == endOffset || nowNanos - times[last] < STEP_NANOS) {
        return;
      }
    }
    if (size == CAPACITY) {
      first = at(1);
      size--;
    } else if (size == times.length) {
      // Nothing has been taken out before it has its full length, so the first is at 0.
      int length = size == 0 ? 1 : size == 1 ? 4 : CAPACITY;
      times = Arrays.copyOf(times, length);
      ends = Arrays.copyOf(ends, length);
    }
    int next = at(size++);
    times[next] = nowNanos;
    ends[next] = endOffset;
  }

  /** Whether the newest end noted is this one: a step may have been left out. */
  boolean endsWith(long endOffset) {
    return size > 0 && ends[at(size - 1)] == endOffset;
  }

  /** A lower bound of the log end at a time, or -1 if nothing so old is known. */
  long endAt(long nanos) {
    for (int i = size - 1; i >= 0; i--) {
      if (times[at(i)] - nanos <= 0) {
        return ends[at(i)];
      }
    }
    return -1;
  }

  private int at(int index) {
    return (first + index) % times.length;
  }
}
