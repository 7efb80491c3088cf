package io.kontiki.broker.coordinator;

/**
 * Times of a coordinator and of links, in nanoseconds.
 *
 * @param tick how often time is looked at
 * @param heartbeat how often each side of a link says that it lives
 * @param silence a link on which nothing was heard for so long is gone
 */
public record CoordinatorTiming(long tick, long heartbeat, long silence) {
  private static final long MILLI = 1_000_000;

  /** Of a server. */
  public static final CoordinatorTiming DEFAULT =
      new CoordinatorTiming(50 * MILLI, 500 * MILLI, 1_500 * MILLI);
}
