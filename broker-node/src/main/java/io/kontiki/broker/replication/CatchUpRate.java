package io.kontiki.broker.replication;

import java.util.Arrays;

/**
 * How fast replicas may be caught up without those who write noticing (rule R33): less than best
 * effort, by delay, in the manner of LEDBAT (RFC 6817). The rate grows while commits take about as
 * long as they did in the best moments of the last minute, and shrinks when they take longer,
 * whatever it is that is short: disk, network or processor, here or at a follower. Pure; not
 * thread-safe.
 */
final class CatchUpRate {
  private static final long WINDOW_NANOS = 100_000_000L;
  private static final long BASE_NANOS = 30_000_000_000L;

  /** Commits may take twice as long as at best, and this much more. */
  private static final long TOLERANCE_NANOS = 1_000_000L;

  /** The slowest is the fastest divided by this: a replica comes back under any load. */
  private static final int SLOWEST = 16;

  private static final int MOST_SAMPLES = 64;
  private static final long NONE = Long.MAX_VALUE;

  private double slowest;
  private double fastest;
  private final long[] samples = new long[MOST_SAMPLES];
  private int count;
  private double rate;
  private boolean held;
  private long windowEndNanos;

  /** The best median of a window, in the present half minute and in the one before it. */
  private long best = NONE;

  private long bestBefore = NONE;
  private long baseEndNanos;

  /**
   * @param fastest bytes per second
   */
  CatchUpRate(long fastest, long nowNanos) {
    this.fastest = fastest;
    this.slowest = (double) fastest / SLOWEST;
    this.rate = slowest;
    this.windowEndNanos = nowNanos + WINDOW_NANOS;
    this.baseEndNanos = nowNanos + BASE_NANOS;
  }

  /**
   * Another bound.
   *
   * @param bytesPerSecond positive
   */
  void limit(long bytesPerSecond) {
    if (bytesPerSecond != (long) fastest) {
      fastest = bytesPerSecond;
      slowest = fastest / SLOWEST;
      rate = Math.max(slowest, Math.min(fastest, rate));
    }
  }

  /** Bytes per second, now. */
  double at(long nowNanos) {
    if (nowNanos - windowEndNanos >= 0) {
      endWindow(nowNanos);
    }
    return rate;
  }

  /** Something was appended so long ago, and is committed now. */
  void onCommitted(long waitedNanos, long nowNanos) {
    at(nowNanos);
    if (count < MOST_SAMPLES) {
      samples[count++] = waitedNanos;
    }
  }

  /** Somebody is being caught up after a time in which nobody was. */
  void restart() {
    rate = slowest;
    held = false;
  }

  private void endWindow(long nowNanos) {
    windowEndNanos = nowNanos + WINDOW_NANOS;
    if (nowNanos - baseEndNanos >= 0) {
      baseEndNanos = nowNanos + BASE_NANOS;
      bestBefore = best;
      best = NONE;
    }
    if (count == 0) {
      grow(); // nobody writes, or nobody can: there is nobody to disturb
      return;
    }
    Arrays.sort(samples, 0, count);
    long median = samples[count / 2];
    count = 0;
    best = Math.min(best, median);
    if (median > 2 * Math.min(best, bestBefore) + TOLERANCE_NANOS) {
      held = true;
      rate = Math.max(slowest, rate * 0.6);
    } else {
      grow();
    }
  }

  /** Quickly until it was first too much, then in small steps. */
  private void grow() {
    rate = Math.min(fastest, held ? rate + fastest / 64 : rate * 1.25);
  }
}
