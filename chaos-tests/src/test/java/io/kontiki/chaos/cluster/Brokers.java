package io.kontiki.chaos.cluster;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.kontiki.v1.LogServiceGrpc;
import java.util.List;

/**
 * Connections of one client to all brokers, used one at a time: the next one after a failure. One
 * thread; {@link #close} from any.
 */
final class Brokers implements AutoCloseable {
  private final List<ManagedChannel> channels;
  private int current;

  /**
   * @param addresses host:port of each
   * @param first place in the list of the one to begin with, modulo its length
   */
  Brokers(List<String> addresses, int first) {
    channels =
        addresses.stream()
            .map(
                address ->
                    Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build())
            .toList();
    current = first % channels.size();
  }

  LogServiceGrpc.LogServiceBlockingStub stub() {
    return LogServiceGrpc.newBlockingStub(channels.get(current));
  }

  void next() {
    current = (current + 1) % channels.size();
    channels.get(current).resetConnectBackoff();
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
  }
}
