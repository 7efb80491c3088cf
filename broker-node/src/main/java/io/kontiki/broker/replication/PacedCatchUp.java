package io.kontiki.broker.replication;

import io.kontiki.broker.partition.CatchUpBudget;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A steady rate for all loops of a broker: bytes are paid for after they are shipped, in time.
 * Unused time is kept for {@link #BURST_BYTES} and no more.
 */
public final class PacedCatchUp implements CatchUpBudget {
  private static final long BURST_BYTES = 1L << 20;

  private final double nanosPerByte;
  private final long burstNanos;

  /** Until then all that was shipped is paid for. */
  private final AtomicLong paidAtNanos;

  /**
   * @param bytesPerSecond positive
   */
  public PacedCatchUp(long bytesPerSecond, long nowNanos) {
    this.nanosPerByte = 1e9 / bytesPerSecond;
    this.burstNanos = nanosFor(BURST_BYTES);
    this.paidAtNanos = new AtomicLong(nowNanos - burstNanos);
  }

  @Override
  public long waitNanos(long nowNanos) {
    return Math.max(0, paidAtNanos.get() - nowNanos);
  }

  @Override
  public void onShipped(long bytes, long nowNanos) {
    long cost = nanosFor(bytes);
    paidAtNanos.accumulateAndGet(
        cost,
        (paid, more) ->
            nowNanos - burstNanos - paid > 0 ? nowNanos - burstNanos + more : paid + more);
  }

  @Override
  public void onAppended(long bytes) {
    paidAtNanos.addAndGet(-nanosFor(bytes));
  }

  private long nanosFor(long bytes) {
    return (long) (bytes * nanosPerByte);
  }
}
