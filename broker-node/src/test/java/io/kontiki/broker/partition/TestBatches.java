package io.kontiki.broker.partition;

import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.ByteBuffer;
import java.util.List;

/** Batches whose records all hold one number. */
public final class TestBatches {
  private TestBatches() {}

  public static ByteBuffer of(long value) {
    return of(value, 1, 8);
  }

  /** A batch that takes {@code records} offsets. */
  public static ByteBuffer of(long value, int records, int payloadBytes) {
    return builder(value, records, payloadBytes).build();
  }

  /** A batch of an idempotent producer, whose first sequence is the value. */
  static ByteBuffer idempotent(long value) {
    return builder(value, 1, 8).build(5, (short) 0, (int) value);
  }

  private static RecordBatchBuilder builder(long value, int records, int payloadBytes) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    byte[] bytes = ByteBuffer.allocate(Math.max(8, payloadBytes)).putLong(value).array();
    for (int i = 0; i < records; i++) {
      builder.append(1_000, null, bytes, List.of());
    }
    return builder;
  }

  /** The number in a batch's first record; reads it in place, as it is asked for so often. */
  public static long value(RecordBatch batch) {
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
