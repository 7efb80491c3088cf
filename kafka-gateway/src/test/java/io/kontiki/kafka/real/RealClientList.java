package io.kontiki.kafka.real;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** All clients that are run against three brokers, one of which is killed meanwhile. */
final class RealClientList {
  private static final String NEW_JAVA =
      "admin, idempotent producer in every codec, a group of two with commits";
  private static final String OLD_JAVA =
      "producer in every codec it has, a group of two with commits";

  /** Those that are most used today. */
  static final List<RealClient> TODAY =
      List.of(
          modern("4.4.0"),
          modern("3.9.2"),
          new RealClient(
              "kafkajs 2.2.4",
              "admin, idempotent producer without and with gzip, a group of two with commits",
              true,
              "",
              (programs, bootstrap, topic, flag) ->
                  programs.node("kafkajs.js", bootstrap, topic, flag)),
          new RealClient(
              "franz-go 1.22.2",
              "admin, idempotent producer in every codec, a cooperative group of two with commits",
              true,
              "",
              (programs, bootstrap, topic, flag) -> programs.go("franz", bootstrap, topic, flag)),
          new RealClient(
              "sarama 1.61.1 (IBM), default configuration but for acks=all and retries",
              "cluster admin, sync producer, a group of two with commits",
              true,
              "",
              (programs, bootstrap, topic, flag) -> programs.go("sarama", bootstrap, topic, flag)));

  /** Kafka's Java clients of the years before. */
  static final List<RealClient> OLD_JAVAS =
      List.of(
          modern("2.8.2"),
          middle("1.1.1"),
          middle("0.11.0.3"),
          middle("0.10.2.2"),
          middle("0.10.0.1"),
          middle("0.9.0.1"),
          new RealClient(
              "kafka 0.8.2.2 (Scala and Java)",
              "both producers in the codecs of then but lz4, the simple consumer",
              false,
              "its high-level consumer keeps groups in ZooKeeper, which Kontiki has not",
              (programs, bootstrap, topic, flag) ->
                  programs.javaSource(
                      programs.jars("java-0.8.2.2", "org.apache.kafka:kafka_2.11:0.8.2.2"),
                      "Ancient",
                      bootstrap,
                      topic,
                      flag)));

  /** Clients in other languages. */
  static final List<RealClient> OTHERS =
      List.of(
          new RealClient(
              "kafka-node 5.0.0",
              "KafkaClient: producer without and with gzip, a group of two with commits, admin",
              true,
              "leaves a leader that moved to the program, which sends again; stops to fetch when a broker"
                  + " dies while its metadata name it, until the program says so",
              (programs, bootstrap, topic, flag) ->
                  programs.node("kafka_node.js", bootstrap, topic, flag)),
          new RealClient(
              "sarama 1.19.0 (Shopify), default configuration but for acks=all and retries",
              "protocol of Kafka 0.8.2: producer without and with gzip and snappy, consumers of"
                  + " partitions, offsets at the coordinator",
              false,
              "has no groups",
              (programs, bootstrap, topic, flag) ->
                  programs.go("oldsarama", bootstrap, topic, flag)),
          python(
              "pykafka",
              "2.8.0",
              "pykafka",
              "pykafka_run.py",
              false,
              "producer without and with gzip, a balanced consumer with commits, a simple consumer",
              "forgets some of what was on its way to a broker that died: the program sends again"
                  + " what was not acknowledged"),
          python(
              "kafka-python",
              "3.0.12",
              "kafka",
              "kafka_python_failover.py",
              true,
              "producer without and with gzip, a group of two with commits, admin",
              ""),
          python(
              "confluent-kafka",
              "2.16.1",
              "confluent_kafka",
              "confluent_failover.py",
              true,
              "idempotent producer in every codec, a cooperative group of two with commits, admin",
              ""),
          new RealClient(
              "kcat (of the distribution)",
              "producer in every codec, a group of two, metadata",
              false,
              "",
              (programs, bootstrap, topic, flag) -> {
                programs.need("kcat");
                return ClientPrograms.bash(
                    ". " + ClientPrograms.script("tools/kcat.sh"),
                    bootstrap,
                    List.of(topic, flag, Path.of(flag).getParent().toString()));
              }));

