package io.kontiki.kafka.api;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;

/** There are none yet. */
final class Transactions {
  private Transactions() {}

  static ApiError refused() {
    return ApiError.definite(
            ErrorReason.INVALID_FIELD,
            "transactional.id must not be set: this version of Kontiki has no transactions")
        .with("field", "transactional_id");
  }
}
