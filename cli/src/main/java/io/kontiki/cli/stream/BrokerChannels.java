package io.kontiki.cli.stream;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.kontiki.model.Endpoint;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Connections to the brokers that were named. One broker is used at a time; when it fails, the next
 * one. Every broker serves every partition, so it does not matter which. Thread-safe.
 */
public final class BrokerChannels implements AutoCloseable {
  private static final int MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

  /** Whatever these find worth a log line comes to the commands as a status, too. */
  private static final List<Logger> SILENCED =
      List.of(Logger.getLogger("io.grpc"), Logger.getLogger("io.netty"));

  static {
    SILENCED.forEach(logger -> logger.setLevel(Level.OFF));
  }

  private final List<Endpoint> hosts;
  private final Map<String, ManagedChannel> channels = new TreeMap<>();
  private int current;
  private boolean closed;

  /**
   * Connects to nobody yet.
   *
   * @param hosts gRPC addresses, at least one
   * @param first index of the one to begin with, modulo their number
   */
  public BrokerChannels(List<Endpoint> hosts, int first) {
    this.hosts = List.copyOf(hosts);
    this.current = first % hosts.size();
  }

  /**
   * A connection to the broker in use.
   *
   * @param host for {@link BrokerChannels#giveUp}
   */
  public record Connection(ManagedChannel channel, int host) {}

  /**
   * Opens or shares a connection to the broker in use.
   *
   * @param lane users of different lanes get connections of their own
   */
  public synchronized Connection connection(int lane) {
    if (closed) {
      throw new IllegalStateException("the connections are closed");
    }
    Endpoint host = hosts.get(current);
    ManagedChannel channel =
        channels.computeIfAbsent(
            lane + "@" + host,
            ignored ->
                NettyChannelBuilder.forAddress(host.host(), host.port())
                    .usePlaintext()
                    .keepAliveTime(10, TimeUnit.SECONDS)
                    .keepAliveTimeout(5, TimeUnit.SECONDS)
                    .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                    .build());
    channel.resetConnectBackoff();
    return new Connection(channel, current);
  }

  /** Goes on to the next broker, unless somebody has gone on from this one already. */
  public synchronized void giveUp(int host) {
    if (current == host) {
      current = (current + 1) % hosts.size();
    }
  }

  /** All addresses, for messages. */
  public List<Endpoint> hosts() {
    return hosts;
  }

  /** Breaks everything that is under way. */
  @Override
  public synchronized void close() {
    closed = true;
    channels.values().forEach(ManagedChannel::shutdownNow);
  }
}
