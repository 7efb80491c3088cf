package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongToIntFunction;
import java.util.function.Predicate;

/**
 * Walks over the end of a log to learn what is in memory of it: after a start and after a
 * truncation. Begins at the newest derived data that can be trusted, so it reads little. Blocks:
 * never on a loop.
 *
 * <p>Derived data (indexes, producer snapshots) counts only below {@code trust}: the recovery
 * point, or what a truncation since then left (rule I1: a snapshot from before a cut would give
 * false duplicates).
 */
final class LogWalk {
  private final FileStore store;
  private final OpenFiles files;
  private final String directory;
  private final Predicate<String> exists;
  private final int indexIntervalBytes;
  private final int mostProducers;
  private final long nowMs;

  /**
   * @param exists whether there is a file, by its path
   */
  LogWalk(LogShared shared, String directory, Predicate<String> exists, int indexIntervalBytes) {
    this.store = shared.store;
    this.files = shared.files;
    this.directory = directory;
    this.exists = exists;
    this.indexIntervalBytes = indexIntervalBytes;
    this.mostProducers = shared.config.producers().most();
    this.nowMs = shared.clock.wallMs();
  }

  /** A segment on disk. */
  record Ref(long baseOffset, long sizeBytes, long createdMs) {}

  /**
   * What to walk over.
   *
   * @param trust derived data at or behind it does not count
   * @param checkFrom from this offset on checksums are checked and offsets must be contiguous
   * @param checkDerived whether checksums are checked of all that producers are learnt from
   * @param epochsFrom the epochs of batches from this offset on are learnt; the log knows those
   *     below
   * @param epochOf of an offset below that, or {@link SegmentReader#ANY_EPOCH}
   */
  record Task(
      List<Ref> segments,
      long logStart,
      NavigableSet<Long> snapshots,
      long trust,
      long checkFrom,
      boolean checkDerived,
      long epochsFrom,
      LongToIntFunction epochOf) {}

  /**
   * What was found.
   *
   * @param walked the segments from the first one walked on, indexes on the heap
   * @param firstWalked place of the first of them in the task
   * @param endOffset behind the last good batch
   * @param fault what ended the walk before the end of the last segment, or empty
   * @param faultSegment place in the task
   * @param faultPosition in that segment's file
   * @param stale base offsets of walked segments whose index files have what cannot be trusted
   * @param ahead of those whose index files have more than could be trusted, and all of it is right
   * @param forgottenBelow tombstones may be missing below it, as far as what was walked over tells
   * @param epochs where those of the batches at or behind {@code epochsFrom} begin, in order
   */
  record Found(
      List<Segment> walked,
      int firstWalked,
      ProducerState producers,
      long endOffset,
      String fault,
      int faultSegment,
      long faultPosition,
      Set<Long> stale,
      Set<Long> ahead,
      long forgottenBelow,
      List<EpochHistory.Entry> epochs) {}

  Found walk(Task task) {
    Progress at = new Progress(task, newestSnapshot(task));
    int first = 0;
    for (int i = 0; i < task.segments.size(); i++) {
      if (task.segments.get(i).baseOffset <= at.snapshot.offset) {
        first = i;
      }
    }
    List<Segment> walked = new ArrayList<>();
    at.end = task.logStart;
    for (int i = first; i < task.segments.size(); i++) {
      Ref ref = task.segments.get(i);
      // The first may begin below the log start, never behind it.
      if (i > first ? ref.baseOffset != at.end : i == 0 && ref.baseOffset > at.end) {
        at.fault = "segment " + ref.baseOffset + " where " + at.end + " was due";
        return at.found(walked, first, i, 0);
      }
      at.end = ref.baseOffset;
      IndexFiles written =
          new IndexFiles(content(ref, SegmentFiles.INDEX), content(ref, SegmentFiles.TIME_INDEX));
      Segment segment = open(ref, task.trust, written);
      walked.add(segment);
      long stopped = files.use(segment.path(), file -> walk(file, ref, segment, at));
      segment.noteSize(stopped);
      compare(segment, written, i < task.segments.size() - 1 && at.fault.isEmpty(), at);
      if (!at.fault.isEmpty()) {
        return at.found(walked, first, i, stopped);
      }
    }
    return at.found(walked, first, task.segments.size(), 0);
  }

  private static final class Progress {
    private final Task task;
    private final Snapshot snapshot;
    private final List<EpochHistory.Entry> epochs = new ArrayList<>();
    private long end;
    private int epoch = EpochHistory.NONE;
    private String fault = "";
    private final Set<Long> stale = new TreeSet<>();
    private final Set<Long> ahead = new TreeSet<>();
    private long forgottenBelow;

    private Progress(Task task, Snapshot snapshot) {
      this.task = task;
      this.snapshot = snapshot;
    }

    private Found found(List<Segment> walked, int firstWalked, int place, long position) {
      return new Found(
          walked,
          firstWalked,
          snapshot.state,
          end,
          fault,
          place,
          position,
          stale,
          ahead,
          forgottenBelow,
          epochs);
    }
  }

  /**
   * Whether an offset has rotted: the base, which no checksum covers (L2), or the last one where
   * checksums are not checked. Compaction may have left gaps there, but none over the next segment,
   * nor over the recovery point, which lies between two batches; and a log that seems to end far
   * away would be cut nowhere, and have none of what its leader sends.
   */
  private static boolean leaps(RecordBatch batch, Ref ref, Progress at) {
    Ref behind = null;
    for (Ref other : at.task.segments) {
      if (other.baseOffset > ref.baseOffset) {
        behind = other;
        break;
      }
    }
    return batch.nextOffset() > at.task.checkFrom
        || (behind != null && batch.nextOffset() > behind.baseOffset);
  }

