package io.kontiki.metadata.machine;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The newest applied commands, bounded by count and bytes: what a watch stream is fed from.
 * Thread-safe.
 */
public final class CommandHistory {
  private final int maxEntries;
  private final long maxBytes;
  private final ArrayDeque<Entry> entries = new ArrayDeque<>();
  private long bytes;
  // Everything above is here: entries.first.index > floor.
  private long floor;
  private long last;

  CommandHistory(int maxEntries, long maxBytes) {
    this.maxEntries = maxEntries;
    this.maxBytes = maxBytes;
  }

  /**
   * A command as it stands in the log.
   *
   * @param command read-only; empty: the entry brought none, only its index counts
   */
  public record Entry(long index, ByteBuffer command) {
    /** A view with a position of its own. */
    @Override
    public ByteBuffer command() {
      return command.duplicate();
    }
  }

  /**
   * What was applied above an index, in order, without gaps.
   *
   * @return empty: too old, a snapshot is needed. An index at or above the newest gives an empty
   *     list (rule M22: a reader never goes back)
   */
  public synchronized Optional<List<Entry>> since(long index) {
    if (index < floor) {
      return Optional.empty();
    }
    List<Entry> newer = new ArrayList<>();
    for (Entry entry : entries) {
      if (entry.index() > index) {
        newer.add(entry);
      }
    }
    return Optional.of(newer);
  }

  /** Index of the newest entry. */
  public synchronized long lastIndex() {
    return last;
  }

  synchronized void add(long index, ByteBuffer command) {
    entries.addLast(new Entry(index, command.asReadOnlyBuffer()));
    bytes += command.remaining();
    last = index;
    while (entries.size() > maxEntries || bytes > maxBytes) {
      Entry oldest = entries.removeFirst();
      bytes -= oldest.command().remaining();
      floor = oldest.index();
    }
  }

  /** Forgets everything: the state is that of a snapshot at this index. */
  synchronized void reset(long index) {
    entries.clear();
    bytes = 0;
    floor = index;
    last = index;
  }
}
