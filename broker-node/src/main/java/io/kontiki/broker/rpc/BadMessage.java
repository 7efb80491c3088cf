package io.kontiki.broker.rpc;

import io.kontiki.broker.api.Refusals;
import io.kontiki.model.ApiError;
import java.io.Serial;

/** A field of a message that cannot be read into a plain request. */
final class BadMessage extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private final transient ApiError error;

  BadMessage(String field, String message) {
    super(message, null, false, false);
    this.error = Refusals.invalidField(field, message);
  }

  ApiError error() {
    return error;
  }
}
