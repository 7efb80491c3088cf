package io.kontiki.kafka.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Software that people have, each in a process of its own, brought from its registry. What cannot
 * be brought is skipped, with a line that says so.
 */
class RealClientsTest {
  @TempDir static Path dir;
  private static RealNodes nodes;
  private static final Path TARGET = Path.of("target").toAbsolutePath();

  @BeforeAll
  static void start() {
    nodes = new RealNodes(dir, 3, "topic.default.durability=replicated");
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  private record Ran(int exit, String output) {}

  private static Ran run(long seconds, List<String> command, String input)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile(dir, "out", ".txt");
    Path in = Files.writeString(Files.createTempFile(dir, "in", ".txt"), input);
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .start();
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      return new Ran(-1, "not through in " + seconds + " s: " + Files.readString(out));
    }
    return new Ran(process.exitValue(), Files.readString(out));
  }

  private static void skip(String what, String why) {
    System.err.println("SKIPPED: " + what + ": " + why);
    Assumptions.abort(what + ": " + why);
  }

  private static void passes(Ran ran) {
    assertEquals(0, ran.exit(), ran.output());
    assertTrue(ran.output().contains("passed"), ran.output());
  }

  @Test
  void javaClientsOfOtherVersionsWriteAndReadInEveryCodec() throws Exception {
    for (String version : List.of("4.1.1", "2.8.2")) {
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
      passes(
          run(
              180,
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx128m",
                  "-cp",
                  String.join(File.pathSeparator, path),
                  ClientRun.class.getName(),
                  nodes.bootstrap(),
                  "java-" + version),
              ""));
    }
  }

  private static Path python(String module, String... packages) throws Exception {
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

  private static String script(String name) throws Exception {
    return Path.of(RealClientsTest.class.getResource("/clients/" + name).toURI()).toString();
  }

  @Test
  void kafkaPythonWritesAndReads() throws Exception {
    Path python = python("kafka", "kafka-python");
    passes(
        run(
            180,
            List.of(
                python.toString(), script("kafka_python.py"), nodes.bootstrap(), "kafka-python"),
            ""));
  }

  @Test
  void confluentKafkaWritesAndReads() throws Exception {
    Path python = python("confluent_kafka", "confluent-kafka");
    passes(
        run(
            180,
            List.of(python.toString(), script("confluent.py"), nodes.bootstrap(), "confluent"),
            ""));
  }

  @Test
  void kcatWritesAndReads() throws Exception {
    if (run(10, List.of("sh", "-c", "command -v kcat"), "").exit() != 0) {
      skip("kcat", "is not installed");
    }
    String script =
        String.join(
            "\n",
            "set -e",
            "for z in none gzip snappy lz4 zstd; do",
            "  seq 1 200 | kcat -q -b $0 -t kcat -p 0 -z $z -P",
            "done",
            "kcat -q -b $0 -t kcat -C -o beginning -c 1000 -e | sort -n | uniq -c |",
            "  awk '$1 != 5 { exit 1 }  END { if (NR != 200) exit 1 }'",
            "kcat -b $0 -L | grep -q 'topic \"kcat\" with 3 partitions'",
            "echo passed");
    try (org.apache.kafka.clients.admin.Admin admin =
        org.apache.kafka.clients.admin.Admin.create(
            java.util.Map.of("bootstrap.servers", nodes.bootstrap()))) {
      admin
          .createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic("kcat", 3, (short) 3)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    passes(run(120, List.of("bash", "-c", script, nodes.bootstrap()), ""));
  }
}
