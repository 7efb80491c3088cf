package io.kontiki.cli.local;

import java.util.Map;
import java.util.TreeMap;

/** Asks the nodes of a cluster until each has been ready once. */
public final class ReadyWait {
  private final LocalCluster cluster;
  private final Map<Integer, String> notReady = new TreeMap<>();

  public ReadyWait(LocalCluster cluster) {
    this.cluster = cluster;
    cluster.nodes().forEach(node -> notReady.put(node.id(), "not asked yet"));
  }

  /**
   * Asks those that were not ready yet, each for a second at most.
   *
   * @return whether all have been
   */
  public boolean ask() {
    for (Integer id : notReady.keySet().toArray(new Integer[0])) {
      String why = cluster.node(id).unreadiness();
      if (why.isEmpty()) {
        notReady.remove(id);
      } else {
        notReady.put(id, why);
      }
    }
    return notReady.isEmpty();
  }

  /** Why, by id of the node. */
  public Map<Integer, String> notReady() {
    return new TreeMap<>(notReady);
  }
}
