package io.kontiki.broker.replication;

import io.grpc.ManagedChannel;
import io.kontiki.model.Endpoint;
import io.kontiki.replication.Lane;

/**
 * Makes connections to other brokers for one loop; a port, because transport security and socket
 * types are the composition root's.
 */
@FunctionalInterface
public interface ReplicationChannels {
  /**
   * A channel of its own, not connected yet. It should run on the loop's own thread with {@code
   * directExecutor}, so that nothing changes threads, with a receive window of 1 MiB for {@link
   * Lane#LIVE} and 4 MiB for {@link Lane#CATCH_UP} (rule R33), and with keep-alive, so that a
   * silent peer ends the stream.
   */
  ManagedChannel dial(Endpoint endpoint, Lane lane);
}
