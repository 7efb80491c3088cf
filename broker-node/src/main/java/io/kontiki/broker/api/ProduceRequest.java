package io.kontiki.broker.api;

import io.kontiki.model.Acks;
import io.kontiki.record.Record;
import java.util.List;

/**
 * Records to append to a topic.
 *
 * @param partition or {@link #BY_KEY}
 * @param records offsets are ignored; a timestamp of {@link #NO_TIMESTAMP} means now
 * @param producerId or {@link #NO_PRODUCER_ID}
 * @param sequence number of the request with its producer id, from 0
 */
public record ProduceRequest(
    String topic, int partition, List<Record> records, Acks acks, long producerId, int sequence) {
  /** The keys decide. */
  public static final int BY_KEY = -1;

  /** The broker's clock decides. */
  public static final long NO_TIMESTAMP = -1;

  /** A repetition may append twice. */
  public static final long NO_PRODUCER_ID = -1;

  /** Most headers of a record. */
  public static final int MAX_HEADERS = 1000;

  public ProduceRequest {
    records = List.copyOf(records);
  }

  /** Whether a repetition of the request is recognised, so that repeating is safe. */
  public boolean idempotent() {
    return producerId != NO_PRODUCER_ID;
  }
}
