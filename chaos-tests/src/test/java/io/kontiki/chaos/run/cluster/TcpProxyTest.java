package io.kontiki.chaos.run.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.system.LoopbackPorts;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class TcpProxyTest {
  private static final int SILENCE_MS = 150;
  private static final int PATIENCE_MS = 20_000;
  private static final boolean THERE = true;
  private static final boolean BACK = false;

  private final TcpProxy proxy = new TcpProxy();
  private final Wire ofClient = new Wire(new Random(1));
  private final Wire ofServer = new Wire(new Random(2));
  private final InetSocketAddress front = address();
  private final InetSocketAddress behind = address();
  private TcpProxy.Door door;
  private ServerSocket server;

  private static InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), LoopbackPorts.next());
  }

  @BeforeEach
  void open() throws IOException {
    server = listen();
    door = proxy.add(front, behind, ofClient, ofServer);
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
    server.close();
  }

  private ServerSocket listen() throws IOException {
    ServerSocket socket = new ServerSocket();
    socket.setReuseAddress(true);
    socket.bind(behind);
    return socket;
  }

  /** Both ends of a connection through the proxy. */
  private record Ends(Socket client, Socket server) implements AutoCloseable {
    void toServer(String text) throws IOException {
      client.getOutputStream().write(text.getBytes());
      assertEquals(text, read(server, text.length()));
    }

    void toClient(String text) throws IOException {
      server.getOutputStream().write(text.getBytes());
      assertEquals(text, read(client, text.length()));
    }

    @Override
    public void close() throws IOException {
      client.close();
      server.close();
    }
  }

  private static String read(Socket from, int bytes) throws IOException {
    from.setSoTimeout(PATIENCE_MS);
    return new String(from.getInputStream().readNBytes(bytes));
  }

  private static void assertSilent(Socket socket) throws IOException {
    socket.setSoTimeout(SILENCE_MS);
    assertThrows(SocketTimeoutException.class, () -> socket.getInputStream().read());
  }

  private Socket dial() throws IOException {
    Socket socket = new Socket();
    socket.connect(front, PATIENCE_MS);
    return socket;
  }

  private Ends connect() throws IOException {
    Socket client = dial();
    client.getOutputStream().write('!');
    return new Ends(client, accept('!'));
  }

  /** The connection that begins with a letter. The proxy's own, to see who listens, have none. */
  private Socket accept(char letter) throws IOException {
    server.setSoTimeout(PATIENCE_MS);
    while (true) {
      Socket accepted = server.accept();
      accepted.setSoTimeout(PATIENCE_MS);
      if (accepted.getInputStream().read() == letter) {
        return accepted;
      }
      accepted.close();
    }
  }

  @Test
  void bytesAndTheEndArePassedOnBothWays() throws IOException {
    try (Ends ends = connect()) {
      ends.toServer("there");
      ends.toClient("back");
      ends.client().shutdownOutput();
      assertEquals(-1, ends.server().getInputStream().read());
      ends.toClient("a half-closed connection still goes the other way");
      ends.server().close();
      assertEquals(-1, ends.client().getInputStream().read());
    }
  }

  @Test
  void moreThanItHoldsWaitsWithTheSenderAndArrivesWhole() throws Exception {
    byte[] much = new byte[64 << 20];
    new Random(7).nextBytes(much);
    try (Ends ends = connect()) {
      ends.server().setReceiveBufferSize(64 * 1024);
      ends.client().setSendBufferSize(64 * 1024);
      Thread sender =
          new Thread(
              () -> {
                try {
                  ends.client().getOutputStream().write(much);
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      sender.start();
      sender.join(10L * SILENCE_MS); // nobody reads yet
      assertTrue(sender.isAlive(), "the proxy took all of it");
      assertTrue(Arrays.equals(much, ends.server().getInputStream().readNBytes(much.length)));
      sender.join();
    }
  }

  @Test
  void oneWayIsCutTheOtherGoesOnAndWhatWasHeldBackArrivesAfterwards() throws IOException {
    try (Ends ends = connect()) {
      proxy.setCut(door, THERE, true);
      ends.client().getOutputStream().write("held".getBytes());
      assertSilent(ends.server());
      ends.toClient("back");
      proxy.setCut(door, THERE, false);
      assertEquals("held", read(ends.server(), 4));

      proxy.setCut(door, BACK, true);
      ends.server().getOutputStream().write("also".getBytes());
      assertSilent(ends.client());
      ends.toServer("there");
      proxy.setCut(door, BACK, false);
      assertEquals("also", read(ends.client(), 4));
    }
  }

  @Test
  void theEndOfWhoIsCutOffIsNotSeenBeforeTheCutIsHealed() throws IOException {
    try (Ends ends = connect()) {
      proxy.setCut(door, BACK, true);
      ends.server().close();
      server.close();
      assertSilent(ends.client());
      dial().close(); // no refusal tells that nobody is there
      proxy.setCut(door, BACK, false);
      assertEquals(-1, ends.client().getInputStream().read());
    }
  }

  @Test
  void aConnectionOverACutWayBeginsWhenItIsHealed() throws IOException {
    try (Ends first = connect()) {
      first.toServer("up");
      proxy.setCut(door, BACK, true);
      try (Socket client = dial()) {
        client.getOutputStream().write('?');
        server.setSoTimeout(SILENCE_MS);
        assertThrows(SocketTimeoutException.class, server::accept);
        proxy.setCut(door, BACK, false);
        accept('?').close();
      }
    }
  }

  /** R6: two refusals after the end of a stream prove that a process is gone. */
  @Test
  void whoSeesTheEndOfAConnectionOfTheDeadIsRefusedFromThenOnUntilTheyAreBack() throws IOException {
    try (Ends ends = connect()) {
      server.close();
      ends.server().close();
      assertEquals(-1, ends.client().getInputStream().read());
      assertThrows(ConnectException.class, this::dial);
    }
    server = listen();
    await()
        .atMost(Duration.ofMillis(PATIENCE_MS))
        .ignoreException(ConnectException.class)
        .until(
            () -> {
              dial().close();
              return true;
            });
    try (Ends ends = connect()) {
      ends.toClient("again");
    }
  }

  @Test
  void anEndWithoutOrderIsOneOnTheOtherSide() throws IOException {
    try (Ends ends = connect()) {
      ends.server().setSoLinger(true, 0);
      ends.server().close();
      ends.client().setSoTimeout(PATIENCE_MS);
      assertThrows(SocketException.class, () -> ends.client().getInputStream().read());
    }
  }

  @Test
  void aSlowWireTakesItsTimeAndWhatIsOnItsWayArrivesOnceItIsFast() throws IOException {
    try (Ends ends = connect()) {
      proxy.become(ofClient, Wire.Kind.SLOW);
      long begin = System.nanoTime();
      ends.client().getOutputStream().write(new byte[8_000]);
      read(ends.server(), 8_000);
      assertTrue(System.nanoTime() - begin >= 200_000_000, "8,000 bytes at 32,000 a second");
      ends.client().getOutputStream().write(new byte[200_000]);
      assertSilent(ends.server());
      proxy.become(ofClient, Wire.Kind.FAST);
      begin = System.nanoTime();
      read(ends.server(), 200_000);
      assertTrue(System.nanoTime() - begin < 3_000_000_000L, "at once");
    }
  }

  @Test
  void aLossyWireDelaysAndKeepsTheOrder() throws IOException {
    try (Ends ends = connect()) {
      proxy.become(ofServer, Wire.Kind.LOSSY);
      StringBuilder sent = new StringBuilder();
      long begin = System.nanoTime();
      for (int i = 100; i < 300; i++) {
        ends.server().getOutputStream().write(Integer.toString(i).getBytes());
        sent.append(i);
      }
      assertEquals(sent.toString(), read(ends.client(), sent.length()));
      assertTrue(System.nanoTime() - begin >= 10_000_000, "a delay of at least 10 ms");
    }
  }
}
