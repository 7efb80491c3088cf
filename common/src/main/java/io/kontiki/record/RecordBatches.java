package io.kontiki.record;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Several whole batches, one behind the other, between a buffer's position and limit. Only sizes
 * and versions are checked. The buffer's position does not move.
 */
public final class RecordBatches implements Iterable<RecordBatch> {
  private final ByteBuffer buffer;

  /**
   * @param buffer not copied; must not change while this is in use
   */
  public RecordBatches(ByteBuffer buffer) {
    this.buffer = buffer;
  }

  /** The next batch is read when it is asked for; a wrong one ends in InvalidBatchException. */
  @Override
  public Iterator<RecordBatch> iterator() {
    int limit = buffer.limit();
    return new Iterator<>() {
      private int at = buffer.position();

      @Override
      public boolean hasNext() {
        return at < limit;
      }

      @Override
      public RecordBatch next() {
        if (at >= limit) {
          throw new NoSuchElementException("no batch is left");
        }
        RecordBatch batch = requireWhole(buffer, at, limit);
        at += batch.sizeBytes();
        return batch;
      }
    };
  }

  /** The batch at an index, if all of it lies before the limit. */
  static RecordBatch requireWhole(ByteBuffer buffer, int start, int limit) {
    int available = limit - start;
    if (available < RecordBatch.HEADER_BYTES) {
      throw new InvalidBatchException(0, "a batch of " + available + " bytes has no whole header");
    }
    RecordBatch batch = new RecordBatch(buffer, start);
    if (batch.magic() != RecordBatch.MAGIC) {
      throw new InvalidBatchException(16, "magic " + batch.magic() + "; only 2 is known");
    }
    // The length field may be near the greatest int; the sum must not wrap.
    long size = (long) buffer.getInt(start + 8) + RecordBatch.LENGTH_PREFIX_BYTES;
    if (size < RecordBatch.HEADER_BYTES || size > available) {
      throw new InvalidBatchException(8, "a batch of " + size + " bytes in " + available);
    }
    return batch;
  }
}
