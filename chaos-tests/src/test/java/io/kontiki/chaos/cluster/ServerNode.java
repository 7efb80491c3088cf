package io.kontiki.chaos.cluster;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One server: its directory, its configuration, its log and, while it runs, its process. */
public final class ServerNode {
  private static final Duration HTTP_PATIENCE = Duration.ofSeconds(10);
  private static final int TAIL_LINES = 40;

  private final int id;
  private final NodePorts ports;
  private final Path dir;
  private final Path log;
  private final HttpClient http = HttpClient.newBuilder().connectTimeout(HTTP_PATIENCE).build();
  private @Nullable Process process;

  ServerNode(int id, NodePorts ports, Path dir, Path log) {
    this.id = id;
    this.ports = ports;
    this.dir = dir;
    this.log = log;
  }

  /** As {@code node.id}. */
  public int id() {
    return id;
  }

  NodePorts ports() {
    return ports;
  }

  /** host:port for clients. */
  public String grpc() {
    return "127.0.0.1:" + ports.grpc();
  }

  /** host:port of health, metrics and administration. */
  public String http() {
    return "127.0.0.1:" + ports.http();
  }

  /** Of the server; survives kills, and goes with the cluster. */
  public Path dataDir() {
    return dir.resolve("data");
  }

  /** The node's disk is lost; no process of it may run. */
  void loseData() {
    try {
      ProcessCluster.delete(dataDir());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Copies the data directory to another beside it; no process of the node may run. */
  void copyData(String name) throws IOException {
    Path to = dataDir().resolveSibling(name);
    try (Stream<Path> all = Files.walk(dataDir())) {
      for (Path from : all.toList()) {
        Files.copy(from, to.resolve(dataDir().relativize(from)));
      }
    }
  }

  /** What the processes of this node printed, one after the other. */
  public Path log() {
    return log;
  }

  /** Writes the configuration; once. */
  void configure(String text) throws IOException {
    Files.createDirectories(dataDir());
    Files.createDirectories(log.getParent());
    Files.writeString(config(), text);
  }

  private Path config() {
    return dir.resolve("kontiki.conf");
  }

  /**
   * Starts the process, which must not run; does not wait until it is ready.
   *
   * @param overrides {@code key=value}, stronger than the file, for this process
   */
  public synchronized void start(String... overrides) {
    if (isAlive()) {
      throw new IllegalStateException("node " + id + " runs already, as " + pid());
    }
    try {
      process =
          ServerProgram.processBuilder(config(), List.of(overrides))
              .redirectErrorStream(true)
              .redirectOutput(Redirect.appendTo(log.toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start node " + id, e);
    }
  }

  /** How a process ended that should not have come up. */
  record Ended(int exitCode, String output) {}

  /**
   * Runs one more process with this node's configuration file, and waits for its end; killed and an
   * error if it does not end by itself.
   *
   * @param overrides {@code key=value}, stronger than the file
   */
  Ended run(List<String> overrides, Duration atMost) {
    Path output = dir.resolve("run.log");
    try {
      Process run =
          ServerProgram.processBuilder(config(), overrides)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      try {
        boolean ended = run.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS);
        String text = Files.readString(output);
        if (!ended) {
          throw new IllegalStateException(
              "the process with " + overrides + " did not end within " + atMost + ":\n" + text);
        }
        return new Ended(run.exitValue(), text);
      } finally {
        run.destroyForcibly().waitFor();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Whether the process that was started last is there, frozen or not. */
  public synchronized boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** Of the process that was started last. */
  public synchronized long pid() {
    return running().pid();
  }

  /** SIGKILL, and waits until the process is gone. */
  public void kill() {
    Process victim = running();
    victim.destroyForcibly();
    await(victim, Duration.ofSeconds(20));
  }

  /** SIGTERM, and waits for the exit code; killed and an error if it takes longer. */
  public int stop(Duration atMost) {
    Process victim = running();
    victim.destroy();
    await(victim, atMost);
    return victim.exitValue();
  }

  /** SIGTERM; does not wait. */
  void terminate() {
    running().destroy();
  }

  /** SIGSTOP: the process freezes, its connections stay. */
  public void freeze() {
    signal("STOP");
  }

  /** SIGCONT. */
  public void thaw() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      Process kill =
          new ProcessBuilder("kill", "-" + name, Long.toString(pid()))
              .redirectErrorStream(true)
              .redirectOutput(Redirect.DISCARD)
              .start();
      if (kill.waitFor() != 0) {
        throw new IllegalStateException("SIG" + name + " did not reach node " + id);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private synchronized Process running() {
    if (process == null) {
      throw new IllegalStateException("node " + id + " was never started");
    }
    return process;
  }

  private void await(Process victim, Duration atMost) {
    try {
      if (!victim.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
        victim.destroyForcibly();
        throw new IllegalStateException(
            "node " + id + " did not end within " + atMost + "; its log ends with\n" + logTail());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** For the end: no process of this node survives; never throws. */
  synchronized void destroy() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  /** Why it is not ready; empty if it is. */
  String unreadiness() {
    if (!isAlive()) {
      return "node " + id + " is not running";
    }
    try {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(URI.create("http://" + http() + "/readyz"))
                  .timeout(Duration.ofSeconds(1))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      return answer.statusCode() == 200
          ? ""
          : "node " + id + ": /readyz says " + answer.statusCode() + " " + answer.body().strip();
    } catch (IOException e) {
      return "node " + id + ": /readyz: " + e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /**
   * An administrative call in its JSON form.
   *
   * @param method of AdminService
   * @param request in proto3 JSON
   * @throws IOException if the node did not answer with 200; the message has its answer
   */
  public JsonObject admin(String method, JsonObject request) throws IOException {
    HttpRequest call =
        HttpRequest.newBuilder(
                URI.create("http://" + http() + "/kontiki.v1.AdminService/" + method))
            .timeout(HTTP_PATIENCE)
            .header("Content-Type", "application/json")
            .header("Connect-Timeout-Ms", Long.toString(HTTP_PATIENCE.toMillis() - 1_000))
            .POST(HttpRequest.BodyPublishers.ofString(request.toString()))
            .build();
    try {
      HttpResponse<String> answer = http.send(call, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw new IOException(
            method + " at node " + id + ": " + answer.statusCode() + " " + answer.body());
      }
      return JsonParser.parseString(answer.body()).getAsJsonObject();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** A number of {@code /metrics}; empty if the node does not answer or has no such line. */
  OptionalDouble metric(String name) {
    try {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(URI.create("http://" + http() + "/metrics"))
                  .timeout(Duration.ofSeconds(1))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      return answer
          .body()
          .lines()
          .filter(line -> line.startsWith(name + " "))
          .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
          .findFirst();
    } catch (IOException e) {
      return OptionalDouble.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Lines of the log that contain a text. */
  List<String> logLines(String text) {
    return logLines().stream().filter(line -> line.contains(text)).toList();
  }

  /** Whether this node's own image of the metadata has the topic. */
  boolean knows(String topic) {
    JsonObject request = new JsonObject();
    request.addProperty("name", topic);
    try {
      return admin("DescribeTopic", request).has("topic");
    } catch (IOException e) {
      return false;
    }
  }

  /** All lines of the log. */
  List<String> logLines() {
    try {
      return Files.readAllLines(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The last lines of the log, for messages of failed tests. */
  public String logTail() {
    try {
      List<String> lines = Files.readAllLines(log);
      return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    } catch (IOException e) {
      return "(" + log + " cannot be read: " + e + ")";
    }
  }
}
