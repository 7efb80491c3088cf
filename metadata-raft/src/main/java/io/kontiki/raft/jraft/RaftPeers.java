package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.util.Endpoint;
import java.util.Collection;
import java.util.List;

/**
 * The one place that turns node ids into JRaft's peers and back.
 *
 * <p>A peer is written {@code node:ID} in JRaft's log, votes and messages: an address in JRaft's
 * eyes, an identity in ours. So a node may change its host and port without a change of the group's
 * configuration, and hosts may be names; {@link RaftChannels} knows where a node listens.
 */
final class RaftPeers {
  /** No such node. */
  static final int NO_NODE = io.kontiki.raft.RaftGroup.NO_NODE;

  private static final String HOST = "node";

  private RaftPeers() {}

  static PeerId peer(int nodeId) {
    return new PeerId(HOST, nodeId);
  }

  static int nodeId(Endpoint endpoint) {
    return endpoint.getIp().equals(HOST) ? endpoint.getPort() : NO_NODE;
  }

  static int nodeId(PeerId peer) {
    return nodeId(peer.getEndpoint());
  }

  /** The node behind the text of a peer, or {@link #NO_NODE}. */
  static int nodeId(String peer) {
    PeerId parsed = new PeerId();
    return parsed.parse(peer) ? nodeId(parsed) : NO_NODE;
  }

  static Configuration configuration(Collection<Integer> nodeIds) {
    return new Configuration(nodeIds.stream().sorted().map(RaftPeers::peer).toList());
  }

  /** Sorted. */
  static List<Integer> nodeIds(Configuration configuration) {
    return configuration.listPeers().stream().map(RaftPeers::nodeId).sorted().toList();
  }
}
