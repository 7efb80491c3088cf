package io.kontiki.client;

import io.kontiki.runtime.RandomSource;

/**
 * Pauses between repetitions: none after news; else up to 10 ms, doubled up to 100 ms, which is
 * shorter than any change of leader. After some seconds of nothing but failures the cluster is
 * down, not changing its leader: then up to 250 ms. Each pause is drawn from the upper half of its
 * range, so that clients who lost the same broker do not come back in step.
 */
final class Backoff {
  private static final long FIRST_NANOS = 10_000_000;
  private static final long MOST_NANOS = 100_000_000;
  private static final long DOWN_NANOS = 250_000_000;

  /** So many in a row take about 3 s. */
  private static final int FAILURES_UNTIL_DOWN = 40;

  private final RandomSource random;
  private int failures;
  private long notBeforeNanos = Long.MIN_VALUE;

  Backoff(RandomSource random) {
    this.random = random;
  }

  /** Something failed: wait. What fails during a pause belongs to the failure that began it. */
  void pause(long nowNanos) {
    if (!waits(nowNanos)) {
      failures++;
      long most =
          failures > FAILURES_UNTIL_DOWN
              ? DOWN_NANOS
              : Math.min(MOST_NANOS, FIRST_NANOS << Math.min(failures - 1, 4));
      notBeforeNanos = nowNanos + most / 2 + random.nextInt((int) (most / 2));
    }
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

  /** When the pause ends; only while it {@link #waits}. */
  long endNanos() {
    return notBeforeNanos;
  }

  /** How much is left of the pause; 0: none. */
  long leftNanos(long nowNanos) {
    return waits(nowNanos) ? notBeforeNanos - nowNanos : 0;
  }
}
