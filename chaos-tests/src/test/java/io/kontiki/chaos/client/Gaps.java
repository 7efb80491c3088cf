package io.kontiki.chaos.client;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/** The longest time without progress in any of several places, as of partitions. Any thread. */
final class Gaps {
  private final Map<String, Long> lastNanos = new TreeMap<>();
  private long longestNanos;

  /**
   * @param places each must get on; all begin now
   */
  Gaps(Collection<String> places) {
    long now = System.nanoTime();
    places.forEach(place -> lastNanos.put(place, now));
  }

  synchronized void onProgress(String place) {
    long now = System.nanoTime();
    Long last = lastNanos.put(place, now);
    if (last == null) {
      throw new IllegalArgumentException("no place '" + place + "', only " + lastNanos.keySet());
    }
    longestNanos = Math.max(longestNanos, now - last);
  }

  /** Forgets the gaps that are over; one that goes on counts from now. */
  synchronized void reset() {
    long now = System.nanoTime();
    lastNanos.replaceAll((place, last) -> now);
    longestNanos = 0;
  }

  /** Since the last reset, gaps that go on included. */
  synchronized long longestMs() {
    long now = System.nanoTime();
    long longest = longestNanos;
    for (long last : lastNanos.values()) {
      longest = Math.max(longest, now - last);
    }
    return longest / 1_000_000;
  }

  /** Whether there was progress everywhere after this time. */
  synchronized boolean allWentOn(long sinceNanos) {
    return lastNanos.values().stream().allMatch(last -> last - sinceNanos > 0);
  }
}
