package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.group.ConsumeEvent;
import io.kontiki.broker.group.ConsumeSession;
import io.kontiki.broker.group.ConsumeSink;
import io.kontiki.broker.group.Consuming;
import io.kontiki.model.ApiError;
import io.kontiki.proto.Statuses;
import io.kontiki.runtime.EventLoop;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One Consume stream: messages in and out, one at a time in, and out as HTTP/2 flow control allows.
 * All on the connection's loop.
 */
final class ConsumeCall implements StreamObserver<ConsumeRequest>, ConsumeSink {
  private final EventLoop loop;
  private final ServerCallStreamObserver<ConsumeResponse> answers;
  private final ClientInfo client;
  private final Runnable ended;
  private @Nullable ConsumeSession session;

  /**
   * @param ended called once or more when the stream has ended, however
   */
  ConsumeCall(
      EventLoop loop,
      ServerCallStreamObserver<ConsumeResponse> answers,
      ClientInfo client,
      Runnable ended) {
    this.loop = loop;
    this.answers = answers;
    this.client = client;
    this.ended = ended;
  }

  void open(Consuming consuming) {
    answers.disableAutoRequest();
    answers.setOnCancelHandler(() -> withSession(this::cancelled));
    answers.setOnReadyHandler(() -> withSession(ConsumeSession::onReady));
    CallContext.onLoop(loop, () -> session = consuming.open(loop, this));
  }

  private interface Step {
    void take(ConsumeSession session);
  }

  private void withSession(Step step) {
    CallContext.onLoop(
        loop,
        () -> {
          ConsumeSession opened = session;
          if (opened != null) {
            step.take(opened);
          }
        });
  }

  /** The broker stops by plan. Any thread. */
  void closing(long timeLeftMs) {
    withSession(opened -> opened.closing(timeLeftMs));
  }

  private void cancelled(ConsumeSession opened) {
    ended.run();
    opened.cancelled();
  }

  @Override
  public void onNext(ConsumeRequest message) {
    withSession(opened -> opened.action(ConsumeMessages.action(message, client)));
  }

  @Override
  public void onError(Throwable failure) {
    withSession(this::cancelled);
  }

  @Override
  public void onCompleted() {
    withSession(ConsumeSession::halfClosed);
  }

  @Override
  public boolean ready() {
    return answers.isReady() && !answers.isCancelled();
  }

  @Override
  public void event(ConsumeEvent event) {
    if (!answers.isCancelled()) {
      answers.onNext(ConsumeMessages.event(event));
    }
  }

  @Override
  public void next() {
    answers.request(1);
  }

  /** Whoever has said nothing is pinged, and has answered, or the connection is closed. */
  @Override
  public long silenceMs() {
    return TimeUnit.SECONDS.toMillis(ServerLimits.PING_SECONDS + ServerLimits.PING_TIMEOUT_SECONDS);
  }

  @Override
  public void end() {
    ended.run();
    if (!answers.isCancelled()) {
      answers.onCompleted();
    }
  }

  @Override
  public void failed(ApiError error) {
    ended.run();
    if (!answers.isCancelled()) {
      answers.onError(Statuses.toException(error));
    }
  }
}
