package io.kontiki.kafka.real;

import io.kontiki.broker.RealNodes;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
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
  private static ClientPrograms programs;

  @BeforeAll
  static void start() {
    nodes = new RealNodes(dir, 3, "topic.default.durability=replicated");
    programs = new ClientPrograms(dir);
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  @Test
  void javaClientsOfOtherVersionsWriteAndReadInEveryCodec() throws Exception {
    for (String version : List.of("4.4.0", "2.8.2")) {
      programs
          .run(
              180,
              programs.java(version, ClientRun.class, nodes.bootstrap(), "java-" + version),
              "")
          .passed();
    }
  }

  @Test
  void javaConsumersOfOtherVersionsShareATopic() throws Exception {
    String assignors = "org.apache.kafka.clients.consumer.";
    for (String version : List.of("4.4.0", "2.8.2")) {
      for (String assignor : List.of("RangeAssignor", "CooperativeStickyAssignor")) {
        programs
            .run(
                240,
                programs.java(
                    version,
                    GroupRun.class,
                    nodes.bootstrap(),
                    "group-" + version + "-" + assignor,
                    assignors + assignor,
                    "0"),
                "")
            .passed();
      }
    }
  }

  @Test
  void kafkaPythonWritesAndReads() throws Exception {
    Path python = programs.python("kafka", "kafka-python==3.0.12");
    programs
        .run(
            180,
            List.of(
                python.toString(),
                ClientPrograms.script("python/kafka_python.py"),
                nodes.bootstrap(),
                "kafka-python"),
            "")
        .passed();
  }

  @Test
  void confluentKafkaWritesAndReads() throws Exception {
    Path python = programs.python("confluent_kafka", "confluent-kafka==2.16.1");
    programs
        .run(
            180,
            List.of(
                python.toString(),
                ClientPrograms.script("python/confluent.py"),
                nodes.bootstrap(),
                "confluent"),
            "")
        .passed();
  }

  @Test
  void kcatWritesAndReads() throws Exception {
    if (programs.run(10, List.of("sh", "-c", "command -v kcat"), "").exit() != 0) {
      ClientPrograms.skip("kcat", "is not installed");
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
    programs.run(120, List.of("bash", "-c", script, nodes.bootstrap()), "").passed();
  }

  @Test
  void kafkaPythonConsumersShareATopic() throws Exception {
    Path python = programs.python("kafka", "kafka-python==3.0.12");
    programs
        .run(
            180,
            List.of(
                python.toString(),
                ClientPrograms.script("python/kafka_python_group.py"),
                nodes.bootstrap(),
                "kafka-python-group"),
            "")
        .passed();
  }

  @Test
  void confluentKafkaConsumersShareATopic() throws Exception {
    Path python = programs.python("confluent_kafka", "confluent-kafka==2.16.1");
    for (String strategy : List.of("range", "cooperative-sticky")) {
      programs
          .run(
              180,
              List.of(
                  python.toString(),
                  ClientPrograms.script("python/confluent_group.py"),
                  nodes.bootstrap(),
                  "confluent-" + strategy,
                  strategy),
              "")
          .passed();
    }
  }

  @Test
  void kcatConsumesInAGroup() throws Exception {
    if (programs.run(10, List.of("sh", "-c", "command -v kcat"), "").exit() != 0) {
      ClientPrograms.skip("kcat", "is not installed");
    }
    String script =
        String.join(
            "\n",
            "set -e",
            "seq 1 200 | kcat -q -b $0 -t kcat-group -P",
            "kcat -q -b $0 -X auto.offset.reset=earliest -c 200 -G kcat-group kcat-group |",
            "  sort -n | uniq -c | awk '$1 != 1 { exit 1 }  END { if (NR != 200) exit 1 }'",
            "echo passed");
    try (org.apache.kafka.clients.admin.Admin admin =
        org.apache.kafka.clients.admin.Admin.create(
            java.util.Map.of("bootstrap.servers", nodes.bootstrap()))) {
      admin
          .createTopics(
              List.of(new org.apache.kafka.clients.admin.NewTopic("kcat-group", 3, (short) 3)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    programs.run(120, List.of("bash", "-c", script, nodes.bootstrap()), "").passed();
  }
}
