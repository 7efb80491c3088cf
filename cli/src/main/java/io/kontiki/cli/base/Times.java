package io.kontiki.cli.base;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.Locale;

/** Durations and instants as people write them on the command line. */
public final class Times {
  private static final long MAX_MS = Duration.ofDays(3650).toMillis();

  private Times() {}

  /**
   * Reads {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h}, {@code 1.5s}.
   *
   * @return positive or zero, in whole milliseconds, at most ten years
   * @throws IllegalArgumentException if the text has another form
   */
  public static Duration duration(String text) {
    int unitAt = 0;
    while (unitAt < text.length()
        && (Character.isDigit(text.charAt(unitAt)) || text.charAt(unitAt) == '.')) {
      unitAt++;
    }
    double unitMs =
        switch (text.substring(unitAt)) {
          case "ms" -> 1;
          case "s" -> 1_000;
          case "m" -> 60_000;
          case "h" -> 3_600_000;
          default -> throw notADuration(text);
        };
    try {
      double ms = Double.parseDouble(text.substring(0, unitAt)) * unitMs;
      if (ms > MAX_MS) {
        throw new IllegalArgumentException("'" + text + "' is longer than ten years");
      }
      return Duration.ofMillis(Math.round(ms));
    } catch (NumberFormatException e) {
      throw notADuration(text);
    }
  }

  private static IllegalArgumentException notADuration(String text) {
    return new IllegalArgumentException(
        "'" + text + "' is not a duration; give a number and a unit, as 500ms, 5s, 2m or 1h");
  }

  /**
   * Reads ISO 8601 with a zone: {@code 2026-03-01T12:00:00Z}, {@code 2026-03-01T12:00:00+01:00},
   * {@code 2026-03-01T12:00:00+01:00[Europe/Oslo]}.
   *
   * @throws IllegalArgumentException if the text has another form
   */
  public static Instant instant(String text) {
    try {
      return text.endsWith("]")
          ? ZonedDateTime.parse(text).toInstant()
          : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a time; give ISO 8601 with a zone, as 2026-03-01T12:00:00Z");
    }
  }

  /** Short and exact enough to read: {@code 850 ms}, {@code 2.4 s}. */
  public static String brief(long ms) {
    return ms < 1_000 ? ms + " ms" : String.format(Locale.ROOT, "%.1f s", ms / 1000.0);
  }
}
