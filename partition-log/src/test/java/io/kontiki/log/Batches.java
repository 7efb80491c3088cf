package io.kontiki.log;

import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.RandomSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Batches for tests. */
final class Batches {
  private Batches() {}

  /** A batch of as many records, without producer. */
  static ByteBuffer plain(int records, String text, long timestampMs) {
    return builder(records, text, timestampMs).build();
  }

  /** A batch of an idempotent producer. */
  static ByteBuffer of(long producerId, int epoch, int sequence, int records, String text) {
    return builder(records, text, 1_000).build(producerId, (short) epoch, sequence);
  }

  /** A batch of an idempotent producer whose records have a few keys, some without value. */
  static ByteBuffer keyed(
      long producerId, int sequence, int records, String text, RandomSource random) {
    Compression codec = Compression.byId(random.nextInt(5));
    RecordBatchBuilder builder = new RecordBatchBuilder(codec);
    for (int i = 0; i < records; i++) {
      byte[] key = ("k" + random.nextInt(8)).getBytes(StandardCharsets.UTF_8);
      byte[] value = random.nextInt(4) == 0 ? null : (text + i).getBytes(StandardCharsets.UTF_8);
      builder.append(1_000 + i, key, value, List.of());
    }
    return builder.build(producerId, (short) 0, sequence);
  }

  private static RecordBatchBuilder builder(int records, String text, long timestampMs) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    for (int i = 0; i < records; i++) {
      builder.append(timestampMs + i, null, (text + i).getBytes(StandardCharsets.UTF_8), List.of());
    }
    return builder;
  }

  /** The same bytes as a leader with this epoch stamps them at an offset. */
  static ByteBuffer stamped(ByteBuffer batch, long offset, int epoch) {
    ByteBuffer copy = ByteBuffer.allocate(batch.remaining()).put(batch.duplicate()).flip();
    RecordBatch.at(copy).stamp(offset, epoch);
    return copy;
  }

  static ByteBuffer copy(ByteBuffer bytes) {
    return ByteBuffer.allocate(bytes.remaining()).put(bytes.duplicate()).flip();
  }
}
