package io.kontiki.kafka.real;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A group of two of Kafka's Java consumers, in a process of its own on a class path with a client
 * of another version; whoever started it may kill a broker once it says "half".
 */
public final class GroupRun {
  private static final int RECORDS = 2000;
  private static final int PARTITIONS = 6;

  private GroupRun() {}

  /** bootstrap servers, topic (also the group), class of the assignor, seconds after "half". */
  public static void main(String[] args) throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    String topic = args[1];
    try (Admin admin = Admin.create(config)) {
      admin
          .createTopics(Collections.singleton(new NewTopic(topic, PARTITIONS, (short) 3)))
          .all()
          .get();
    }
    produce(config, topic, 0);
    Map<String, Object> producing = new HashMap<>(config);
    config.put("group.id", topic);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", false);
    config.put("max.poll.records", 10);
    config.put("heartbeat.interval.ms", 500);
    config.put("session.timeout.ms", 10_000);
    config.put("partition.assignment.strategy", args[2]);
    Set<String> seen = new TreeSet<>();
    try (KafkaConsumer<String, String> a = consumer(config);
        KafkaConsumer<String, String> b = consumer(config)) {
      a.subscribe(Collections.singleton(topic));
      b.subscribe(Collections.singleton(topic));
      boolean half = false;
      boolean all = false;
      long pause = 0;
      long deadline = System.nanoTime() + Duration.ofSeconds(200).toNanos();
      while (System.nanoTime() < deadline && !(all && seen.size() == RECORDS && done(a, topic))) {
        poll(a, seen);
        poll(b, seen);
        if (!half && a.assignment().size() == 3 && b.assignment().size() == 3) {
          half = true;
          pause = System.nanoTime() + Duration.ofSeconds(Integer.parseInt(args[3])).toNanos();
          System.out.println("half");
        }
        if (half && !all && System.nanoTime() > pause) {
          all = true;
          produce(producing, topic, RECORDS / 2);
        }
      }
      if (seen.size() != RECORDS || !half) {
        throw new AssertionError(seen.size() + " records read, shared: " + half);
      }
      if (!done(a, topic)) {
        throw new AssertionError("not all is committed");
      }
    }
    System.out.println("passed");
  }

  private static void produce(Map<String, Object> config, String topic, int from) throws Exception {
    Map<String, Object> producing = new HashMap<>(config);
    producing.put("acks", "all");
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(producing, new StringSerializer(), new StringSerializer())) {
      for (int i = from; i < from + RECORDS / 2; i++) {
        sent.add(producer.send(new ProducerRecord<>(topic, i % PARTITIONS, null, "v" + i)));
      }
    }
    for (Future<RecordMetadata> one : sent) {
      one.get();
    }
  }

  private static KafkaConsumer<String, String> consumer(Map<String, Object> config) {
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  private static void poll(KafkaConsumer<String, String> consumer, Set<String> seen) {
    try {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
        seen.add(record.value());
      }
      consumer.commitSync(Duration.ofSeconds(10));
    } catch (CommitFailedException | RetriableException e) {
      // A rebalance or another coordinator: the next round finds out.
    }
  }

  private static boolean done(KafkaConsumer<String, String> consumer, String topic) {
    Set<TopicPartition> partitions = new java.util.HashSet<>();
    for (int i = 0; i < PARTITIONS; i++) {
      partitions.add(new TopicPartition(topic, i));
    }
    try {
      long sum = 0;
      for (var offset : consumer.committed(partitions, Duration.ofSeconds(10)).values()) {
        sum += offset == null ? 0 : offset.offset();
      }
      return sum == RECORDS;
    } catch (RetriableException e) {
      return false;
    }
  }
}
