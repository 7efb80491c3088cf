package io.kontiki.broker.session;

/**
 * A broker's right to take its own word for current (rule R5). Immutable, so that it can be
 * published to all loops and be judged where it is used.
 *
 * @param sentNanos when the last answered heartbeat was sent
 * @param sentWallMs the same by the wall clock
 * @param nanos how long it lasts
 */
public record Lease(long sentNanos, long sentWallMs, long nanos) {
  private static final long MS = 1_000_000;

  /** Never held. */
  public static final Lease NONE = new Lease(0, 0, 0);

  /**
   * Whether it lasts, by whichever clock says that more time has passed: the monotonic one stands
   * still while a machine is suspended, and the wall clock may only shorten a lease (P17).
   */
  public boolean held(long nowNanos, long nowWallMs) {
    return nanos > 0 && nowNanos - sentNanos < nanos && nowWallMs - sentWallMs < nanos / MS;
  }
}
