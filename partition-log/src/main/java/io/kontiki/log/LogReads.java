package io.kontiki.log;

import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads of one log: the hot tail inside the call, the rest through the read pool (rules L1, L2).
 * Belongs to its loop; what runs in the pool sees values only.
 */
final class LogReads {
  private static final PartitionLog.ReadOutcome NOTHING =
      new PartitionLog.ReadOutcome(List.of(), 0, OptionalLong.empty());
  private static final PartitionLog.TimeLookup NOT_FOUND =
      new PartitionLog.TimeLookup(OptionalLong.empty(), -1, -1);

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;

  LogReads(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
  }

  void read(
      long offset,
      long limitOffset,
      int maxBytes,
      Completion<PartitionLog.ReadOutcome> completion) {
    if (offset < state.logStart || offset >= limitOffset) {
      completion.complete(NOTHING);
      return;
    }
    if (state.damagedFrom >= 0 && offset >= state.damagedFrom) {
      completion.complete(
          new PartitionLog.ReadOutcome(List.of(), 0, OptionalLong.of(state.damagedFrom)));
      return;
    }
    if (state.tail.has(offset)) {
      completion.complete(outcome(state.tail.read(offset, limitOffset, maxBytes)));
      return;
    }
    Segment segment = segmentAt(offset);
    if (segment == null) {
      completion.complete(NOTHING);
      return;
    }
    SegmentReader.View view = view(segment, offset);
    if (segment.isActive() && state.hot.has(offset)) {
      completion.complete(hot(view, offset, limitOffset, maxBytes));
    } else {
      cold(view, segment, offset, limitOffset, maxBytes, completion);
    }
  }

  private PartitionLog.ReadOutcome hot(
      SegmentReader.View view, long offset, long limitOffset, int maxBytes) {
    try {
      return outcome(shared.reader.read(view, offset, limitOffset, maxBytes, false));
    } catch (StorageException e) {
      shared.goOffline(e);
      throw e;
    }
  }

  private void cold(
      SegmentReader.View view,
      Segment segment,
      long offset,
      long limitOffset,
      int maxBytes,
      Completion<PartitionLog.ReadOutcome> completion) {
    long truncations = state.truncations;
    shared.counters.onColdRead();
    shared.reads.execute(
        () -> {
          Read<SegmentReader.Slice> read =
              Read.of(() -> shared.reader.read(view, offset, limitOffset, maxBytes, true));
          home.loop.execute(() -> onRead(read, segment, truncations, offset, completion));
        });
  }

  private void onRead(
      Read<SegmentReader.Slice> read,
      Segment segment,
      long truncations,
      long offset,
      Completion<PartitionLog.ReadOutcome> completion) {
    // Rule R41: cut, deleted or left behind meanwhile; the caller asks again if it still wants.
    if (state.gone || truncations != state.truncations || offset < state.logStart) {
      completion.complete(NOTHING);
      return;
    }
    SegmentReader.Slice slice = read.value();
    if (slice == null) {
      onFailure(read.failure());
      completion.complete(NOTHING);
      return;
    }
    segment.onVerified(slice.from(), slice.to());
    if (slice.corruptAt().isPresent()) {
      log.onDamage("offset " + slice.corruptAt().getAsLong());
    }
    completion.complete(outcome(slice));
  }

  /** Damage concerns this log (rule D9), anything else the directory (rule L4). */
  private void onFailure(@Nullable StorageException failure) {
    if (failure != null && failure.kind() == StorageException.Kind.CORRUPT) {
      log.onDamage(failure.getMessage());
    } else if (failure != null) {
      shared.goOffline(failure);
    }
  }

  /** The segment with an offset; the next one if the offset is a gap at the end of one. */
  private @Nullable Segment segmentAt(long offset) {
    Segment segment = state.segmentOf(offset);
    if (segment == null) {
      return state.segments.isEmpty() ? null : state.segments.firstEntry().getValue();
    }
    return segment;
  }

  SegmentReader.View view(Segment segment, long offset) {
    return new SegmentReader.View(
        state.meta.id().directoryName(),
        segment.baseOffset(),
        segment.sizeBytes(),
        segment.indexedPosition(offset),
        segment.verifiedBytes());
  }

  private static PartitionLog.ReadOutcome outcome(SegmentReader.Slice slice) {
    return new PartitionLog.ReadOutcome(slice.batches(), slice.bytes(), slice.corruptAt());
  }

  private static PartitionLog.ReadOutcome outcome(List<ByteBuffer> batches) {
    int bytes = 0;
    for (ByteBuffer batch : batches) {
      bytes += batch.remaining();
    }
    return new PartitionLog.ReadOutcome(batches, bytes, OptionalLong.empty());
  }

  /** A segment in a search for a time; {@code searchFrom} -1: ask the time index file. */
  private record TimeView(SegmentReader.View view, long searchFrom) {}

