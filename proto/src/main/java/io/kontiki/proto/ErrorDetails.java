package io.kontiki.proto;

import com.google.protobuf.Duration;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What statuses and failures have in common: names, numbers, and reasons from a newer broker. */
final class ErrorDetails {
  static final String OUTCOME = "outcome";
  static final String DEFINITE = "definite";
  static final String INDEFINITE = "indefinite";

  /** Metadata key under which the name of a reason that this build does not know is kept. */
  static final String UNKNOWN_REASON = "unknownReason";

  private ErrorDetails() {}

  /**
   * The number of the status code of this error.
   *
   * @param repeatable the request carries a producer id: an unknown outcome then means "again",
   *     because repeating is safe (R45)
   */
  static int code(ApiError error, boolean repeatable) {
    ErrorReason.Code code = error.reason().code();
    return repeatable && code == ErrorReason.Code.UNKNOWN
        ? ErrorReason.Code.UNAVAILABLE.number()
        : code.number();
  }

  /** The values, with the outcome among them (P4). */
  static Map<String, String> metadata(ApiError error) {
    Map<String, String> all = new TreeMap<>(error.metadata());
    all.put(OUTCOME, error.definite() ? DEFINITE : INDEFINITE);
    return all;
  }

  /** An error that came over the wire; an unknown reason is judged by its code alone. */
  static ApiError error(
      String reason,
      int code,
      String message,
      boolean definite,
      long retryAfterMs,
      Map<String, String> metadata) {
    Map<String, String> values = new TreeMap<>(metadata);
    values.remove(OUTCOME);
    Optional<ErrorReason> known = reason(reason);
    if (known.isEmpty()) {
      values.put(UNKNOWN_REASON, reason);
    }
    return new ApiError(
        known.orElseGet(() -> reasonOf(code)), message, definite, retryAfterMs, values);
  }

  private static Optional<ErrorReason> reason(String name) {
    try {
      return Optional.of(ErrorReason.valueOf(name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * A reason for a bare code. Only reasons that ask for nothing more than their code does: a guess
   * such as OFFSET_OUT_OF_RANGE would make a consumer move (P10).
   */
  static ErrorReason reasonOf(int code) {
    return switch (code) {
      case 2, 1, 4 -> ErrorReason.OUTCOME_UNKNOWN;
      case 3 -> ErrorReason.INVALID_FIELD;
      case 8 -> ErrorReason.BUSY;
      case 12 -> ErrorReason.UNIMPLEMENTED;
      case 14 -> ErrorReason.BROKER_UNREACHABLE;
      default -> ErrorReason.INTERNAL;
    };
  }

  static Duration duration(long ms) {
    return Duration.newBuilder()
        .setSeconds(ms / 1000)
        .setNanos((int) (ms % 1000) * 1_000_000)
        .build();
  }

  /** In milliseconds, rounded up, so that nobody comes back too early. */
  static long ms(Duration duration) {
    return duration.getSeconds() * 1000 + (duration.getNanos() + 999_999) / 1_000_000;
  }
}
