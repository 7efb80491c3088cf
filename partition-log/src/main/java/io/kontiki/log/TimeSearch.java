package io.kontiki.log;

import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.FileStore;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The search for the first record of a time (rule L7), in the read pool, from values that the loop
 * gave it. What it looks at is checked like any read (rule L2); an entry of a time index, which has
 * no checksum, counts only if the batch that it names agrees.
 */
final class TimeSearch {
  private final LogShared shared;
  private final long timestampMs;
  private final long start;
  private final long limitOffset;

  /**
   * @param start records below it are not there
   * @param limitOffset exclusive
   */
  TimeSearch(LogShared shared, long timestampMs, long start, long limitOffset) {
    this.shared = shared;
    this.timestampMs = timestampMs;
    this.start = start;
    this.limitOffset = limitOffset;
  }

  /** A segment to search in; {@code from} -1: ask the time index file. */
  record Place(SegmentReader.View view, long from) {}

  /**
   * What came of it.
   *
   * @param hit null: there is no such record
   * @param damage that stopped the search, or null
   */
  record Answer(PartitionLog.@Nullable TimeLookup hit, SegmentReader.@Nullable Damage damage) {}

  private static final Answer NOTHING = new Answer(null, null);

  Answer run(List<Place> places) {
    for (Place place : places) {
      if (place.view.baseOffset() >= limitOffset) {
        return NOTHING;
      }
      long from = place.from < 0 ? beginning(place.view) : place.from;
      Answer answer = from < 0 ? NOTHING : search(place.view, from);
      if (answer.hit != null || answer.damage != null) {
        return answer;
      }
    }
    return NOTHING;
  }

  /** From which offset on to search in a closed segment, or -1: all of it is older. */
  private long beginning(SegmentReader.View view) {
    String path = SegmentFiles.path(view.directory(), view.baseOffset(), SegmentFiles.TIME_INDEX);
    if (!shared.store.exists(path)) {
      return view.baseOffset();
    }
    TimeIndex index = shared.files.use(path, file -> TimeIndex.read(file, view.baseOffset()));
    TimeIndex.Entry last = index.last();
    // The last entry of a closed segment is its greatest timestamp.
    if (last != null && last.timestampMs() < timestampMs && isTrue(view, last)) {
      return -1;
    }
    TimeIndex.Entry before = index.before(timestampMs);
    return before != null && isTrue(view, before) ? before.offset() : view.baseOffset();
  }

  private boolean isTrue(SegmentReader.View view, TimeIndex.Entry entry) {
    SegmentReader.Found found = shared.reader.find(view, entry.offset());
    return found.damage() == null
        && found.nextOffset() == entry.offset() + 1
        && found.maxTimestampMs() == entry.timestampMs();
  }

  private Answer search(SegmentReader.View view, long from) {
    SegmentReader.Found first = shared.reader.find(view, from);
    return first.damage() != null
        ? new Answer(null, first.damage())
        : shared.files.use(view.path(), file -> walk(file, view, first));
  }

  private Answer walk(FileStore.File file, SegmentReader.View view, SegmentReader.Found first) {
    BatchWalker walker = new BatchWalker(file, first.position(), view.sizeBytes());
    long due = first.baseOffset();
    while (walker.next(0, 0, false)) {
      String fault =
          walker.loadWhole()
              ? SegmentReader.fault(walker.batch(), view, due)
              : "the file ends inside the batch";
      if (!fault.isEmpty()) {
        return damaged(view, walker, due, fault);
      }
      RecordBatch batch = walker.batch();
      if (batch.baseOffset() >= limitOffset) {
        return NOTHING;
      }
      due = batch.nextOffset();
      if (batch.maxTimestamp() >= timestampMs && due > start) {
        PartitionLog.TimeLookup hit = firstRecord(batch);
        if (hit != null) {
          return new Answer(hit, null);
        }
      }
    }
    return walker.fault().isEmpty() ? NOTHING : damaged(view, walker, due, walker.fault());
  }

  private static Answer damaged(
      SegmentReader.View view, BatchWalker walker, long due, String fault) {
    return new Answer(
        null, new SegmentReader.Damage(view.baseOffset(), walker.position(), due, fault));
  }

  private PartitionLog.@Nullable TimeLookup firstRecord(RecordBatch batch) {
    if (batch.isAppendTime()) {
      return at(Math.max(batch.baseOffset(), start), batch.maxTimestamp(), batch.leaderEpoch());
    }
    try {
      RecordReader records = RecordReader.open(batch, shared.config.decompressedBytes());
      while (records.hasNext()) {
        Record record = records.next();
        if (record.timestampMs() >= timestampMs && record.offset() >= start) {
          return at(record.offset(), record.timestampMs(), batch.leaderEpoch());
        }
      }
      return null;
    } catch (InvalidBatchException e) {
      // Records that cannot be decoded were stored as a client sent them: their first offset.
      return at(Math.max(batch.baseOffset(), start), batch.maxTimestamp(), batch.leaderEpoch());
    }
  }

  private PartitionLog.@Nullable TimeLookup at(long offset, long foundMs, int epoch) {
    return offset < limitOffset
        ? new PartitionLog.TimeLookup(OptionalLong.of(offset), foundMs, epoch, OptionalLong.empty())
        : null;
  }
}
