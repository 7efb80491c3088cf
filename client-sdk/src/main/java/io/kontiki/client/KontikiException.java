package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.io.Serial;
import java.util.Map;

/** A call that was refused or failed, with what the broker said about it. */
public final class KontikiException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final transient ApiError error;

  public KontikiException(ApiError error) {
    super(error.toString());
    this.error = error;
  }

  /** Why. */
  public ErrorReason reason() {
    return error.reason();
  }

  /**
   * True: nothing happened, and nothing will. False: it may have happened, or may still (promise
   * P4).
   */
  public boolean definite() {
    return error.definite();
  }

  /** Values by name, as the broker gave them; sorted. */
  public Map<String, String> metadata() {
    return error.metadata();
  }

  /** All of it as a value. */
  public ApiError error() {
    return error;
  }
}
