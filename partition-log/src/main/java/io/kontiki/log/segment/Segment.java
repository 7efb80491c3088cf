package io.kontiki.log.segment;

import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One segment of a log: what is in memory of its files. Belongs to its log's loop.
 *
 * <p>The newest segment has its indexes on the heap (never mapped, D7) and writes what is new of
 * them to the files now and then; of the others the files are read on demand.
 */
public final class Segment {
  private final String directory;
  private final long baseOffset;
  private final long createdMs;
  private long sizeBytes;
  private long maxTimestampMs = -1;
  private long maxTimestampOffset = -1;
  private int bytesSinceEntry;
  private @Nullable OffsetIndex index;
  private @Nullable TimeIndex timeIndex;

  private final Lending lending = new Lending();
  private boolean sealed;

  // Of the records; only while it is appended to, when every append asks for it.
  private @Nullable String logPath;

  private int flushedEntries;
  private int flushedTimes;

  // Of records that were there before this object: found out when it is asked for.
  private @Nullable SegmentAge older; // null: not known
  private long appendedNewestMs = -1;
  private long appendedMs = -1;

  /**
   * A closed segment, or an empty one.
   *
   * @param createdMs wall clock of its first append, for segment.ms
   */
  public Segment(String directory, long baseOffset, long sizeBytes, long createdMs) {
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.sizeBytes = sizeBytes;
    this.createdMs = createdMs;
  }

  /**
   * Whether what was read from a segment may still be sent from its file: not once it has been cut,
   * replaced or removed, since then other bytes may stand under its name. Read by any thread.
   */
  public static final class Lending {
    private volatile boolean ended;

    private Lending() {}

    /** For good. */
    public boolean ended() {
      return ended;
    }
  }

  /** Whether bytes of its file may be sent as they were read. */
  public Lending lending() {
    return lending;
  }

  /** Before its file is cut, replaced or removed. */
  public void endLending() {
    lending.ended = true;
  }

  /**
   * Nothing is appended to its file any more: somebody may still be sent what stood behind the cut,
   * and must not get what is written there next.
   */
  public void seal() {
    sealed = true;
  }

  /** Whether it takes no more. */
  public boolean isSealed() {
    return sealed;
  }

  /**
   * What the indexes do not say of the end of a segment that is appended to.
   *
   * @param maxTimestampMs greatest timestamp of its records, or -1
   * @param maxTimestampOffset of the batch that has it, or -1
   * @param bytesSinceEntry behind the last index entry
   */
  public record Tail(long maxTimestampMs, long maxTimestampOffset, int bytesSinceEntry) {}

  /** What is known of its end. */
  public Tail tail() {
    return new Tail(maxTimestampMs, maxTimestampOffset, bytesSinceEntry);
  }

  /** Puts indexes on the heap that are complete up to its end. */
  public void activate(OffsetIndex offsets, TimeIndex times, Tail end) {
    activate(offsets, times);
    maxTimestampMs = end.maxTimestampMs;
    maxTimestampOffset = end.maxTimestampOffset;
    bytesSinceEntry = end.bytesSinceEntry;
  }

  /** The content of its index files, the time index second; nothing if they are not on the heap. */
  public List<ByteBuffer> encodeIndexes() {
    return index == null || timeIndex == null
        ? List.of(ByteBuffer.allocate(0), ByteBuffer.allocate(0))
        : List.of(index.encode(0), timeIndex.encode(0));
  }

  /** Puts the indexes on the heap: the segment is appended to from now on. */
  public void activate(OffsetIndex offsets, TimeIndex times) {
    index = offsets;
    timeIndex = times;
    flushedEntries = offsets.count();
    flushedTimes = times.count();
    maxTimestampMs = times.lastTimestampMs();
    maxTimestampOffset = times.lastOffset();
  }

  /** Of its first batch, and of its names. */
  public long baseOffset() {
    return baseOffset;
  }

  /** Wall clock of its first append. */
  public long createdMs() {
    return createdMs;
  }

  /** Bytes of whole batches. */
  public long sizeBytes() {
    return sizeBytes;
  }

  /** Path of the records. */
  public String path() {
    String known = logPath;
    return known == null ? SegmentFiles.path(directory, baseOffset, SegmentFiles.LOG) : known;
  }

  /** Path of a file beside it. */
  public String path(String suffix) {
    return SegmentFiles.path(directory, baseOffset, suffix);
  }

  /** Whether a batch may still go in here: offsets relative to the base have 31 bits. */
  public boolean takes(long lastOffset, int bytes) {
    return lastOffset - baseOffset <= Integer.MAX_VALUE && sizeBytes + bytes <= Integer.MAX_VALUE;
  }

  /** Notes a batch that has been written at its end. */
  public void onAppended(RecordBatch batch, int indexIntervalBytes, long nowMs) {
    if (logPath == null) {
      logPath = path();
    }
    long time = batch.maxTimestamp();
    appendedNewestMs = Math.max(appendedNewestMs, time < 0 ? nowMs : time);
    appendedMs = Math.max(appendedMs, nowMs);
    note(batch, (int) sizeBytes, indexIntervalBytes);
    sizeBytes += batch.sizeBytes();
  }

