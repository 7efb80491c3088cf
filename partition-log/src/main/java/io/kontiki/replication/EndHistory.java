package io.kontiki.replication;

/**
 * Where a log ended some time ago, to the half second: what "caught up" is measured against, never
 * a distance in records (rule R38). Nothing is kept of a log that stands still.
 */
final class EndHistory {
  private static final int CAPACITY = 24;
  private static final long STEP_NANOS = 500_000_000L;

  private final long[] times = new long[CAPACITY];
  private final long[] ends = new long[CAPACITY];
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
    }
    int next = at(size++);
    times[next] = nowNanos;
    ends[next] = endOffset;
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
    return (first + index) % CAPACITY;
  }
}
