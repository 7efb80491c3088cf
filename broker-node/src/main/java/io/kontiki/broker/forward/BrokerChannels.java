package io.kontiki.broker.forward;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.kontiki.model.Endpoint;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * One gRPC channel per address of another broker, made on first use. Thread-safe. A broker that
 * comes back under the same address is reached through the same channel.
 */
public final class BrokerChannels implements AutoCloseable {
  private final Function<Endpoint, ManagedChannel> dialler;
  private final Map<Endpoint, ManagedChannel> channels = new HashMap<>();
  private boolean closed;

  /**
   * @param dialler makes a channel; it does not connect yet
   */
  public BrokerChannels(Function<Endpoint, ManagedChannel> dialler) {
    this.dialler = dialler;
  }

  /**
   * The channel to an address. One that could not connect dials again at once: gRPC's own back-off
   * grows to minutes, longer than any restart of a broker. After {@link #close} the channel is shut
   * down: what still retries on a loop while the node stops fails as against a dead broker.
   */
  public synchronized ManagedChannel to(Endpoint endpoint) {
    if (closed) {
      return dialler.apply(endpoint).shutdownNow();
    }
    ManagedChannel channel = channels.computeIfAbsent(endpoint, dialler);
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      channel.resetConnectBackoff();
    }
    return channel;
  }

  @Override
  public synchronized void close() {
    closed = true;
    channels.values().forEach(ManagedChannel::shutdownNow);
    channels.clear();
  }
}
