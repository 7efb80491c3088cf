package io.kontiki.log;

import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.segment.Segment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;

/**
 * What a log forgets at its beginning (rules D5, L6). Belongs to the log's loop.
 *
 * <ol>
 *   <li>The start rises in memory, and reads below it are refused; the record goes to the journal
 *       with the turn.
 *   <li>A checkpoint that covers the record is durable: segments wholly below the start are renamed
 *       and removed off the loop. Not earlier: a replay that begins before the record would put
 *       bytes back into files that are gone, and miss the producers of those that it does not put
 *       back (rule I1).
 * </ol>
 */
final class LogStart {
  private static final int REMEMBERED = 64;

  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final LogCut cut;
  private final LogDerived derived;
  private final LogAppends appends;
  private final ArrayDeque<Journaled> journaled = new ArrayDeque<>(0);
  private long removable;
  private long durable;

  /** A start, and the last sequence of the turn in which it was handed to the journal. */
  private record Journaled(long start, long sequence) {}

  LogStart(
      LoopLogs home,
      SegmentedLog log,
      LogState state,
      LogCut cut,
      LogDerived derived,
      LogAppends appends) {
    this.home = home;
    this.log = log;
    this.state = state;
    this.cut = cut;
    this.derived = derived;
    this.appends = appends;
    this.removable = state.logStart;
    if (state.segments.size() > 1
        && state.segments.higherKey(state.segments.firstKey()) <= state.logStart) {
      // Recovery left what no checkpoint has passed.
      home.shedding(log);
    }
    this.durable = state.logStart;
  }

  /** See {@link PartitionLog#durableLogStart}. */
  long durable() {
    return durable;
  }

  /** See {@link PartitionLog#advanceLogStart}. */
  void advanceTo(long offset) {
    long target = Math.min(offset, state.logEnd);
    if (target <= state.logStart) {
      return;
    }
    if (target == state.logEnd) {
      // Nothing is left in the active segment: it can go, too, once there is another one.
      appends.roll();
    }
    state.logStart = target;
    log.damages().onLogStart(target);
    state.epochs.advanceStart(target);
    state.producers.onRecordsDeleted();
    derived.write();
    home.journal(log, JournalEntry.of(state.meta.id(), Kind.LOG_START, target, 0));
  }

  /**
   * Everything is gone and the log begins anew; perhaps further down, if an unclean election (R19)
   * made somebody the leader who had missed a deletion: nobody may count on the old start (D5).
   */
  void onRestart() {
    journaled.clear();
    removable = state.logStart;
    durable = Math.min(durable, state.logStart);
  }

  /** It begins anew with a batch in which its start lies, and where it starts is not durable. */
  void onBegunWithin(long base) {
    journaled.clear();
    removable = base;
    durable = base;
  }

  /**
   * The journal holds this start, up to a sequence.
   *
   * @return whether that is news
   */
  boolean onDurable(long startOffset, long sequence) {
    boolean risen = startOffset > durable;
    durable = Math.max(durable, startOffset);
    long known = journaled.isEmpty() ? removable : journaled.getLast().start;
    if (startOffset <= known) {
      return risen;
    }
    if (journaled.size() == REMEMBERED) {
      journaled.removeLast();
    }
    journaled.add(new Journaled(startOffset, sequence));
    home.shedding(log);
    return risen;
  }

  /**
   * A checkpoint is durable.
   *
   * @param sequence of the first record that a replay would apply
   * @return whether there is more to remove at a later one
   */
  boolean onCheckpoint(long sequence) {
    while (!journaled.isEmpty() && journaled.getFirst().sequence < sequence) {
      removable = journaled.removeFirst().start;
    }
    removeSegments();
    return !journaled.isEmpty();
  }

  /** Not while a cut reads the segments again, or compacted ones replace others. */
  void removeSegments() {
    while (!cut.isPending() && !log.isReplacing() && state.segments.size() > 1) {
      Map.Entry<Long, Segment> first = state.segments.firstEntry();
      if (state.segments.higherKey(first.getKey()) > removable) {
        return;
      }
      state.segments.pollFirstEntry();
      cut.remove(List.of(first.getValue()));
      log.damages().onRemoved();
    }
  }
}
