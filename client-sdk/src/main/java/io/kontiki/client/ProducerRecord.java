package io.kontiki.client;

import io.kontiki.record.RecordHeader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A record to be sent. Arrays are not copied: they must not change before the record is
 * acknowledged.
 *
 * @param partition where to; empty: by key as Kafka's Java client does, without a key any
 * @param key null: none
 * @param value null: none, which a compacted topic takes as a deletion of the key
 * @param headers in their order
 * @param timestampMs milliseconds since 1970; empty: the time of the call of {@code send}
 */
public record ProducerRecord(
    String topic,
    OptionalInt partition,
    byte @Nullable [] key,
    byte @Nullable [] value,
    List<RecordHeader> headers,
    OptionalLong timestampMs) {
  public ProducerRecord {
    headers = List.copyOf(headers);
  }

  /** A record with key and value and nothing else. */
  public static ProducerRecord of(String topic, byte @Nullable [] key, byte @Nullable [] value) {
    return new ProducerRecord(
        topic, OptionalInt.empty(), key, value, List.of(), OptionalLong.empty());
  }

  /** A record of texts, in UTF-8. */
  public static ProducerRecord of(String topic, @Nullable String key, @Nullable String value) {
    return of(topic, bytes(key), bytes(value));
  }

  /** The same for one partition. */
  public ProducerRecord toPartition(int number) {
    return new ProducerRecord(topic, OptionalInt.of(number), key, value, headers, timestampMs);
  }

  private static byte @Nullable [] bytes(@Nullable String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }
}