  /** What Apache Kafka brings with its clients. */
  static final List<RealClient> TOOLS =
      List.of(
          new RealClient(
              "Kafka's tools 4.3.0",
              "kafka-topics, kafka-configs, kafka-console-producer and -consumer,"
                  + " kafka-verifiable-producer and -consumer, kafka-consumer-groups",
              true,
              "kafka-verifiable-producer does not send again unless its configuration says so",
              (programs, bootstrap, topic, flag) ->
                  tool(programs, "tools", bootstrap, topic, flag)),
          new RealClient(
              "Connect 4.3.0, standalone",
              "file source to file sink",
              false,
              "",
              (programs, bootstrap, topic, flag) ->
                  tool(programs, "connect", bootstrap, topic, flag)),
          new RealClient(
              "Kafka Streams 4.3.0",
              "a word count with at_least_once",
              true,
              "",
              (programs, bootstrap, topic, flag) ->
                  programs.javaSource(
                      distribution(programs), "WordCount", bootstrap, topic, flag)));

  private RealClientList() {}

  private static RealClient python(
      String name,
      String version,
      String module,
      String script,
      boolean own,
      String does,
      String limit) {
    return new RealClient(
        name + " " + version,
        does,
        own,
        limit,
        (programs, bootstrap, topic, flag) ->
            List.of(
                programs.python(module, name + "==" + version).toString(),
                ClientPrograms.script("python/" + script),
                bootstrap,
                topic,
                flag));
  }

  private static List<String> tool(
      ClientPrograms programs, String script, String bootstrap, String topic, String flag)
      throws Exception {
    List<String> arguments = new ArrayList<>(List.of(topic, flag));
    arguments.addAll(ClientPrograms.java(distribution(programs)));
    return ClientPrograms.bash(
        ". " + ClientPrograms.script("tools/" + script + ".sh"), bootstrap, arguments);
  }

  private static String distribution(ClientPrograms programs) throws Exception {
    return programs.jars(
        "kafka-4.3.0",
        "org.apache.kafka:kafka_2.13:4.3.0",
        "org.apache.kafka:kafka-tools:4.3.0",
        "org.apache.kafka:kafka-streams:4.3.0",
        "org.apache.kafka:connect-runtime:4.3.0",
        "org.apache.kafka:connect-file:4.3.0");
  }

  private static RealClient modern(String version) {
    return new RealClient(
        "kafka-clients " + version,
        NEW_JAVA,
        true,
        "",
        (programs, bootstrap, topic, flag) ->
            programs.javaSource(clients(programs, version), "Modern", bootstrap, topic, flag));
  }

  private static RealClient middle(String version) {
    String limit =
        version.equals("0.9.0.1")
            ? "takes no record for a partition while a batch waits to be sent again (KAFKA-3594):"
                + " the program tries again"
            : "";
    boolean admin = !version.startsWith("0.9") && !version.startsWith("0.10");
    return new RealClient(
        "kafka-clients " + version,
        (admin ? "admin, " : "") + OLD_JAVA,
        admin,
        limit,
        (programs, bootstrap, topic, flag) -> {
          String jars = clients(programs, version);
          String run = "\"$@\" \"$0/Middle.java\" " + bootstrap + " " + topic + " " + flag;
          String make = "\"$@\" \"$0/MiddleAdmin.java\" " + bootstrap + " " + topic;
          return ClientPrograms.bash(
              admin ? make + " && " + run : run,
              ClientPrograms.script("java"),
              ClientPrograms.java(jars));
        });
  }

  private static String clients(ClientPrograms programs, String version) throws Exception {
    return programs.jars("java-" + version, "org.apache.kafka:kafka-clients:" + version);
  }
}
