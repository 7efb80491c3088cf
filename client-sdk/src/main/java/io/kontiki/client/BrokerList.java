package io.kontiki.client;

import io.kontiki.model.Endpoint;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The brokers that may be asked something that any broker answers, in turn: those that the cluster
 * names, and those of the configuration. Used on the loop alone.
 */
final class BrokerList {
  private final List<Endpoint> bootstrap;
  private List<Endpoint> all;
  private int next;

  BrokerList(List<Endpoint> bootstrap, int start) {
    this.bootstrap = List.copyOf(bootstrap);
    this.all = this.bootstrap;
    this.next = start;
  }

  /** The cluster named its brokers. */
  void learn(Collection<Endpoint> brokers) {
    Set<Endpoint> merged = new LinkedHashSet<>(brokers);
    merged.addAll(bootstrap);
    all = new ArrayList<>(merged);
  }

  /** The one to ask now. */
  Endpoint current() {
    return all.get(Math.floorMod(next, all.size()));
  }

  /** That one did not answer. */
  void advance() {
    next++;
  }

  /** How many there are. */
  int size() {
    return all.size();
  }
}
