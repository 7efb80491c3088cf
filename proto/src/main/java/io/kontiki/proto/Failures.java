package io.kontiki.proto;

import io.kontiki.model.ApiError;
import io.kontiki.v1.Failure;

/** Errors inside streams and lists: the content of a status as {@code kontiki.v1.Failure}. */
public final class Failures {
  private Failures() {}

  /** The error as a message. */
  public static Failure toFailure(ApiError error) {
    return toFailure(error, false);
  }

  /**
   * The error as a message.
   *
   * @param repeatable the request carries a producer id: an unknown outcome has the code
   *     UNAVAILABLE, because repeating is safe (R45)
   */
  public static Failure toFailure(ApiError error, boolean repeatable) {
    Failure.Builder failure =
        Failure.newBuilder()
            .setReason(error.reason().name())
            .setCode(ErrorDetails.code(error, repeatable))
            .setMessage(error.message())
            .setDefinite(error.definite())
            .putAllMetadata(ErrorDetails.metadata(error));
    if (error.retryAfterMs() >= 0) {
      failure.setRetryAfter(ErrorDetails.duration(error.retryAfterMs()));
    }
    return failure.build();
  }

  /** The message as an error; an unknown reason is judged by its code, as in {@link Statuses}. */
  public static ApiError fromFailure(Failure failure) {
    return ErrorDetails.error(
        failure.getReason(),
        failure.getCode(),
        failure.getMessage(),
        failure.getDefinite(),
        failure.hasRetryAfter() ? ErrorDetails.ms(failure.getRetryAfter()) : ApiError.NO_RETRY,
        failure.getMetadataMap());
  }
}
