package io.kontiki.log;

import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.runtime.StorageException;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of a log that can be rebuilt from its records: indexes and producer snapshots (rule
 * D3). Written now and then so that a recovery reads little, never synced for themselves, and given
 * up without harm when the disk is full. Belongs to the log's loop.
 */
final class LogDerived {
  private static final Logger LOG = LoggerFactory.getLogger(LogDerived.class);

  private static final int SNAPSHOTS_KEPT = 2;

  private final LogShared shared;
  private final LogState state;
  private final LogCut cut;
  private final CompactionMark mark;
  // Their offsets, sorted; seldom more than two.
  private List<Long> snapshots;
  private int underivedBytes;

  LogDerived(LogShared shared, LogState state, LogCut cut, RecoveredLog from, CompactionMark mark) {
    this.shared = shared;
    this.state = state;
    this.cut = cut;
    this.mark = mark;
    this.snapshots = List.copyOf(from.snapshots());
    this.underivedBytes = from.underivedBytes();
  }

  /** Offsets of the producer snapshots, a copy. */
  NavigableSet<Long> snapshots() {
    return new TreeSet<>(snapshots);
  }

  void onAppended(int bytes) {
    underivedBytes = (int) Math.min((long) underivedBytes + bytes, Integer.MAX_VALUE);
    if (underivedBytes >= shared.config.derivedBytes()) {
      write();
    }
  }

  /** Whether appends have come since the last time. */
  boolean isBehind() {
    return underivedBytes > 0;
  }

  /** Writes indexes and producers. */
  void write() {
    if (cut.isPending()) {
      // The producers are those of before the cut: a snapshot would bring them back (rule I1).
      return;
    }
    attempt(
        () -> {
          Segment active = state.active();
          if (active != null) {
            active.flushIndexes(shared.files);
          }
          writeSnapshot();
        });
  }

  /**
   * The active segment will be appended to no longer.
   *
   * @throws StorageException NO_SPACE if its indexes could not be written: it must stay active,
   *     since the indexes of others are trusted to reach their end
   */
  void completeActive(Segment active) {
    attempt(this::writeSnapshot);
    active.complete(shared.files);
  }

  /** A cut has been carried out: what speaks of more than is left goes. */
  void onCut(boolean nothingLeft) {
    long keepBelow = nothingLeft ? 0 : state.logEnd;
    for (long offset : snapshots().tailSet(keepBelow, true)) {
      deleteSnapshot(offset);
    }
    Segment active = state.active();
    if (active != null) {
      attempt(
          () -> {
            active.truncateIndexFiles(shared.files);
            writeSnapshot();
          });
    }
  }

  private void writeSnapshot() {
    // Before it is trusted, and what lies below it not looked at, the mark is durable.
    mark.save();
    String directory = state.meta.id().directoryName();
    shared.files.replace(
        SegmentFiles.path(directory, state.logEnd, SegmentFiles.SNAPSHOT),
        state.producers.snapshot(state.logEnd));
    shared.files.markDirectory(directory);
    NavigableSet<Long> all = snapshots();
    all.add(state.logEnd);
    snapshots = List.copyOf(all);
    while (snapshots.size() > SNAPSHOTS_KEPT) {
      deleteSnapshot(snapshots.get(0));
    }
    underivedBytes = 0;
  }

  private void deleteSnapshot(long offset) {
    String directory = state.meta.id().directoryName();
    String path = SegmentFiles.path(directory, offset, SegmentFiles.SNAPSHOT);
    shared.files.forget(path);
    shared.store.delete(path);
    shared.files.markDirectory(directory);
    NavigableSet<Long> left = snapshots();
    left.remove(offset);
    snapshots = List.copyOf(left);
  }

  private void attempt(Runnable write) {
    try {
      write.run();
    } catch (StorageException e) {
      shared.offlineUnlessFull(e);
      LOG.warn("{}: no space for derived data: {}", state, e.getMessage());
    }
  }
}
