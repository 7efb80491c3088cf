package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import io.kontiki.client.Consumer;
import io.kontiki.client.ConsumerOptions;
import io.kontiki.client.GroupConsumer;
import io.kontiki.client.GroupConsumerOptions;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.StartAt;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordHeader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InconsistentGroupProtocolException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What one door takes the other gives; a group is of one door at a time. */
class BothDoorsTest {
  private static final Duration POLL = Duration.ofMillis(200);
  @TempDir static Path dir;
  private static RealNodes nodes;
  private static Admin admin;
  private static KontikiClient grpc;

  /** A record without its place. */
  private record Sent(
      byte @Nullable [] key,
      byte @Nullable [] value,
      List<RecordHeader> headers,
      long timestampMs) {}

  @BeforeAll
  static void start() {
    nodes = new RealNodes(dir, 3, "topic.default.durability=replicated");
    admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()));
    grpc = KontikiClient.connect(nodes.grpcBootstrap());
  }

  @AfterAll
  static void stop() {
    grpc.close();
    admin.close();
    nodes.close();
  }

  private static void create(String topic) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, 1, (short) 3))).all().get(60, TimeUnit.SECONDS);
  }

  private static byte @Nullable [] bytes(Random random, boolean orNull) {
    if (orNull && random.nextInt(5) == 0) {
      return null;
    }
    byte[] bytes = new byte[random.nextInt(4) * random.nextInt(300)];
    random.nextBytes(bytes);
    return bytes;
  }

  private static List<Sent> records(long seed) {
    Random random = new Random(seed);
    List<Sent> records = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      List<RecordHeader> headers = new ArrayList<>();
      for (int h = random.nextInt(4); h > 0; h--) {
        headers.add(
            new RecordHeader(List.of("", "a", "é").get(random.nextInt(3)), bytes(random, true)));
      }
      records.add(
          new Sent(
              bytes(random, true),
              bytes(random, true),
              headers,
              1_600_000_000_000L + random.nextInt(1_000_000)));
    }
    return records;
  }

  private static void same(
      Sent sent,
      byte @Nullable [] key,
      byte @Nullable [] value,
      List<RecordHeader> headers,
      long timestampMs) {
    assertArrayEquals(sent.key(), key);
    assertArrayEquals(sent.value(), value);
    assertEquals(sent.headers(), headers);
    assertEquals(sent.timestampMs(), timestampMs);
  }

  @Test
  void grpcReadsByteForByteWhatKafkasProducerWrote() throws Exception {
    create("in");
    List<Sent> sent = new ArrayList<>();
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      List<Sent> some = records(codec.hashCode());
      try (KafkaProducer<byte[], byte[]> producer =
          new KafkaProducer<>(
              Map.of(
                  "bootstrap.servers",
                  nodes.bootstrap(),
                  "compression.type",
                  codec,
                  "linger.ms",
                  5),
              new ByteArraySerializer(),
              new ByteArraySerializer())) {
        for (Sent one : some) {
          RecordHeaders headers = new RecordHeaders();
          one.headers().forEach(header -> headers.add(header.key(), header.value()));
          producer.send(
              new ProducerRecord<>("in", 0, one.timestampMs(), one.key(), one.value(), headers));
        }
      }
      sent.addAll(some);
    }
    try (Consumer consumer =
        grpc.newConsumer(ConsumerOptions.DEFAULT.withStartAt(StartAt.BEGINNING))) {
      consumer.assign(List.of(new io.kontiki.client.TopicPartition("in", 0)));
      int next = 0;
      while (next < sent.size()) {
        for (io.kontiki.client.ConsumerRecord record : consumer.poll(POLL)) {
          assertEquals(next, record.offset());
          same(
              sent.get(next++),
              record.key(),
              record.value(),
              record.headers(),
              record.timestampMs());
        }
      }
    }
  }

  @Test
  void kafkasConsumerReadsByteForByteWhatGrpcWrote() throws Exception {
    create("out");
    List<Sent> sent = new ArrayList<>();
    for (Compression codec : Compression.values()) {
      List<Sent> some = records(codec.ordinal());
      try (Producer producer =
          grpc.newProducer(
              ProducerOptions.DEFAULT
                  .withCompression(codec)
                  .withBatching(Duration.ofMillis(5), 65_536))) {
        for (Sent one : some) {
          producer.send(
              new io.kontiki.client.ProducerRecord(
                  "out",
                  OptionalInt.of(0),
                  one.key(),
                  one.value(),
                  one.headers(),
                  OptionalLong.of(one.timestampMs())));
        }
        producer.flush().get(60, TimeUnit.SECONDS);
      }
      sent.addAll(some);
    }
    TopicPartition partition = new TopicPartition("out", 0);
    try (KafkaConsumer<byte[], byte[]> consumer = kafka("unused")) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      int next = 0;
      while (next < sent.size()) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          assertEquals(next, record.offset());
          same(
              sent.get(next++),
              record.key(),
              record.value(),
              StreamSupport.stream(record.headers().spliterator(), false)
                  .map((Header header) -> new RecordHeader(header.key(), header.value()))
                  .toList(),
              record.timestamp());
        }
      }
    }
  }

  private static KafkaConsumer<byte[], byte[]> kafka(String group) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", nodes.bootstrap());
    config.put("group.id", group);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", false);
    config.put("max.poll.records", 10);
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static <T> Collection<T> some(java.util.function.Supplier<? extends Iterable<T>> poll) {
    List<T> records = new ArrayList<>();
    while (records.isEmpty()) {
      poll.get().forEach(records::add);
    }
    return records;
  }

  @Test
  void aGroupIsOfOneDoorWhileItHasMembersAndEmptyGoesOnThroughTheOther() throws Exception {
    create("shared");
    try (Producer producer = grpc.newProducer(ProducerOptions.DEFAULT)) {
      for (int i = 0; i < 100; i++) {
        producer.send(io.kontiki.client.ProducerRecord.of("shared", null, "v" + i));
      }
      producer.flush().get(60, TimeUnit.SECONDS);
    }
    TopicPartition partition = new TopicPartition("shared", 0);
    GroupConsumerOptions options =
        GroupConsumerOptions.of("doors")
            .withManualCommit()
            .withStart(StartAt.BEGINNING, ConsumerOptions.OutOfRange.ERROR);
    try (KafkaConsumer<byte[], byte[]> classic = kafka("doors")) {
      classic.subscribe(List.of("shared"));
      some(() -> classic.poll(POLL));
      classic.commitSync(Map.of(partition, new OffsetAndMetadata(40)));
      try (GroupConsumer ours = grpc.newGroupConsumer(options)) {
        ours.subscribe(List.of("shared"));
        KontikiException refused =
            assertThrows(KontikiException.class, () -> some(() -> ours.poll(POLL)));
        assertEquals(ErrorReason.GROUP_PROTOCOL_MISMATCH, refused.reason(), refused::toString);
      }
      classic.poll(POLL);
      assertEquals(1, classic.assignment().size());
    }
    try (GroupConsumer ours = grpc.newGroupConsumer(options)) {
      ours.subscribe(List.of("shared"));
      assertEquals(40, some(() -> ours.poll(POLL)).iterator().next().offset());
      ours.commit(
          Map.of(
              new io.kontiki.client.TopicPartition("shared", 0),
              new io.kontiki.client.OffsetAndMetadata(70, "")));
      try (KafkaConsumer<byte[], byte[]> classic = kafka("doors")) {
        classic.subscribe(List.of("shared"));
        assertThrows(
            InconsistentGroupProtocolException.class, () -> some(() -> classic.poll(POLL)));
      }
      assertTrue(ours.assignment().size() == 1, () -> ours.assignment().toString());
    }
    try (KafkaConsumer<byte[], byte[]> classic = kafka("doors")) {
      classic.subscribe(List.of("shared"));
      assertEquals(70, some(() -> classic.poll(POLL)).iterator().next().offset());
    }
  }
}
