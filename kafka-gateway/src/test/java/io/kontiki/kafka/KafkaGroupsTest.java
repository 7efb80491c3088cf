package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ConsumerGroupState;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Groups of Apache Kafka's own consumers against three brokers, seen through both doors. */
class KafkaGroupsTest {
  private static final int RECORDS = 600;
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

  private static void fill(String topic) throws Exception {
    admin
        .createTopics(
            List.of(
                new NewTopic(topic, 6, (short) 3)
                    .configs(Map.of("flush.messages", "9223372036854775807"))))
        .all()
        .get(60, TimeUnit.SECONDS);
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", nodes.bootstrap()),
            new StringSerializer(),
            new StringSerializer())) {
      for (int i = 0; i < RECORDS; i++) {
        producer.send(new ProducerRecord<>(topic, i % 6, null, "v" + i));
      }
    }
  }

  private static KafkaConsumer<String, String> consumer(String group, Object... more) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", nodes.bootstrap());
    config.put("group.id", group);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", false);
    config.put("max.poll.records", 20);
    config.put("heartbeat.interval.ms", 500);
    config.put("session.timeout.ms", 10_000);
    for (int i = 0; i < more.length; i += 2) {
      config.put((String) more[i], more[i + 1]);
    }
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  private static void poll(KafkaConsumer<String, String> consumer, Set<String> seen) {
    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
      seen.add(record.value());
    }
    consumer.commitSync(Duration.ofSeconds(20));
  }

  private static <T extends Throwable> void fails(Class<T> type, KafkaFuture<?> future) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS));
    assertInstanceOf(type, failed.getCause());
  }

  @Test
  void aConsumerByAssignmentCommitsAndGoesOnWhereItWas() throws Exception {
    fill("alone");
    TopicPartition partition = new TopicPartition("alone", 2);
    try (KafkaConsumer<String, String> consumer = consumer("alone")) {
      consumer.assign(List.of(partition));
      consumer.commitSync(Map.of(partition, new OffsetAndMetadata(40, "half")));
    }
    try (KafkaConsumer<String, String> consumer = consumer("alone")) {
      consumer.assign(List.of(partition));
      assertEquals("half", consumer.committed(Set.of(partition)).get(partition).metadata());
      List<ConsumerRecord<String, String>> records = new ArrayList<>();
      while (records.isEmpty()) {
        consumer.poll(Duration.ofMillis(200)).forEach(records::add);
      }
      assertEquals(40, records.get(0).offset());
    }
    assertEquals(
        40,
        admin
            .listConsumerGroupOffsets("alone")
            .partitionsToOffsetAndMetadata()
            .get(30, TimeUnit.SECONDS)
            .get(partition)
            .offset());
    admin
        .alterConsumerGroupOffsets("alone", Map.of(partition, new OffsetAndMetadata(7)))
        .all()
        .get(30, TimeUnit.SECONDS);
    String told = nodes.call(2, "AdminService/DescribeGroup", "{\"group\": \"alone\"}");
    assertTrue(told.replace(" ", "").contains("\"committedOffset\":\"7\""), told);
    // What an operator sets through our own door is where a Kafka consumer goes on.
    String reset =
        nodes.call(
            1,
            "AdminService/ResetGroupOffsets",
            "{\"group\": \"alone\", \"topic\": \"alone\", \"partitions\": [2],"
                + " \"to\": {\"offset\": \"11\"}}");
    assertTrue(reset.contains("\"11\""), reset);
    try (KafkaConsumer<String, String> consumer = consumer("alone")) {
      assertEquals(11, consumer.committed(Set.of(partition)).get(partition).offset());
    }
    admin.deleteConsumerGroupOffsets("alone", Set.of(partition)).all().get(30, TimeUnit.SECONDS);
    fails(GroupIdNotFoundException.class, admin.deleteConsumerGroups(List.of("alone")).all());
  }

  @Test
  void twoConsumersShareATopicEagerly() throws Exception {
    share("eager", RangeAssignor.class);
  }

  @Test
  void twoConsumersShareATopicCooperatively() throws Exception {
    share("cooperative", CooperativeStickyAssignor.class);
  }

  private static void share(String name, Class<?> assignor) throws Exception {
    fill(name);
    Set<String> seen = new TreeSet<>();
    String strategy = "partition.assignment.strategy";
    try (KafkaConsumer<String, String> a = consumer(name, strategy, assignor.getName());
        KafkaConsumer<String, String> b = consumer(name, strategy, assignor.getName())) {
      a.subscribe(List.of(name));
      b.subscribe(List.of(name));
      long deadline = System.nanoTime() + Duration.ofSeconds(120).toNanos();
      while ((seen.size() < RECORDS || a.assignment().size() != 3 || b.assignment().size() != 3)
          && System.nanoTime() < deadline) {
        pollThrough(a, seen);
        pollThrough(b, seen);
      }
      assertEquals(RECORDS, seen.size());
      TreeSet<String> owned = new TreeSet<>();
      a.assignment().forEach(partition -> owned.add(partition.toString()));
      b.assignment().forEach(partition -> owned.add(partition.toString()));
      assertEquals(6, owned.size());
      described(name);
    }
    ConsumerGroupDescription empty =
        admin.describeConsumerGroups(List.of(name)).all().get(30, TimeUnit.SECONDS).get(name);
    assertEquals(ConsumerGroupState.EMPTY, empty.state(), "close() leaves at once");
    admin.deleteConsumerGroups(List.of(name)).all().get(30, TimeUnit.SECONDS);
  }

  /** While the group rebalances a commit is refused; the consumer finds out by itself. */
  private static void pollThrough(KafkaConsumer<String, String> consumer, Set<String> seen) {
    try {
      poll(consumer, seen);
    } catch (org.apache.kafka.common.errors.RebalanceInProgressException
        | org.apache.kafka.clients.consumer.CommitFailedException e) {
      // What it has read is in the set; another one reads it again.
    }
  }

  private static void described(String name) throws Exception {
    ConsumerGroupDescription group =
        admin.describeConsumerGroups(List.of(name)).all().get(30, TimeUnit.SECONDS).get(name);
    assertEquals(ConsumerGroupState.STABLE, group.state());
    assertEquals(2, group.members().size());
    group
        .members()
        .forEach(member -> assertEquals(3, member.assignment().topicPartitions().size()));
    assertTrue(
        admin.listConsumerGroups().all().get(30, TimeUnit.SECONDS).stream()
            .anyMatch(one -> one.groupId().equals(name)));
    fails(GroupNotEmptyException.class, admin.deleteConsumerGroups(List.of(name)).all());
    fails(
        GroupSubscribedToTopicException.class,
        admin.deleteConsumerGroupOffsets(name, Set.of(new TopicPartition(name, 0))).all());
    // The same through our own door.
    String told = nodes.call(3, "AdminService/DescribeGroup", "{\"group\": \"" + name + "\"}");
    assertTrue(told.contains("GROUP_PROTOCOL_CLASSIC"), told);
    assertTrue(told.contains("GROUP_STATE_STABLE"), told);
    assertTrue(told.contains("\"highWatermark\""), told);
    String member = group.members().iterator().next().consumerId();
    assertTrue(told.contains(member), told);
    String list = nodes.call(1, "AdminService/ListGroups", "{}");
    assertTrue(list.contains(name), list);
    String refused =
        nodes.call(
            2,
            "AdminService/ResetGroupOffsets",
            "{\"group\": \""
                + name
                + "\", \"topic\": \""
                + name
                + "\", \"to\": {\"offset\": \"0\"}}");
    assertTrue(refused.contains("GROUP_ACTIVE"), refused);
  }

  @Test
  void aStaticMemberThatComesBackHasItsPartitionsWithoutARebalance() throws Exception {
    fill("static");
    Set<String> seen = new TreeSet<>();
    try (KafkaConsumer<String, String> stays = consumer("static", "group.instance.id", "stays")) {
      KafkaConsumer<String, String> goes = consumer("static", "group.instance.id", "goes");
      stays.subscribe(List.of("static"));
      goes.subscribe(List.of("static"));
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while ((stays.assignment().size() != 3 || goes.assignment().size() != 3)
          && System.nanoTime() < deadline) {
        pollThrough(stays, seen);
        pollThrough(goes, seen);
      }
      assertEquals(3, goes.assignment().size());
      int generation = stays.groupMetadata().generationId();
      Set<TopicPartition> before = goes.assignment();
      goes.close();
      try (KafkaConsumer<String, String> again = consumer("static", "group.instance.id", "goes")) {
        again.subscribe(List.of("static"));
        while (again.assignment().isEmpty() && System.nanoTime() < deadline) {
          pollThrough(again, seen);
        }
        assertEquals(before, again.assignment());
        assertEquals(generation, again.groupMetadata().generationId());
      }
    }
  }
}
