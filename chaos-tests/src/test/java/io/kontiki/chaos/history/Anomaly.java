package io.kontiki.chaos.history;

import java.util.List;

/**
 * Something that must not be.
 *
 * @param excerpt the fewest events that show it
 */
public record Anomaly(Kind kind, int partition, String message, List<Event> excerpt) {
  public Anomaly {
    excerpt = List.copyOf(excerpt);
  }

  /** Names and meanings as in docs/correctness.md 4.5. */
  public enum Kind {
    /** Acknowledged below what was read of its partition, and never read. */
    LOST,
    /** Acknowledged, and not read by the time at which everything should have been. */
    UNSEEN,
    /** Refused with a definite error, and read all the same (P4). */
    ABORTED_READ,
    /** Read, and sent by nobody. */
    PHANTOM,
    /** Two values at one offset (P5). */
    INCONSISTENT_OFFSET,
    /** One value at two offsets (P8). */
    DUPLICATE,
    /** A later send of the same producer has the lower offset (P5). */
    REORDERED,
    /** A consumer saw an offset again, or an earlier one (P6). */
    WENT_BACK,
    /** A consumer passed over an offset at which there is a record. */
    SKIPPED
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(kind).append(" in partition ").append(partition).append(": ").append(message);
    for (Event event : excerpt) {
      text.append("\n    ").append(event);
    }
    return text.toString();
  }
}
