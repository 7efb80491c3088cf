package io.kontiki.chaos.run.cluster;

import java.nio.file.Path;

/** Makes the {@link Network} that is asked for. */
final class Networks {
  private Networks() {}

  /**
   * Makes it.
   *
   * @throws IllegalStateException if this machine does not allow what is asked for by name
   */
  static Network make(Networking what, int nodes, Path dir, long seed) {
    String noNamespaces = what == Networking.PROXY ? "not asked for" : Namespaces.impossible();
    if (noNamespaces.isEmpty()) {
      return Namespaces.of(nodes);
    }
    if (what == Networking.NAMESPACES) {
      throw new IllegalStateException("--network namespaces: " + noNamespaces);
    }
    String noProxies = Proxies.impossible();
    if (noProxies.isEmpty()) {
      return new Proxies(nodes, dir, seed);
    }
    if (what == Networking.PROXY) {
      throw new IllegalStateException("--network proxy: " + noProxies);
    }
    return new Loopback(nodes, noNamespaces + "; " + noProxies);
  }
}
