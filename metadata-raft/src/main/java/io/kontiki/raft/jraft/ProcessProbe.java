package io.kontiki.raft.jraft;

import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;

/**
 * Rule R6's second half: two refused dials, after a stream has ended, prove that the process behind
 * it is gone. A stopped process, a cut or a full backlog only lets them time out, and proves
 * nothing.
 */
final class ProcessProbe {
  private static final int DIAL_MS = 100;
  private static final int BETWEEN_DIALS_MS = 20;

  private ProcessProbe() {}

  /** Blocks for 0.25 s at most, and for the resolution of the name. */
  static boolean isGone(Endpoint endpoint) throws InterruptedException {
    if (!refused(endpoint)) {
      return false;
    }
    Thread.sleep(BETWEEN_DIALS_MS);
    return refused(endpoint);
  }

  /** A name may have several addresses; all must refuse. */
  private static boolean refused(Endpoint endpoint) {
    try {
      for (InetAddress address : InetAddress.getAllByName(endpoint.host())) {
        if (!refused(new InetSocketAddress(address, endpoint.port()))) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false; // not resolved: no evidence
    }
  }

  private static boolean refused(InetSocketAddress address) {
    // What a proxy answers says nothing about the process; and looking for one takes time here.
    try (Socket socket = new Socket(Proxy.NO_PROXY)) {
      socket.connect(address, DIAL_MS);
      return false;
    } catch (ConnectException e) {
      return true;
    } catch (IOException e) {
      return false; // timed out, unreachable: no evidence
    }
  }
}
