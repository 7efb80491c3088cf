package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedSaslMechanismException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Apache Kafka's own client of this library's version against three brokers. */
class KafkaClientTest {
  @TempDir static Path dir;
  private static RealNodes nodes;
  private static Admin admin;

  @BeforeAll
  static void start() {
    nodes = new RealNodes(dir, 3);
    admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()));
  }

  @AfterAll
  static void stop() {
    admin.close();
    nodes.close();
  }

  private static NewTopic topic(String name, int partitions, int replicas) {
    return new NewTopic(name, partitions, (short) replicas)
        .configs(Map.of("flush.messages", "9223372036854775807"));
  }

  private static void create(NewTopic topic) throws Exception {
    admin.createTopics(List.of(topic)).all().get(30, TimeUnit.SECONDS);
  }

  private static KafkaProducer<byte[], byte[]> producer(Object... more) {
    return new KafkaProducer<>(config(more), new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static KafkaConsumer<byte[], byte[]> consumer(Object... more) {
    return new KafkaConsumer<>(
        config(more), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static Map<String, Object> config(Object... more) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", nodes.bootstrap());
    for (int i = 0; i < more.length; i += 2) {
      config.put((String) more[i], more[i + 1]);
    }
    return config;
  }

  private static List<ConsumerRecord<byte[], byte[]>> read(
      Collection<TopicPartition> partitions, int count, Object... more) {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(more)) {
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      return poll(consumer, count);
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> poll(
      KafkaConsumer<byte[], byte[]> consumer, int count) {
    List<ConsumerRecord<byte[], byte[]>> all = new ArrayList<>();
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (all.size() < count && System.nanoTime() < deadline) {
      consumer.poll(Duration.ofMillis(200)).forEach(all::add);
    }
    assertEquals(count, all.size());
    return all;
  }

  private static <T extends Throwable> T fails(
      Class<T> type, org.apache.kafka.common.KafkaFuture<?> future) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS));
    return assertInstanceOf(type, failed.getCause());
  }

  @Test
  void whatIsWrittenInEveryCodecIsReadAsItWas() throws Exception {
    create(topic("codecs", 3, 3));
    int each = 300;
    int sent = 0;
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      try (KafkaProducer<byte[], byte[]> producer =
          producer("compression.type", codec, "linger.ms", 5)) {
        for (int i = 0; i < each; i++) {
          int n = sent++;
          ProducerRecord<byte[], byte[]> record =
              new ProducerRecord<>(
                  "codecs",
                  n % 3,
                  1_700_000_000_000L + n,
                  n % 7 == 0 ? null : new byte[n % 11],
                  n % 5 == 0 ? null : ("value-" + n).repeat(n % 50).getBytes("UTF-8"));
          record.headers().add("n", Integer.toString(n).getBytes("UTF-8")).add("empty", null);
          producer.send(record);
        }
      }
    }
    List<TopicPartition> partitions =
        List.of(
            new TopicPartition("codecs", 0),
            new TopicPartition("codecs", 1),
            new TopicPartition("codecs", 2));
    int[] next = {0, 1, 2};
    for (ConsumerRecord<byte[], byte[]> record :
        read(partitions, sent, "isolation.level", "read_committed", "max.poll.records", 37)) {
      int n = next[record.partition()];
      next[record.partition()] += 3;
      assertEquals(n / 3, record.offset());
      assertEquals(1_700_000_000_000L + n, record.timestamp());
      assertArrayEquals(n % 7 == 0 ? null : new byte[n % 11], record.key());
      assertArrayEquals(
          n % 5 == 0 ? null : ("value-" + n).repeat(n % 50).getBytes("UTF-8"), record.value());
      assertEquals(Integer.toString(n), new String(record.headers().lastHeader("n").value()));
      assertNull(record.headers().lastHeader("empty").value());
      assertTrue(record.leaderEpoch().isPresent());
    }
  }

  @Test
  void everyKindOfAcknowledgementIsGivenAndIdempotenceIsOnByDefault() throws Exception {
    create(topic("acks", 1, 3));
    for (String acks : List.of("all", "1", "0")) {
      try (KafkaProducer<byte[], byte[]> producer =
          producer("acks", acks, "enable.idempotence", acks.equals("all"))) {
        for (int i = 0; i < 10; i++) {
          RecordMetadata told =
              producer
                  .send(new ProducerRecord<>("acks", acks.getBytes("UTF-8")))
                  .get(30, TimeUnit.SECONDS);
          assertEquals(!acks.equals("0"), told.hasOffset());
        }
      }
    }
    assertEquals(30, read(List.of(new TopicPartition("acks", 0)), 30).size());
  }

  @Test
  void aReaderAtTheEndIsToldAtOnceAndIdleOnesWaitOnlyAsLongAsTheySay() throws Exception {
    create(topic("tail", 2, 1));
    List<TopicPartition> partitions =
        List.of(new TopicPartition("tail", 0), new TopicPartition("tail", 1));
    try (KafkaConsumer<byte[], byte[]> consumer = consumer("fetch.max.wait.ms", 20_000);
        KafkaProducer<byte[], byte[]> producer = producer()) {
      consumer.assign(partitions);
      consumer.seekToEnd(partitions);
      consumer.poll(Duration.ofMillis(500));
      for (int i = 0; i < 20; i++) {
        producer.send(new ProducerRecord<>("tail", i % 2, null, new byte[] {(byte) i})).get();
        long began = System.nanoTime();
        assertEquals(i, poll(consumer, 1).get(0).value()[0]);
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
        assertTrue(millis < 10_000, millis + " ms for record " + i);
      }
    }
  }

  @Test
  void moreThanOneAnswerHoldsIsReadInPieces() throws Exception {
    create(topic("large", 4, 1));
    byte[] value = new byte[900_000];
    List<TopicPartition> partitions = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      for (int i = 0; i < 40; i++) {
        producer.send(new ProducerRecord<>("large", i % 4, null, value));
        partitions.add(new TopicPartition("large", i % 4));
      }
      ExecutionException tooLarge =
          assertThrows(
              ExecutionException.class,
              () ->
                  producer("max.request.size", 3_000_000)
                      .send(new ProducerRecord<>("large", new byte[2_000_000]))
                      .get(30, TimeUnit.SECONDS));
      assertInstanceOf(RecordTooLargeException.class, tooLarge.getCause());
    }
    Set<TopicPartition> all = Set.copyOf(partitions);
    assertEquals(40, read(all, 40).size());
    assertEquals(40, read(all, 40, "fetch.max.bytes", 10, "max.partition.fetch.bytes", 10).size());
    assertEquals(40, read(all, 40, "fetch.min.bytes", 40_000_000, "fetch.max.wait.ms", 300).size());
  }

  @Test
  void offsetsAreFoundByPlaceAndByTime() throws Exception {
    create(topic("offsets", 1, 3));
    TopicPartition partition = new TopicPartition("offsets", 0);
    long base = 1_700_000_000_000L;
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      for (int i = 0; i < 100; i++) {
        long time = base + (i == 60 ? 5_000_000 : i * 10L);
        producer.send(new ProducerRecord<>("offsets", 0, time, null, new byte[100])).get();
      }
    }
    assertEquals(0, offset(partition, OffsetSpec.earliest()));
    assertEquals(100, offset(partition, OffsetSpec.latest()));
    assertEquals(42, offset(partition, OffsetSpec.forTimestamp(base + 415)));
    assertEquals(-1, offset(partition, OffsetSpec.forTimestamp(base + 5_000_001)));
    assertEquals(60, offset(partition, OffsetSpec.maxTimestamp()));
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      OffsetAndTimestamp found =
          consumer.offsetsForTimes(Map.of(partition, base + 10)).get(partition);
      assertEquals(1, found.offset());
      assertEquals(base + 10, found.timestamp());
    }
    admin
        .deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(30)))
        .all()
        .get(30, TimeUnit.SECONDS);
    assertEquals(30, offset(partition, OffsetSpec.earliest()));
    try (KafkaConsumer<byte[], byte[]> consumer = consumer("auto.offset.reset", "earliest")) {
      consumer.assign(List.of(partition));
      consumer.seek(partition, 5); // gone: starts anew where the log begins
      assertEquals(30, poll(consumer, 70).get(0).offset());
    }
    admin
        .deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(-1)))
        .all()
        .get(30, TimeUnit.SECONDS);
    assertEquals(100, offset(partition, OffsetSpec.earliest()));
  }

  private static long offset(TopicPartition partition, OffsetSpec spec) throws Exception {
    return admin
        .listOffsets(Map.of(partition, spec))
        .partitionResult(partition)
        .get(30, TimeUnit.SECONDS)
        .offset();
  }

  @Test
  void topicsAreMadeDescribedEnlargedAndDeleted() throws Exception {
    create(topic("life", 2, 3).configs(Map.of("retention.ms", "1000000", "flush.messages", "1")));
    TopicDescription told = admin.describeTopics(List.of("life")).allTopicNames().get().get("life");
    assertEquals(2, told.partitions().size());
    assertEquals(3, told.partitions().get(0).replicas().size());
    assertTrue(admin.listTopics().names().get().contains("life"));
    Uuid id = told.topicId();
    assertEquals(
        "life",
        admin
            .describeTopics(org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(id)))
            .allTopicIds()
            .get()
            .get(id)
            .name());
    fails(TopicExistsException.class, admin.createTopics(List.of(topic("life", 1, 1))).all());
    fails(InvalidTopicException.class, admin.createTopics(List.of(topic("no/name", 1, 1))).all());
    fails(InvalidPartitionsException.class, admin.createTopics(List.of(topic("none", 0, 1))).all());
    fails(
        InvalidConfigurationException.class,
        admin
            .createTopics(List.of(new NewTopic("bad", 1, (short) 1).configs(Map.of("x.y", "1"))))
            .all());
    admin
        .createTopics(
            List.of(topic("only-looked-at", 1, 1)),
            new org.apache.kafka.clients.admin.CreateTopicsOptions().validateOnly(true))
        .all()
        .get();
    assertTrue(!admin.listTopics().names().get().contains("only-looked-at"));

    admin.createPartitions(Map.of("life", NewPartitions.increaseTo(5))).all().get();
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () ->
                admin
                        .describeTopics(List.of("life"))
                        .allTopicNames()
                        .get()
                        .get("life")
                        .partitions()
                        .size()
                    == 5);
    fails(
        InvalidPartitionsException.class,
        admin.createPartitions(Map.of("life", NewPartitions.increaseTo(5))).all());
    admin.deleteTopics(List.of("life")).all().get(30, TimeUnit.SECONDS);
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> !admin.listTopics().names().get().contains("life"));
    fails(
        UnknownTopicOrPartitionException.class,
        admin.describeTopics(List.of("life")).allTopicNames());
    fails(UnknownTopicOrPartitionException.class, admin.deleteTopics(List.of("life")).all());
  }

  @Test
  @SuppressWarnings("deprecation") // alterConfigs, which old tools use
  void settingsAreDescribedAndChangedUnderKafkasNames() throws Exception {
    create(topic("settings", 1, 1));
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, "settings");
    Config told = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    assertEquals("9223372036854775807", told.get("flush.messages").value());
    assertEquals("replicated", told.get("durability").value());
    assertEquals("604800000", told.get("retention.ms").value());
    assertTrue(told.get("retention.ms").isDefault());

    alter(resource, "retention.ms", "5000", AlterConfigOp.OpType.SET).get();
    alter(resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND).get();
    told = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    assertEquals("5000", told.get("retention.ms").value());
    assertEquals(ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, told.get("retention.ms").source());
    assertEquals("compact,delete", told.get("cleanup.policy").value());
    alter(resource, "retention.ms", null, AlterConfigOp.OpType.DELETE).get();
    told = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    assertEquals("604800000", told.get("retention.ms").value());
    fails(
        InvalidConfigurationException.class,
        alter(resource, "flush.messages", "1", AlterConfigOp.OpType.SET));
    fails(
        InvalidConfigurationException.class,
        alter(resource, "retention.sm", "1", AlterConfigOp.OpType.SET));
    admin
        .alterConfigs(
            Map.of(
                resource,
                new Config(
                    List.of(
                        new ConfigEntry("segment.bytes", "2000000"),
                        new ConfigEntry("flush.messages", "7")))))
        .all()
        .get();
    told = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    assertEquals("2000000", told.get("segment.bytes").value());
    assertEquals("delete", told.get("cleanup.policy").value());

    ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "2");
    assertEquals(
        nodes.kafka(2).toString(),
        admin.describeConfigs(List.of(broker)).all().get().get(broker).get("kafka.listen").value());
  }

  private static org.apache.kafka.common.KafkaFuture<Void> alter(
      ConfigResource resource, String key, String value, AlterConfigOp.OpType type) {
    return admin
        .incrementalAlterConfigs(
            Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), type))))
        .all();
  }

  @Test
  void theClusterIsDescribedWithEveryBrokersAddress() throws Exception {
    var cluster = admin.describeCluster();
    assertEquals(22, cluster.clusterId().get().length());
    Map<Integer, Integer> ports = new HashMap<>();
    cluster.nodes().get().forEach(node -> ports.put(node.id(), node.port()));
    assertEquals(
        Map.of(1, nodes.kafka(1).port(), 2, nodes.kafka(2).port(), 3, nodes.kafka(3).port()),
        ports);
    assertTrue(ports.containsKey(cluster.controller().get().id()));
    assertEquals(1, admin.describeLogDirs(List.of(1, 2, 3)).allDescriptions().get().get(3).size());
  }

  @Test
  void logDirectoriesTellWhatEachReplicaTakes() throws Exception {
    create(topic("measured", 2, 3));
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      producer.send(new ProducerRecord<>("measured", 1, null, new byte[10_000])).get();
    }
    var directories = admin.describeLogDirs(List.of(1, 2, 3)).allDescriptions().get();
    for (int broker = 1; broker <= 3; broker++) {
      var replicas = directories.get(broker).values().iterator().next().replicaInfos();
      assertEquals(0, replicas.get(new TopicPartition("measured", 0)).size());
      long size = replicas.get(new TopicPartition("measured", 1)).size();
      assertTrue(size >= 10_000 && size < 11_000, "broker " + broker + ": " + size);
      assertEquals(0, replicas.get(new TopicPartition("measured", 1)).offsetLag());
    }
  }

  @Test
  void replicasMoveAndThePreferredOneCanBeElected() throws Exception {
    create(topic("moving", 1, 1));
    TopicPartition partition = new TopicPartition("moving", 0);
    int before = leader("moving");
    int after = before % 3 + 1;
    admin
        .alterPartitionReassignments(
            Map.of(partition, Optional.of(new NewPartitionReassignment(List.of(after)))))
        .all()
        .get();
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> admin.listPartitionReassignments().reassignments().get().isEmpty());
    Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> leader("moving") == after);
    fails(
        org.apache.kafka.common.errors.NoReassignmentInProgressException.class,
        admin.alterPartitionReassignments(Map.of(partition, Optional.empty())).all());
    fails(
        org.apache.kafka.common.errors.ElectionNotNeededException.class,
        admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).all());
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      producer.send(new ProducerRecord<>("moving", new byte[1])).get(30, TimeUnit.SECONDS);
    }
  }

  private static int leader(String topic) throws Exception {
    return admin
        .describeTopics(List.of(topic))
        .allTopicNames()
        .get()
        .get(topic)
        .partitions()
        .get(0)
        .leader()
        .id();
  }

  @Test
  void whoWantsTransactionsOrSaslIsToldThatThereAreNone() {
    try (KafkaProducer<byte[], byte[]> producer = producer("transactional.id", "t")) {
      KafkaException refused = assertThrows(KafkaException.class, producer::initTransactions);
      assertTrue(refused.toString().contains("INVALID_REQUEST") || refused.getMessage() != null);
    }
    Map<String, Object> config =
        config(
            "security.protocol", "SASL_PLAINTEXT",
            "sasl.mechanism", "PLAIN",
            "sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                    + " username=\"a\" password=\"b\";");
    try (Admin sasl = Admin.create(config)) {
      fails(UnsupportedSaslMechanismException.class, sasl.describeCluster().clusterId());
    }
  }
}
