package io.kontiki.broker.partition;

import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;
import java.util.List;

/** Looks at batches that lie one behind the other. */
final class Batches {
  private Batches() {}

  /** The offset behind the last of whole batches; there is at least one. */
  static long nextOffset(List<ByteBuffer> buffers) {
    ByteBuffer last = buffers.get(buffers.size() - 1);
    RecordBatch batch = RecordBatch.at(last);
    while (batch.start() + batch.sizeBytes() < last.limit()) {
      batch = new RecordBatch(last, batch.start() + batch.sizeBytes());
    }
    return batch.nextOffset();
  }
}
