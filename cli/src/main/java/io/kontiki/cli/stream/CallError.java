package io.kontiki.cli.stream;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.kontiki.cli.base.CliException;

/**
 * How a gRPC call failed.
 *
 * @param code the status code
 * @param reason what the broker gave as reason; empty if the status is gRPC's own, as for a broken
 *     connection
 * @param definite the broker said that nothing happened, and nothing will
 * @param message for people
 */
record CallError(Status.Code code, String reason, boolean definite, String message) {
  static CallError of(Throwable failure) {
    Status status = Status.fromThrowable(failure);
    String message = String.valueOf(status.getDescription());
    Throwable cause = status.getCause();
    if (cause != null && cause.getMessage() != null) {
      message = message + ": " + cause.getMessage();
    }
    com.google.rpc.Status details = StatusProto.fromThrowable(failure);
    if (details != null) {
      for (Any detail : details.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          try {
            ErrorInfo info = detail.unpack(ErrorInfo.class);
            boolean definite = "definite".equals(info.getMetadataMap().get("outcome"));
            return new CallError(status.getCode(), info.getReason(), definite, message);
          } catch (InvalidProtocolBufferException e) {
            message = message + " (with details that cannot be read)";
          }
        }
      }
    }
    return new CallError(status.getCode(), "", false, message);
  }

  /** A broker said it, not the way to it. */
  boolean isAnswer() {
    return !reason.isEmpty();
  }

  /**
   * The same call may succeed later; that it does nothing twice is up to the caller: reads never
   * do, produce requests have a producer id and a sequence.
   */
  boolean mayRepeat() {
    return switch (code) {
      case UNAVAILABLE, RESOURCE_EXHAUSTED, UNKNOWN, INTERNAL, DEADLINE_EXCEEDED, CANCELLED -> true;
      default -> false;
    };
  }

  /** What ends the command when repeating is over or useless. */
  CliException asExit(BrokerChannels brokers, String remark) {
    return isAnswer() || !mayRepeat()
        ? CliException.failed((isAnswer() ? reason : code) + ": " + message + remark)
        : CliException.noAnswer(
            "no broker answered in time; asked "
                + brokers.hosts()
                + "; last: "
                + code
                + ": "
                + message
                + remark);
  }
}
