package io.kontiki.chaos.run.kafka;

import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringSerializer;

/** Kafka's own producer, with acks=all and idempotent. */
public final class KafkaSender implements AutoCloseable {
  private static final int DELIVERY_MS = 60_000;
  private static final int REQUEST_MS = 10_000;

  private final KafkaProducer<String, String> producer;

  /** What became of a record. Called by the producer's thread. */
  public interface Outcome {
    /**
     * Its outcome.
     *
     * @param offset -1: it is not known whether it was stored
     */
    void on(long offset);
  }

  /** Connects when it sends. */
  public KafkaSender(String bootstrap, String clientId) {
    producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrap,
                ProducerConfig.CLIENT_ID_CONFIG,
                clientId,
                ProducerConfig.ACKS_CONFIG,
                "all",
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                true,
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                REQUEST_MS,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                DELIVERY_MS,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                DELIVERY_MS),
            new StringSerializer(),
            new StringSerializer());
  }

  /** Sends a record; an outcome comes in any case. */
  public void send(String topic, int partition, String value, Outcome outcome) {
    try {
      var unused =
          producer.send(
              new ProducerRecord<>(topic, partition, null, value),
              (stored, failure) -> outcome.on(failure == null ? stored.offset() : -1));
    } catch (KafkaException e) {
      outcome.on(-1);
    }
  }

  /** Waits until every record has its outcome. */
  @Override
  public void close() {
    producer.close(Duration.ofMillis(2L * DELIVERY_MS));
  }
}
