package io.kontiki.log.clean;

import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.record.CompactedBatch;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;

/**
 * The files {@code <20 digits>.log|index|timeindex.cleaned} of a new segment while they are
 * written. No offset is left out: where nothing stays, one empty batch per leader epoch stands for
 * all offsets up to the next that does (rules L2, R30). Not thread-safe.
 */
final class CleanedSegment {
  private static final int BUFFER_BYTES = 1 << 18;

  private final FileStore store;
  private final String directory;
  private final long baseOffset;
  private final int indexIntervalBytes;
  private final FileStore.File file;
  private final OffsetIndex index;
  private final TimeIndex times;
  private ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
  private long sizeBytes;
  private long flushedBytes;
  private int bytesSinceEntry;
  private long maxTimestampMs = -1;
  private long maxTimestampOffset = -1;

  // The offsets without records that no batch stands for yet; none: end at or before base.
  private long gapBase;
  private long gapEnd;
  private int gapEpoch;
  private long gapHorizonMs = CompactedBatch.NO_HORIZON;

  CleanedSegment(FileStore store, String directory, long baseOffset, int indexIntervalBytes) {
    this.store = store;
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.indexIntervalBytes = indexIntervalBytes;
    this.index = new OffsetIndex(baseOffset);
    this.times = new TimeIndex(baseOffset);
    this.file = store.openOrCreate(path(SegmentFiles.LOG));
    file.truncate(0);
  }

  private String path(String suffix) {
    return SegmentFiles.path(directory, baseOffset, suffix) + SegmentFiles.CLEANED;
  }

  /** What is left of a batch. */
  void append(ByteBuffer batch) {
    endGap();
    write(batch);
  }

  /** Nothing is left of a batch. */
  void skip(RecordBatch batch, long horizonMs) {
    if (gapEnd > gapBase
        && (batch.leaderEpoch() != gapEpoch || batch.lastOffset() - gapBase > Integer.MAX_VALUE)) {
      endGap();
    }
    if (gapEnd <= gapBase) {
      gapBase = batch.baseOffset();
      gapEpoch = batch.leaderEpoch();
    }
    gapEnd = batch.nextOffset();
    gapHorizonMs = Math.max(gapHorizonMs, horizonMs);
  }

  private void endGap() {
    if (gapEnd > gapBase) {
      write(CompactedBatch.placeholder(gapBase, gapEnd - 1, gapEpoch, gapHorizonMs));
      gapBase = gapEnd;
      gapHorizonMs = CompactedBatch.NO_HORIZON;
    }
  }

  private void write(ByteBuffer bytes) {
    RecordBatch batch = RecordBatch.at(bytes);
    if (batch.maxTimestamp() > maxTimestampMs) {
      maxTimestampMs = batch.maxTimestamp();
      maxTimestampOffset = batch.lastOffset();
    }
    if (bytesSinceEntry > indexIntervalBytes) {
      index.append(batch.lastOffset(), (int) sizeBytes);
      times.append(maxTimestampMs, maxTimestampOffset);
      bytesSinceEntry = 0;
    }
    int size = bytes.remaining();
    bytesSinceEntry += size;
    if (size > buffer.remaining()) {
      flush();
    }
    if (size > buffer.remaining()) {
      file.write(bytes.duplicate(), flushedBytes);
      flushedBytes += size;
    } else {
      buffer.put(bytes.duplicate());
    }
    sizeBytes += size;
  }

  private void flush() {
    buffer.flip();
    int size = buffer.remaining();
    if (size > 0) {
      file.write(buffer, flushedBytes);
      flushedBytes += size;
    }
    buffer.clear();
  }

  /** Ends it; its files, not their names, are durable on return. */
  void finish() {
    endGap();
    flush();
    file.sync();
    file.close();
    buffer = ByteBuffer.allocate(0);
    times.append(maxTimestampMs, maxTimestampOffset);
    replace(path(SegmentFiles.INDEX), index.encode(0));
    replace(path(SegmentFiles.TIME_INDEX), times.encode(0));
  }

  private void replace(String path, ByteBuffer content) {
    try (FileStore.File made = store.openOrCreate(path)) {
      made.truncate(0);
      made.write(content, 0);
      made.sync();
    }
  }

  /** It is not wanted any more. */
  void discard() {
    file.close();
    for (String suffix : SegmentSwap.SUFFIXES) {
      store.delete(path(suffix));
    }
  }

  /** Bytes of all batches so far, without a gap that has not ended. */
  long sizeBytes() {
    return sizeBytes;
  }
}
