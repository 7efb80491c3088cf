package io.kontiki.benchmarks;

import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;

/** Appends in a closed loop: each acknowledged one is followed by the next of its partition. */
interface Load extends AutoCloseable {
  /** Begins. */
  void start();

  /**
   * Waits until every partition has had an append acknowledged, and its files are there durably.
   */
  void awaitAll();

  /** No further appends begin; those under way end. */
  @Override
  void close();

  /** What one run measures; counts only while it is open. */
  final class Meter {
    private final LongAdder appends = new LongAdder();
    private final Latencies latencies = new Latencies();
    private volatile boolean open;

    void acknowledged(long count, long startNanos) {
      if (open) {
        appends.add(count);
        latencies.add(System.nanoTime() - startNanos);
      }
    }

    void open(boolean nowOpen) {
      open = nowOpen;
    }
  }

  /**
   * What was measured.
   *
   * @param perSecond acknowledged appends
   * @param p50 milliseconds from append to acknowledgement
   * @param p99 likewise
   * @param cpuMicros of the whole process per append
   */
  record Result(double perSecond, double p50, double p99, double cpuMicros) {}

  /** Warms up, then measures. */
  static Result measure(Load load, Meter meter, int warmMs, int measureMs) {
    load.start();
    load.awaitAll();
    pause(warmMs);
    long cpu = cpuNanos();
    long start = System.nanoTime();
    meter.open(true);
    pause(measureMs);
    meter.open(false);
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Result(
        meter.appends.sum() / seconds,
        meter.latencies.quantile(0.5),
        meter.latencies.quantile(0.99),
        (cpuNanos() - cpu) / 1e3 / Math.max(1, meter.appends.sum()));
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** Waits without being interrupted. */
  static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Sleeps. */
  static void pause(int ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
