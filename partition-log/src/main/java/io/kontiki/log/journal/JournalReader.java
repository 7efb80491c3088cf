package io.kontiki.log.journal;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Reads a journal at open, in order from a checkpoint on: one generation, or several where starts
 * died before a checkpoint of theirs was through.
 *
 * <p>A generation ends at the first record that is not whole. A power cut leaves such a one only in
 * the last commit, which nobody was told of. If a valid record of a <em>later</em> commit lies
 * behind it, the bad one had been durable once: that is damage, not a torn tail, and is told apart
 * by "first of commit". A later generation says how far the one before was read when it began; less
 * than that is damage, too.
 */
public final class JournalReader {
  private static final int PIECE = 1 << 20;

  private final FileStore store;
  private final List<JournalPosition> generations;
  private final List<JournalFile> files = new ArrayList<>();
  private final TreeSet<Integer> slots = new TreeSet<>();
  private long nextSequence;
  private final List<Read> newest = new ArrayList<>();
  private boolean damaged;
  private long readTo;
  private int takenSlot;
  private long takenPosition;

  /** Takes a record. */
  @FunctionalInterface
  public interface Sink {
    /** The payload is valid during the call only. */
    void take(JournalEntry entry, long sequence);
  }

  /**
   * Nothing is read yet.
   *
   * @param generations where to begin in each, the oldest first; see {@link LogCheckpoint}
   */
  public JournalReader(FileStore store, List<JournalPosition> generations) {
    this.store = store;
    this.generations = List.copyOf(generations);
    this.nextSequence = generations.get(0).slotSequence();
  }

  /** Hands over every record from the checkpoint on. */
  public void replay(Sink sink) {
    int known = store.list(JournalRing.DIRECTORY).size();
    for (int i = 0; i < generations.size(); i++) {
      JournalPosition from = generations.get(i);
      boolean last = i == generations.size() - 1;
      replay(from, last ? Long.MAX_VALUE : generations.get(i + 1).sequence(), known, sink);
    }
  }

  private void replay(JournalPosition from, long end, int known, Sink sink) {
    nextSequence = from.slotSequence();
    int slot = from.slot();
    // A chain cannot be longer than there are files: a bound if links ever formed a circle.
    for (int i = 0; i < known && slot >= 0 && nextSequence < end; i++) {
      slot = replaySlot(from, end, slot, sink);
    }
    damaged |= end != Long.MAX_VALUE && nextSequence < end;
    if (nextSequence <= from.sequence()) {
      // Nothing was taken from it.
      files.removeIf(file -> file.generation() == from.generation());
    }
    nextSequence = Math.max(nextSequence, from.sequence());
  }

  /** A sequence that no record seen has reached. */
  public long nextSequence() {
    return nextSequence;
  }

  /** Whether a record that had been durable cannot be read any more. */
  public boolean damaged() {
    return damaged;
  }

  /** Number of the file that has the record being taken. */
  int takenSlot() {
    return takenSlot;
  }

  /** Where the record being taken begins in it. */
  long takenPosition() {
    return takenPosition;
  }

  /** The files of the generations that had a record from the checkpoint on, in order. */
  public List<JournalFile> files() {
    return List.copyOf(files);
  }

  /** Numbers of the files that a further replay would read, whether they had a record or not. */
  public SortedSet<Integer> slots() {
    return Collections.unmodifiableSortedSet(slots);
  }

  private int replaySlot(JournalPosition from, long end, int slot, Sink sink) {
    String path = JournalRing.path(slot);
    if (!store.exists(path)) {
      damaged = true;
      return -1;
    }
    try (FileStore.File file = store.open(path)) {
      // Rule D10 for the journal itself: a record that is only in the page cache must not be acted
      // upon, because a power cut during the recovery would take it back but not what it caused.
      file.sync();
      takenSlot = slot;
      slots.add(slot);
      files.add(new JournalFile(from.generation(), slot, nextSequence));
      readTo = 0;
      int next = replay(new JournalWindow(file), from, end, sink);
      if (end == Long.MAX_VALUE) {
        newest.add(new Read(slot, readTo));
      }
      return next;
    }
  }

  /** What was read of a file, from its beginning. */
  private record Read(int slot, long bytes) {}

  /**
   * Rule D1: what a failed sync left counts as clean, so that no further one would write it, and
   * its process took no more commits. It lies at the end of the newest generation, in one file or
   * in two: these are written again as they were read. To be called before anything is acted upon.
   */
  void writeAgain() {
    for (Read read : newest.subList(Math.max(0, newest.size() - 2), newest.size())) {
      try (FileStore.File file = store.open(JournalRing.path(read.slot()))) {
        ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(PIECE, Math.max(1, read.bytes())));
        for (long at = 0; at < read.bytes(); at += bytes.capacity()) {
          bytes.clear().limit((int) Math.min(bytes.capacity(), read.bytes() - at));
          file.read(bytes, at);
          file.write(bytes.flip(), at);
        }
        file.sync();
      }
    }
  }

  private int replay(JournalWindow window, JournalPosition from, long end, Sink sink) {
    long at = 0;
    while (nextSequence < end) {
      JournalEntry.Stored stored = window.read(at, from.generation());
      if (stored == null || stored.sequence() != nextSequence) {
        lookForLaterCommits(window, from.generation(), at + 1);
        return -1;
      }
      if (stored.entry().kind() == JournalEntry.Kind.SWITCH) {
        readTo = at + stored.entry().sizeBytes();
        return (int) stored.entry().a();
      }
      nextSequence++;
      takenPosition = at;
      at += stored.entry().sizeBytes();
      readTo = at;
      if (stored.sequence() >= from.sequence()) {
        sink.take(stored.entry(), stored.sequence());
      }
    }
    return -1;
  }

  private void lookForLaterCommits(JournalWindow window, long generation, long first) {
    long due = nextSequence;
    for (long at = first; window.hasHeader(at); at++) {
      if (window.generation(at) == generation) {
        JournalEntry.Stored later = window.read(at, generation);
        if (later != null && later.firstOfCommit() > due) {
          damaged = true;
          return;
        }
      }
    }
  }
}
