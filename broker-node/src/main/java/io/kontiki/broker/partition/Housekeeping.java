package io.kontiki.broker.partition;

import io.kontiki.runtime.Worker;

/**
 * How a loop looks after its logs.
 *
 * @param conditions of the broker
 * @param checkNanos in so much time every log is looked at once (rule L6)
 * @param checks decompresses batches for compacted topics; must take {@link #MOST_CHECKS} of each
 *     loop
 */
public record Housekeeping(Conditions conditions, long checkNanos, Worker checks) {
  /** Tasks of one loop that may be with the worker at a time. */
  public static final int MOST_CHECKS = KeyChecker.MOST_UNDER_WAY;

  /** With checks on the loop itself, where time is virtual. */
  public Housekeeping(Conditions conditions, long checkNanos) {
    this(conditions, checkNanos, Runnable::run);
  }
}
