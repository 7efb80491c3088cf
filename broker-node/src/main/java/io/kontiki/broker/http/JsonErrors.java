package io.kontiki.broker.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Statuses;
import java.util.Base64;

/** Errors in the form of Connect's unary JSON (API README, section 7). */
final class JsonErrors {
  private JsonErrors() {}

  static HttpAnswer answer(ApiError error) {
    JsonObject json = new JsonObject();
    json.addProperty("code", connectCode(error.reason().code()));
    json.addProperty("message", error.message());
    JsonArray details = new JsonArray();
    for (Any detail : Statuses.toProto(error).getDetailsList()) {
      details.add(detail(detail));
    }
    json.add("details", details);
    HttpAnswer answer = HttpAnswer.json(httpStatus(error.reason().code()), json.toString());
    return error.retryAfterMs() < 0
        ? answer
        : answer.with("Retry-After", Long.toString((error.retryAfterMs() + 999) / 1000));
  }

  private static JsonObject detail(Any detail) {
    String url = detail.getTypeUrl();
    JsonObject json = new JsonObject();
    json.addProperty("type", url.substring(url.lastIndexOf('/') + 1));
    json.addProperty(
        "value",
        Base64.getEncoder().withoutPadding().encodeToString(detail.getValue().toByteArray()));
    try {
      json.add("debug", JsonParser.parseString(JsonFormat.printer().print(unpack(detail))));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a detail that was just packed cannot be read", e);
    }
    return json;
  }

  private static Message unpack(Any detail) throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      return detail.unpack(ErrorInfo.class);
    }
    return detail.is(RetryInfo.class)
        ? detail.unpack(RetryInfo.class)
        : detail.unpack(BadRequest.class);
  }

  static String connectCode(ErrorReason.Code code) {
    return code.name().toLowerCase(java.util.Locale.ROOT);
  }

  static int httpStatus(ErrorReason.Code code) {
    return switch (code) {
      case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> 400;
      case NOT_FOUND -> 404;
      case ALREADY_EXISTS, ABORTED -> 409;
      case RESOURCE_EXHAUSTED -> 429;
      case UNKNOWN, INTERNAL, DATA_LOSS -> 500;
      case UNIMPLEMENTED -> 501;
      case UNAVAILABLE -> 503;
    };
  }
}
