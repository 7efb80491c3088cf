package io.kontiki.log;

import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalEntry.Kind;
import java.util.List;

/**
 * What a log forgets at its beginning: the start rises in memory and in the journal, and once that
 * is durable the segments wholly below it go (rule D5). Belongs to the log's loop.
 */
final class LogStart {
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final LogCut cut;
  private final LogDerived derived;

  LogStart(LoopLogs home, SegmentedLog log, LogState state, LogCut cut, LogDerived derived) {
    this.home = home;
    this.log = log;
    this.state = state;
    this.cut = cut;
    this.derived = derived;
  }

  /** See {@link PartitionLog#advanceLogStart}. */
  void advanceTo(long offset) {
    long target = Math.min(offset, state.logEnd);
    if (target <= state.logStart) {
      return;
    }
    state.logStart = target;
    state.epochs.advanceStart(target);
    state.producers.onRecordsDeleted();
    derived.write();
    home.journal(log, JournalEntry.of(state.meta.id(), Kind.LOG_START, target, 0));
  }

  /** The journal holds this start. */
  void onDurable(long startOffset) {
    state.durableStart = startOffset;
    removeSegments();
  }

  /** Rule D5: only what a durable log start has left behind; not while a cut reads it again. */
  void removeSegments() {
    while (!cut.isPending()
        && state.segments.size() > 1
        && state.segments.firstKey() < state.durableStart
        && state.segments.higherKey(state.segments.firstKey()) <= state.durableStart) {
      cut.remove(List.of(state.segments.pollFirstEntry().getValue()));
      log.damages().onRemoved();
    }
  }
}
