import java.io.File;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.*;

/** Kafka's Java clients from 0.9 to 1.1: a producer per codec of then, a group of two. */
public final class Middle {
  private static final String[] CODECS = {"none", "gzip", "snappy", "lz4"};
  private static final Map<String, Integer> SEEN = new ConcurrentHashMap<>(); // place to number
  private static final Set<Integer> NUMBERS = ConcurrentHashMap.newKeySet();
  private static volatile boolean over;

  public static void main(String[] args) throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> {
          e.printStackTrace(System.out);
          Runtime.getRuntime().halt(1); // whatever else runs
        });
    String topic = args[1];
    List<KafkaProducer<Integer, String>> producers = new ArrayList<>();
    for (String codec : CODECS) {
      Map<String, Object> producing = new HashMap<>();
      producing.put("bootstrap.servers", args[0]);
      producing.put("compression.type", codec);
      producing.put("acks", "all");
      producing.put("retries", 100);
      producing.put("retry.backoff.ms", 200);
      producers.add(new KafkaProducer<>(producing, new IntegerSerializer(), new StringSerializer()));
    }
    ExecutorService threads = Executors.newFixedThreadPool(2);
    List<Future<?>> members = Arrays.asList(threads.submit(() -> consume(args[0], topic)), threads.submit(() -> consume(args[0], topic)));
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      sent.add(send(producers, topic, i));
    }
    for (Future<RecordMetadata> one : sent) {
      one.get();
    }
    while (NUMBERS.size() < 300) {
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
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (NUMBERS.size() < sent.size() && System.nanoTime() < deadline) {
      Thread.sleep(20);
    }
    over = true;
    for (Future<?> one : members) {
      one.get();
    }
    threads.shutdown();
    check(NUMBERS.size() == sent.size(), NUMBERS.size() + " read of " + sent.size());
    System.out.println("passed");
  }

  private static Future<RecordMetadata> send(List<KafkaProducer<Integer, String>> producers, String topic, int i) throws Exception {
    while (true) {
      try {
        return producers.get(i % CODECS.length).send(new ProducerRecord<>(topic, i % 3, i, "v" + i));
      } catch (IllegalStateException e) {
        // 0.9.0.1 takes no record for a partition while its last batch waits to be sent again (KAFKA-3594)
        Thread.sleep(50);
      }
    }
  }

  private static Void consume(String bootstrap, String topic) {
    Map<String, Object> consuming = new HashMap<>();
    consuming.put("bootstrap.servers", bootstrap);
    consuming.put("group.id", topic);
    consuming.put("auto.offset.reset", "earliest");
    consuming.put("enable.auto.commit", false);
    consuming.put("session.timeout.ms", 10_000);
    consuming.put("heartbeat.interval.ms", 500);
    try (KafkaConsumer<Integer, String> consumer = new KafkaConsumer<>(consuming, new IntegerDeserializer(), new StringDeserializer())) {
      consumer.subscribe(Arrays.asList(topic));
      boolean last = false;
      while (!last) {
        last = over; // once more after that, to commit
        for (ConsumerRecord<Integer, String> record : consumer.poll(100)) {
          int i = record.key();
          check(record.value().equals("v" + i) && record.partition() == i % 3, record);
          Integer other = SEEN.put(record.partition() + "/" + record.offset(), i);
          check(other == null || other == i, record);
          NUMBERS.add(i);
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
