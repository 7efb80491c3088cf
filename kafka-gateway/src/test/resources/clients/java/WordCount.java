import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

/** Kafka Streams: words are counted with at_least_once, through a repartition topic and a changelog. */
public final class WordCount {
  private static final String[] WORDS = {"alpha", "beta", "gamma", "delta", "epsilon"};

  public static void main(String[] args) throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> {
          e.printStackTrace(System.out);
          Runtime.getRuntime().halt(1); // whatever else runs
        });
    String topic = args[1];
    String counts = topic + "-counts";
    Map<String, Object> config = Map.of("bootstrap.servers", args[0]);
    try (Admin admin = Admin.create(config)) {
      admin.createTopics(List.of(new NewTopic(topic, 3, (short) 3), new NewTopic(counts, 3, (short) 3))).all().get();
    }
    Properties streaming = new Properties();
    streaming.putAll(config);
    streaming.put("application.id", topic);
    streaming.put("processing.guarantee", "at_least_once");
    streaming.put("replication.factor", 3);
    streaming.put("commit.interval.ms", 200);
    streaming.put("statestore.cache.max.bytes", 0);
    streaming.put("auto.offset.reset", "earliest");
    streaming.put("state.dir", Files.createTempDirectory(Path.of(args[2]).getParent(), "streams").toString());
    streaming.put("default.key.serde", Serdes.StringSerde.class);
    streaming.put("default.value.serde", Serdes.StringSerde.class);
    StreamsBuilder builder = new StreamsBuilder();
    builder.<String, String>stream(topic)
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word)
        .count()
        .toStream()
        .to(counts, Produced.with(Serdes.String(), Serdes.Long()));
    Map<String, Object> reading = new HashMap<>(config);
    reading.put("auto.offset.reset", "earliest");
    Map<String, Long> seen = new TreeMap<>();
    try (KafkaStreams streams = new KafkaStreams(builder.build(), streaming);
        KafkaConsumer<String, Long> consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new LongDeserializer());
        KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      streams.start();
      List<TopicPartition> partitions = List.of(new TopicPartition(counts, 0), new TopicPartition(counts, 1), new TopicPartition(counts, 2));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      int lines = 0;
      for (; lines < 100; lines++) {
        producer.send(new ProducerRecord<>(topic, String.join(" ", WORDS))).get();
      }
      await(consumer, seen, lines);
      System.out.println("half");
      for (int more = 200; more > 0; lines++) {
        producer.send(new ProducerRecord<>(topic, String.join(" ", WORDS))).get();
        Thread.sleep(10);
        more -= new File(args[2]).exists() ? 1 : 0;
      }
      await(consumer, seen, lines);
    }
    System.out.println("passed");
  }

  /** A line is counted at least once. */
  private static void await(KafkaConsumer<String, Long> consumer, Map<String, Long> seen, long lines) {
    long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
    while (Arrays.stream(WORDS).anyMatch(word -> seen.getOrDefault(word, 0L) < lines)) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(lines + " lines: " + seen);
      }
      for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(100))) {
        seen.merge(record.key(), record.value(), Math::max);
      }
    }
  }
}
