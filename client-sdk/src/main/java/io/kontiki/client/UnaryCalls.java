package io.kontiki.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Statuses;
import io.kontiki.runtime.EventLoop;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Calls that any broker takes: asks one broker after the other until one answers, within a time
 * limit. A change whose outcome is not known is not repeated (rule R45). Thread-safe.
 */
final class UnaryCalls {
  /** Whether a call may be made twice. */
  enum Repeat {
    /** It reads, or twice is as good as once. */
    SAFE,
    /** Only after a definite refusal. */
    IF_DEFINITE
  }

  /**
   * A broker that does not answer a repeatable call by then may be frozen: the next one is asked.
   */
  private static final long ATTEMPT_NANOS = 5_000_000_000L;

  private final EventLoop loop;
  private final Channels channels;
  private final BrokerList brokers;

  UnaryCalls(EventLoop loop, Channels channels, BrokerList brokers) {
    this.loop = loop;
    this.channels = channels;
    this.brokers = brokers;
  }

  /**
   * Makes a call.
   *
   * @return completed on the loop, exceptionally with {@link KontikiException}
   */
  <Q, A> CompletableFuture<A> call(
      MethodDescriptor<Q, A> method, Q request, long timeoutNanos, Repeat repeat) {
    CompletableFuture<A> answer = new CompletableFuture<>();
    long deadline = loop.clock().nanoTime() + timeoutNanos;
    Call<Q, A> call = new Call<>(method, request, deadline, repeat, answer);
    loop.execute(call::attempt);
    return answer;
  }

  /** One call with its attempts. */
  private final class Call<Q, A> {
    private final MethodDescriptor<Q, A> method;
    private final Q request;
    private final long deadlineNanos;
    private final Repeat repeat;
    private final CompletableFuture<A> answer;
    private final Backoff backoff = new Backoff();
    private int unreachable;

    Call(
        MethodDescriptor<Q, A> method,
        Q request,
        long deadlineNanos,
        Repeat repeat,
        CompletableFuture<A> answer) {
      this.method = method;
      this.request = request;
      this.deadlineNanos = deadlineNanos;
      this.repeat = repeat;
      this.answer = answer;
    }

    void attempt() {
      if (answer.isDone()) {
        return;
      }
      Endpoint endpoint = brokers.current();
      long left = deadlineNanos - loop.clock().nanoTime();
      long limit = repeat == Repeat.SAFE ? Math.min(left, ATTEMPT_NANOS) : left;
      ClientCall<Q, A> call;
      try {
        call =
            channels
                .to(endpoint, Channels.Lane.CONTROL)
                .newCall(
                    method,
                    CallOptions.DEFAULT.withDeadlineAfter(
                        Math.max(limit, 1_000_000), TimeUnit.NANOSECONDS));
      } catch (IllegalStateException e) {
        answer.completeExceptionally(
            new KontikiException(
                ApiError.definite(ErrorReason.BROKER_UNREACHABLE, "the client is closed")));
        return;
      }
      call.start(new Listener(call, endpoint), new Metadata());
      call.request(2);
      call.sendMessage(request);
      call.halfClose();
    }

    private void onAnswer(A value) {
      answer.complete(value);
    }

    private void onFailure(Endpoint endpoint, ApiError error, boolean reached) {
      long now = loop.clock().nanoTime();
      if (endpoint.equals(brokers.current()) && !answeredForAll(error)) {
        brokers.advance();
      }
      boolean again =
          !reached
              || (error.definite() ? isRetriable(error) : repeat == Repeat.SAFE && mayHeal(error));
      unreachable = reached ? 0 : unreachable + 1;
      if (reached || unreachable % brokers.size() == 0) {
        backoff.pause(now, error.retryAfterMs());
      }
      long wait = Math.max(0, backoff.endNanos() - now);
      if (!again || now + wait >= deadlineNanos) {
        ApiError shown =
            reached
                ? error
                : ApiError.definite(
                    ErrorReason.BROKER_UNREACHABLE, "no broker answered; last: " + error);
        answer.completeExceptionally(new KontikiException(shown));
      } else if (wait == 0) {
        loop.execute(this::attempt);
      } else {
        loop.schedule(wait, this::attempt);
      }
    }

    private boolean answeredForAll(ApiError error) {
      return error.definite() && !isRetriable(error);
    }

    private boolean isRetriable(ApiError error) {
      ErrorReason.Code code = error.reason().code();
      return code == ErrorReason.Code.UNAVAILABLE || code == ErrorReason.Code.RESOURCE_EXHAUSTED;
    }

    private boolean mayHeal(ApiError error) {
      ErrorReason.Code code = error.reason().code();
      return isRetriable(error)
          || code == ErrorReason.Code.UNKNOWN
          || error.reason() == ErrorReason.OUTCOME_UNKNOWN;
    }

    /** Of one attempt. */
    private final class Listener extends ClientCall.Listener<A> {
      private final ClientCall<Q, A> call;
      private final Endpoint endpoint;
      private @Nullable A value;

      Listener(ClientCall<Q, A> call, Endpoint endpoint) {
        this.call = call;
        this.endpoint = endpoint;
      }

      @Override
      public void onMessage(A message) {
        value = message;
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        A message = value;
        // Without a remote address the call never left the client: certainly nothing happened.
        boolean reached = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) != null;
        loop.execute(
            () -> {
              if (status.isOk() && message != null) {
                onAnswer(message);
              } else if (status.isOk()) {
                onFailure(
                    endpoint,
                    ApiError.indefinite(ErrorReason.INTERNAL, "an answer without a message"),
                    true);
              } else {
                onFailure(endpoint, Statuses.fromStatus(status, trailers), reached);
              }
            });
      }
    }
  }
}