  /** Whether it has rotted, which no checksum tells (L2). */
  private static boolean isOfAnotherEpoch(RecordBatch batch, LongToIntFunction epochOf) {
    int due = epochOf.applyAsInt(batch.baseOffset());
    return due != SegmentReader.ANY_EPOCH && due != batch.leaderEpoch();
  }

  /** Returns the position behind the last good batch. */
  private long walk(FileStore.File file, Ref ref, Segment segment, Progress at) {
    long from = Math.min(at.snapshot.offset, at.task.trust);
    OffsetIndex.Anchor anchor = segment.anchor(from);
    long start = anchor == null ? 0 : Math.min(anchor.position(), ref.sizeBytes);
    BatchWalker walker = new BatchWalker(file, start, ref.sizeBytes);
    boolean contiguous = start == 0;
    long writtenMs = -1;
    while (walker.next(
        at.end,
        at.end < at.task.epochsFrom ? 0 : at.epoch,
        at.task.checkDerived || at.end >= at.task.checkFrom)) {
      RecordBatch batch = walker.batch();
      if (at.end >= at.task.checkFrom
          ? contiguous && batch.baseOffset() != at.end
          : leaps(batch, ref, at)) {
        at.fault =
            "a batch from "
                + batch.baseOffset()
                + " to "
                + batch.lastOffset()
                + " where "
                + at.end
                + " was due";
        return walker.position();
      }
      if (at.end < at.task.epochsFrom && isOfAnotherEpoch(batch, at.task.epochOf)) {
        at.fault = "leader epoch " + batch.leaderEpoch() + " at " + batch.baseOffset();
        return walker.position();
      }
      contiguous = true;
      segment.note(batch, (int) walker.position(), indexIntervalBytes);
      // Also one in which it lies: of a log that began within its first batch after an empty
      // snapshot had been written where it was to start.
      if (batch.nextOffset() > at.snapshot.offset) {
        if (writtenMs < 0 && batch.producerId() != RecordBatch.NO_PRODUCER_ID) {
          writtenMs = Math.min(nowMs, store.modifiedMs(segment.path()));
        }
        at.snapshot.state.onAppended(batch, writtenMs);
        at.snapshot.state.keepAtMost(mostProducers, batch.baseOffset());
      }
      if (batch.baseOffset() >= at.task.epochsFrom
          && (at.epochs.isEmpty() || batch.leaderEpoch() != at.epoch)) {
        at.epochs.add(new EpochHistory.Entry(batch.leaderEpoch(), batch.baseOffset()));
      }
      if (batch.hasDeleteHorizon()) {
        at.forgottenBelow = batch.nextOffset();
      }
      at.end = batch.nextOffset();
      at.epoch = batch.leaderEpoch();
    }
    at.fault = walker.fault();
    return walker.position();
  }

  /** The bytes of both files; none if there is no file. */
  private record IndexFiles(ByteBuffer entries, ByteBuffer times) {
    int sizeBytes() {
      return entries.remaining() + times.remaining();
    }
  }

  /** With what its index files say below the trusted offset, if that can be believed. */
  private Segment open(Ref ref, long trust, IndexFiles written) {
    Segment segment = new Segment(directory, ref.baseOffset, ref.sizeBytes, ref.createdMs);
    OffsetIndex index =
        OffsetIndex.decode(ref.baseOffset, written.entries.duplicate(), trust, ref.sizeBytes);
    TimeIndex times = TimeIndex.decode(ref.baseOffset, written.times.duplicate(), trust);
    boolean believed =
        index.count() > 0
            && files.use(
                segment.path(),
                file -> {
                  BatchWalker walker = new BatchWalker(file, index.lastPosition(), ref.sizeBytes);
                  return walker.next(ref.baseOffset, 0, false)
                      && walker.batch().lastOffset() == index.lastIndexedOffset();
                });
    if (believed) {
      times.truncate(index.lastIndexedOffset() + 1);
      segment.activate(index, times);
    } else {
      segment.activate(new OffsetIndex(ref.baseOffset), new TimeIndex(ref.baseOffset));
    }
    return segment;
  }

  /**
   * What the process before wrote beyond the trusted offset, and the batches say the same of, is
   * not written again: each start of a node that is killed again and again would do so.
   */
  private static void compare(Segment segment, IndexFiles written, boolean closed, Progress at) {
    int trusted = segment.flushedBytes();
    if (!segment.adopt(written.entries, written.times, closed)) {
      at.stale.add(segment.baseOffset());
    } else if (written.sizeBytes() > trusted) {
      at.ahead.add(segment.baseOffset());
    }
  }

  private ByteBuffer content(Ref ref, String suffix) {
    String path = SegmentFiles.path(directory, ref.baseOffset, suffix);
    if (!exists.test(path)) {
      return ByteBuffer.allocate(0);
    }
    return files.useOnce(
        path,
        file -> {
          ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(file.size(), 64 << 20));
          file.read(bytes, 0);
          return bytes.flip();
        });
  }

  private record Snapshot(long offset, ProducerState state) {}

  private Snapshot newestSnapshot(Task task) {
    boolean rejected = false;
    for (long offset : task.snapshots.headSet(task.trust, true).descendingSet()) {
      String path = SegmentFiles.path(directory, offset, SegmentFiles.SNAPSHOT);
      try {
        ProducerState state = ProducerState.read(store, path, offset).orElseGet(ProducerState::new);
        if (rejected) {
          state.onTruncated();
        }
        return new Snapshot(offset, state);
      } catch (StorageException e) {
        if (e.kind() != StorageException.Kind.CORRUPT) {
          throw e;
        }
        rejected = true;
      }
    }
    long first = task.segments.isEmpty() ? task.logStart : task.segments.get(0).baseOffset;
    return new Snapshot(first, new ProducerState());
  }
}
