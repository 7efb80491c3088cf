package io.kontiki.kafka.wire;

import io.kontiki.runtime.FileRange;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.record.BaseRecords;
import org.apache.kafka.common.record.RecordsSend;
import org.jspecify.annotations.Nullable;

/** Batches as they lie in the log, in order: they go out without being copied. */
public final class StoredRecords implements BaseRecords {
  /** No batch. */
  public static final StoredRecords NONE = new StoredRecords(List.of());

  private final List<ByteBuffer> batches;
  private final int sizeBytes;
  private final @Nullable FileRange range;

  /**
   * @param batches whole ones; nobody changes them any more
   */
  public StoredRecords(List<ByteBuffer> batches) {
    this.batches = List.copyOf(batches);
    int size = 0;
    for (ByteBuffer batch : batches) {
      size = Math.addExact(size, batch.remaining());
    }
    this.sizeBytes = size;
    this.range = null;
  }

  /** Batches in a file. */
  public StoredRecords(FileRange range) {
    this.batches = List.of();
    this.sizeBytes = range.bytes();
    this.range = range;
  }

  @Nullable FileRange range() {
    return range;
  }

  List<ByteBuffer> batches() {
    return batches;
  }

  @Override
  public int sizeInBytes() {
    return sizeBytes;
  }

  /** Answers are written by {@link FrameWriter} alone. */
  @Override
  public RecordsSend<BaseRecords> toSend() {
    throw new UnsupportedOperationException("batches of the log go through a FrameWriter");
  }
}
