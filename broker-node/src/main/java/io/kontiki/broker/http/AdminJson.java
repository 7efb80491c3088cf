package io.kontiki.broker.http;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.metrics.BrokerMetrics;
import io.kontiki.broker.rpc.AdminCalls;
import io.kontiki.broker.rpc.AdminMethod;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls of AdminService as JSON: reads the request, runs the handler of the table, prints. */
final class AdminJson {
  /** Before the method's name. */
  static final String PATH = "/kontiki.v1.AdminService/";

  private static final Logger LOG = LoggerFactory.getLogger(AdminJson.class);
  private static final Pattern UNKNOWN_FIELD = Pattern.compile("Cannot find field: (\\S+) in");
  private static final Pattern TIMEOUT = Pattern.compile("[0-9]{1,10}");
  private static final JsonFormat.Parser PARSER = JsonFormat.parser();
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().alwaysPrintFieldsWithNoPresence().omittingInsignificantWhitespace();

  private final AdminCalls calls;
  private final ServiceState state;
  private final BrokerMetrics metrics;

  AdminJson(AdminCalls calls, ServiceState state, BrokerMetrics metrics) {
    this.calls = calls;
    this.state = state;
    this.metrics = metrics;
  }

  /** What of a request matters here; header values are null where there is none. */
  record Request(
      String method,
      @Nullable String contentType,
      @Nullable String contentEncoding,
      @Nullable String timeoutMs,
      ByteBuffer body) {}

  /** On a loop; the completion runs there. */
  void call(EventLoop loop, Request request, Completion<HttpAnswer> completion) {
    AdminMethod<?, ?> method = calls.methods().get(request.method());
    if (method == null) {
      completion.complete(
          AdminCalls.streamingMethods().contains(request.method())
              ? JsonErrors.answer(
                  Refusals.unimplemented(
                      "kontiki.v1.AdminService/" + request.method() + " in JSON"))
              : HttpAnswer.text(404, "AdminService has no call " + request.method()));
      return;
    }
    if (!json(request.contentType())) {
      completion.complete(
          HttpAnswer.text(
              415, "Content-Type is " + request.contentType() + " and must be application/json"));
      return;
    }
    call(loop, method, request, completion);
  }

  private static boolean json(@Nullable String contentType) {
    if (contentType == null) {
      return false;
    }
    int semicolon = contentType.indexOf(';');
    String type = semicolon < 0 ? contentType : contentType.substring(0, semicolon);
    return type.strip().equalsIgnoreCase("application/json");
  }

  private <Q extends Message, A extends Message> void call(
      EventLoop loop,
      AdminMethod<Q, A> method,
      Request request,
      Completion<HttpAnswer> completion) {
    long startedNanos = loop.clock().nanoTime();
    Completion<Result<A>> answer =
        result -> {
          metrics.onRequest(
              "http",
              "AdminService/" + method.name(),
              result.fold(ok -> "OK", error -> error.reason().code().name()),
              loop.clock().nanoTime() - startedNanos);
          completion.complete(result.fold(AdminJson::print, JsonErrors::answer));
        };
    ApiError refusal = state.refusal();
    if (refusal == null) {
      refusal = badHeaders(request);
    }
    if (refusal != null) {
      answer.complete(Result.error(refusal));
      return;
    }
    Result<Q> message = parse(method, request.body());
    if (message instanceof Result.Ok<Q> ok) {
      try {
        method.handler().handle(context(loop, request), ok.value(), answer);
      } catch (RuntimeException e) {
        LOG.error("AdminService/{} failed", method.name(), e);
        answer.complete(
            Result.error(
                ApiError.indefinite(
                    ErrorReason.INTERNAL, "AdminService/" + method.name() + " failed: " + e)));
      }
    } else {
      answer.complete(Result.error(((Result.Err<Q>) message).error()));
    }
  }

  private static @Nullable ApiError badHeaders(Request request) {
    String encoding = request.contentEncoding();
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      return Refusals.unimplemented("Content-Encoding " + encoding);
    }
    String timeout = request.timeoutMs();
    return timeout == null || TIMEOUT.matcher(timeout).matches()
        ? null
        : Refusals.invalidField(
            "Connect-Timeout-Ms", "'" + timeout + "' is not a number of 1 to 10 digits");
  }

  private static CallContext context(EventLoop loop, Request request) {
    String timeout = request.timeoutMs();
    return CallContext.within(
        loop,
        timeout == null ? CallContext.DEFAULT_TIMEOUT_NANOS : Long.parseLong(timeout) * 1_000_000);
  }

  private static <Q extends Message> Result<Q> parse(AdminMethod<Q, ?> method, ByteBuffer body) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(body).toString();
      Message.Builder builder = method.emptyRequest().newBuilderForType();
      PARSER.merge(text, builder);
      @SuppressWarnings("unchecked") // a builder makes messages of its own type
      Q message = (Q) builder.build();
      return Result.ok(message);
    } catch (CharacterCodingException e) {
      return Result.error(Refusals.invalidField("body", "is not UTF-8"));
    } catch (InvalidProtocolBufferException e) {
      String why = String.valueOf(e.getMessage());
      Matcher unknown = UNKNOWN_FIELD.matcher(why);
      return Result.error(
          Refusals.invalidField(
              unknown.find() ? unknown.group(1) : "body",
              "is not a "
                  + method.emptyRequest().getDescriptorForType().getFullName()
                  + " in JSON: "
                  + why));
    }
  }

  private static HttpAnswer print(Message message) {
    try {
      return HttpAnswer.json(200, PRINTER.print(message));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("no JSON form of " + message.getClass().getSimpleName(), e);
    }
  }
}
