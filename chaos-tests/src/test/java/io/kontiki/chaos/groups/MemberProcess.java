package io.kontiki.chaos.groups;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A {@link MemberProgram} that runs. */
final class MemberProcess implements AutoCloseable {
  private final Process process;
  private final Thread reader;

  /**
   * Starts it.
   *
   * @param lines gets each, in order, on a thread of its own
   */
  MemberProcess(
      String brokers,
      String name,
      long seed,
      String topic,
      List<String> groups,
      Path log,
      Consumer<MemberLine> lines)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx64m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("-Dcom.google.protobuf.use_unsafe_pre22_gencode=true");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(MemberProgram.class.getName());
    command.addAll(List.of(brokers, name, Long.toString(seed), topic));
    command.addAll(groups);
    process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    reader = new Thread(() -> read(lines), "read-" + name);
    reader.setDaemon(true);
    reader.start();
  }

  private void read(Consumer<MemberLine> lines) {
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        if (line.chars().filter(letter -> letter == ' ').count()
            == 5) { // one cut by SIGKILL is none
          lines.accept(MemberLine.parse(line));
        }
      }
    } catch (IOException e) {
      // It was killed; what it told before is there.
    }
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
    reader.join();
  }

  /** SIGSTOP. */
  void freeze() throws IOException, InterruptedException {
    signal("STOP");
  }

  /** SIGCONT. */
  void thaw() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String name) throws IOException, InterruptedException {
    int code =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (code != 0) {
      throw new IOException("kill -" + name + " ended with " + code);
    }
  }

  /** Lets its members leave; false: it had to be killed. */
  boolean stop() throws IOException, InterruptedException {
    process.outputWriter().close();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    kill();
    return ended && process.exitValue() == 0;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
