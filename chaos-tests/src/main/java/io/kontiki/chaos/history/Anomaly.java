package io.kontiki.chaos.history;

import java.util.List;

/**
 * Something that must not be.
 *
 * @param excerpt the fewest events that show it, in the order in which they happened
 */
public record Anomaly(Kind kind, Log log, String message, List<Event> excerpt) {
  public Anomaly {
    excerpt = List.copyOf(excerpt);
  }

  /** Names and meanings as in docs/correctness.md 4.5. */
  public enum Kind {
    /** Acknowledged at an offset that was passed over, and not there (P1, P2, P3). */
    LOST,
    /** Acknowledged, and not read by the time at which everything should have been. */
    UNSEEN,
    /** Refused with a definite error, and read all the same (P4). */
    ABORTED_READ,
    /** Read, and sent by nobody, or only later. */
    PHANTOM,
    /** Two values at one offset (P5). */
    INCONSISTENT_OFFSET,
    /** One value at more offsets than it was sent (P8). */
    DUPLICATE,
    /** A later send of the same producer, or one that began later, has the lower offset (P5). */
    REORDERED,
    /** Read once without being acknowledged, and not there any more: it was not committed (P6). */
    SEEN_UNCOMMITTED,
    /** A consumer saw an offset again, or an earlier one (P6). */
    WENT_BACK,
    /** A consumer passed over an offset at which others read a record. */
    SKIPPED,
    /** A consumer was told that the log ends before what was already known to be in it (P6, P7). */
    STALE_END,
    /** Two members of a group were given a partition in the same generation (G2, P9). */
    TWO_OWNERS,
    /** An owner began before what an owner before it had committed, or a stale one could (P9). */
    COMMIT_WENT_BACK,
    /** A record came again though whoever had it first gave it up in order (P10). */
    REDELIVERED
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(kind).append(" in ").append(log).append(": ").append(message);
    for (Event event : excerpt) {
      text.append("\n    ").append(event);
    }
    return text.toString();
  }
}
