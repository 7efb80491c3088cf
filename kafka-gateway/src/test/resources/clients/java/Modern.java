import java.io.File;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.*;

/** Kafka's Java clients from 2.8 on: admin, an idempotent producer per codec, a group of two. */
public final class Modern {
  private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
  private static final Map<String, Integer> SEEN = new ConcurrentHashMap<>(); // place to number
  private static volatile boolean over;

  public static void main(String[] args) throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> {
          e.printStackTrace(System.out);
          Runtime.getRuntime().halt(1); // whatever else runs
        });
    Map<String, Object> config = Map.of("bootstrap.servers", args[0]);
    String topic = args[1];
    try (Admin admin = Admin.create(config)) {
      admin.createTopics(List.of(new NewTopic(topic, 3, (short) 3))).all().get();
      List<KafkaProducer<Integer, String>> producers = new ArrayList<>();
      for (String codec : CODECS) {
        Map<String, Object> producing = new HashMap<>(config);
        producing.put("compression.type", codec);
        producing.put("acks", "all");
        producing.put("enable.idempotence", true);
        producers.add(new KafkaProducer<>(producing, new IntegerSerializer(), new StringSerializer()));
      }
      ExecutorService threads = Executors.newFixedThreadPool(2);
      List<Future<?>> members = List.of(threads.submit(() -> consume(config, topic)), threads.submit(() -> consume(config, topic)));
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        sent.add(send(producers, topic, i));
      }
      for (Future<RecordMetadata> one : sent) {
        one.get();
      }
      while (SEEN.size() < 300) {
        Thread.sleep(20);
      }
      System.out.println("half");
      int more = 200;
      while (more > 0) {
        sent.add(send(producers, topic, sent.size()));
        Thread.sleep(10);
        more -= new File(args[2]).exists() ? 1 : 0;
      }
      for (Future<RecordMetadata> one : sent) {
        one.get();
      }
      for (KafkaProducer<Integer, String> one : producers) {
        one.close();
      }
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (SEEN.size() < sent.size() && System.nanoTime() < deadline) {
        Thread.sleep(20);
      }
      over = true;
      for (Future<?> one : members) {
        one.get();
      }
      threads.shutdown();
      // An idempotent producer writes each once, whatever dies.
      for (int i = 0; i < sent.size(); i++) {
        RecordMetadata where = sent.get(i).get();
        Integer there = SEEN.get(where.partition() + "/" + where.offset());
        if (there == null || there != i) {
          System.out.println("v" + i + " was acknowledged at " + where + ", where was read: " + there);
        }
      }
      check(SEEN.size() == sent.size() && new HashSet<>(SEEN.values()).size() == sent.size(), SEEN.size() + " read of " + sent.size());
      long committed = admin.listConsumerGroupOffsets(topic).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(OffsetAndMetadata::offset).sum();
      check(committed == sent.size(), "committed " + committed);
      check(admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).members().isEmpty(), "members");
      admin.deleteConsumerGroups(List.of(topic)).all().get();
      admin.deleteTopics(List.of(topic)).all().get();
    }
    System.out.println("passed");
  }

  private static Future<RecordMetadata> send(List<KafkaProducer<Integer, String>> producers, String topic, int i) {
    ProducerRecord<Integer, String> record = new ProducerRecord<>(topic, i % 3, 1_000_000L + i, i, "v" + i);
    record.headers().add("n", ("h" + i).getBytes(StandardCharsets.UTF_8));
    return producers.get(i % CODECS.size()).send(record);
  }

  private static Void consume(Map<String, Object> config, String topic) {
    Map<String, Object> consuming = new HashMap<>(config);
    consuming.put("group.id", topic);
    consuming.put("auto.offset.reset", "earliest");
    consuming.put("enable.auto.commit", false);
    consuming.put("session.timeout.ms", 10_000);
    consuming.put("heartbeat.interval.ms", 500);
    try (KafkaConsumer<Integer, String> consumer = new KafkaConsumer<>(consuming, new IntegerDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      boolean last = false;
      while (!last) {
        last = over; // once more after that, to commit
        for (ConsumerRecord<Integer, String> record : consumer.poll(Duration.ofMillis(100))) {
          int i = record.key();
          String header = new String(record.headers().lastHeader("n").value(), StandardCharsets.UTF_8);
          check(record.value().equals("v" + i) && header.equals("h" + i) && record.timestamp() == 1_000_000L + i, record);
          Integer other = SEEN.put(record.partition() + "/" + record.offset(), i);
          check(other == null || other == i, record);
        }
        try {
          consumer.commitSync();
        } catch (CommitFailedException | RetriableException e) {
          last = false; // a rebalance or another coordinator
        }
      }
    } catch (Throwable e) {
      e.printStackTrace(System.out);
      System.exit(1);
    }
    return null;
  }

  private static void check(boolean holds, Object what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
