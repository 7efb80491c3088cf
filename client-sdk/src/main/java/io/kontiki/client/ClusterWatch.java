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
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one WatchCluster stream open, at whichever broker answers, for the topics that the client
 * uses, and tells of every change. Used on the loop alone.
 *
 * <p>A new topic means a new stream; the view stays until that one is complete. A stream that says
 * nothing for 15 s (brokers send a heartbeat after 10 s) is given up; so is one to a broker that
 * somebody found silent.
 */
final class ClusterWatch {
  /** Told of each complete view. */
  interface Listener {
    void onView(ClusterView view);
  }

  private static final Logger log = LoggerFactory.getLogger(ClusterWatch.class);
  private static final long SILENCE_NANOS = 15_000_000_000L;

  private final EventLoop loop;
  private final Channels channels;
  private final BrokerList brokers;
  private final List<Listener> listeners = new ArrayList<>();
  private final Set<String> topics = new TreeSet<>();
  private final Backoff backoff = new Backoff();
  private ClusterView view = ClusterView.EMPTY;
  private @Nullable Stream stream;
  private EventLoop.@Nullable Timer timer;
  private boolean reopenIsDue;
  private boolean closed;

  ClusterWatch(EventLoop loop, Channels channels, BrokerList brokers) {
    this.loop = loop;
    this.channels = channels;
    this.brokers = brokers;
  }

  /** As far as it is known; at the beginning empty. */
  ClusterView view() {
    return view;
  }

  /** Tells somebody from now on. */
  void listen(Listener listener) {
    listeners.add(listener);
  }

  /** Tells somebody no more. */
  void ignore(Listener listener) {
    listeners.remove(listener);
  }

  /** From now on this topic matters. */
  void watch(String topic) {
    if (topics.add(topic)) {
      reopen();
    }
  }

  /** A broker is silent: if the watch runs there, it goes to another. */
  void suspect(Endpoint endpoint) {
    Stream current = stream;
    if (current != null && current.endpoint.equals(endpoint) && brokers.size() > 1) {
      log.info("Broker {} is silent; watching the cluster at another one", endpoint);
      brokers.advance();
      // Ended at once: others who find the same broker silent must not advance the list again.
      end();
      reopen();
    }
  }

  void close() {
    closed = true;
    end();
  }

  /** At the end of the turn, so that several topics at once cost one stream. */
  private void reopen() {
    if (!reopenIsDue && !closed) {
      reopenIsDue = true;
      loop.execute(
          () -> {
            reopenIsDue = false;
            open();
          });
    }
  }

  private void open() {
    end();
    if (closed || topics.isEmpty()) {
      return;
    }
    Endpoint endpoint = brokers.current();
    Stream opened = new Stream(endpoint, new TreeSet<>(topics));
    stream = opened;
    opened.start();
    watchForSilence(opened);
  }

  private void end() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
    if (stream != null) {
      stream.cancel();
      stream = null;
    }
  }

  private void watchForSilence(Stream of) {
    timer =
        loop.schedule(
            SILENCE_NANOS,
            () -> {
              if (stream == of) {
                if (loop.clock().nanoTime() - of.lastMessageNanos >= SILENCE_NANOS) {
                  giveUp(of);
                } else {
                  watchForSilence(of);
                }
              }
            });
  }

  private void giveUp(Stream of) {
    log.info("Broker {} has said nothing for 15 s; watching the cluster anew", of.endpoint);
    brokers.advance();
    reopen();
  }

  private void onMessage(Stream from, WatchClusterResponse message) {
    from.lastMessageNanos = loop.clock().nanoTime();
    from.building = ClusterView.apply(from.building, message, from.topics);
    if (message.getComplete()) {
      from.complete = true;
      backoff.reset();
      if (from.building.replaces(view)) {
        view = from.building;
        brokers.learn(view.brokers().values());
        List.copyOf(listeners).forEach(listener -> listener.onView(view));
      }
    }
  }

  private void onEnd(Stream of, Status status) {
    if (stream != of || closed) {
      return;
    }
    stream = null;
    log.debug("Watch at {} ended: {}", of.endpoint, status);
    brokers.advance();
    long now = loop.clock().nanoTime();
    if (of.complete) {
      // It was alive until now: another broker is asked at once.
      backoff.reset();
      reopen();
      return;
    }
    backoff.pause(now);
    timer = loop.schedule(backoff.leftNanos(now), this::open);
  }

  /** One call of WatchCluster. */
  private final class Stream extends ClientCall.Listener<WatchClusterResponse> {
    private final Endpoint endpoint;
    private final Set<String> topics;
    private ClusterView building = ClusterView.EMPTY;
    private boolean complete;
    private long lastMessageNanos = loop.clock().nanoTime();
    private @Nullable ClientCall<WatchClusterRequest, WatchClusterResponse> call;

    Stream(Endpoint endpoint, Set<String> topics) {
      this.endpoint = endpoint;
      this.topics = topics;
    }

    void start() {
      ClientCall<WatchClusterRequest, WatchClusterResponse> opened =
          channels
              .to(endpoint, Channels.Lane.CONTROL)
              .newCall(AdminServiceGrpc.getWatchClusterMethod(), CallOptions.DEFAULT);
      call = opened;
      opened.start(this, new Metadata());
      opened.request(16);
      opened.sendMessage(WatchClusterRequest.newBuilder().addAllTopics(topics).build());
      opened.halfClose();
    }

    void cancel() {
      if (call != null) {
        call.cancel("watching anew", null);
      }
    }

    @Override
    public void onMessage(WatchClusterResponse message) {
      loop.execute(
          () -> {
            if (stream == this && call != null) {
              call.request(1);
              ClusterWatch.this.onMessage(this, message);
            }
          });
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      loop.execute(() -> onEnd(this, status));
    }
  }
}
