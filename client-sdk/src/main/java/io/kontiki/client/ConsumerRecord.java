package io.kontiki.client;

import io.kontiki.record.RecordHeader;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A record as it was read. The arrays are the caller's.
 *
 * @param offset in its partition
 * @param timestampMs milliseconds since 1970
 * @param key null: none
 * @param value null: none
 * @param headers in their order
 */
public record ConsumerRecord(
    String topic,
    int partition,
    long offset,
    long timestampMs,
    byte @Nullable [] key,
    byte @Nullable [] value,
    List<RecordHeader> headers) {}
