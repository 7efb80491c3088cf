package io.kontiki.chaos.cluster;

import java.util.Map;
import java.util.TreeMap;

/**
 * The longest time that any client waited between two of its successes. A pause that only some see,
 * because others use another partition or broker, counts in full. Any thread.
 */
public final class PauseMeter {
  private final Map<String, Long> lastNanos = new TreeMap<>();
  private long longestNanos;

  public synchronized void onProgress(String client) {
    long now = System.nanoTime();
    Long last = lastNanos.put(client, now);
    if (last != null) {
      longestNanos = Math.max(longestNanos, now - last);
    }
  }

  /** Begins anew. */
  public synchronized void reset() {
    long now = System.nanoTime();
    lastNanos.replaceAll((client, last) -> now);
    longestNanos = 0;
  }

  /** Since the last reset, pauses that go on included. */
  public synchronized long longestMs() {
    long now = System.nanoTime();
    long longest = longestNanos;
    for (long last : lastNanos.values()) {
      longest = Math.max(longest, now - last);
    }
    return longest / 1_000_000;
  }

  /** Whether every client has had a success since the last reset. */
  public synchronized boolean allWentOn(long sinceNanos) {
    return lastNanos.values().stream().allMatch(last -> last - sinceNanos > 0);
  }
}
