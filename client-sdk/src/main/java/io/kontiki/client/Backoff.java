package io.kontiki.client;

/**
 * Pauses between repetitions: none after news, then 10 ms, growing to 50 ms. Short, because a
 * change of leader takes tenths of a second; bounded, so that it is at most some dozens of calls a
 * second.
 */
final class Backoff {
  private static final long STEP_NANOS = 10_000_000;
  private static final long MOST_NANOS = 50_000_000;

  private int failures;
  private long notBeforeNanos = Long.MIN_VALUE;

  /** Something failed: wait. */
  void pause(long nowNanos) {
    failures++;
    notBeforeNanos = nowNanos + Math.min(MOST_NANOS, failures * STEP_NANOS);
  }

  /** Something failed and said how long to wait. */
  void pause(long nowNanos, long retryAfterMs) {
    pause(nowNanos);
    if (retryAfterMs > 0) {
      notBeforeNanos = Math.max(notBeforeNanos, nowNanos + retryAfterMs * 1_000_000);
    }
  }

  /** There are news: try at once. */
  void reset() {
    failures = 0;
    notBeforeNanos = Long.MIN_VALUE;
  }

  boolean waits(long nowNanos) {
    return nowNanos < notBeforeNanos;
  }

  /** When the pause ends; in the past if there is none. */
  long endNanos() {
    return notBeforeNanos;
  }
}
