package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a log forgets at its end, in memory and in the journal; {@link LogCut} brings it into the
 * files once the record is durable (rule D8). Belongs to the log's loop.
 */
final class LogTruncation {
  private static final Logger LOG = LoggerFactory.getLogger(LogTruncation.class);

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final LogReads reads;
  private final LogCut cut;

  LogTruncation(
      LogShared shared,
      LoopLogs home,
      SegmentedLog log,
      LogState state,
      LogReads reads,
      LogCut cut) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
    this.reads = reads;
    this.cut = cut;
  }

  /** See {@link PartitionLog#truncateTo}. */
  void truncateTo(long offset) {
    if (offset < state.logStart) {
      throw new IllegalArgumentException(
          state + ": cannot be cut to " + offset + ", it starts at " + state.logStart);
    }
    if (offset >= state.logEnd && state.damagedFrom < 0) {
      // Rule R29: at exactly the log end the empty epochs go.
      if (state.epochs.truncate(Math.max(offset, state.logEnd))) {
        home.journal(log, cut.entry(Kind.TRUNCATE, state.logEnd, -1, 0));
      }
      return;
    }
    CheckpointRow before = log.row();
    long target = state.damagedFrom < 0 ? offset : Math.min(offset, state.damagedFrom);
    long position = 0;
    List<Segment> removed = new ArrayList<>();
    Segment last = state.segmentOf(target);
    if (last != null) {
      SegmentReader.Found found = findForCut(last, target);
      target = Math.min(target, found.baseOffset());
      position = found.position();
      if (target < state.logStart) {
        // The log start lies inside this batch: nothing that can be read is left.
        restartAt(state.logStart);
        return;
      }
      removed.addAll(state.segments.tailMap(last.baseOffset(), false).values());
      last.endLending();
      removed.forEach(segment -> state.segments.remove(segment.baseOffset()));
      // Its indexes are read again once the cut is durable.
      Segment left =
          new Segment(
              state.meta.id().directoryName(), last.baseOffset(), position, last.createdMs());
      state.segments.put(last.baseOffset(), left);
      if (shared.files.isLent(left.path())) {
        left.seal();
      }
    }
    LOG.info("{}: cut from {} to {}", state, state.logEnd, target);
    forget(target);
    state.epochs.truncate(target);
    home.journal(
        log, cut.entry(Kind.TRUNCATE, target, last == null ? -1 : last.baseOffset(), position));
    removed.forEach(Segment::endLending);
    cut.begin(before, removed);
  }

  private SegmentReader.Found findForCut(Segment segment, long target) {
    try {
      return shared.reader.find(reads.view(segment, target), target);
    } catch (StorageException e) {
      shared.offlineUnlessFull(e);
      throw e;
    }
  }

  /** See {@link PartitionLog#restartAt}. */
  void restartAt(long offset) {
    CheckpointRow before = log.row();
    List<Segment> removed = new ArrayList<>(state.segments.values());
    state.segments.clear();
    LOG.info("{}: starts again at {}, had {} to {}", state, offset, state.logStart, state.logEnd);
    forget(offset);
    state.logStart = offset;
    state.held = offset;
    state.epochs.clear();
    state.producers.clear();
    removed.forEach(Segment::endLending);
    home.journal(log, JournalEntry.of(state.meta.id(), Kind.RESTART, offset, 0));
    cut.begin(before, removed);
  }

  /** An empty log begins with a batch that contains its log start; see {@link LogAppends}. */
  void beginWithin(long base) {
    state.truncations++; // nothing of before says what is held, or where it begins (rule R41)
    state.logEnd = base;
    state.held = base;
    state.unrecorded = true;
    state.tail.truncate(base);
    state.hot.truncate(base);
    home.journal(log, JournalEntry.of(state.meta.id(), Kind.RESTART, base, state.logStart));
    // An epoch that began here while it was empty is still the newest (rule R29).
    for (EpochHistory.Entry epoch : state.epochs.entries()) {
      home.journal(
          log, JournalEntry.of(state.meta.id(), Kind.EPOCH, epoch.startOffset(), epoch.epoch()));
    }
  }

  private void forget(long offset) {
    state.truncations++;
    state.logEnd = offset;
    state.held = Math.min(state.held, offset);
    state.tail.truncate(offset);
    state.damagedFrom = -1;
    state.doubtful = false;
    state.hot.truncate(offset);
  }
}
