package io.kontiki.chaos.cluster;

/** The longest time between two successes of any client. Any thread. */
final class PauseMeter {
  private long lastNanos = System.nanoTime();
  private long longestNanos;

  synchronized void onProgress() {
    long now = System.nanoTime();
    longestNanos = Math.max(longestNanos, now - lastNanos);
    lastNanos = now;
  }

  /** Begins anew. */
  synchronized void reset() {
    lastNanos = System.nanoTime();
    longestNanos = 0;
  }

  /** Since the last reset, the pause that goes on included. */
  synchronized long longestMs() {
    return Math.max(longestNanos, System.nanoTime() - lastNanos) / 1_000_000;
  }
}
