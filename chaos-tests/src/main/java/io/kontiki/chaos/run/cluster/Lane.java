package io.kontiki.chaos.run.cluster;

/** A kind of traffic to a node; each has an address of its own where kinds can be cut. */
public enum Lane {
  /** Clients: gRPC, HTTP, Kafka. */
  CLIENTS(0),
  /** Raft, sessions, metadata. */
  QUORUM(1),
  /** Log streams and forwarding. */
  REPLICATION(2);

  private final int place;

  Lane(int place) {
    this.place = place;
  }

  /** Of its address among a node's. */
  int place() {
    return place;
  }
}
