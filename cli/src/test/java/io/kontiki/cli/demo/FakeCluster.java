package io.kontiki.cli.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kontiki.cli.local.ServerProgram;
import io.kontiki.cli.stream.MemoryLogBroker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * What is behind the doors of three {@link FakeNode}s: one log in memory, and metadata that follow
 * who is alive.
 */
final class FakeCluster implements AutoCloseable {
  private static final int PARTITIONS = 3;

  private final MemoryLogBroker.Log log = new MemoryLogBroker.Log(PARTITIONS);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final MemoryLogBroker broker;
  private final HttpServer http;
  private final ServerSocket life;
  private final SortedSet<Integer> alive = new TreeSet<>();
  private final int[] leaders = {1, 2, 3};
  private final int[] epochs = new int[PARTITIONS];
  private final boolean losesRecords;

  /**
   * @param losesRecords whether the last record of each partition is lost when its leader dies
   */
  FakeCluster(boolean losesRecords) throws IOException {
    this.losesRecords = losesRecords;
    this.broker = new MemoryLogBroker(log);
    this.life = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    this.http = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    http.setExecutor(threads);
    http.createContext("/", this::handle);
    http.start();
    threads.execute(this::acceptLives);
  }

  ServerProgram program() {
    return new ServerProgram(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx32m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            FakeNode.class.getName()),
        Map.of(
            "FAKE_GRPC",
            String.valueOf(broker.address().port()),
            "FAKE_HTTP",
            String.valueOf(http.getAddress().getPort()),
            "FAKE_LIFE",
            String.valueOf(life.getLocalPort())));
  }

  private void acceptLives() {
    try {
      while (true) {
        Socket socket = life.accept();
        threads.execute(() -> live(socket));
      }
    } catch (IOException e) {
      // Closed: the test is over.
    }
  }

  private void live(Socket socket) {
    int id = 0;
    try (socket) {
      id = socket.getInputStream().read();
      synchronized (this) {
        alive.add(id);
      }
      socket.getInputStream().read();
    } catch (IOException e) {
      // Killed, which is what this waits for.
    }
    onDeath(id);
  }

  private synchronized void onDeath(int id) {
    alive.remove(id);
    for (int partition = 0; partition < PARTITIONS; partition++) {
      if (leaders[partition] == id && !alive.isEmpty()) {
        leaders[partition] = alive.first();
        epochs[partition]++;
        if (losesRecords) {
          log.loseLast(partition);
        }
      }
    }
  }

  private synchronized String answer(String path) {
    List<String> partitions = new ArrayList<>();
    for (int partition = 0; partition < PARTITIONS; partition++) {
      partitions.add(
          "{\"partition\":"
              + partition
              + ",\"leader\":"
              + leaders[partition]
              + ",\"leaderEpoch\":"
              + epochs[partition]
              + ",\"replicas\":[1,2,3],\"isr\":"
              + alive
              + "}");
    }
    String topic = "{\"topic\":{\"name\":\"demo\",\"partitions\":" + partitions + "}}";
    return switch (path.substring(path.lastIndexOf('/') + 1)) {
      case "CreateTopic", "DescribeTopic" -> topic;
      case "DescribeCluster" -> "{\"controllerId\":1}";
      case "DescribeQuorum" ->
          "{\"groups\":[{\"name\":\"metadata\",\"leader\":1,\"term\":\"2\",\"members\":[{},{},{}]}]}";
      default -> "";
    };
  }

  private void handle(HttpExchange exchange) throws IOException {
    exchange.getRequestBody().readAllBytes();
    byte[] body = answer(exchange.getRequestURI().getPath()).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Override
  public void close() throws IOException {
    broker.close();
    http.stop(0);
    life.close();
    threads.shutdownNow();
  }
}
