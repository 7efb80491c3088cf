package io.kontiki.broker.replication;

import io.kontiki.broker.partition.CatchUpBudget;

/**
 * One rate for all loops of a broker, which gives way to those who write ({@link CatchUpRate}):
 * bytes are paid for after they are shipped, in time. Unused time is kept for {@link #BURST_BYTES}
 * and no more.
 */
public final class PacedCatchUp implements CatchUpBudget {
  private static final long BURST_BYTES = 1L << 20;

  /** A petabyte a second. */
  private static final long UNLIMITED = 1L << 50;

  private static final long IDLE_NANOS = 1_000_000_000L;

  /** The rate may be another one by then. */
  private static final double LONGEST_WAIT_NANOS = 50e6;

  private final CatchUpRate rate;

  /** Shipped and not paid for; below 0: saved. */
  private double debtBytes = -BURST_BYTES;

  private long paidAtNanos;
  private long shippedAtNanos;

  /**
   * @param bytesPerSecond the most; positive
   */
  public PacedCatchUp(long bytesPerSecond, long nowNanos) {
    this.rate = new CatchUpRate(bytesPerSecond, nowNanos);
    this.paidAtNanos = nowNanos;
    this.shippedAtNanos = nowNanos;
  }

  /**
   * Another bound, from now on.
   *
   * @param bytesPerSecond 0: none
   */
  public synchronized void limit(long bytesPerSecond) {
    rate.limit(bytesPerSecond == 0 ? UNLIMITED : bytesPerSecond);
  }

  @Override
  public synchronized long waitNanos(long nowNanos) {
    pay(nowNanos);
    return debtBytes <= 0
        ? 0
        : 1 + (long) Math.min(LONGEST_WAIT_NANOS, debtBytes * 1e9 / rate.at(nowNanos));
  }

  @Override
  public synchronized void onShipped(long bytes, long nowNanos) {
    pay(nowNanos);
    if (debtBytes <= -BURST_BYTES && nowNanos - shippedAtNanos > IDLE_NANOS) {
      rate.restart();
    }
    shippedAtNanos = nowNanos;
    debtBytes += bytes;
  }

  @Override
  public synchronized void onAppended(long bytes) {
    debtBytes -= bytes;
  }

  @Override
  public synchronized void onCommitted(long waitedNanos, long nowNanos) {
    rate.onCommitted(waitedNanos, nowNanos);
  }

  private void pay(long nowNanos) {
    double paid = rate.at(nowNanos) * (nowNanos - paidAtNanos) / 1e9;
    debtBytes = Math.max(-BURST_BYTES, debtBytes - paid);
    paidAtNanos = nowNanos;
  }
}
