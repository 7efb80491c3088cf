package io.kontiki.chaos.run.cluster;

import java.util.Locale;

/** What is to connect the nodes of a cluster of this machine. */
public enum Networking {
  /** Namespaces where they can be had, else proxies, else nothing that can be cut. */
  AUTO,
  /** A network namespace for each node. */
  NAMESPACES,
  /** Loopback addresses, with proxies between them. */
  PROXY;

  /**
   * By its name in lower case.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Networking parse(String word) {
    for (Networking one : values()) {
      if (one.name().toLowerCase(Locale.ROOT).equals(word)) {
        return one;
      }
    }
    throw new IllegalArgumentException(
        "--network " + word + " should be auto, namespaces or proxy");
  }
}
