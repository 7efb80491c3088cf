package io.kontiki.cli.local;

import io.kontiki.cli.admin.HttpAnswer;
import io.kontiki.cli.admin.HttpClient;
import io.kontiki.cli.admin.NoAnswerException;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One server of a local cluster: its directory, which is also its data directory, with {@code
 * kontiki.conf} and {@code server.log}; and its process, if it runs. One thread at a time.
 */
public final class NodeProcess {
  private static final int TAIL_BYTES = 16 * 1024;
  private static final int TAIL_LINES = 20;
  private static final Duration PAGE_PATIENCE = Duration.ofSeconds(1);

  private final NodePorts ports;
  private final String voters;
  private final Path dir;
  private final ServerProgram program;
  private final HttpClient http = new HttpClient();
  private @Nullable Process process;

  NodeProcess(NodePorts ports, String voters, Path dir, ServerProgram program) {
    this.ports = ports;
    this.voters = voters;
    this.dir = dir;
    this.program = program;
  }

  public int id() {
    return ports.nodeId();
  }

  public NodePorts ports() {
    return ports;
  }

  public Path config() {
    return dir.resolve("kontiki.conf");
  }

  public Path log() {
    return dir.resolve("server.log");
  }

  /**
   * Looks whether all ports are free.
   *
   * @throws CliException if something listens on one of the node's ports
   */
  public void refuseTakenPorts() {
    String taken = ports.taken();
    if (taken != null) {
      throw CliException.failed(
          taken + " is in use; stop what listens there, or give another --base-port");
    }
  }

  /**
   * Writes the configuration and starts the process; does not wait for it to be ready.
   *
   * @throws CliException if a port is taken or the process cannot be started
   */
  void start() {
    refuseTakenPorts();
    try {
      Files.createDirectories(dir);
      Files.writeString(config(), configuration());
      process =
          program
              .processBuilder(config())
              .redirectErrorStream(true)
              .redirectOutput(Redirect.appendTo(log().toFile()))
              .start();
    } catch (IOException e) {
      throw CliException.failed("cannot start node " + id() + " in " + dir + ": " + e.getMessage());
    }
  }

  private String configuration() {
    StringBuilder text = new StringBuilder("# Written at each start of the local cluster.\n");
    text.append("node.id = ").append(id()).append('\n');
    text.append("data.dir = ").append(dir).append('\n');
    text.append("cluster.voters = ").append(voters).append('\n');
    ports
        .all()
        .forEach(
            (purpose, endpoint) ->
                text.append(purpose).append(".listen = ").append(endpoint).append('\n'));
    return text.toString();
  }

  /** The process id; 0 before the first start. */
  public long pid() {
    return process == null ? 0 : process.pid();
  }

  public boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** Of the process that has ended; 128 + n if signal n ended it. */
  public int exitCode() {
    return process == null || process.isAlive() ? 0 : process.exitValue();
  }

  /** Why the node is not ready, in its own words if it answers; empty if it is ready. */
  public String unreadiness() {
    try {
      HttpAnswer answer = http.get(ports.http(), "/readyz", Deadline.in(PAGE_PATIENCE));
      String said = answer.body().strip();
      return answer.status() == 200
          ? ""
          : "/readyz says " + answer.status() + (said.isEmpty() ? "" : ": " + said);
    } catch (NoAnswerException e) {
      return "/readyz: " + e.getMessage();
    }
  }

  /** The last lines of the log. */
  public String logTail() {
    try (RandomAccessFile file = new RandomAccessFile(log().toFile(), "r")) {
      long from = Math.max(0, file.length() - TAIL_BYTES);
      byte[] bytes = new byte[(int) (file.length() - from)];
      file.seek(from);
      file.readFully(bytes);
      List<String> lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    } catch (IOException e) {
      return "(" + log() + " cannot be read: " + e.getMessage() + ")";
    }
  }

  /** SIGKILL, and waits until the process has gone. */
  void kill() throws InterruptedException {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }

  void killWithoutWaiting() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  /** SIGTERM; does not wait. */
  void terminate() {
    if (process != null) {
      process.destroy();
    }
  }

  /** Whether it ended by itself within the time. */
  boolean awaitExit(Deadline deadline) throws InterruptedException {
    return process == null || process.waitFor(deadline.remainingMs(), TimeUnit.MILLISECONDS);
  }
}
