package io.kontiki.broker;

import io.kontiki.runtime.system.LoopbackPorts;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/** Three brokers in processes of their own, with the door of this module; they can be killed. */
public final class ProcessNodes implements AutoCloseable {
  private static final int COUNT = 3;

  private final Path dir;
  private final List<Integer> ports = new ArrayList<>();
  private final SortedMap<Integer, Process> running = new TreeMap<>();

  /** Starts them and waits until each is ready. */
  public ProcessNodes(Path dir) {
    this.dir = dir;
    for (int i = 0; i < 5 * COUNT; i++) {
      ports.add(LoopbackPorts.next());
    }
    for (int id = 1; id <= COUNT; id++) {
      start(id);
    }
    for (int id = 1; id <= COUNT; id++) {
      awaitReady(id);
    }
  }

  private int port(int id, int which) {
    return ports.get(5 * (id - 1) + which);
  }

  /** Starts one that does not run. */
  public void start(int id) {
    StringBuilder voters = new StringBuilder();
    for (int voter = 1; voter <= COUNT; voter++) {
      voters.append(voter == 1 ? "" : ",").append(voter + "@127.0.0.1:" + port(voter, 0));
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx160m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dkontiki.exitOnStdinEof=true",
                "-cp",
                System.getProperty("java.class.path"),
                BrokerMain.class.getName()));
    for (String setting :
        List.of(
            "node.id=" + id,
            "data.dir=" + dir.resolve("node-" + id),
            "cluster.voters=" + voters,
            "raft.listen=127.0.0.1:" + port(id, 0),
            "grpc.listen=127.0.0.1:" + port(id, 1),
            "http.listen=127.0.0.1:" + port(id, 2),
            "kafka.listen=127.0.0.1:" + port(id, 3),
            "replication.listen=127.0.0.1:" + port(id, 4),
            "topic.default.durability=replicated")) {
      command.add("--set");
      command.add(setting);
    }
    try {
      File log = dir.resolve("node-" + id + ".log").toFile();
      running.put(
          id,
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGKILL. */
  public void kill(int id) throws InterruptedException {
    Process process = running.remove(id);
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }

  /** Waits until it serves. */
  public void awaitReady(int id) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(120))
        .until(() -> get(id, "/readyz").trim().equals("ready"));
  }

  private String get(int id, String path) {
    try {
      return HttpClient.newHttpClient()
          .send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port(id, 2) + path))
                  .timeout(Duration.ofSeconds(2))
                  .build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      return e.toString();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Where Kafka clients begin. */
  public String bootstrap() {
    return running.keySet().stream()
        .map(id -> "127.0.0.1:" + port(id, 3))
        .collect(Collectors.joining(","));
  }

  @Override
  public void close() {
    for (int id : List.copyOf(running.keySet())) {
      try {
        kill(id);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
