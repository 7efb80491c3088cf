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
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls that any broker takes: asks one broker after the other until one answers, within a time
 * limit. A broker that is slow may be frozen: the next one is asked <em>as well</em> if the call
 * may be made twice, else only if the call has not left the client yet. A change whose outcome is
 * not known is not repeated (rule R45). Thread-safe.
 */
final class UnaryCalls {
  private static final Logger log = LoggerFactory.getLogger(UnaryCalls.class);

  /** Whether a call may be made twice. */
  enum Repeat {
    /** It reads, or twice is as good as once. */
    SAFE,
    /** Only after a definite refusal. */
    IF_DEFINITE
  }

  /** Long for a broker that is well, short beside a failover; doubled with each broker asked. */
  private static final long SLOW_NANOS = 400_000_000L;

  private static final long MOST_SLOW_NANOS = 3_200_000_000L;

  /** Of one call at a time; beyond it the oldest attempt is given up. */
  private static final int MOST_ATTEMPTS = 3;

  private final EventLoop loop;
  private final Channels channels;
  private final BrokerList brokers;
  private final RandomSource random;

  UnaryCalls(EventLoop loop, Channels channels, BrokerList brokers, RandomSource random) {
    this.loop = loop;
    this.channels = channels;
    this.brokers = brokers;
    this.random = random;
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
    private final Backoff backoff = new Backoff(random);
    private final List<Attempt> running = new ArrayList<>();

    /** Asked since the last pause. */
    private final Set<Endpoint> asked = new LinkedHashSet<>();

    private long slowNanos = SLOW_NANOS;
    private EventLoop.@Nullable Timer timer;

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
      stopTimer();
      if (answer.isDone()) {
        return;
      }
      Endpoint endpoint = brokers.pick(asked);
      if (endpoint == null) {
        asked.clear();
        endpoint = brokers.current();
      }
      asked.add(endpoint);
      long left = Math.max(deadlineNanos - now(), 1_000_000);
      ClientCall<Q, A> call;
      try {
        call =
            channels
                .to(endpoint, Channels.Lane.CONTROL)
                .newCall(method, CallOptions.DEFAULT.withDeadlineAfter(left, TimeUnit.NANOSECONDS));
      } catch (IllegalStateException e) {
        end(ApiError.definite(ErrorReason.BROKER_UNREACHABLE, "the client is closed"));
        return;
      }
      Attempt attempt = new Attempt(call, endpoint);
      running.add(attempt);
      timer = loop.schedule(slowNanos, this::onSlow);
      slowNanos = Math.min(2 * slowNanos, MOST_SLOW_NANOS);
      call.start(attempt, new Metadata());
      call.request(2);
      call.sendMessage(request);
      call.halfClose();
    }

    /** The attempts under way have had their time. */
    private void onSlow() {
      timer = null;
      if (answer.isDone() || running.isEmpty() || brokers.size() == 1) {
        return;
      }
      Attempt newest = running.get(running.size() - 1);
      log.debug("{} at {}: no answer yet", method.getBareMethodName(), newest.endpoint);
      if (repeat == Repeat.SAFE) {
        brokers.passOver(newest.endpoint);
        if (running.size() >= MOST_ATTEMPTS) {
          running.remove(0).cancel();
        }
        attempt();
      } else if (!newest.hasLeft()) {
        // Its end is that of a call that certainly did nothing; the next attempt follows.
        newest.cancel();
      }
    }

    private void onAnswer(A value) {
      stopTimer();
      List.copyOf(running).forEach(Attempt::cancel);
      running.clear();
      answer.complete(value);
    }

    private void onFailure(Attempt failed, ApiError error, boolean reached) {
      if (!running.remove(failed) || answer.isDone()) {
        return;
      }
      long now = now();
      log.debug("{} at {}: {}", method.getBareMethodName(), failed.endpoint, error);
      if (!answeredForAll(error)) {
        brokers.passOver(failed.endpoint);
      }
      boolean again =
          !reached
              || (error.definite() ? isRetriable(error) : repeat == Repeat.SAFE && mayHeal(error));
      if (reached || asked.size() >= brokers.size()) {
        backoff.pause(now, error.retryAfterMs());
      }
      long wait = backoff.leftNanos(now);
      boolean inTime = wait < deadlineNanos - now;
      if (again && inTime) {
        stopTimer();
        timer = loop.schedule(wait, this::attempt);
      } else if (!again || running.isEmpty()) {
        end(
            reached
                ? error
                : ApiError.definite(
                    ErrorReason.BROKER_UNREACHABLE, "no broker answered; last: " + error));
      }
    }

    private void end(ApiError error) {
      stopTimer();
      List.copyOf(running).forEach(Attempt::cancel);
      running.clear();
      answer.completeExceptionally(new KontikiException(error));
    }

    private void stopTimer() {
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    }

    private long now() {
      return loop.clock().nanoTime();
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

    /** At one broker. */
    private final class Attempt extends ClientCall.Listener<A> {
      private final ClientCall<Q, A> call;
      private final Endpoint endpoint;
      private @Nullable A value;

      Attempt(ClientCall<Q, A> call, Endpoint endpoint) {
        this.call = call;
        this.endpoint = endpoint;
      }

      void cancel() {
        call.cancel("another broker is asked", null);
      }

      /** Without a remote address it never left the client: certainly nothing happened. */
      boolean hasLeft() {
        return call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) != null;
      }

      @Override
      public void onMessage(A message) {
        value = message;
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        A message = value;
        boolean reached = hasLeft();
        loop.execute(
            () -> {
              if (status.isOk() && message != null) {
                onAnswer(message);
              } else if (status.isOk()) {
                onFailure(
                    this,
                    ApiError.indefinite(ErrorReason.INTERNAL, "an answer without a message"),
                    true);
              } else {
                onFailure(this, Statuses.fromStatus(status, trailers), reached);
              }
            });
      }
    }
  }
}
