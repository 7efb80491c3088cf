package io.kontiki.kafka.real;

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

  private RealClientList() {}

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
    boolean admin = !version.startsWith("0.9") && !version.startsWith("0.10");
    return new RealClient(
        "kafka-clients " + version,
        (admin ? "admin, " : "") + OLD_JAVA,
        admin,
        "",
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
