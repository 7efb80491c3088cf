package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import io.kontiki.runtime.system.LoopbackPorts;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All nodes on the loopback address, which cannot be cut. */
final class Loopback implements Network {
  private final Map<Integer, Map<String, Endpoint>> endpoints = new TreeMap<>();
  private final String why;

  /**
   * @param why there is nothing better
   */
  Loopback(int nodes, String why) {
    this.why = why;
    for (int id = 1; id <= nodes; id++) {
      Map<String, Endpoint> own = new LinkedHashMap<>();
      for (String purpose : List.of("grpc", "raft", "http", "kafka", "replication")) {
        own.put(purpose, new Endpoint("127.0.0.1", LoopbackPorts.next()));
      }
      endpoints.put(id, own);
    }
  }

  @Override
  public Map<String, Endpoint> endpoints(int id) {
    return endpoints.getOrDefault(id, Map.of());
  }

  @Override
  public String description() {
    return "the loopback address, which cannot be cut: " + why;
  }

  @Override
  public List<String> prefix(int id) {
    return List.of();
  }

  @Override
  public Map<Ability, String> missing() {
    Map<Ability, String> missing = new TreeMap<>();
    for (Ability ability :
        List.of(Ability.CUT, Ability.CUT_LANES, Ability.SLOW_NETWORK, Ability.LOSSY_NETWORK)) {
      missing.put(ability, why);
    }
    return missing;
  }

  @Override
  public void cut(Collection<Cut> cuts) {
    throw new UnsupportedOperationException(why);
  }

  @Override
  public void slow(int id) {
    throw new UnsupportedOperationException(why);
  }

  @Override
  public void lossy(int id) {
    throw new UnsupportedOperationException(why);
  }

  @Override
  public void heal() {}

  @Override
  public void close() {}
}
