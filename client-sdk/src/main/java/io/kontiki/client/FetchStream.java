package io.kontiki.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.kontiki.model.Endpoint;
import io.kontiki.proto.PayloadMethods;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.runtime.EventLoop;

/** One Fetch stream to one broker, for all partitions that it leads. Used on the loop alone. */
final class FetchStream extends ClientCall.Listener<WithPayload<FetchResponse>> {
  /** What happens on the stream; on the loop. */
  interface Handler {
    void onMessage(FetchStream stream, WithPayload<FetchResponse> message);

    /** The last call. */
    void onEnd(FetchStream stream, Status status);
  }

  private static final int MESSAGES_AHEAD = 16;

  private final long id;
  private final Endpoint endpoint;
  private final EventLoop loop;
  private final Handler handler;
  private final ClientCall<FetchRequest, WithPayload<FetchResponse>> call;
  private int lastFetchId;
  private long lastMessageNanos;
  private boolean ended;

  FetchStream(long id, Endpoint endpoint, EventLoop loop, Channels channels, Handler handler) {
    this.id = id;
    this.endpoint = endpoint;
    this.loop = loop;
    this.handler = handler;
    this.lastMessageNanos = loop.clock().nanoTime();
    this.call =
        channels
            .to(endpoint, Channels.Lane.FETCH)
            .newCall(PayloadMethods.fetch(Channels.MAX_MESSAGE_BYTES), CallOptions.DEFAULT);
  }

  void start() {
    call.start(this, new Metadata());
    call.request(MESSAGES_AHEAD);
  }

  long id() {
    return id;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** A number for a new fetch on this stream. */
  int nextFetchId() {
    return ++lastFetchId;
  }

  /** When the broker last said anything. */
  long lastMessageNanos() {
    return lastMessageNanos;
  }

  void send(FetchRequest request) {
    if (!ended) {
      call.sendMessage(request);
    }
  }

  /** Ends it from this side; {@link Handler#onEnd} follows. */
  void cancel(String why) {
    call.cancel(why, null);
  }

  @Override
  public void onMessage(WithPayload<FetchResponse> message) {
    loop.execute(
        () -> {
          if (!ended) {
            lastMessageNanos = loop.clock().nanoTime();
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
            handler.onEnd(this, status);
          }
        });
  }
}
