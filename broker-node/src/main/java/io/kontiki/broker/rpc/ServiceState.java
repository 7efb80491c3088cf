package io.kontiki.broker.rpc;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import org.jspecify.annotations.Nullable;

/** Whether the doors serve. A broker listens before it serves and until it has stopped (R6). */
public final class ServiceState {
  private static final long RETRY_AFTER_MS = 200;

  /** What the doors do. */
  public enum Phase {
    /** New calls are refused: the broker recovers. */
    STARTING,
    /** Everything is served. */
    SERVING,
    /** New calls are refused: the broker hands its work over. */
    STOPPING
  }

  private volatile Phase phase = Phase.STARTING;

  /** From now on. */
  public void enter(Phase next) {
    phase = next;
  }

  /** Now. */
  public Phase phase() {
    return phase;
  }

  /** The refusal of a new call, or null if it is served. */
  public @Nullable ApiError refusal() {
    return switch (phase) {
      case SERVING -> null;
      case STARTING ->
          ApiError.retriable(
              ErrorReason.BROKER_STARTING, "this broker is starting", RETRY_AFTER_MS);
      case STOPPING -> stopping();
    };
  }

  /** Why nothing new is begun. */
  static ApiError stopping() {
    return ApiError.retriable(
        ErrorReason.BROKER_STOPPING, "this broker is about to stop", RETRY_AFTER_MS);
  }
}