  /** Notes a batch for the indexes; also when they are rebuilt. */
  public void note(RecordBatch batch, int position, int indexIntervalBytes) {
    if (batch.maxTimestamp() > maxTimestampMs) {
      maxTimestampMs = batch.maxTimestamp();
      maxTimestampOffset = batch.lastOffset();
    }
    if (index != null && timeIndex != null) {
      if (bytesSinceEntry > indexIntervalBytes) {
        index.append(batch.lastOffset(), position);
        timeIndex.append(maxTimestampMs, maxTimestampOffset);
        bytesSinceEntry = 0;
      }
      bytesSinceEntry += batch.sizeBytes();
    }
  }

  /** What is there of whole batches, as a walk found it. */
  public void noteSize(long bytes) {
    sizeBytes = bytes;
  }

  /** Where a search for an offset begins, or null: ask the file. */
  public OffsetIndex.@Nullable Anchor anchor(long offset) {
    return index == null ? null : index.before(offset);
  }

  /** Where a search for a time begins, or -1: ask the file. */
  public long indexedOffset(long timestampMs) {
    if (timeIndex == null) {
      return -1;
    }
    TimeIndex.Entry before = timeIndex.before(timestampMs);
    return before == null ? baseOffset : before.offset();
  }

  /** Of its newest record; null: not known before {@link #noteAge}. */
  public @Nullable SegmentAge age() {
    return older == null
        ? null
        : new SegmentAge(
            Math.max(older.newestMs(), appendedNewestMs), Math.max(older.writtenMs(), appendedMs));
  }

  /** The age of what was there before this object has been found out. */
  public void noteAge(SegmentAge age) {
    older = age;
  }

  /** Whether the indexes are on the heap. */
  public boolean isActive() {
    return index != null;
  }

  /** Writes what is new of the indexes; not synced: derived data (rule D3). */
  public void flushIndexes(OpenFiles files) {
    if (index == null || timeIndex == null) {
      return;
    }
    if (index.count() > flushedEntries || flushedEntries == 0) {
      ByteBuffer entries = index.encode(flushedEntries);
      files.write(
          path(SegmentFiles.INDEX),
          List.of(entries),
          (long) flushedEntries * OffsetIndex.ENTRY_BYTES);
      flushedEntries = index.count();
    }
    if (timeIndex.count() > flushedTimes || flushedTimes == 0) {
      ByteBuffer times = timeIndex.encode(flushedTimes);
      files.write(
          path(SegmentFiles.TIME_INDEX),
          List.of(times),
          (long) flushedTimes * TimeIndex.ENTRY_BYTES);
      flushedTimes = timeIndex.count();
    }
  }

  /** How many bytes of the index files are taken for written. */
  public int flushedBytes() {
    return flushedEntries * OffsetIndex.ENTRY_BYTES + flushedTimes * TimeIndex.ENTRY_BYTES;
  }

  /**
   * Takes index files for written as far as they are what the indexes on the heap say.
   *
   * @param closed whether it is appended to no more, and its time index ends as one that is
   *     complete
   * @return false if there is anything else in them; then nothing changes
   */
  public boolean adopt(ByteBuffer entries, ByteBuffer times, boolean closed) {
    if (index == null || timeIndex == null) {
      return false;
    }
    if (closed) {
      timeIndex.append(maxTimestampMs, maxTimestampOffset);
    }
    boolean same = isStartOf(entries, index.encode(0)) && isStartOf(times, timeIndex.encode(0));
    if (same) {
      flushedEntries = entries.remaining() / OffsetIndex.ENTRY_BYTES;
      flushedTimes = times.remaining() / TimeIndex.ENTRY_BYTES;
    }
    return same;
  }

  private static boolean isStartOf(ByteBuffer file, ByteBuffer whole) {
    int size = file.remaining();
    return size <= whole.remaining() && whole.slice(0, size).equals(file);
  }

  /** What is in the index files may not be durable (rule D10). */
  public void markIndexFiles(OpenFiles files) {
    // Without entries there may be no file.
    if (flushedEntries > 0) {
      files.markDirty(path(SegmentFiles.INDEX));
    }
    if (flushedTimes > 0) {
      files.markDirty(path(SegmentFiles.TIME_INDEX));
    }
  }

  /** Cuts the index files to what has been written of the present indexes. */
  public void truncateIndexFiles(OpenFiles files) {
    files.truncate(path(SegmentFiles.INDEX), (long) flushedEntries * OffsetIndex.ENTRY_BYTES);
    files.truncate(path(SegmentFiles.TIME_INDEX), (long) flushedTimes * TimeIndex.ENTRY_BYTES);
  }

  /**
   * It will not be appended to any more: the last time entry, and the files. It may be called
   * again, and so may the appends that come after all, if what was to follow failed.
   */
  public void complete(OpenFiles files) {
    if (timeIndex != null) {
      timeIndex.append(maxTimestampMs, maxTimestampOffset);
    }
    flushIndexes(files);
  }

  /** {@link #complete} is durable as far as derived data are: off the heap. */
  public void deactivate() {
    logPath = null;
    index = null;
    timeIndex = null;
  }
}
