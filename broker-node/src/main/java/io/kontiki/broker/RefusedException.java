package io.kontiki.broker;

import java.io.Serial;

/** The node refuses to start; the message names the thing, the value and what would be right. */
public final class RefusedException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  public RefusedException(String message) {
    super(message);
  }

  public RefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
