package io.kontiki.chaos.simulation;

import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.ByteBuffer;
import java.util.List;

/** Batches that carry a number, by which they are known again. */
final class Values {
  private Values() {}

  /** A batch of so many records; the first holds the number. */
  static ByteBuffer batch(
      long value, int records, int payloadBytes, long producerId, short epoch, int sequence) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    byte[] bytes = ByteBuffer.allocate(Math.max(8, payloadBytes)).putLong(value).array();
    for (int i = 0; i < records; i++) {
      builder.append(1_767_225_600_000L, null, bytes, List.of());
    }
    return producerId < 0 ? builder.build() : builder.build(producerId, epoch, sequence);
  }

  /** The number in a batch's first record, read in place. */
  static long of(RecordBatch batch) {
    ByteBuffer buffer = batch.buffer();
    int at = behindVarint(buffer, batch.start() + RecordBatch.HEADER_BYTES);
    int attributesTimeOffsetAndNullKey = 4;
    at = behindVarint(buffer, at + attributesTimeOffsetAndNullKey);
    return buffer.getLong(at);
  }

  private static int behindVarint(ByteBuffer buffer, int at) {
    int next = at;
    while (buffer.get(next++) < 0) {}
    return next;
  }
}
