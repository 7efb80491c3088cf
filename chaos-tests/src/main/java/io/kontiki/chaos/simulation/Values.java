package io.kontiki.chaos.simulation;

import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordHeader;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Batches that carry a number, by which they are known again. */
final class Values {
  /** A batch has fewer. */
  static final int MAX_RECORDS = 8;

  private static final long TIME_MS = 1_767_225_600_000L;
  private static final int LIMIT = 1 << 20;
  private static final String NUMBER = "n";

  /** Zigzag of -1. */
  private static final byte NULL_LENGTH = 1;

  private Values() {}

  /** So many records; the first holds the number. */
  static List<Record> records(long value, int records, int payloadBytes) {
    byte[] bytes = payload(value, payloadBytes);
    return Collections.nCopies(records, record(null, bytes, List.of()));
  }

  /**
   * What a record of a compacted topic is.
   *
   * @param tombstone whether it deletes its key
   */
  record Keyed(String key, boolean tombstone) {}

  /** Records with keys; each of them has the number in a header. */
  static List<Record> records(long value, List<Keyed> records, int payloadBytes) {
    byte[] bytes = payload(value, payloadBytes);
    List<RecordHeader> number = List.of(new RecordHeader(NUMBER, payload(value, 0)));
    List<Record> all = new ArrayList<>();
    for (Keyed one : records) {
      byte[] key = one.key().getBytes(StandardCharsets.UTF_8);
      all.add(record(key, one.tombstone() ? null : bytes, number));
    }
    return all;
  }

  // The checker does not see in class files that arrays may be null.
  @SuppressWarnings("NullAway")
  private static Record record(
      byte @Nullable [] key, byte @Nullable [] value, List<RecordHeader> headers) {
    return new Record(0, TIME_MS, key, value, headers);
  }

  /** A batch of them. */
  static ByteBuffer batch(List<Record> records, long producerId, short epoch, int sequence) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    for (Record each : records) {
      builder.append(each.timestampMs(), each.key(), each.value(), each.headers());
    }
    return producerId < 0 ? builder.build() : builder.build(producerId, epoch, sequence);
  }

  private static byte[] payload(long value, int bytes) {
    return ByteBuffer.allocate(Math.max(8, bytes)).putLong(value).array();
  }

  /** The number of a batch, read in place; -1 of one without records. */
  static long of(RecordBatch batch) {
    if (batch.recordCount() == 0) {
      return -1;
    }
    if (keyed(batch)) {
      return of(records(batch).get(0));
    }
    ByteBuffer buffer = batch.buffer();
    int at = behindVarint(buffer, keyLengthAt(batch));
    at = behindVarint(buffer, at);
    return buffer.getLong(at);
  }

  /** The number of a record with a key. */
  static long of(Record record) {
    return ByteBuffer.wrap(record.headers().get(0).value()).getLong();
  }

  /** Whether its records have keys, or had them. */
  static boolean keyed(RecordBatch batch) {
    return batch.recordCount() == 0 || batch.buffer().get(keyLengthAt(batch)) != NULL_LENGTH;
  }

  /** All of a batch. */
  static List<Record> records(RecordBatch batch) {
    return RecordReader.readAll(batch, LIMIT);
  }

  private static int keyLengthAt(RecordBatch batch) {
    ByteBuffer buffer = batch.buffer();
    int attributes = behindVarint(buffer, batch.start() + RecordBatch.HEADER_BYTES);
    int offset = behindVarint(buffer, attributes + 1);
    return behindVarint(buffer, offset);
  }

  private static int behindVarint(ByteBuffer buffer, int at) {
    int next = at;
    while (buffer.get(next++) < 0) {}
    return next;
  }
}
