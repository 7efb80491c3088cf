package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.Acks;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client on real sockets, against brokers that keep their logs in memory. */
@Timeout(60)
class ClientTest {
  private FakeCluster cluster;
  private KontikiClient client;

  @BeforeEach
  void start() throws IOException {
    cluster = new FakeCluster(3);
    client = KontikiClient.connect(cluster.bootstrap());
  }

  @AfterEach
  void stop() {
    client.close();
    cluster.close();
  }

  @Test
  void recordsOfEveryCodecComeBackOnceAndInOrder() throws Exception {
    cluster.create("t", 3);
    for (Compression codec : Compression.values()) {
      try (Producer producer = client.newProducer(ProducerOptions.DEFAULT.withCompression(codec))) {
        for (int i = 0; i < 300; i++) {
          producer.send(ProducerRecord.of("t", "k" + i % 7, codec + " " + i));
        }
        producer.flush().get(20, TimeUnit.SECONDS);
      }
    }
    List<ConsumerRecord> read = readAll("t", 3, 5 * 300);
    Map<String, Integer> next = new HashMap<>();
    for (ConsumerRecord record : read) {
      String[] words = text(record.value()).split(" ");
      String lane = words[0] + "/" + text(record.key());
      int number = Integer.parseInt(words[1]);
      assertTrue(next.getOrDefault(lane, -1) < number, "P5 " + lane);
      next.put(lane, number);
    }
    assertEquals(5 * 7, next.size());
  }

