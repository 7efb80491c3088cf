package io.kontiki.replication;

/**
 * The times of rule R38 and of proposals, in nanoseconds.
 *
 * @param silent a member that acknowledged nothing for so long, with bytes outstanding, leaves
 * @param lagging a member below the leader's log end of so long ago leaves
 * @param rejoin a member that left for slowness stays caught up for so long before it joins
 * @param rejoinMax the most that doubling makes of it
 * @param damping slow leaves further apart than this do not double
 * @param retry an unknown outcome is asked for again after this
 * @param rejected after a definite refusal nothing is proposed for this long
 * @param stuck a leader whose own held end stood still for so long, with bytes outstanding, resigns
 * @param handedOver so long after a leader that is still in sync was replaced, its successor
 *     shrinks the in-sync set rather than resign
 * @param paused a leader that did not look for so long was not running: what others failed to say
 *     in that time does not count
 */
public record ReplicaTimes(
    long silent,
    long lagging,
    long rejoin,
    long rejoinMax,
    long damping,
    long retry,
    long rejected,
    long stuck,
    long handedOver,
    long paused) {
  private static final long MS = 1_000_000L;

  /** The numbers of docs/correctness.md, section 3.1. */
  public static final ReplicaTimes DEFAULT =
      new ReplicaTimes(
          2_000 * MS,
          10_000 * MS,
          1_000 * MS,
          30_000 * MS,
          600_000 * MS,
          200 * MS,
          500 * MS,
          5_000 * MS,
          10_000 * MS,
          1_000 * MS);
}
