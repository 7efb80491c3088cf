package io.kontiki.cli.local;

import com.sun.net.httpserver.HttpServer;
import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.io.Reader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

/**
 * A program that behaves like a server as far as a local cluster can see. {@code FAKE_MODE} names
 * what is special: {@code exit@2} (node 2 ends with 7 at once), {@code stubborn@2} (node 2 does not
 * stop when asked).
 */
public final class FakeServer {
  private FakeServer() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length != 2 || !args[0].equals("--config")) {
      throw new IllegalArgumentException("expected --config FILE");
    }
    Properties config = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(args[1]), StandardCharsets.UTF_8)) {
      config.load(reader);
    }
    String id = config.getProperty("node.id");
    String mode = System.getenv().getOrDefault("FAKE_MODE", "");
    System.out.println("voters " + config.getProperty("cluster.voters"));
    if (mode.equals("exit@" + id)) {
      System.out.println("the disk of node " + id + " is on fire");
      System.exit(7);
    }
    if (mode.equals("stubborn@" + id)) {
      Runtime.getRuntime().addShutdownHook(new Thread(FakeServer::waitForever));
    } else if (Boolean.getBoolean("kontiki.exitOnStdinEof")) {
      Thread watch = new Thread(FakeServer::haltOnStdinEof);
      watch.setDaemon(true);
      watch.start();
    }
    Endpoint http = Endpoint.parse(config.getProperty("http.listen"));
    HttpServer server = HttpServer.create(new InetSocketAddress(http.host(), http.port()), 0);
    server.createContext(
        "/readyz",
        exchange -> {
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    waitForever();
  }

  private static void haltOnStdinEof() {
    try {
      while (System.in.read() >= 0) {
        // Nobody says anything; only the end counts.
      }
    } catch (IOException e) {
      // As good as the end.
    }
    Runtime.getRuntime().halt(0);
  }

  private static void waitForever() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
