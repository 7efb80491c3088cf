package io.kontiki.log;

import io.kontiki.log.journal.CommitJournal;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.segment.TailCache;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The logs of one loop: what they collect for the journal in a turn, whom to tell when it is
 * durable, and their share of the hot tail. Belongs to the loop, but for {@link #onCommitted} and
 * {@link #onOffline}.
 */
final class LoopLogs implements CommitJournal.Party {
  final EventLoop loop;
  final TailCache tail;
  private final LogShared shared;
  private final int maxPayloadBytes;
  private final Map<PartitionId, SegmentedLog> logs = new LinkedHashMap<>();
  private final Set<SegmentedLog> dirty = new LinkedHashSet<>();
  private final ArrayDeque<Turn> turns = new ArrayDeque<>();
  private long appendedBytes;

  // Of the present turn.
  private List<JournalEntry> entries = new ArrayList<>();
  private List<BarrierAt> barriers = new ArrayList<>();
  private Set<SegmentedLog> touched = new LinkedHashSet<>();
  private List<Runnable> waiters = new ArrayList<>();
  private boolean turnEndAsked;

  private final Set<SegmentedLog> shedding = new LinkedHashSet<>();
  private volatile boolean anyShedding;

  LoopLogs(LogShared shared, EventLoop loop) {
    this.shared = shared;
    this.loop = loop;
    this.tail = new TailCache(shared.config.tailCacheBytes());
    this.maxPayloadBytes = CommitJournal.maxPayloadBytes(shared.config.journal());
  }

  /** A log as it was at the end of a turn: held as soon as the turn's records are durable. */
  private record Note(SegmentedLog log, long endOffset, long logStart, long truncations) {}

  private record BarrierAt(SegmentedLog log, int place) {}

  private record Barrier(SegmentedLog log, long sequence) {}

  private record Turn(
      long sequence, List<Note> notes, List<Barrier> barriers, List<Runnable> waiters) {}

  void add(SegmentedLog log) {
    logs.put(log.id(), log);
  }

  void remove(SegmentedLog log) {
    logs.remove(log.id());
    dirty.remove(log);
    shedding.remove(log);
  }

  /** The log has segments to remove when a checkpoint has passed. */
  void shedding(SegmentedLog log) {
    shedding.add(log);
    anyShedding = true;
  }

  /** A checkpoint is durable whose replay begins at a sequence. From any thread. */
  void onCheckpoint(long sequence) {
    if (anyShedding) {
      loop.execute(() -> shared.guard(() -> shed(sequence)));
    }
  }

  private void shed(long sequence) {
    shedding.removeIf(log -> !log.onCheckpoint(sequence));
    anyShedding = !shedding.isEmpty();
    // Whoever waits for another checkpoint gets one.
    shedding.forEach(this::markDirty);
  }

  /** Hands a record to the journal at the end of the turn. */
  void journal(SegmentedLog log, JournalEntry entry) {
    if (entry.isBarrier()) {
      barriers.add(new BarrierAt(log, entries.size()));
    }
    entries.add(entry);
    touch(log);
  }

  /**
   * Hands appended bytes to the journal at the end of the turn.
   *
   * @param startOffset of the first batch; the log end is behind the last
   */
  void journalData(
      SegmentedLog log, long segment, long position, ByteBuffer bytes, long startOffset) {
    for (int at = bytes.position(); at < bytes.limit(); at += maxPayloadBytes) {
      int size = Math.min(maxPayloadBytes, bytes.limit() - at);
      boolean last = at + size == bytes.limit();
      journal(
          log,
          new JournalEntry(
              log.id(),
              JournalEntry.Kind.DATA,
              segment,
              position + at - bytes.position(),
              bytes.slice(at, size),
              last ? log.state().logEnd : startOffset));
    }
  }

  /** The log changed in this turn. */
  void touch(SegmentedLog log) {
    touched.add(log);
    markDirty(log);
    askTurnEnd();
  }

  /** The log has something new for the next checkpoint. */
  void markDirty(SegmentedLog log) {
    if (dirty.add(log)) {
      shared.checkpointer().onDirty(loop);
    }
  }

  /** Runs something when all that was handed over by this loop up to now is durable. */
  void afterCommit(Runnable waiter) {
    waiters.add(waiter);
    askTurnEnd();
  }

  private void askTurnEnd() {
    if (!turnEndAsked) {
      turnEndAsked = true;
      loop.atTurnEnd(this::endTurn);
    }
  }

  private void endTurn() {
    turnEndAsked = false;
    List<Note> notes = new ArrayList<>(touched.size());
    for (SegmentedLog log : touched) {
      LogState state = log.state();
      notes.add(new Note(log, state.logEnd, state.logStart, state.truncations));
    }
    long last = shared.journal().handOver(entries, this);
    long first = last - entries.size() + 1;
    List<Barrier> placed = new ArrayList<>(barriers.size());
    barriers.forEach(barrier -> placed.add(new Barrier(barrier.log, first + barrier.place)));
    for (Barrier barrier : placed) {
      barrier.log.onBarrierHandedOver(barrier.sequence);
    }
    turns.add(new Turn(last, notes, placed, waiters));
    entries = new ArrayList<>();
    barriers = new ArrayList<>();
    touched = new LinkedHashSet<>();
    waiters = new ArrayList<>();
    // Of a replicated topic the log end is held at once; told with what was in the turn.
    notes.forEach(note -> note.log.onTurnEnd());
    drain(shared.journal().committedSequence());
  }

  @Override
  public void onCommitted(long sequence) {
    loop.execute(() -> drain(sequence));
  }

  private void drain(long sequence) {
    while (!turns.isEmpty() && turns.peek().sequence <= sequence && !shared.isOffline()) {
      Turn turn = turns.remove();
      for (Note note : turn.notes) {
        shared.guard(
            () ->
                note.log.onDurable(note.endOffset, note.logStart, note.truncations, turn.sequence));
      }
      for (Barrier barrier : turn.barriers) {
        shared.guard(() -> barrier.log.onBarrierDurable(barrier.sequence));
      }
      turn.waiters.forEach(Runnable::run);
    }
  }

  /** Counts appended bytes; returns the count: the age of what was appended (rule L2). */
  long onAppended(int bytes) {
    appendedBytes += bytes;
    shared.counters.onAppended(bytes);
    return appendedBytes;
  }

  /** Whether what was appended at that count is still taken to be hot. */
  boolean isHot(long count) {
    return appendedBytes - count <= shared.config.hotBytes() / shared.loopCount();
  }

  /** The share of each loop in what is kept on the heap. */
  void shareTail(int loops) {
    tail.maxBytes(shared.config.tailCacheBytes() / loops);
  }

  /**
   * What the logs of a loop have for a checkpoint.
   *
   * @param cutting whether a truncation of one of them is still on its way into the files
   * @param clean of a clean stop: what the next start needs of them
   */
  record Collected(List<CheckpointRow> rows, boolean cutting, List<CleanLog> clean) {}

  /**
   * The rows of the logs that changed.
   *
   * @param closing writes derived data and ends the logs, unless one is cutting: what a cut does to
   *     the files must never come before its record is durable (rule D8)
   */
  Collected collect(boolean closing) {
    List<CheckpointRow> rows = new ArrayList<>();
    Set<SegmentedLog> still = new LinkedHashSet<>();
    for (SegmentedLog log : logs.values()) {
      if (log.isCutting()) {
        still.add(log);
      }
    }
    if (closing && still.isEmpty()) {
      for (SegmentedLog log : logs.values()) {
        shared.guard(log::flushForClose);
      }
    }
    dirty.forEach(log -> rows.add(log.row()));
    dirty.clear();
    List<CleanLog> clean = new ArrayList<>();
    if (closing && still.isEmpty()) {
      for (SegmentedLog log : logs.values()) {
        CleanLog whole = log.cleanLog();
        if (whole != null) {
          clean.add(whole);
        }
        log.retire();
      }
    }
    still.forEach(this::markDirty);
    return new Collected(rows, !still.isEmpty(), clean);
  }

  /** From any thread. */
  void onOffline(StorageException cause) {
    loop.execute(
        () -> {
          for (SegmentedLog log : List.copyOf(logs.values())) {
            if (!log.state().gone) {
              log.listener().onOffline(cause);
            }
          }
        });
  }
}