  void offsetForTime(
      long timestampMs, long limitOffset, Completion<PartitionLog.TimeLookup> completion) {
    List<TimeView> views = new ArrayList<>();
    // Not those wholly below the log start: they may be removed while others are searched.
    Long first = state.segments.floorKey(state.logStart);
    for (Segment segment :
        state.segments.tailMap(first == null ? state.logStart : first, true).values()) {
      long from = segment.indexedOffset(timestampMs);
      views.add(new TimeView(view(segment, Math.max(from, segment.baseOffset())), from));
    }
    long start = state.logStart;
    long truncations = state.truncations;
    shared.reads.execute(
        () -> {
          Read<PartitionLog.TimeLookup> read =
              Read.of(() -> search(views, timestampMs, start, limitOffset));
          Runnable again = () -> offsetForTime(timestampMs, limitOffset, completion);
          home.loop.execute(() -> onFound(read, truncations, start, completion, again));
        });
  }

  private void onFound(
      Read<PartitionLog.TimeLookup> read,
      long truncations,
      long start,
      Completion<PartitionLog.TimeLookup> completion,
      Runnable again) {
    PartitionLog.TimeLookup found = read.value();
    if (state.gone || truncations != state.truncations || shared.isOffline()) {
      completion.complete(NOT_FOUND);
    } else if (start != state.logStart) {
      // What was found, or missed, may be gone; "not found" would send the caller to the end.
      again.run();
    } else if (found == null) {
      onFailure(read.failure());
      completion.complete(NOT_FOUND);
    } else {
      completion.complete(found);
    }
  }

  private PartitionLog.TimeLookup search(
      List<TimeView> views, long timestampMs, long start, long limitOffset) {
    for (TimeView each : views) {
      long from = each.searchFrom;
      if (from < 0) {
        TimeIndex index = timeIndex(each.view);
        if (index.count() > 0 && index.lastTimestampMs() < timestampMs) {
          // The last entry of a closed segment is its greatest timestamp.
          continue;
        }
        from = index.offsetBefore(timestampMs);
      }
      PartitionLog.TimeLookup found =
          searchSegment(each.view, from, timestampMs, start, limitOffset);
      if (found != null) {
        return found;
      }
    }
    return NOT_FOUND;
  }

  private TimeIndex timeIndex(SegmentReader.View view) {
    String path = SegmentFiles.path(view.directory(), view.baseOffset(), SegmentFiles.TIME_INDEX);
    return shared.store.exists(path)
        ? shared.files.use(path, file -> TimeIndex.read(file, view.baseOffset()))
        : new TimeIndex(view.baseOffset());
  }

  @SuppressWarnings("NullAway") // null, for nothing found, passes through the type parameter
  private PartitionLog.@Nullable TimeLookup searchSegment(
      SegmentReader.View view, long from, long timestampMs, long start, long limitOffset) {
    long position = shared.reader.find(view, from).position();
    return shared.files.use(
        view.path(), file -> walkForTime(file, view, position, timestampMs, start, limitOffset));
  }

  private PartitionLog.@Nullable TimeLookup walkForTime(
      FileStore.File file,
      SegmentReader.View view,
      long position,
      long timestampMs,
      long start,
      long limitOffset) {
    BatchWalker walker = new BatchWalker(file, position, view.sizeBytes());
    while (walker.next(view.baseOffset(), 0, false)) {
      RecordBatch batch = walker.batch();
      if (batch.baseOffset() >= limitOffset) {
        return NOT_FOUND;
      }
      if (batch.maxTimestamp() >= timestampMs && batch.nextOffset() > start) {
        walker.loadWhole();
        PartitionLog.TimeLookup found =
            firstRecord(walker.batch(), timestampMs, start, limitOffset);
        if (found != null) {
          return found;
        }
      }
    }
    return null;
  }

  private PartitionLog.@Nullable TimeLookup firstRecord(
      RecordBatch batch, long timestampMs, long start, long limitOffset) {
    int epoch = batch.leaderEpoch();
    if (batch.isAppendTime()) {
      long offset = Math.max(batch.baseOffset(), start);
      return offset < limitOffset
          ? new PartitionLog.TimeLookup(OptionalLong.of(offset), batch.maxTimestamp(), epoch)
          : null;
    }
    try {
      RecordReader records = RecordReader.open(batch, shared.config.decompressedBytes());
      while (records.hasNext()) {
        Record record = records.next();
        if (record.timestampMs() >= timestampMs
            && record.offset() >= start
            && record.offset() < limitOffset) {
          return new PartitionLog.TimeLookup(
              OptionalLong.of(record.offset()), record.timestampMs(), epoch);
        }
      }
      return null;
    } catch (InvalidBatchException e) {
      // Records that cannot be decoded were stored as a client sent them: their first offset.
      long offset = Math.max(batch.baseOffset(), start);
      return offset < limitOffset
          ? new PartitionLog.TimeLookup(OptionalLong.of(offset), batch.maxTimestamp(), epoch)
          : null;
    }
  }

  /** A value or a failure, brought back to the loop. */
  private record Read<T>(@Nullable T value, @Nullable StorageException failure) {
    static <T> Read<T> of(java.util.function.Supplier<T> read) {
      try {
        return new Read<>(read.get(), null);
      } catch (StorageException e) {
        return new Read<>(null, e);
      }
    }
  }
}
