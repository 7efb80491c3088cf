package io.kontiki.chaos.cluster;

import io.kontiki.runtime.system.LoopbackPorts;

/** The ports of one node, all on the loopback address. */
record NodePorts(int grpc, int raft, int http, int replication) {
  /** Four ports on which nobody listens, and which no other node of this JVM was given. */
  static NodePorts free() {
    return new NodePorts(
        LoopbackPorts.next(), LoopbackPorts.next(), LoopbackPorts.next(), LoopbackPorts.next());
  }
}
