package io.kontiki.cli.local;

import io.kontiki.model.Endpoint;
import io.kontiki.runtime.system.LoopbackPorts;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ports of one node of a local cluster: ten are set aside for each, from the base port on.
 *
 * @param nodeId from 1
 * @param basePort of the whole cluster
 */
public record NodePorts(int nodeId, int basePort) {
  /** The most nodes that a local cluster may have. */
  public static final int MAX_NODES = 20;

  private static final String HOST = "127.0.0.1";
  private static final int PORTS_PER_NODE = 10;

  public NodePorts {
    if (nodeId < 1 || nodeId > MAX_NODES) {
      throw new IllegalArgumentException(
          "node " + nodeId + ": 1 to " + MAX_NODES + " are possible");
    }
    int last = basePort + PORTS_PER_NODE * (nodeId - 1) + 4;
    if (basePort < 1 || last > 65_535) {
      throw new IllegalArgumentException(
          "base port " + basePort + ": node " + nodeId + " would need port " + last);
    }
  }

  public Endpoint grpc() {
    return endpoint(0);
  }

  public Endpoint raft() {
    return endpoint(1);
  }

  public Endpoint http() {
    return endpoint(2);
  }

  public Endpoint kafka() {
    return endpoint(3);
  }

  public Endpoint replication() {
    return endpoint(4);
  }

  private Endpoint endpoint(int distance) {
    return new Endpoint(HOST, basePort + PORTS_PER_NODE * (nodeId - 1) + distance);
  }

  /** What is listened on, by purpose, in the order of the ports. */
  public Map<String, Endpoint> all() {
    Map<String, Endpoint> all = new LinkedHashMap<>();
    all.put("grpc", grpc());
    all.put("raft", raft());
    all.put("http", http());
    all.put("kafka", kafka());
    all.put("replication", replication());
    return all;
  }

  /** Names a port that something else holds, and its purpose; null if all are free. */
  public @Nullable String taken() {
    for (Map.Entry<String, Endpoint> port : all().entrySet()) {
      if (!LoopbackPorts.isFree(port.getValue().port())) {
        return "port " + port.getValue().port() + " (" + port.getKey() + " of node " + nodeId + ")";
      }
    }
    return null;
  }
}
