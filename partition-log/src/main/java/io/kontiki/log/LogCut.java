package io.kontiki.log;

import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Truncations of one log, from the call until the files show it (rule D8). Belongs to its loop.
 *
 * <ol>
 *   <li>In memory at once; the record goes to the journal with the turn. Appends are refused from
 *       here on: they would overwrite what a crash before step 2 must still find.
 *   <li>Record durable: files are cut, whole segments get another name and are removed later.
 *   <li>Off the loop the cut of a replicated log is synced: no replay repeats it (rule L9), and old
 *       bytes that came back beside newer ones would make a log that never was. Indexes and
 *       producers are read again (rule I1).
 *   <li>Appends go on; a checkpoint may pass the record.
 * </ol>
 */
final class LogCut {
  private static final String[] SUFFIXES = {
    SegmentFiles.LOG, SegmentFiles.INDEX, SegmentFiles.TIME_INDEX
  };

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final List<Long> barriers = new ArrayList<>();
  private final List<Segment> removed = new ArrayList<>();
  private final List<Runnable> waiters = new ArrayList<>();
  private @Nullable CheckpointRow rowBefore;
  private int removals;

  LogCut(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
  }

  JournalEntry entry(JournalEntry.Kind kind, long offset, long segment, long position) {
    ByteBuffer payload = ByteBuffer.allocate(Long.BYTES).putLong(segment).flip();
    return new JournalEntry(state.meta.id(), kind, offset, position, payload);
  }

  /**
   * Step 1 was done.
   *
   * @param before what a checkpoint says until the cut has been carried out
   */
  void begin(CheckpointRow before, List<Segment> wholeSegments) {
    removed.addAll(wholeSegments);
    if (rowBefore == null) {
      rowBefore = before;
    }
  }

  boolean isPending() {
    return rowBefore != null;
  }

  @Nullable CheckpointRow rowBefore() {
    return rowBefore;
  }

  void onHandedOver(long sequence) {
    barriers.add(sequence);
  }

  /** The log leaves: what has not been carried out of its records, in the order of the journal. */
  List<Long> barriers() {
    return List.copyOf(barriers);
  }

  /** Step 2, once the newest record is durable. */
  void onDurable(long sequence) {
    if (barriers.isEmpty() || barriers.get(barriers.size() - 1) != sequence) {
      return;
    }
    if (!isPending()) {
      // Only empty epochs went: no file shows it.
      releaseBarriers();
      return;
    }
    carryOutFiles();
    if (state.segments.isEmpty() && state.isFsync()) {
      finish(null);
      return;
    }
    long truncations = state.truncations;
    LogWalk.Task task = log.walkTask();
    LogWalk walk = newWalk();
    shared.reads.execute(() -> readAgain(walk, task, truncations));
  }

  private void readAgain(LogWalk walk, LogWalk.Task task, long truncations) {
    if (shared.isOffline() || shared.isClosed()) {
      return;
    }
    try {
      if (!state.isFsync()) {
        shared.makeSegmentsDurable(state.meta.id());
      }
      LogWalk.Found found = task.segments().isEmpty() ? null : walk.walk(task);
      home.loop.execute(() -> shared.guard(() -> onReadAgain(found, truncations)));
    } catch (StorageException e) {
      home.loop.execute(() -> onReadFailed(e, truncations));
    }
  }

  private void onReadAgain(LogWalk.@Nullable Found found, long truncations) {
    if (isCurrent(truncations)) {
      finish(found);
    }
  }

  private void onReadFailed(StorageException cause, long truncations) {
    if (isCurrent(truncations)) {
      shared.goOffline(cause);
    }
  }

  private boolean isCurrent(long truncations) {
    return truncations == state.truncations
        && isPending()
        && !shared.isOffline()
        && !shared.isClosed();
  }

  private void finish(LogWalk.@Nullable Found found) {
    rowBefore = null;
    log.onCut(found);
    releaseBarriers();
  }

  private void releaseBarriers() {
    shared.journal().onCarriedOut(barriers);
    barriers.clear();
    log.onRecorded();
    List<Runnable> due = List.copyOf(waiters);
    waiters.clear();
    due.forEach(Runnable::run);
  }

  private void carryOutFiles() {
    remove(removed);
    removed.clear();
    Segment active = state.active();
    if (active != null) {
      shared.files.truncate(active.path(), active.sizeBytes());
    }
    log.mark().onTruncated();
  }

  /** Renames the files of segments and lets them be removed off the loop. */
  void remove(List<Segment> segments) {
    List<String> renamed = new ArrayList<>();
    for (Segment segment : segments) {
      for (String suffix : SUFFIXES) {
        String path = segment.path(suffix);
        shared.files.forget(path);
        if (shared.store.exists(path)) {
          String aside = path + "." + removals++ + SegmentFiles.DELETED;
          shared.store.rename(path, aside);
          renamed.add(aside);
        }
      }
    }
    if (!renamed.isEmpty()) {
      shared.files.markDirectory(state.meta.id().directoryName());
      home.markDirty(log);
      shared.reads.execute(() -> delete(renamed));
    }
  }

  private void delete(List<String> paths) {
    if (!shared.isClosed() && !shared.isOffline()) {
      try {
        paths.forEach(shared.store::delete);
      } catch (StorageException e) {
        shared.goOffline(e);
      }
    }
  }

  /** Runs something once no cut is pending. */
  void afterwards(Runnable waiter) {
    if (isPending()) {
      waiters.add(waiter);
    } else {
      waiter.run();
    }
  }

  /**
   * Runs something once none of its records keeps a checkpoint back. A log that leaves before would
   * take the place in the journal along that the record of its leaving needs: nothing would carry
   * the cut out, no checkpoint pass it, and a full ring never be free again (rule L9).
   */
  void beforeLeaving(Runnable leave) {
    if (barriers.isEmpty() && !isPending()) {
      leave.run();
    } else {
      waiters.add(leave);
    }
  }

  /** Syncs what is dirty of this log, off the loop. */
  void syncFiles(Runnable completion) {
    shared.reads.execute(
        () -> {
          if (shared.isClosed() || shared.isOffline()) {
            return;
          }
          try {
            shared.makeDurable(state.meta.id());
            home.loop.execute(completion);
          } catch (StorageException e) {
            shared.goOffline(e);
          }
        });
  }

  private LogWalk newWalk() {
    return new LogWalk(
        shared,
        state.meta.id().directoryName(),
        shared.store::exists,
        state.settings.indexIntervalBytes());
  }
}
