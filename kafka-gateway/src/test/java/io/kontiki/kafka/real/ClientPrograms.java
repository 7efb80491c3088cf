package io.kontiki.kafka.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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

    /** The same where nothing may be thrown. */
    Ran ended(long seconds) {
      try {
        return end(seconds);
      } catch (IOException | InterruptedException e) {
        return new Ran(-1, e.toString());
      }
    }

    @Override
    public void close() {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
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

  /**
   * Jars of Maven Central with all that they need, in a directory of their own.
   *
   * @param artifacts group:artifact:version
   * @return their class path
   */
  String jars(String name, String... artifacts) throws Exception {
    Path jars = TARGET.resolve("clients/" + name);
    Path brought = jars.resolve("brought");
    String wanted = String.join("\n", artifacts);
    if (!Files.exists(brought) || !Files.readString(brought).equals(wanted)) {
      StringBuilder dependencies = new StringBuilder();
      for (String artifact : artifacts) {
        String[] parts = artifact.split(":");
        dependencies.append(
            "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>"
                .formatted(parts[0], parts[1], parts[2]));
      }
      Path pom = Files.createDirectories(jars).resolve("pom.xml");
      Files.writeString(
          pom,
          "<project xmlns='http://maven.apache.org/POM/4.0.0'><modelVersion>4.0.0</modelVersion>"
              + "<groupId>clients</groupId><artifactId>clients</artifactId><version>1</version>"
              + "<packaging>pom</packaging><dependencies>"
              + dependencies
              + "</dependencies></project>");
      Ran copied =
          run(
              300,
              List.of(
                  "mvn",
                  "-B",
                  "-q",
                  "-f",
                  pom.toString(),
                  "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies",
                  "-DoutputDirectory=" + jars),
              "");
      if (copied.exit() != 0) {
        skip(wanted, copied.output());
      }
      Files.writeString(brought, wanted);
    }
    return jars + "/*";
  }

  /** The command of a program that is compiled against what it runs with. */
  List<String> javaSource(String classPath, String program, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(java(classPath));
    command.add(script("java/" + program + ".java"));
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  /** Java with a class path. */
  static List<String> java(String classPath) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        classPath);
  }

  /** The command of a program of this module with a version of Kafka's Java client. */
  List<String> java(String version, Class<?> program, String... arguments) throws Exception {
    String jars = jars("java-" + version, "org.apache.kafka:kafka-clients:" + version);
    List<String> path = new ArrayList<>(List.of(jars));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (entry.endsWith("test-classes") && entry.contains("kafka-gateway")) {
        path.add(entry);
      }
    }
    List<String> command = new ArrayList<>(java(String.join(File.pathSeparator, path)));
    command.add(program.getName());
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  /** The command of a script of Node.js, with the packages of clients/node/package.json. */
  List<String> node(String script, String... arguments) throws Exception {
    need("npm");
    Path dir = TARGET.resolve("clients/node");
    Path brought = dir.resolve("brought");
    String wanted = Files.readString(Path.of(script("node/package.json")));
    if (!Files.exists(brought) || !Files.readString(brought).equals(wanted)) {
      Files.createDirectories(dir);
      Files.writeString(dir.resolve("package.json"), wanted);
      Ran installed =
          run(
              300,
              List.of(
                  "npm",
                  "install",
                  "--prefix",
                  dir.toString(),
                  "--no-audit",
                  "--no-fund",
                  "--ignore-scripts",
                  "--omit=optional"),
              "");
      if (installed.exit() != 0) {
        skip("packages of npm", installed.output());
      }
      Files.writeString(brought, wanted);
    }
    Path copy = dir.resolve(script); // where it finds its packages
    Files.copy(Path.of(script("node/" + script)), copy, StandardCopyOption.REPLACE_EXISTING);
    List<String> command = new ArrayList<>(List.of("node", copy.toString()));
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  /** The command of a program in Go, a package of the module clients/go. */
  List<String> go(String program, String... arguments) throws Exception {
    need("go");
    Path binary = TARGET.resolve("clients/go/bin").resolve(program);
    Path module = Path.of(script("go/go.mod")).getParent();
    Ran built =
        run(
            600,
            List.of(
                "go", "build", "-C", module.toString(), "-o", binary.toString(), "./" + program),
            "");
    if (built.exit() != 0) {
      // what it says when the modules cannot be had, and not when the program is wrong
      if (built.output().contains("dial tcp") || built.output().contains("lookup ")) {
        skip("modules of Go", built.output());
      }
      throw new AssertionError(built.output());
    }
    List<String> command = new ArrayList<>(List.of(binary.toString()));
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  /** Skips where a tool is not installed. */
  void need(String tool) throws Exception {
    if (run(10, List.of("sh", "-c", "command -v " + tool), "").exit() != 0) {
      skip(tool, "is not installed");
    }
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

  /**
   * A line of bash.
   *
   * @param self what it calls $0
   * @param arguments the others
   */
  static List<String> bash(String line, String self, List<String> arguments) {
    List<String> command = new ArrayList<>(List.of("bash", "-c", line, self));
    command.addAll(arguments);
    return command;
  }

  static String script(String name) throws Exception {
    return Path.of(ClientPrograms.class.getResource("/clients/" + name).toURI()).toString();
  }
}
