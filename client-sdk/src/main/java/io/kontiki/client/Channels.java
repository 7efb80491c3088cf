package io.kontiki.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.kontiki.model.Endpoint;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Connections to brokers, made on first use: one per broker and purpose, because the streams of one
 * HTTP/2 connection share its window and the order of its bytes. Used on the loop alone.
 */
final class Channels {
  /** What a connection is for. */
  enum Lane {
    CONTROL,
    APPEND,
    FETCH,
    CONSUME
  }

  /** A batch may have up to 64 MiB by configuration; a broker keeps to 4 MiB where it can. */
  static final int MAX_MESSAGE_BYTES = 65 * 1024 * 1024;

  private static final int WINDOW_BYTES = 4 * 1024 * 1024;

  /** A machine that is gone answers no dial; another broker, or another dial, may help. */
  private static final int CONNECT_TIMEOUT_MS = 3_000;

  private final ClientLoop loop;
  private final Map<String, ManagedChannel> channels = new TreeMap<>();
  private boolean closed;

  Channels(ClientLoop loop) {
    this.loop = loop;
  }

  /**
   * The connection to a broker; if an attempt to connect failed before, the next one is made now.
   */
  ManagedChannel to(Endpoint endpoint, Lane lane) {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    ManagedChannel channel =
        channels.computeIfAbsent(lane + "/" + endpoint, name -> dial(endpoint));
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      // gRPC waits for a second and more; a broker that starts again is there in tenths.
      channel.resetConnectBackoff();
    }
    return channel;
  }

  void close() {
    closed = true;
    channels.values().forEach(ManagedChannel::shutdownNow);
    channels.clear();
  }

  private ManagedChannel dial(Endpoint endpoint) {
    return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
        .usePlaintext()
        .eventLoopGroup(loop.group())
        .channelType(NioSocketChannel.class)
        .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
        .directExecutor()
        .disableRetry()
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(5, TimeUnit.SECONDS)
        .initialFlowControlWindow(WINDOW_BYTES)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .build();
  }
}
