package io.kontiki.client;

import java.time.Instant;

/** A place in a partition that is named without knowing its offset. */
public sealed interface StartAt {
  /** The first record that is still there. */
  StartAt BEGINNING = new Anchor(false);

  /** Behind the last committed record at the time at which this is resolved. */
  StartAt END = new Anchor(true);

  /** One end of the log. */
  record Anchor(boolean latest) implements StartAt {}

  /**
   * This very offset.
   *
   * @param offset of the next record to read; not negative
   */
  record At(long offset) implements StartAt {
    public At {
      if (offset < 0) {
        throw new IllegalArgumentException("offset " + offset + " is negative");
      }
    }
  }

  /** The first record with this time or a later one; the end if there is none. */
  record From(Instant time) implements StartAt {}

  /** This very offset. */
  static StartAt offset(long offset) {
    return new At(offset);
  }

  /** The first record with this time or a later one. */
  static StartAt time(Instant time) {
    return new From(time);
  }
}
