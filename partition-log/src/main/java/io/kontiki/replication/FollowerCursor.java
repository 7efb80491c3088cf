package io.kontiki.replication;

/**
 * What a leader knows of one follower in its epoch. Void at the start of each leader epoch (rule
 * R11): cursors belong to one {@link LeaderReplica}.
 */
final class FollowerCursor {
  /** No position counts. */
  static final long UNKNOWN = -1;

  private static final long NEVER = Long.MIN_VALUE;

  /** Of the subscription; positions of other incarnations do not count (rule R27). */
  private long brokerEpoch = BrokerDirectory.NO_EPOCH;

  private long subscription = -1;
  private boolean live;
  private boolean full;

  /** Acknowledged under {@link #subscription}, exclusive, or {@link #UNKNOWN} (rule R26). */
  private long heldEnd = UNKNOWN;

  /** Durable there, as it said under {@link #subscription} (rule D5). */
  private long logStart;

  private final OwedClock owed = new OwedClock();

  /** The follower cannot read all of its log: what it acknowledged it may not have (rule D9). */
  private boolean damaged;

  private int slowLeaves;
  private long lastSlowLeave;
  private long caughtUpSince = NEVER;

  long brokerEpoch() {
    return brokerEpoch;
  }

  boolean live() {
    return live;
  }

  long heldEnd() {
    return heldEnd;
  }

  /** Whether a subscription with these numbers would be older than what is known. */
  boolean isOlder(long epoch, long id) {
    return epoch < brokerEpoch || (epoch == brokerEpoch && id <= subscription);
  }

  boolean isCurrent(long epoch, long id) {
    return live && epoch == brokerEpoch && id == subscription;
  }

  /**
   * A new subscription is asked for: the older one is over and no position counts until the new one
   * is validated and acknowledged (rules R26, R27).
   */
  void asked(long epoch, long id) {
    brokerEpoch = epoch;
    subscription = id;
    live = false;
    heldEnd = UNKNOWN;
    logStart = 0;
    damaged = false;
  }

  long logStart() {
    return logStart;
  }

  void logStart(long start) {
    logStart = start;
  }

  /** The subscription asked for was validated. */
  void accepted() {
    live = true;
    full = false;
  }

  /** The follower ended it because it has no room for more (rule D4). */
  void onFull() {
    live = false;
    full = true;
  }

  /** Whether the last that was heard is that it has no room. */
  boolean full() {
    return full;
  }

  /** The subscription ended; what the follower acknowledged it still holds. */
  void ended() {
    live = false;
  }

  /** An acknowledgement; never goes back within a subscription. */
  boolean advance(long end, long logEnd, long nowNanos) {
    if (end <= heldEnd) {
      return false;
    }
    heldEnd = end;
    owed.moved(end < logEnd, nowNanos);
    return true;
  }

  boolean damaged() {
    return damaged;
  }

  void damaged(boolean now) {
    damaged = now;
  }

  /** Whether and since when the follower owes an acknowledgement. */
  OwedClock owed() {
    return owed;
  }

  /** The leader takes it out for slowness. */
  void leftSlowly(long nowNanos, ReplicaTimes times) {
    slowLeaves = slowLeaves > 0 && nowNanos - lastSlowLeave > times.damping() ? 1 : slowLeaves + 1;
    lastSlowLeave = nowNanos;
    caughtUpSince = NEVER;
  }

  /** Whether it has left for slowness in this epoch: since when it is caught up counts. */
  boolean hasLeftSlowly() {
    return slowLeaves > 0;
  }

  /** Whether a follower that left for slowness has been caught up for long enough. */
  boolean damped(boolean caughtUp, long nowNanos, ReplicaTimes times) {
    if (slowLeaves == 0) {
      return false;
    }
    if (!caughtUp) {
      caughtUpSince = NEVER;
      return true;
    }
    if (caughtUpSince == NEVER) {
      caughtUpSince = nowNanos;
    }
    long wait = Math.min(times.rejoinMax(), times.rejoin() << Math.min(slowLeaves - 1, 20));
    return nowNanos - caughtUpSince < wait;
  }
}
