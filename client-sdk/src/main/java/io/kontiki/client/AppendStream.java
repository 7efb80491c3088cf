package io.kontiki.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.kontiki.model.Endpoint;
import io.kontiki.proto.PayloadMethods;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.runtime.EventLoop;

/**
 * One Append stream to one broker. Nothing is handed to gRPC before the stream is open and while it
 * takes no more, so what was not sent certainly did not reach the broker. Used on the loop alone.
 */
final class AppendStream extends ClientCall.Listener<AppendResponse> {
  /** What happens on the stream; on the loop. */
  interface Handler {
    void onReady(AppendStream stream);

    void onResponse(AppendStream stream, AppendResponse response);

    /** The last call. */
    void onEnd(AppendStream stream, Status status);
  }

  private static final int RESPONSES_AHEAD = 64;

  private final long id;
  private final Endpoint endpoint;
  private final EventLoop loop;
  private final Handler handler;
  private final ClientCall<WithPayload<AppendRequest>, AppendResponse> call;
  private final long startedNanos;
  private boolean open;
  private boolean ended;

  AppendStream(long id, Endpoint endpoint, EventLoop loop, Channels channels, Handler handler) {
    this.id = id;
    this.endpoint = endpoint;
    this.loop = loop;
    this.handler = handler;
    this.startedNanos = loop.clock().nanoTime();
    this.call =
        channels
            .to(endpoint, Channels.Lane.APPEND)
            .newCall(PayloadMethods.append(Channels.MAX_MESSAGE_BYTES), CallOptions.DEFAULT);
  }

  /** Dials, if there is no connection. */
  void start() {
    call.start(this, new Metadata());
    call.request(RESPONSES_AHEAD);
  }

  long id() {
    return id;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** When it was made. */
  long startedNanos() {
    return startedNanos;
  }

  /** Whether it has ever been open: then a message may have left. */
  boolean wasOpen() {
    return open;
  }

  /** Takes a message now. */
  boolean isReady() {
    return open && !ended && call.isReady();
  }

  void send(WithPayload<AppendRequest> request) {
    call.sendMessage(request);
  }

  /** Ends it from this side; {@link Handler#onEnd} follows. */
  void cancel(String why) {
    call.cancel(why, null);
  }

  @Override
  public void onReady() {
    loop.execute(
        () -> {
          open = true;
          if (!ended) {
            handler.onReady(this);
          }
        });
  }

  @Override
  public void onMessage(AppendResponse response) {
    loop.execute(
        () -> {
          if (!ended) {
            call.request(1);
            handler.onResponse(this, response);
          }
        });
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    loop.execute(
        () -> {
          if (!ended) {
            ended = true;
            handler.onEnd(this, status);
          }
        });
  }
}
