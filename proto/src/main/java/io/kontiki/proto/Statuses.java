package io.kontiki.proto;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Errors as gRPC statuses, with {@code ErrorInfo}, {@code RetryInfo} and {@code BadRequest} in
 * {@code grpc-status-details-bin} (API README, section 2), and back.
 */
public final class Statuses {
  /** {@code ErrorInfo.domain} of every error that a broker gives. */
  public static final String DOMAIN = "kontiki";

  /** Metadata key of the path of a bad field; with INVALID_FIELD it becomes a BadRequest. */
  public static final String FIELD = "field";

  /** Trailer that gRPC's own retry obeys: milliseconds until the next attempt. */
  public static final Metadata.Key<String> RETRY_PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private Statuses() {}

  /** The error as an exception that ends a call: status and trailers. */
  public static StatusRuntimeException toException(ApiError error) {
    return toException(error, false);
  }

  /**
   * The error as an exception that ends a call.
   *
   * @param repeatable the request carries a producer id: an unknown outcome becomes UNAVAILABLE,
   *     because repeating is safe (R45)
   */
  public static StatusRuntimeException toException(ApiError error, boolean repeatable) {
    Metadata trailers = new Metadata();
    if (error.retryAfterMs() >= 0) {
      trailers.put(RETRY_PUSHBACK, Long.toString(error.retryAfterMs()));
    }
    return StatusProto.toStatusRuntimeException(toProto(error, repeatable), trailers);
  }

  /** The error as {@code google.rpc.Status}, from which the JSON form is made, too. */
  public static com.google.rpc.Status toProto(ApiError error) {
    return toProto(error, false);
  }

  private static com.google.rpc.Status toProto(ApiError error, boolean repeatable) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder()
            .setCode(ErrorDetails.code(error, repeatable))
            .setMessage(error.message())
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(error.reason().name())
                        .setDomain(DOMAIN)
                        .putAllMetadata(ErrorDetails.metadata(error))
                        .build()));
    if (error.retryAfterMs() >= 0) {
      status.addDetails(
          Any.pack(
              RetryInfo.newBuilder()
                  .setRetryDelay(ErrorDetails.duration(error.retryAfterMs()))
                  .build()));
    }
    String field = error.metadata().get(FIELD);
    if (error.reason() == ErrorReason.INVALID_FIELD && field != null) {
      status.addDetails(
          Any.pack(
              BadRequest.newBuilder()
                  .addFieldViolations(
                      BadRequest.FieldViolation.newBuilder()
                          .setField(field)
                          .setDescription(error.message()))
                  .build()));
    }
    return status.build();
  }

  /** As {@link #fromStatus}, of a failed call. Any other exception is an INTERNAL error. */
  public static ApiError fromThrowable(Throwable failure) {
    if (failure instanceof StatusRuntimeException status) {
      return fromStatus(status.getStatus(), status.getTrailers());
    }
    if (failure instanceof StatusException status) {
      return fromStatus(status.getStatus(), status.getTrailers());
    }
    return ApiError.indefinite(ErrorReason.INTERNAL, String.valueOf(failure));
  }

  /**
   * The error that a status stands for.
   *
   * <ul>
   *   <li>A status without our ErrorInfo comes from gRPC (broken connection, deadline, cancelled):
   *       it is indefinite, and its metadata has {@code grpcCode}.
   *   <li>A reason that this build does not know becomes one that says no more than the code; the
   *       name is kept in the metadata as {@code unknownReason}.
   * </ul>
   *
   * @throws IllegalArgumentException if the status is OK
   */
  public static ApiError fromStatus(Status status, @Nullable Metadata trailers) {
    if (status.isOk()) {
      throw new IllegalArgumentException("OK is not an error");
    }
    com.google.rpc.Status proto = StatusProto.fromStatusAndTrailers(status, trailers);
    List<Any> details = proto == null ? List.of() : proto.getDetailsList();
    String message = status.getDescription() == null ? "" : status.getDescription();
    int code = status.getCode().value();
    Optional<ErrorInfo> info = find(details, ErrorInfo.class, ErrorInfo.getDefaultInstance());
    if (info.isEmpty() || !info.get().getDomain().equals(DOMAIN)) {
      return ApiError.indefinite(ErrorDetails.reasonOf(code), message)
          .with("grpcCode", status.getCode());
    }
    long retryAfterMs =
        find(details, RetryInfo.class, RetryInfo.getDefaultInstance())
            .map(retry -> ErrorDetails.ms(retry.getRetryDelay()))
            .orElse(ApiError.NO_RETRY);
    return ErrorDetails.error(
        info.get().getReason(),
        code,
        message,
        ErrorDetails.DEFINITE.equals(info.get().getMetadataMap().get(ErrorDetails.OUTCOME)),
        retryAfterMs,
        info.get().getMetadataMap());
  }

  private static <T extends Message> Optional<T> find(
      List<Any> details, Class<T> type, T defaultInstance) {
    for (Any detail : details) {
      if (detail.is(type)) {
        try {
          return Optional.of(
              type.cast(defaultInstance.getParserForType().parseFrom(detail.getValue())));
        } catch (InvalidProtocolBufferException e) {
          return Optional.empty(); // then it is a status without our details
        }
      }
    }
    return Optional.empty();
  }
}
