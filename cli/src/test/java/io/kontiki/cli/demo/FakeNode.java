package io.kontiki.cli.demo;

import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * A server process whose doors lead to a {@link FakeCluster} in the test's JVM: killing it breaks
 * its connections, as killing a broker does, and nothing else.
 */
public final class FakeNode {
  private FakeNode() {}

  public static void main(String[] args) throws IOException {
    Properties config = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(args[1]), StandardCharsets.UTF_8)) {
      config.load(reader);
    }
    forward(config.getProperty("grpc.listen"), port("FAKE_GRPC"));
    forward(config.getProperty("http.listen"), port("FAKE_HTTP"));
    try (Socket life = new Socket(InetAddress.getLoopbackAddress(), port("FAKE_LIFE"))) {
      life.getOutputStream().write(Integer.parseInt(config.getProperty("node.id")));
      life.getOutputStream().flush();
      life.getInputStream().read();
    }
  }

  private static int port(String variable) {
    return Integer.parseInt(System.getenv(variable));
  }

  private static void forward(String listen, int to) throws IOException {
    Endpoint from = Endpoint.parse(listen);
    ServerSocket server = new ServerSocket(from.port(), 50, InetAddress.getByName(from.host()));
    daemon(
        () -> {
          while (true) {
            Socket client = server.accept();
            Socket backend = new Socket(InetAddress.getLoopbackAddress(), to);
            daemon(() -> copy(client, backend));
            daemon(() -> copy(backend, client));
          }
        });
  }

  private static void copy(Socket from, Socket to) throws IOException {
    try (from;
        to;
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      byte[] buffer = new byte[16 * 1024];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void daemon(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                // One side has gone; so goes the other.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }
}
