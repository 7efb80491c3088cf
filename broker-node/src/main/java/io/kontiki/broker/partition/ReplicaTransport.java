package io.kontiki.broker.partition;

import io.kontiki.model.Endpoint;
import io.kontiki.replication.Lane;

/** Opens replication streams for one loop. */
public interface ReplicaTransport {
  /**
   * Opens a stream to a leader; returns before it is connected. What is sent meanwhile waits.
   *
   * @param lane streams of different lanes do not share a connection (rule R33)
   */
  ReplicaStream open(int brokerId, Endpoint endpoint, Lane lane, ReplicaStream.Listener listener);
}
