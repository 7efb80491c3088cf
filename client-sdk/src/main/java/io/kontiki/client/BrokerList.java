package io.kontiki.client;

import io.kontiki.model.Endpoint;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The brokers that may be asked something that any broker answers, in turn: first those that serve,
 * as the cluster says, then those that are down or stopping, and the addresses of the
 * configuration. Used on the loop alone.
 */
final class BrokerList {
  private final List<Endpoint> bootstrap;
  private List<Endpoint> serving;
  private List<Endpoint> others = List.of();
  private int next;

  BrokerList(List<Endpoint> bootstrap, int start) {
    this.bootstrap = List.copyOf(bootstrap);
    this.serving = this.bootstrap;
    this.next = start;
  }

  /** The cluster named its brokers. */
  void learn(ClusterView view) {
    serving = view.serving();
    Set<Endpoint> rest = new LinkedHashSet<>(view.brokers().values());
    rest.addAll(bootstrap);
    serving.forEach(rest::remove);
    others = new ArrayList<>(rest);
  }

  /** The one to ask now. */
  Endpoint current() {
    Endpoint first = pick(List.of());
    if (first == null) {
      throw new IllegalStateException("no broker is known, not even one of the configuration");
    }
    return first;
  }

  /** The next one that is none of these; null: there is none. */
  @Nullable Endpoint pick(Collection<Endpoint> avoid) {
    Endpoint found = pick(serving, avoid);
    return found == null ? pick(others, avoid) : found;
  }

  private @Nullable Endpoint pick(List<Endpoint> from, Collection<Endpoint> avoid) {
    for (int i = 0; i < from.size(); i++) {
      Endpoint candidate = from.get(Math.floorMod(next + i, from.size()));
      if (!avoid.contains(candidate)) {
        return candidate;
      }
    }
    return null;
  }

  /** That one did not answer: whoever asks next begins with another. */
  void passOver(Endpoint silent) {
    if (current().equals(silent)) {
      next++;
    }
  }

  /** Whether the cluster names it among those that serve; at the beginning: it is configured. */
  boolean serves(Endpoint endpoint) {
    return serving.contains(endpoint);
  }

  /** How many there are. */
  int size() {
    return serving.size() + others.size();
  }
}
