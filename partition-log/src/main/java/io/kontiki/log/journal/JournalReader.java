package io.kontiki.log.journal;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;

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
    ByteBuffer content = content(path);
    while (true) {
      JournalEntry.Stored stored = JournalEntry.read(content, from.generation());
      if (stored == null || stored.sequence() != nextSequence) {
        if (stored != null) {
          content.position(content.position() - stored.entry().sizeBytes());
        }
        lookForLaterCommits(content);
        return -1;
      }
      if (stored.entry().kind() == JournalEntry.Kind.SWITCH) {
        return (int) stored.entry().a();
      }
      nextSequence++;
      if (stored.sequence() >= from.sequence()) {
        sink.take(stored.entry(), stored.sequence());
      }
    }
  }

  private void lookForLaterCommits(ByteBuffer content) {
    long due = nextSequence;
    for (int at = content.position() + 1; at <= content.limit() - JournalEntry.HEADER_BYTES; at++) {
      if (content.getLong(at + 8) == from.generation()) {
        JournalEntry.Stored later =
            JournalEntry.read(content.duplicate().position(at), from.generation());
        if (later != null && later.firstOfCommit() > due) {
          damaged = true;
          return;
        }
      }
    }
  }

  private ByteBuffer content(String path) {
    try (FileStore.File file = store.open(path)) {
      // Rule D10 for the journal itself: a record that is only in the page cache must not be acted
      // upon, because a power cut during the recovery would take it back but not what it caused.
      file.sync();
      ByteBuffer content = ByteBuffer.allocate((int) Math.min(file.size(), Integer.MAX_VALUE - 8));
      file.read(content, 0);
      return content.flip();
    }
  }
}
