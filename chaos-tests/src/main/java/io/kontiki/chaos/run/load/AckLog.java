package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Log;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** When records of each partition were acknowledged, in nanoseconds of this process. Any thread. */
public final class AckLog {
  private final Map<Log, Times> times = new TreeMap<>();

  /** One partition's, in the order in which they were added: ascending. */
  private static final class Times {
    private long[] nanos = new long[1024];
    private int count;

    void add(long now) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = now;
    }

    long longestGap(long from, long to) {
      int next = Arrays.binarySearch(nanos, 0, count, from);
      next = next >= 0 ? next : -next - 1;
      long last = next == 0 ? from : nanos[next - 1];
      long longest = 0;
      for (; next < count && last < to; next++) {
        longest = Math.max(longest, nanos[next] - last);
        last = nanos[next];
      }
      return last < to ? Math.max(longest, to - last) : longest;
    }
  }

  /** One more acknowledgement, now. */
  public synchronized void add(Log log) {
    times.computeIfAbsent(log, any -> new Times()).add(System.nanoTime());
  }

  /**
   * The longest time without an acknowledgement, by partition, of those that overlap a span. In
   * nanoseconds.
   */
  public synchronized Map<Log, Long> longestGaps(long from, long to) {
    Map<Log, Long> gaps = new TreeMap<>();
    times.forEach((log, one) -> gaps.put(log, one.longestGap(from, to)));
    return gaps;
  }

  /**
   * How many there were from one moment to another, in slots of equal length, of all partitions.
   */
  public synchronized int[] perSlot(long from, long to, int slots) {
    int[] counts = new int[slots];
    for (Times one : times.values()) {
      for (int i = 0; i < one.count; i++) {
        long at = one.nanos[i] - from;
        if (at >= 0 && at < to - from) {
          counts[(int) (at * slots / (to - from))]++;
        }
      }
    }
    return counts;
  }

  /** Whether every partition that had any has had one since. */
  public synchronized boolean allWentOn(long since) {
    return times.values().stream().allMatch(one -> one.nanos[one.count - 1] > since);
  }
}
