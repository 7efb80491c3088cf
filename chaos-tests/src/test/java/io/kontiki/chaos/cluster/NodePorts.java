package io.kontiki.chaos.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/** The ports of one node, all on the loopback address. */
record NodePorts(int grpc, int raft, int http, int replication) {
  /**
   * Below what the system hands out for outgoing connections: the ports must still be free when a
   * node that was killed comes back.
   */
  private static final int FIRST = 10_000;

  private static final int COUNT = 20_000;
  private static final Random RANDOM = new Random();
  private static final Set<Integer> GIVEN = new HashSet<>();

  /** Four ports on which nobody listens, and which no other node of this JVM was given. */
  static synchronized NodePorts free() {
    return new NodePorts(next(), next(), next(), next());
  }

  private static int next() {
    for (int tries = 0; tries < 1_000; tries++) {
      int port = FIRST + RANDOM.nextInt(COUNT);
      if (!GIVEN.contains(port) && isFree(port)) {
        GIVEN.add(port);
        return port;
      }
    }
    throw new IllegalStateException("no free port between " + FIRST + " and " + (FIRST + COUNT));
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (java.net.BindException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
