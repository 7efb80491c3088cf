package io.kontiki.model;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * An expected failure of a request, as a value: what a status, a {@code Failure} in a stream and a
 * JSON error are made from at the edge.
 *
 * @param reason which
 * @param message for people: names the thing, the value, and what would be right
 * @param definite true: nothing happened and nothing will (promise P4). False: it may have
 * @param retryAfterMs the same may succeed after this time; -1: not by itself
 * @param metadata values by name, sorted, as the API README lists them for the reason
 */
public record ApiError(
    ErrorReason reason,
    String message,
    boolean definite,
    long retryAfterMs,
    Map<String, String> metadata) {
  /** Not by itself. */
  public static final long NO_RETRY = -1;

  public ApiError {
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** A definite refusal that the same call does not heal. */
  public static ApiError definite(ErrorReason reason, String message) {
    return new ApiError(reason, message, true, NO_RETRY, Map.of());
  }

  /** A definite refusal; the same call may succeed later. */
  public static ApiError retriable(ErrorReason reason, String message, long retryAfterMs) {
    return new ApiError(reason, message, true, retryAfterMs, Map.of());
  }

  /** It may have happened. */
  public static ApiError indefinite(ErrorReason reason, String message) {
    return new ApiError(reason, message, false, NO_RETRY, Map.of());
  }

  /** The same with one more value. */
  public ApiError with(String name, Object value) {
    Map<String, String> more = new TreeMap<>(metadata);
    more.put(name, String.valueOf(value));
    return new ApiError(reason, message, definite, retryAfterMs, more);
  }

  @Override
  public String toString() {
    return reason + ": " + message + (metadata.isEmpty() ? "" : " " + metadata);
  }
}
