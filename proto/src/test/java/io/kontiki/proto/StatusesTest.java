package io.kontiki.proto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.v1.Failure;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class StatusesTest {
  @Test
  void everyReasonSurvivesAsStatusAndAsFailure() {
    for (ErrorReason reason : ErrorReason.values()) {
      for (boolean definite : new boolean[] {true, false}) {
        for (long retryAfterMs : new long[] {ApiError.NO_RETRY, 0, 1, 1500}) {
          ApiError error =
              new ApiError(
                  reason, "topic 'orders' …", definite, retryAfterMs, Map.of("topic", "orders"));
          StatusRuntimeException status = Statuses.toException(error);
          assertEquals(error, Statuses.fromThrowable(status));
          assertEquals(reason.code().number(), status.getStatus().getCode().value());
          assertEquals(error, Failures.fromFailure(Failures.toFailure(error)));
        }
      }
    }
  }

  @Test
  void theOutcomeIsAlwaysInTheMetadata() {
    for (boolean definite : new boolean[] {true, false}) {
      ApiError error = new ApiError(ErrorReason.BUSY, "busy", definite, 0, Map.of());
      String outcome = definite ? "definite" : "indefinite";
      assertEquals(outcome, info(Statuses.toException(error)).getMetadataOrThrow("outcome"));
      assertEquals(outcome, Failures.toFailure(error).getMetadataOrThrow("outcome"));
    }
  }

  @Test
  void aDelayGoesAsRetryInfoAndAsPushback() {
    StatusRuntimeException later =
        Statuses.toException(ApiError.retriable(ErrorReason.LEADER_UNAVAILABLE, "none", 250));
    assertEquals("250", later.getTrailers().get(Statuses.RETRY_PUSHBACK));
    StatusRuntimeException never =
        Statuses.toException(ApiError.definite(ErrorReason.TOPIC_EXISTS, "there"));
    assertNull(never.getTrailers().get(Statuses.RETRY_PUSHBACK));
  }

  @Test
  void anUnknownOutcomeIsUnavailableWhereRepeatingIsSafe() {
    ApiError error = ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "timed out");
    assertEquals(Status.Code.UNKNOWN, Statuses.toException(error, false).getStatus().getCode());
    assertEquals(Status.Code.UNAVAILABLE, Statuses.toException(error, true).getStatus().getCode());
    assertEquals(14, Failures.toFailure(error, true).getCode());
    assertFalse(Statuses.fromThrowable(Statuses.toException(error, true)).definite());
  }

  @Test
  void aBadFieldIsNamedInABadRequest() throws IOException {
    StatusRuntimeException status =
        Statuses.toException(
            ApiError.definite(ErrorReason.INVALID_FIELD, "partitions is 0 and must be positive")
                .with(Statuses.FIELD, "partitions"));
    Any last = StatusProto.fromThrowable(status).getDetailsList().get(1);
    assertEquals("partitions", last.unpack(BadRequest.class).getFieldViolations(0).getField());
  }

  @Test
  void aStatusWithoutOurDetailsIsIndefinite() {
    ApiError error = Statuses.fromStatus(Status.UNAVAILABLE.withDescription("io exception"), null);
    assertEquals(ErrorReason.BROKER_UNREACHABLE, error.reason());
    assertFalse(error.definite());
    assertEquals("UNAVAILABLE", error.metadata().get("grpcCode"));
    assertEquals(
        ErrorReason.OUTCOME_UNKNOWN,
        Statuses.fromThrowable(Status.DEADLINE_EXCEEDED.asException(new Metadata())).reason());
    assertFalse(Statuses.fromThrowable(new IllegalStateException("x")).definite());
  }

  @Test
  void aReasonOfANewerBrokerIsJudgedByItsCode() {
    ApiError error =
        Failures.fromFailure(
            Failure.newBuilder()
                .setReason("QUOTA_EXCEEDED")
                .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
                .setDefinite(true)
                .build());
    assertEquals(ErrorReason.BUSY, error.reason());
    assertTrue(error.definite());
    assertEquals("QUOTA_EXCEEDED", error.metadata().get("unknownReason"));
  }

  private static ErrorInfo info(StatusRuntimeException status) {
    try {
      return StatusProto.fromThrowable(status).getDetails(0).unpack(ErrorInfo.class);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
