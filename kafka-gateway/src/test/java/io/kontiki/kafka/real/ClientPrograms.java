package io.kontiki.kafka.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * Software that people have, brought from its registry and run in processes of its own. What cannot
 * be brought is skipped, with a line that says so.
 */
final class ClientPrograms {
  private static final Path TARGET = Path.of("target").toAbsolutePath();
  private final Path dir;

  /**
   * @param dir for what the programs read and print
   */
  ClientPrograms(Path dir) {
    this.dir = dir;
  }

  /** How a program ended. */
  record Ran(int exit, String output) {
    void passed() {
      assertEquals(0, exit, output);
      assertTrue(output.contains("passed"), output);
    }
  }

  /** A program that runs. */
  final class Running implements AutoCloseable {
    private final Process process;
    private final Path out;

    private Running(Process process, Path out) {
      this.process = process;
      this.out = out;
    }

    String output() throws IOException {
      return Files.readString(out);
    }

    /** The same for a message. */
    String said() {
      try {
        return output();
      } catch (IOException e) {
        return e.toString();
      }
    }

    boolean alive() {
      return process.isAlive();
    }

    Ran end(long seconds) throws IOException, InterruptedException {
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        close();
        return new Ran(-1, "not through in " + seconds + " s: " + output());
      }
      return new Ran(process.exitValue(), output());
    }

    @Override
    public void close() {
      process.destroyForcibly().onExit().join();
    }
  }

  Running begin(List<String> command, String input) throws IOException {
    Path out = Files.createTempFile(dir, "out", ".txt");
    Path in = Files.writeString(Files.createTempFile(dir, "in", ".txt"), input);
    return new Running(
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .start(),
        out);
  }

  Ran run(long seconds, List<String> command, String input)
      throws IOException, InterruptedException {
    return begin(command, input).end(seconds);
  }

  static void skip(String what, String why) {
    System.err.println("SKIPPED: " + what + ": " + why);
    Assumptions.abort(what + ": " + why);
  }

  /** The command of a program of this module with a version of Kafka's Java client. */
  List<String> java(String version, Class<?> program, String... arguments) throws Exception {
    Path jars = TARGET.resolve("clients/java-" + version);
    Path jar = jars.resolve("kafka-clients-" + version + ".jar");
    if (!Files.exists(jar)) {
      Ran brought =
          run(
              180,
              List.of(
                  "mvn",
                  "-B",
                  "-q",
                  "-N",
                  "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy",
                  "-Dartifact=org.apache.kafka:kafka-clients:" + version,
                  "-DoutputDirectory=" + jars),
              "");
      if (!Files.exists(jar)) {
        skip("kafka-clients " + version, brought.output());
      }
    }
    List<String> path = new ArrayList<>(List.of(jar.toString()));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (entry.endsWith("test-classes") && entry.contains("kafka-gateway")
          || entry.matches(".*/(lz4-java|snappy-java|zstd-jni|slf4j-api)-[^/]*\\.jar")) {
        path.add(entry);
      }
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-cp",
                String.join(File.pathSeparator, path),
                program.getName()));
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  /** An interpreter that has a module. */
  Path python(String module, String... packages) throws Exception {
    Path venv = TARGET.resolve("clients/python");
    Path python = venv.resolve("bin/python");
    if (!Files.exists(python)) {
      Ran made = run(120, List.of("python3", "-m", "venv", venv.toString()), "");
      if (made.exit() != 0) {
        skip("python", made.output());
      }
    }
    if (run(60, List.of(python.toString(), "-c", "import " + module), "").exit() != 0) {
      List<String> install =
          new ArrayList<>(List.of(python.toString(), "-m", "pip", "install", "-q"));
      install.addAll(Arrays.asList(packages));
      Ran brought = run(180, install, "");
      if (brought.exit() != 0) {
        skip(module, brought.output());
      }
    }
    return python;
  }

  static String script(String name) throws Exception {
    return Path.of(ClientPrograms.class.getResource("/clients/" + name).toURI()).toString();
  }
}
