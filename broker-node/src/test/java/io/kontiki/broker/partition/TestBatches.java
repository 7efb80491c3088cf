package io.kontiki.broker.partition;

import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordReader;
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

  public static long value(RecordBatch batch) {
    Record first = RecordReader.readAll(batch, 1 << 20).get(0);
    return ByteBuffer.wrap(first.value()).getLong();
  }
}
