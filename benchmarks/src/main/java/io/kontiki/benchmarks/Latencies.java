package io.kontiki.benchmarks;

import java.util.concurrent.atomic.AtomicIntegerArray;

/** A histogram of microseconds. Thread-safe. */
final class Latencies {
  private static final int SLOTS = 2_000_000;

  private final AtomicIntegerArray counts = new AtomicIntegerArray(SLOTS);

  void add(long nanos) {
    counts.incrementAndGet((int) Math.min(SLOTS - 1, nanos / 1_000));
  }

  /** In milliseconds. */
  double quantile(double share) {
    long total = 0;
    for (int i = 0; i < SLOTS; i++) {
      total += counts.get(i);
    }
    long due = (long) Math.ceil(total * share);
    long seen = 0;
    for (int i = 0; i < SLOTS; i++) {
      seen += counts.get(i);
      if (seen >= due && seen > 0) {
        return i / 1_000.0;
      }
    }
    return 0;
  }
}
