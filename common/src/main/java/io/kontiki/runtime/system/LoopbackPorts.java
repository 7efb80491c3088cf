package io.kontiki.runtime.system;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * TCP ports of 127.0.0.1 for nodes that are started, killed and started again on one machine.
 *
 * <p>They lie below what systems hand out for outgoing connections (Linux: 32,768 and up, <a
 * href="https://docs.kernel.org/networking/ip-sysctl.html">ip_local_port_range</a>), so that none
 * of those takes the port of a node while it is down. Thread-safe.
 */
public final class LoopbackPorts {
  private static final int FIRST = 10_000;
  private static final int COUNT = 20_000;
  private static final int TRIES = 1_000;
  private static final Random RANDOM = new Random();
  private static final Set<Integer> GIVEN = new HashSet<>();

  private LoopbackPorts() {}

  /**
   * A port on which nobody listens, and which was not given before in this process.
   *
   * @throws IllegalStateException if none was found
   */
  public static synchronized int next() {
    for (int i = 0; i < TRIES; i++) {
      int port = FIRST + RANDOM.nextInt(COUNT);
      if (isFree(port) && GIVEN.add(port)) {
        return port;
      }
    }
    throw new IllegalStateException("no free port between " + FIRST + " and " + (FIRST + COUNT));
  }

  /** Whether nobody listens on the port; connections that linger from before do not count. */
  public static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
