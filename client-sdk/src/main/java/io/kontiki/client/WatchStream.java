package io.kontiki.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.EventLoop;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.WatchClusterRequest;
import io.kontiki.v1.WatchClusterResponse;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** One WatchCluster call at one broker, and the view that it has built. Used on the loop alone. */
final class WatchStream extends ClientCall.Listener<WatchClusterResponse> {
  /** What happens on the stream; on the loop. */
  interface Handler {
    /** The view is one of a moment: the first, or the next. */
    void onComplete(WatchStream stream, ClusterView view);

    /** The last call, unless it was cancelled. */
    void onEnd(WatchStream stream, Status status);
  }

  private static final int MESSAGES_AHEAD = 16;

  private final Endpoint endpoint;
  private final Set<String> topics;
  private final EventLoop loop;
  private final Handler handler;
  private ClusterView view = ClusterView.EMPTY;
  private long lastMessageNanos;
  private boolean over;
  private @Nullable ClientCall<WatchClusterRequest, WatchClusterResponse> call;

  WatchStream(Endpoint endpoint, Set<String> topics, EventLoop loop, Handler handler) {
    this.endpoint = endpoint;
    this.topics = new TreeSet<>(topics);
    this.loop = loop;
    this.handler = handler;
    this.lastMessageNanos = loop.clock().nanoTime();
  }

  void start(Channels channels) {
    ClientCall<WatchClusterRequest, WatchClusterResponse> opened =
        channels
            .to(endpoint, Channels.Lane.CONTROL)
            .newCall(AdminServiceGrpc.getWatchClusterMethod(), CallOptions.DEFAULT);
    call = opened;
    opened.start(this, new Metadata());
    opened.request(MESSAGES_AHEAD);
    opened.sendMessage(WatchClusterRequest.newBuilder().addAllTopics(topics).build());
    opened.halfClose();
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** As far as it has told. */
  ClusterView view() {
    return view;
  }

  /** Whether it tells of exactly these topics. */
  boolean covers(Set<String> wanted) {
    return topics.equals(wanted);
  }

  /** When the broker last said anything, or when it was asked. */
  long lastMessageNanos() {
    return lastMessageNanos;
  }

  /** Nothing more is told of it. */
  void cancel() {
    over = true;
    if (call != null) {
      call.cancel("not needed any more", null);
    }
  }

  @Override
  public void onMessage(WatchClusterResponse message) {
    loop.execute(
        () -> {
          if (!over && call != null) {
            call.request(1);
            lastMessageNanos = loop.clock().nanoTime();
            view = ClusterView.apply(view, message, topics);
            if (message.getComplete()) {
              handler.onComplete(this, view);
            }
          }
        });
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    loop.execute(
        () -> {
          if (!over) {
            over = true;
            handler.onEnd(this, status);
          }
        });
  }
}
