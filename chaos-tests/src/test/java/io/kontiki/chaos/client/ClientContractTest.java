package io.kontiki.chaos.client;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.cluster.ServerNode;
import io.kontiki.client.Admin;
import io.kontiki.client.Consumer;
import io.kontiki.client.ConsumerOptions;
import io.kontiki.client.ConsumerOptions.OutOfRange;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import io.kontiki.client.StartAt;
import io.kontiki.client.TopicPartition;
import io.kontiki.model.Acks;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordHeader;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.TopicDescription;
import io.kontiki.v1.TopicSummary;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the Java client promises beyond faults, against three real servers. */
@Timeout(120)
final class ClientContractTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofMillis(300);

  private static ProcessCluster cluster;
  private static KontikiClient client;
  private static Admin admin;

  @BeforeAll
  static void start() {
    cluster = ProcessCluster.start("sdk-contract", 3, Map.of());
    client = KontikiClient.connect(String.join(",", cluster.bootstrap()));
    admin = client.admin();
  }

  @AfterAll
  static void stop() {
    client.close();
    cluster.close();
  }

  @Test
  void keysValuesHeadersAndTimesComeBackAsTheyWereSent() throws Exception {
    create("fields", 1, Map.of());
    List<RecordHeader> headers =
        List.of(
            new RecordHeader("trace", "abc".getBytes(StandardCharsets.UTF_8)),
            new RecordHeader("trace", null),
            new RecordHeader("empty", new byte[0]));
    for (Compression compression : Compression.values()) {
      try (Producer producer =
          client.newProducer(ProducerOptions.DEFAULT.withCompression(compression))) {
        get(
            producer.send(
                new ProducerRecord(
                    "fields",
                    OptionalInt.of(0),
                    null,
                    new byte[0],
                    headers,
                    OptionalLong.of(1_234_567_890_123L))));
      }
    }
    List<ConsumerRecord> records = read("fields", StartAt.BEGINNING, Compression.values().length);
    for (ConsumerRecord record : records) {
      assertEquals(null, record.key());
      assertArrayEquals(new byte[0], record.value());
      assertEquals(1_234_567_890_123L, record.timestampMs());
      assertEquals(3, record.headers().size());
      assertEquals("trace", record.headers().get(1).key());
      assertEquals(null, record.headers().get(1).value());
    }
  }

  @Test
  void aRecordThatIsTooLargeIsRefusedAloneAndTheOthersAreStored() throws Exception {
    create("large", 1, Map.of("max.message.bytes", "20000"));
    ProducerOptions batching =
        ProducerOptions.DEFAULT.withBatching(Duration.ofMillis(200), 1_000_000);
    try (Producer producer = client.newProducer(batching)) {
      List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        // The batch as a whole, then one of its records, is beyond the topic's limit.
        int size = i == 30 ? 30_000 : 1_000;
        sent.add(producer.send(ProducerRecord.of("large", (byte[]) null, noise(size, i))));
      }
      get(producer.flush());
      long expected = 0;
      for (int i = 0; i < 60; i++) {
        if (i == 30) {
          KontikiException failure = failure(sent.get(i));
          assertEquals(ErrorReason.RECORD_TOO_LARGE, failure.reason());
          assertTrue(failure.definite());
        } else {
          assertEquals(expected++, get(sent.get(i)).offset(), "P5 at " + i);
        }
      }
      // Beyond what any message may have.
      KontikiException huge =
          failure(producer.send(ProducerRecord.of("large", (byte[]) null, noise(6_000_000, 1))));
      assertEquals(ErrorReason.RECORD_TOO_LARGE, huge.reason(), huge.getMessage());
      assertTrue(huge.definite());
      assertEquals(59, get(producer.send(ProducerRecord.of("large", null, "after"))).offset());
    }
    assertEquals(60, read("large", StartAt.BEGINNING, 60).size());
  }

  @Test
  void flushWaitsForAllThatWasSentAndCloseForAllThatIsLeft() throws Exception {
    create("flush", 3, Map.of());
    ProducerOptions slow = ProducerOptions.DEFAULT.withBatching(Duration.ofSeconds(60), 100_000);
    Producer producer = client.newProducer(slow);
    List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      sent.add(producer.send(ProducerRecord.of("flush", "k" + i, "" + i)));
    }
    assertFalse(sent.stream().anyMatch(CompletableFuture::isDone), "lingers for 60 s");
    get(producer.flush());
    assertTrue(sent.stream().allMatch(CompletableFuture::isDone), "flushed");
    for (int i = 0; i < 100; i++) {
      sent.add(producer.send(ProducerRecord.of("flush", "k" + i, "" + i)));
    }
    producer.close();
    for (CompletableFuture<RecordMetadata> future : sent) {
      assertTrue(future.isDone() && !future.isCompletedExceptionally(), "closed");
    }
    assertThrows(
        IllegalStateException.class, () -> producer.send(ProducerRecord.of("flush", "k", "v")));
    long stored =
        get(admin.listOffsets("flush", List.of(), StartAt.END)).values().stream()
            .mapToLong(Long::longValue)
            .sum();
    assertEquals(200, stored);
  }

  @Test
  void aCloseWithoutTimeFailsWhatHasNoOutcome() throws Exception {
    create("hasty", 1, Map.of());
    Producer producer =
        client.newProducer(ProducerOptions.DEFAULT.withBatching(Duration.ofSeconds(60), 1_000_000));
    CompletableFuture<RecordMetadata> sent =
        producer.send(ProducerRecord.of("hasty", null, "left"));
    producer.close(Duration.ZERO);
    assertTrue(sent.isDone());
    if (sent.isCompletedExceptionally() && failure(sent).definite()) {
      assertEquals(0, get(admin.listOffsets("hasty", List.of(), StartAt.END)).get(0), "P4");
    }
  }

  @Test
  void aDeletedTopicIsRefusedAndItsNameMadeAgainIsAnother() throws Exception {
    create("gone", 1, Map.of());
    TopicPartition key = new TopicPartition("gone", 0);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT);
        Consumer consumer = consumer("gone", StartAt.BEGINNING, OutOfRange.EARLIEST)) {
      get(producer.send(ProducerRecord.of("gone", null, "old")));
      assertEquals(1, consumer.poll(LONG).size());
      get(admin.deleteTopic("gone"));
      KontikiException read =
          assertThrows(KontikiException.class, () -> consumer.poll(LONG).clear());
      assertEquals(ErrorReason.TOPIC_NOT_FOUND, read.reason());
      KontikiException write = failure(producer.send(ProducerRecord.of("gone", null, "lost")));
      assertEquals(ErrorReason.TOPIC_NOT_FOUND, write.reason());
      assertTrue(write.definite());

      create("gone", 1, Map.of());
      assertEquals(0, get(producer.send(ProducerRecord.of("gone", null, "new"))).offset());
      consumer.seek(key, StartAt.BEGINNING);
      List<ConsumerRecord> records = consumer.poll(LONG);
      assertEquals(List.of("new"), values(records));
    }
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, failure(admin.deleteTopic("never-there")).reason());
  }

  @Test
  void aConsumerStartsWhereItIsToldAndSeeksWhereItLikes() throws Exception {
    create("places", 1, Map.of());
    TopicPartition key = new TopicPartition("places", 0);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      for (int i = 0; i < 100; i++) {
        producer.send(
            new ProducerRecord(
                "places",
                OptionalInt.of(0),
                null,
                ("" + i).getBytes(StandardCharsets.UTF_8),
                List.of(),
                OptionalLong.of(1_000_000 + i * 1_000L)));
      }
      get(producer.flush());
      assertEquals(
          40,
          read("places", StartAt.time(Instant.ofEpochMilli(1_039_500)), 60).get(0).offset(),
          "the first with this time or a later one");
      try (Consumer consumer = consumer("places", StartAt.END, OutOfRange.ERROR)) {
        assertEquals(List.of(), consumer.poll(SHORT));
        await("the end is known")
            .atMost(LONG)
            .until(
                () -> {
                  consumer.poll(Duration.ofMillis(10));
                  return consumer.position(key).equals(OptionalLong.of(100));
                });
        get(producer.send(ProducerRecord.of("places", null, "100")));
        assertEquals(List.of("100"), values(consumer.poll(LONG)));
        consumer.seek(key, 7);
        assertEquals(7, consumer.poll(LONG).get(0).offset());
        consumer.seek(key, StartAt.BEGINNING);
        assertEquals(0, consumer.poll(LONG).get(0).offset());
        consumer.seek(key, StartAt.time(Instant.now().plusSeconds(60)));
        assertEquals(List.of(), consumer.poll(SHORT), "nothing is so late: the end");
      }
    }
  }

  @Test
  void anOffsetBehindTheEndIsOutOfRangeAndThePolicySaysWhatThen() throws Exception {
    create("range", 1, Map.of());
    TopicPartition key = new TopicPartition("range", 0);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      for (int i = 0; i < 10; i++) {
        get(producer.send(ProducerRecord.of("range", null, "" + i)));
      }
      try (Consumer strict = consumer("range", StartAt.offset(1_000), OutOfRange.ERROR)) {
        KontikiException failure = assertThrows(KontikiException.class, () -> strict.poll(LONG));
        assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, failure.reason());
        strict.seek(key, 9);
        assertEquals(List.of("9"), values(strict.poll(LONG)));
      }
      try (Consumer first = consumer("range", StartAt.offset(1_000), OutOfRange.EARLIEST)) {
        assertEquals(0, first.poll(LONG).get(0).offset());
      }
      try (Consumer last = consumer("range", StartAt.offset(1_000), OutOfRange.LATEST)) {
        assertEquals(List.of(), last.poll(SHORT));
        get(producer.send(ProducerRecord.of("range", null, "10")));
        List<ConsumerRecord> records = last.poll(LONG);
        assertTrue(records.isEmpty() || records.get(0).offset() == 10, records.toString());
      }
    }
  }

  @Test
  void recordsOfAnAppendTimeTopicCarryTheLeadersTime() throws Exception {
    create("stamped", 1, Map.of("message.timestamp.type", "LogAppendTime"));
    long before = System.currentTimeMillis();
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      RecordMetadata stored =
          get(
              producer.send(
                  new ProducerRecord(
                      "stamped",
                      OptionalInt.empty(),
                      null,
                      new byte[] {1},
                      List.of(),
                      OptionalLong.of(5))));
      assertTrue(stored.timestampMs() >= before, stored.toString());
      assertEquals(
          stored.timestampMs(), read("stamped", StartAt.BEGINNING, 1).get(0).timestampMs());
      assertEquals(
          0L,
          get(admin.listOffsets("stamped", List.of(0), StartAt.time(Instant.ofEpochMilli(before))))
              .get(0));
    }
  }

  @Test
  void everyKindOfAcknowledgementIsServed() throws Exception {
    create("acks", 1, Map.of());
    long stored = 0;
    for (Acks acks : Acks.values()) {
      ProducerOptions options =
          ProducerOptions.DEFAULT.withAcks(acks).withIdempotent(acks == Acks.ALL);
      try (Producer producer = client.newProducer(options)) {
        for (int i = 0; i < 50; i++) {
          RecordMetadata metadata = get(producer.send(ProducerRecord.of("acks", null, "" + i)));
          assertEquals(acks == Acks.NONE ? -1 : stored, metadata.offset(), acks + " " + i);
          stored++;
        }
      }
    }
    assertEquals(stored, read("acks", StartAt.BEGINNING, (int) stored).size());
  }

  @Test
  void administrationSaysWhatThereIs() throws Exception {
    TopicDescription made = create("managed", 4, Map.of("retention.ms", "3600000"));
    assertEquals(4, made.getPartitionsCount());
    TopicDescription seen = get(admin.describeTopic("managed"));
    assertEquals(made.getTopicId(), seen.getTopicId());
    assertEquals("3600000", seen.getConfigMap().get("retention.ms"));
    assertEquals(3, seen.getPartitions(0).getReplicasCount());
    assertTrue(
        get(admin.listTopics()).stream().map(TopicSummary::getName).anyMatch("managed"::equals));
    assertEquals(3, get(admin.listBrokers()).size());
    assertEquals(3, get(admin.describeQuorum()).get(0).getMembersCount());
    assertTrue(get(admin.describeCluster()).getControllerId() > 0);
    assertEquals(
        ErrorReason.TOPIC_EXISTS, failure(admin.createTopic("managed", 4, 3, Map.of())).reason());
    assertEquals(
        ErrorReason.INVALID_CONFIG,
        failure(admin.createTopic("wrong", 1, 3, Map.of("retention", "1"))).reason());
    assertEquals(
        ErrorReason.INVALID_CONFIG,
        failure(admin.createTopic("wrong", 1, 3, Map.of("cleanup.policy", "compress"))).reason());
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, failure(admin.describeTopic("wrong")).reason());
  }

  @Test
  void metricsTellOfWhatWasWrittenAndRead() throws Exception {
    create("metered", 3, Map.of());
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      for (int i = 0; i < 90; i++) {
        producer.send(ProducerRecord.of("metered", null, "" + i).toPartition(i % 3));
      }
      get(producer.flush());
    }
    assertEquals(30, read("metered", StartAt.BEGINNING, 30).size());

    Map<String, Double> sums = new TreeMap<>();
    for (ServerNode node : cluster.nodes()) {
      Map<String, Double> metrics = scrape(node);
      metrics.forEach((name, value) -> sums.merge(name, value, Double::sum));
      for (String gauge :
          List.of(
              "kontiki_partition_under_replicated",
              "kontiki_partition_under_min_isr",
              "kontiki_partition_offline")) {
        assertEquals(0.0, metrics.get(gauge), gauge + " of a healthy cluster");
      }
      assertEquals(
          (double) get(admin.describeCluster()).getControllerId(),
          metrics.get("kontiki_raft_leader{group=\"metadata\"}"));
      assertTrue(
          metrics.getOrDefault("kontiki_raft_term{group=\"metadata\"}", 0.0) >= 1,
          metrics.toString());
      assertTrue(metrics.getOrDefault("kontiki_log_journal_commits", 0.0) >= 1, metrics.toString());
    }
    assertEquals(90.0, sums.get("kontiki_log_append_records_total{topic=\"metered\"}"));
    double appended = sums.get("kontiki_log_append_bytes_total{topic=\"metered\"}");
    double fetched = sums.get("kontiki_log_fetch_bytes_total{topic=\"metered\"}");
    assertTrue(appended > 90 * 10, "bytes " + appended);
    assertTrue(fetched > 0 && fetched < appended, "one partition of three: " + fetched);
  }

  private static Map<String, Double> scrape(ServerNode node) throws Exception {
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://" + node.http() + "/metrics"))
                    .timeout(LONG)
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
    Map<String, Double> values = new TreeMap<>();
    answer
        .body()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(
            line -> {
              int space = line.lastIndexOf(' ');
              values.put(line.substring(0, space), Double.valueOf(line.substring(space + 1)));
            });
    return values;
  }

  @Test
  void nothingThatAClientDoesPutsStackTracesIntoAServersLog() throws Exception {
    create("quiet", 1, Map.of());
    ServerNode node = cluster.node(1);
    ManagedChannel channel =
        Grpc.newChannelBuilder(node.grpc(), InsecureChannelCredentials.create()).build();
    try {
      // A message beyond the greatest.
      assertThrows(
          StatusRuntimeException.class,
          () ->
              LogServiceGrpc.newBlockingStub(channel)
                  .withDeadlineAfter(20, TimeUnit.SECONDS)
                  .produce(
                      ProduceRequest.newBuilder()
                          .setTopic("quiet")
                          .addRecords(
                              LogRecord.newBuilder()
                                  .setValue(ByteString.copyFrom(noise(6_000_000, 7))))
                          .build()));
    } finally {
      channel.shutdownNow();
      assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
    }
    for (ServerNode each : cluster.nodes()) {
      List<String> traces =
          Files.readAllLines(each.log()).stream()
              .filter(line -> line.startsWith("\tat ") || line.contains("io.grpc."))
              .toList();
      assertEquals(List.of(), traces, "log of node " + each.id());
    }
  }

  private static TopicDescription create(String name, int partitions, Map<String, String> config)
      throws Exception {
    return get(admin.createTopic(name, partitions, 3, config));
  }

  private static Consumer consumer(String topic, StartAt start, OutOfRange outOfRange) {
    Consumer consumer =
        client.newConsumer(ConsumerOptions.DEFAULT.withStartAt(start).withOutOfRange(outOfRange));
    consumer.assign(List.of(new TopicPartition(topic, 0)));
    return consumer;
  }

  /** So many records of partition 0, and no more. */
  private static List<ConsumerRecord> read(String topic, StartAt start, int count) {
    List<ConsumerRecord> records = new ArrayList<>();
    try (Consumer consumer = consumer(topic, start, OutOfRange.ERROR)) {
      while (records.size() < count) {
        List<ConsumerRecord> some = consumer.poll(LONG);
        assertFalse(some.isEmpty(), topic + ": only " + records.size() + " of " + count);
        records.addAll(some);
      }
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(50)), "P8");
    }
    return records;
  }

  private static List<String> values(List<ConsumerRecord> records) {
    return records.stream()
        .map(record -> new String(bytes(record.value()), StandardCharsets.UTF_8))
        .toList();
  }

  private static byte[] bytes(byte @Nullable [] value) {
    return Objects.requireNonNull(value);
  }

  /** Bytes that do not compress. */
  private static byte[] noise(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(30, TimeUnit.SECONDS);
  }

  private static KontikiException failure(CompletableFuture<?> future) {
    ExecutionException failure = assertThrows(ExecutionException.class, () -> get(future));
    return assertInstanceOf(KontikiException.class, failure.getCause());
  }
}