  @Test
  void aKilledLeaderCostsNoRecordAndNoOrder() throws Exception {
    cluster.create("t", 1);
    List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      for (int i = 0; i < 5000; i++) {
        sent.add(producer.send(ProducerRecord.of("t", null, "" + i)));
        if (i == 1000) {
          sent.get(500).get(20, TimeUnit.SECONDS);
          cluster.kill(1);
        }
      }
      producer.flush().get(30, TimeUnit.SECONDS);
    }
    long last = -1;
    for (CompletableFuture<RecordMetadata> future : sent) {
      long offset = future.get(1, TimeUnit.SECONDS).offset();
      assertTrue(offset > last, "P5: " + offset + " behind " + last);
      last = offset;
    }
    List<ConsumerRecord> read = readAll("t", 1, 5000);
    for (int i = 0; i < 5000; i++) {
      assertEquals("" + i, text(read.get(i).value()), "P8");
    }
  }

  @Test
  void aHintLeadsToTheNewLeaderWithoutTheWatch() throws Exception {
    cluster.create("t", 1);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT);
        Consumer consumer = consumer(StartAt.BEGINNING, "t", 1)) {
      producer.send(ProducerRecord.of("t", null, "a")).get(20, TimeUnit.SECONDS);
      assertEquals(1, consumer.poll(Duration.ofSeconds(20)).size());
      cluster.move("t", 0, 2, false);
      producer.send(ProducerRecord.of("t", null, "b")).get(20, TimeUnit.SECONDS);
      assertEquals("b", text(consumer.poll(Duration.ofSeconds(20)).get(0).value()));
    }
  }

  @Test
  void aConsumerFollowsTheLeaderAndNeitherSkipsNorRepeats() throws Exception {
    cluster.create("t", 1);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT);
        Consumer consumer = consumer(StartAt.BEGINNING, "t", 1)) {
      int expected = 0;
      for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 200; i++) {
          producer.send(ProducerRecord.of("t", null, "" + (round * 200 + i)));
        }
        if (round == 4) {
          cluster.kill(1 + round % 3);
        } else {
          cluster.move("t", 0, 1 + (round + 1) % 3, round % 2 == 0);
        }
        while (expected < (round + 1) * 200) {
          for (ConsumerRecord record : consumer.poll(Duration.ofSeconds(5))) {
            assertEquals(expected, record.offset(), "P6");
            assertEquals("" + expected++, text(record.value()));
          }
        }
      }
      assertEquals(OptionalLong.of(1200), consumer.position(new TopicPartition("t", 0)));
    }
  }

  @Test
  void aRefusalThatPassesIsOvercomeInOrder() throws Exception {
    cluster.create("t", 1);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      producer.send(ProducerRecord.of("t", null, "first")).get(20, TimeUnit.SECONDS);
      cluster.refuseOnce = request -> true;
      List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        sent.add(producer.send(ProducerRecord.of("t", null, "" + i)));
      }
      for (int i = 0; i < 50; i++) {
        assertEquals(1 + i, sent.get(i).get(20, TimeUnit.SECONDS).offset());
      }
    }
  }

  @Test
  void withoutBrokersTheFailureIsDefiniteAndInTime() throws Exception {
    cluster.close();
    ProducerOptions options =
        ProducerOptions.DEFAULT.withTimeouts(Duration.ofMillis(400), Duration.ofMillis(400));
    try (Producer producer = client.newProducer(options)) {
      ExecutionException failure =
          assertThrows(
              ExecutionException.class,
              () -> producer.send(ProducerRecord.of("t", null, "x")).get(20, TimeUnit.SECONDS));
      KontikiException cause = assertInstanceOf(KontikiException.class, failure.getCause());
      assertTrue(cause.definite(), cause.getMessage());
    }
  }

  @Test
  void anAnswerThatNeverComesMakesTheOutcomeUnknownAtTheDeadline() throws Exception {
    cluster.create("t", 1);
    ProducerOptions options =
        ProducerOptions.DEFAULT.withTimeouts(Duration.ofMillis(500), Duration.ofMillis(500));
    try (Producer warm = client.newProducer(ProducerOptions.DEFAULT);
        Producer producer = client.newProducer(options)) {
      warm.send(ProducerRecord.of("t", null, "w")).get(20, TimeUnit.SECONDS);
      cluster.swallow = request -> true;
      ExecutionException failure =
          assertThrows(
              ExecutionException.class,
              () -> producer.send(ProducerRecord.of("t", null, "x")).get(20, TimeUnit.SECONDS));
      KontikiException cause = assertInstanceOf(KontikiException.class, failure.getCause());
      assertFalse(cause.definite(), "rule I5: " + cause.getMessage());
      cluster.swallow = request -> false;
      assertEquals(
          2, producer.send(ProducerRecord.of("t", null, "y")).get(20, TimeUnit.SECONDS).offset());
    }
  }

  @Test
  void aFullBufferRefusesAfterItsTime() throws Exception {
    cluster.create("t", 1);
    cluster.swallow = request -> true;
    ProducerOptions options =
        ProducerOptions.DEFAULT
            .withBatching(Duration.ZERO, 1000)
            .withBuffer(5000, Duration.ofMillis(100));
    Producer producer = client.newProducer(options);
    List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      sent.add(producer.send(new ProducerRecordBuilder("t", 900).record()));
    }
    ExecutionException failure =
        assertThrows(ExecutionException.class, () -> sent.get(9).get(1, TimeUnit.SECONDS));
    KontikiException cause = assertInstanceOf(KontikiException.class, failure.getCause());
    assertEquals(ErrorReason.BUSY, cause.reason());
    assertTrue(cause.definite());
    producer.close(Duration.ofMillis(100));
    assertTrue(sent.stream().allMatch(CompletableFuture::isDone));
  }

  @Test
  void aTopicOrPartitionThatDoesNotExistIsRefusedByName() {
    cluster.create("t", 1);
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      assertEquals(
          ErrorReason.TOPIC_NOT_FOUND,
          failure(producer.send(ProducerRecord.of("nothing", null, "x"))).reason());
      assertEquals(
          ErrorReason.PARTITION_NOT_FOUND,
          failure(producer.send(ProducerRecord.of("t", null, "x").toPartition(5))).reason());
    }
    try (Consumer consumer = consumer(StartAt.offset(0), "nothing", 1)) {
      KontikiException failure =
          assertThrows(KontikiException.class, () -> consumer.poll(Duration.ofSeconds(20)));
      assertEquals(ErrorReason.TOPIC_NOT_FOUND, failure.reason());
    }
  }

  @Test
  void acksNoneAndAtLeastOnceAreServedToo() throws Exception {
    cluster.create("t", 1);
    ProducerOptions options = ProducerOptions.DEFAULT.withAcks(Acks.LEADER).withIdempotent(false);
    try (Producer producer = client.newProducer(options)) {
      for (int i = 0; i < 100; i++) {
        producer.send(ProducerRecord.of("t", null, "" + i));
      }
      producer.flush().get(20, TimeUnit.SECONDS);
    }
    List<ConsumerRecord> read = readAll("t", 1, 100);
    for (int i = 0; i < 100; i++) {
      assertEquals("" + i, text(read.get(i).value()));
    }
  }

  @Test
  void retentionMovesAConsumerAsItsPolicySays() throws Exception {
    cluster.create("t", 1);
    try (Producer producer =
        client.newProducer(ProducerOptions.DEFAULT.withBatching(Duration.ZERO, 1))) {
      for (int i = 0; i < 20; i++) {
        producer.send(ProducerRecord.of("t", null, "" + i)).get(20, TimeUnit.SECONDS);
      }
    }
    cluster.trim("t", 0, 10);
    try (Consumer consumer = consumer(StartAt.offset(3), "t", 1)) {
      assertEquals(10, consumer.poll(Duration.ofSeconds(20)).get(0).offset());
    }
    ConsumerOptions strict =
        ConsumerOptions.DEFAULT.withOutOfRange(ConsumerOptions.OutOfRange.ERROR);
    TopicPartition key = new TopicPartition("t", 0);
    try (Consumer consumer = client.newConsumer(strict)) {
      consumer.assign(List.of(key));
      consumer.seek(key, 3);
      KontikiException failure =
          assertThrows(KontikiException.class, () -> consumer.poll(Duration.ofSeconds(20)));
      assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, failure.reason());
      assertEquals("10", failure.metadata().get("startOffset"));
      consumer.seek(key, 15);
      assertEquals(15, consumer.poll(Duration.ofSeconds(20)).get(0).offset());
      consumer.seek(key, StartAt.END);
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(300)));
      assertEquals(OptionalLong.of(20), consumer.position(key));
    }
  }

  @Test
  void recordsReadBeforeAFailureAreHandedOverFirst() throws Exception {
    cluster.create("t", 1);
    try (Producer producer =
        client.newProducer(ProducerOptions.DEFAULT.withBatching(Duration.ofMillis(50), 10_000))) {
      for (int i = 0; i < 10; i++) {
        producer.send(ProducerRecord.of("t", null, "" + i));
      }
      producer.flush().get(20, TimeUnit.SECONDS);
    }
    TopicPartition there = new TopicPartition("t", 0);
    TopicPartition missing = new TopicPartition("t", 7);
    ConsumerOptions sevenAtMost =
        ConsumerOptions.DEFAULT.withStartAt(StartAt.BEGINNING).withBounds(1_000_000, 7);
    try (Consumer consumer = client.newConsumer(sevenAtMost)) {
      consumer.assign(List.of(there));
      assertEquals(7, consumer.poll(Duration.ofSeconds(20)).size());
      consumer.assign(List.of(there, missing));
      // Completes on the loop behind the assignment, and so behind its failure.
      client.admin().listOffsets("t", List.of(), StartAt.END).get(20, TimeUnit.SECONDS);
      List<ConsumerRecord> rest = consumer.poll(Duration.ofSeconds(20));
      assertEquals(List.of(7L, 8L, 9L), rest.stream().map(ConsumerRecord::offset).toList(), "P6");
      for (int again = 0; again < 2; again++) {
        KontikiException failure =
            assertThrows(KontikiException.class, () -> consumer.poll(Duration.ofSeconds(20)));
        assertEquals(ErrorReason.PARTITION_NOT_FOUND, failure.reason());
        consumer.seek(missing, 0); // tries anew, and fails anew
      }
      consumer.assign(List.of(there));
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(50)));
    }
  }

  @Test
  void aFlushReachesRecordsWhoseTopicIsNotKnownYet() throws Exception {
    cluster.create("t", 3);
    ProducerOptions slow = ProducerOptions.DEFAULT.withBatching(Duration.ofMinutes(1), 100_000);
    try (Producer producer = client.newProducer(slow)) {
      CompletableFuture<RecordMetadata> first = producer.send(ProducerRecord.of("t", "k", "v"));
      producer.flush().get(20, TimeUnit.SECONDS);
      assertTrue(first.isDone());
    }
  }

  @Test
  void whatATopicSaysThatItDoesNotTakeIsNotSent() throws Exception {
    cluster.maxMessageBytes = 3000;
    cluster.create("t", 1);
    try (Producer producer =
        client.newProducer(ProducerOptions.DEFAULT.withBatching(Duration.ofMillis(50), 100_000))) {
      List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        sent.add(producer.send(new ProducerRecordBuilder("t", i == 10 ? 5000 : 500).record()));
      }
      producer.flush().get(20, TimeUnit.SECONDS);
      for (int i = 0; i < 20; i++) {
        if (i == 10) {
          KontikiException failure = failure(sent.get(i));
          assertEquals(ErrorReason.RECORD_TOO_LARGE, failure.reason());
          assertTrue(failure.definite());
        } else {
          assertEquals(i < 10 ? i : i - 1, sent.get(i).get().offset(), "P5");
        }
      }
    }
  }

  @Test
  void behindADamagedBatchNothingIsReadUntilASeek() throws Exception {
    cluster.create("t", 1);
    try (Producer producer =
        client.newProducer(ProducerOptions.DEFAULT.withBatching(Duration.ZERO, 1))) {
      for (int i = 0; i < 5; i++) {
        producer.send(ProducerRecord.of("t", null, "" + i)).get(20, TimeUnit.SECONDS);
      }
    }
    cluster.damage("t", 0, 2);
    TopicPartition key = new TopicPartition("t", 0);
    try (Consumer consumer = consumer(StartAt.BEGINNING, "t", 1)) {
      for (int read = 0; read < 2; ) {
        read += consumer.poll(Duration.ofSeconds(20)).size();
        assertTrue(read <= 2);
      }
      KontikiException failure =
          assertThrows(KontikiException.class, () -> consumer.poll(Duration.ofSeconds(20)));
      assertEquals(ErrorReason.CORRUPT_LOG, failure.reason());
      assertEquals("2", failure.metadata().get("offset"));
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(300)), "P6");
      consumer.seek(key, 3);
      assertEquals(3, consumer.poll(Duration.ofSeconds(20)).get(0).offset());
    }
  }

  @Test
  void aConsumerThatDoesNotPollIsSentNoMoreThanItsCredit() throws Exception {
    cluster.create("t", 1);
    try (Producer producer =
            client.newProducer(ProducerOptions.DEFAULT.withBatching(Duration.ZERO, 10_000));
        Consumer consumer =
            client.newConsumer(
                ConsumerOptions.DEFAULT.withStartAt(StartAt.BEGINNING).withBounds(100_000, 10))) {
      for (int i = 0; i < 200; i++) {
        producer.send(new ProducerRecordBuilder("t", 9000).record());
      }
      producer.flush().get(20, TimeUnit.SECONDS);
      consumer.assign(List.of(new TopicPartition("t", 0)));
      int count = consumer.poll(Duration.ofSeconds(20)).size();
      long most = cluster.brokers.get(1).mostCreditUsed;
      assertTrue(most <= 100_000 + 3 * 10_000, "P18: " + most);
      while (count < 200) {
        count += consumer.poll(Duration.ofSeconds(5)).size();
      }
    }
  }

  @Test
  void aTopicWhoseCreationGotLostCountsIfItIsAsAskedFor() throws Exception {
    Admin admin = client.admin();
    assertEquals(
        2, admin.createTopic("t", 2, 1, Map.of()).get(20, TimeUnit.SECONDS).getPartitionsCount());
    assertEquals(
        ErrorReason.TOPIC_EXISTS, failure(admin.createTopic("t", 2, 1, Map.of())).reason());
    assertEquals(
        "u",
        admin
            .createTopic("u", 3, 1, Map.of("lose.answer", "yes"))
            .get(20, TimeUnit.SECONDS)
            .getName(),
        "rule M21");
    KontikiException unknown = failure(admin.createTopic("v", 3, 2, Map.of("lose.answer", "yes")));
    assertEquals(ErrorReason.TOPIC_EXISTS, unknown.reason());
  }

  @Test
  void aDeadBrokerInTheBootstrapListIsPassedOver() throws Exception {
    cluster.kill(1);
    cluster.kill(2);
    assertEquals(
        1,
        client
            .admin()
            .createTopic("t", 1, 1, Map.of())
            .get(20, TimeUnit.SECONDS)
            .getPartitionsCount());
  }

  private record ProducerRecordBuilder(String topic, int valueBytes) {
    ProducerRecord record() {
      return ProducerRecord.of(topic, null, new byte[valueBytes]);
    }
  }

  private Consumer consumer(StartAt start, String topic, int partitions) {
    Consumer consumer = client.newConsumer(ConsumerOptions.DEFAULT.withStartAt(start));
    List<TopicPartition> keys = new ArrayList<>();
    for (int i = 0; i < partitions; i++) {
      keys.add(new TopicPartition(topic, i));
    }
    consumer.assign(keys);
    return consumer;
  }

  private List<ConsumerRecord> readAll(String topic, int partitions, int count) {
    List<ConsumerRecord> read = new ArrayList<>();
    try (Consumer consumer = consumer(StartAt.BEGINNING, topic, partitions)) {
      while (read.size() < count) {
        List<ConsumerRecord> some = consumer.poll(Duration.ofSeconds(20));
        assertFalse(some.isEmpty(), "only " + read.size() + " of " + count);
        read.addAll(some);
      }
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(100)), "P8");
    }
    return read;
  }

  private static KontikiException failure(CompletableFuture<?> future) {
    ExecutionException failure =
        assertThrows(ExecutionException.class, () -> future.get(20, TimeUnit.SECONDS));
    return assertInstanceOf(KontikiException.class, failure.getCause());
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
  }
}
