package io.kontiki.broker.api;

import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.ByteBuffer;
import java.util.List;

/** Batches for tests of the request path. */
final class RequestPathBatches {
  private RequestPathBatches() {}

  static ByteBuffer batch() {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    builder.append(1_000, null, new byte[] {1, 2, 3}, List.of());
    return builder.build();
  }

  /** Of a producer that the partition recognises. */
  static ByteBuffer idempotent() {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    builder.append(1_000, null, new byte[] {1, 2, 3}, List.of());
    return builder.build(1L << 52, (short) 0, 7);
  }
}
