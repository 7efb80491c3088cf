package io.kontiki.log.journal;

import io.kontiki.runtime.FileStore;

/**
 * Reads a journal at open, in order from a checkpoint on.
 *
 * <p>It ends at the first record that is not whole. A power cut leaves such a one only in the last
 * commit, which nobody was told of. If a valid record of a <em>later</em> commit lies behind it,
 * the bad one had been durable once: that is damage, not a torn tail, and is told apart by "first
 * of commit".
 */
public final class JournalReader {
  private final FileStore store;
  private final JournalPosition from;
  private long nextSequence;
  private boolean damaged;

  /** Takes a record. */
  @FunctionalInterface
  public interface Sink {
    /** The payload is valid during the call only. */
    void take(JournalEntry entry, long sequence);
  }

  /** Nothing is read yet. */
  public JournalReader(FileStore store, JournalPosition from) {
    this.store = store;
    this.from = from;
    this.nextSequence = from.slotSequence();
  }

  /** Hands over every record from the checkpoint on. */
  public void replay(Sink sink) {
    int slot = from.slot();
    int files = store.list(JournalRing.DIRECTORY).size();
    // A chain cannot be longer than there are files: a bound if links ever formed a circle.
    for (int i = 0; i < files && slot >= 0; i++) {
      slot = replaySlot(slot, sink);
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

  private int replaySlot(int slot, Sink sink) {
    String path = JournalRing.path(slot);
    if (!store.exists(path)) {
      damaged = true;
      return -1;
    }
    try (FileStore.File file = store.open(path)) {
      // Rule D10 for the journal itself: a record that is only in the page cache must not be acted
      // upon, because a power cut during the recovery would take it back but not what it caused.
      file.sync();
      return replay(new JournalWindow(file), sink);
    }
  }

  private int replay(JournalWindow window, Sink sink) {
    long at = 0;
    while (true) {
      JournalEntry.Stored stored = window.read(at, from.generation());
      if (stored == null || stored.sequence() != nextSequence) {
        lookForLaterCommits(window, at + 1);
        return -1;
      }
      if (stored.entry().kind() == JournalEntry.Kind.SWITCH) {
        return (int) stored.entry().a();
      }
      nextSequence++;
      at += stored.entry().sizeBytes();
      if (stored.sequence() >= from.sequence()) {
        sink.take(stored.entry(), stored.sequence());
      }
    }
  }

  private void lookForLaterCommits(JournalWindow window, long first) {
    long due = nextSequence;
    for (long at = first; window.hasHeader(at); at++) {
      if (window.generation(at) == from.generation()) {
        JournalEntry.Stored later = window.read(at, from.generation());
        if (later != null && later.firstOfCommit() > due) {
          damaged = true;
          return;
        }
      }
    }
  }
}
