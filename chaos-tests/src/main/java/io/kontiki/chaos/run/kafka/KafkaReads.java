package io.kontiki.chaos.run.kafka;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Kafka's own consumer of some partitions, from their beginning, without a group. One thread. */
public final class KafkaReads implements AutoCloseable {
  private final KafkaConsumer<String, String> consumer;

  /** Takes what was read. */
  public interface Reader {
    /** One record. */
    void on(String topic, int partition, long offset, String value);
  }

  /**
   * Connects when it is polled.
   *
   * @param topics with the number of their partitions
   */
  public KafkaReads(String bootstrap, String clientId, Map<String, Integer> topics) {
    consumer =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrap,
                ConsumerConfig.CLIENT_ID_CONFIG,
                clientId,
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false,
                // Any other would hide a hole.
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                "none"),
            new StringDeserializer(),
            new StringDeserializer());
    List<TopicPartition> partitions =
        topics.entrySet().stream()
            .flatMap(
                topic ->
                    java.util.stream.IntStream.range(0, topic.getValue())
                        .mapToObj(number -> new TopicPartition(topic.getKey(), number)))
            .toList();
    consumer.assign(partitions);
    partitions.forEach(partition -> consumer.seek(partition, 0));
  }

  /**
   * Reads what is there.
   *
   * @return what a reader should not meet; empty if nothing
   */
  public String poll(Duration timeout, Reader reader) {
    try {
      consumer
          .poll(timeout)
          .forEach(
              record ->
                  reader.on(record.topic(), record.partition(), record.offset(), record.value()));
      return "";
    } catch (RetriableException e) {
      return "";
    } catch (KafkaException e) {
      return e.toString();
    }
  }

  @Override
  public void close() {
    consumer.close(Duration.ofSeconds(5));
  }
}
