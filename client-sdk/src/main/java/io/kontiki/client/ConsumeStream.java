package io.kontiki.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.EventLoop;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.LogServiceGrpc;

/** One Consume call at one broker: one membership. Used on the loop alone. */
final class ConsumeStream extends ClientCall.Listener<ConsumeResponse> {
  /** What happens on the stream; on the loop. */
  interface Handler {
    void onMessage(ConsumeStream stream, ConsumeResponse message);

    /** The last call. */
    void onEnd(ConsumeStream stream, Status status, Metadata trailers);
  }

  private static final int MESSAGES_AHEAD = 16;

  private final long id;
  private final Endpoint endpoint;
  private final EventLoop loop;
  private final Handler handler;
  private final ClientCall<ConsumeRequest, ConsumeResponse> call;
  private final CommitLedger commits = new CommitLedger();
  private boolean halfClosed;
  private boolean ended;

  ConsumeStream(long id, Endpoint endpoint, EventLoop loop, Channels channels, Handler handler) {
    this.id = id;
    this.endpoint = endpoint;
    this.loop = loop;
    this.handler = handler;
    this.call =
        channels
            .to(endpoint, Channels.Lane.CONSUME)
            .newCall(LogServiceGrpc.getConsumeMethod(), CallOptions.DEFAULT);
  }

  void start(ConsumeRequest first) {
    call.start(this, new Metadata());
    call.request(MESSAGES_AHEAD);
    call.sendMessage(first);
  }

  /** Grows from stream to stream of one consumer. */
  long id() {
    return id;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  CommitLedger commits() {
    return commits;
  }

  /** False: it takes nothing any more. */
  boolean send(ConsumeRequest request) {
    if (ended || halfClosed) {
      return false;
    }
    call.sendMessage(request);
    return true;
  }

  /** The broker answers the commits sent before, and ends the stream. */
  void halfClose() {
    if (!ended && !halfClosed) {
      halfClosed = true;
      call.halfClose();
    }
  }

  boolean isHalfClosed() {
    return halfClosed;
  }

  /** Ends it from this side; {@link Handler#onEnd} follows. */
  void cancel(String why) {
    call.cancel(why, null);
  }

  @Override
  public void onMessage(ConsumeResponse message) {
    loop.execute(
        () -> {
          if (!ended) {
            call.request(1);
            handler.onMessage(this, message);
          }
        });
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    loop.execute(
        () -> {
          if (!ended) {
            ended = true;
            handler.onEnd(this, status, trailers);
          }
        });
  }
}
