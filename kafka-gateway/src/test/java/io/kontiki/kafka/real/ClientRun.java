package io.kontiki.kafka.real;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What a program does with Kafka's Java client; runs in a process of its own, on a class path with
 * a client of another version. Only what is in all of them.
 */
public final class ClientRun {
  private static final int RECORDS = 1000;

  private ClientRun() {}

  /** bootstrap servers, topic. */
  public static void main(String[] args) throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    String topic = args[1];
    try (Admin admin = Admin.create(config)) {
      admin.createTopics(Collections.singleton(new NewTopic(topic, 3, (short) 3))).all().get();
      admin.describeCluster().nodes().get();
      if (!admin.listTopics().names().get().contains(topic)) {
        throw new AssertionError(topic + " is not listed");
      }
    }
    for (String codec : Arrays.asList("none", "gzip", "snappy", "lz4", "zstd")) {
      Map<String, Object> producing = new HashMap<>(config);
      producing.put("compression.type", codec);
      producing.put("acks", "all");
      producing.put("enable.idempotence", true);
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      try (KafkaProducer<String, String> producer =
          new KafkaProducer<>(producing, new StringSerializer(), new StringSerializer())) {
        for (int i = 0; i < RECORDS / 5; i++) {
          ProducerRecord<String, String> record =
              new ProducerRecord<>(topic, i % 3, "k" + i, codec + i);
          record.headers().add("codec", codec.getBytes(StandardCharsets.UTF_8));
          sent.add(producer.send(record));
        }
      }
      for (Future<RecordMetadata> one : sent) {
        one.get();
      }
    }
    List<TopicPartition> partitions = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      partitions.add(new TopicPartition(topic, i));
    }
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long end = 0;
      for (long one : consumer.endOffsets(partitions).values()) {
        end += one;
      }
      int count = 0;
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (count < RECORDS && System.nanoTime() < deadline) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
          String codec =
              new String(record.headers().lastHeader("codec").value(), StandardCharsets.UTF_8);
          if (!record.value().equals(codec + record.key().substring(1))) {
            throw new AssertionError(record);
          }
          count++;
        }
      }
      if (count != RECORDS || end != RECORDS) {
        throw new AssertionError(count + " records read, end offsets " + end);
      }
    }
    System.out.println("passed");
  }
}
