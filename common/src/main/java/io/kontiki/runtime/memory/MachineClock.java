package io.kontiki.runtime.memory;

import io.kontiki.runtime.Clock;

/**
 * The clock of one machine on {@link SimulatedTime}: its monotonic time may run faster or slower
 * than that of others, its wall clock may jump (promise P17).
 */
public final class MachineClock implements Clock {
  private final SimulatedTime time;
  private double rate = 1;

  // The point from which the present rate counts.
  private long sinceTrue;
  private long sinceOwn;
  private long wallOffsetMs;

  MachineClock(SimulatedTime time) {
    this.time = time;
    this.sinceTrue = time.clock().nanoTime();
    this.sinceOwn = sinceTrue;
  }

  /** From now on so many own nanoseconds pass in a true one; near 1. */
  public void drift(double newRate) {
    long own = nanoTime();
    sinceTrue = time.clock().nanoTime();
    sinceOwn = own;
    rate = newRate;
  }

  /** Lets the wall clock jump; the monotonic time does not notice. */
  public void jumpWall(long deltaMs) {
    wallOffsetMs += deltaMs;
  }

  /** Puts the wall clock right; the monotonic time keeps what it has. */
  public void correctWall() {
    wallOffsetMs = 0;
  }

  @Override
  public long nanoTime() {
    return sinceOwn + (long) ((time.clock().nanoTime() - sinceTrue) * rate);
  }

  @Override
  public long wallMs() {
    return time.clock().wallMs() + wallOffsetMs;
  }

  /** True nanoseconds in which so many own ones pass, rounded up. */
  long trueNanos(long ownNanos) {
    return rate == 1 ? ownNanos : (long) Math.ceil(ownNanos / rate);
  }
}
