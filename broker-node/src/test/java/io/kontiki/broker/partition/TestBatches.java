package io.kontiki.broker.partition;

import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;

/** Batches of one record whose content is a number. */
final class TestBatches {
  private TestBatches() {}

  static ByteBuffer of(long value) {
    return of(value, 1, 8);
  }

  /** A batch that takes {@code records} offsets. */
  static ByteBuffer of(long value, int records, int payloadBytes) {
    ByteBuffer bytes = ByteBuffer.allocate(RecordBatch.HEADER_BYTES + payloadBytes);
    bytes.putInt(8, bytes.capacity() - RecordBatch.LENGTH_PREFIX_BYTES);
    bytes.put(16, RecordBatch.MAGIC);
    bytes.putInt(23, records - 1);
    bytes.putLong(43, RecordBatch.NO_PRODUCER_ID);
    bytes.putInt(57, records);
    bytes.putLong(RecordBatch.HEADER_BYTES, value);
    return bytes;
  }

  static long value(RecordBatch batch) {
    return batch.buffer().getLong(batch.start() + RecordBatch.HEADER_BYTES);
  }
}
