package io.kontiki.log.epoch;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongToIntFunction;

/**
 * Which leader epoch began at which offset (KIP-101, KIP-279; rules R28, R29). Belongs to its log.
 *
 * <p>Invariant: epochs and start offsets rise strictly from entry to entry; the last may be empty.
 *
 * <p>File {@code leader-epochs}, sealed as {@link SealedFile} with kind "KEPO":
 *
 * <pre>
 * offset size field
 *      0    4 count
 *      4  12n entries: 4 bytes epoch, 8 bytes start offset
 * </pre>
 */
public final class EpochHistory {
  /** Name of the file. */
  public static final String FILE = "leader-epochs";

  /** No epoch. */
  public static final int NONE = -1;

  /** Of a file that nobody has read, or that is being written: no history is like it. */
  public static final List<Entry> UNKNOWN = List.of(new Entry(NONE, -1));

  private static final SealedFile FORMAT = SealedFile.of("KEPO", 1, 64 << 20);
  private static final int ENTRY_BYTES = 12;

  private final List<Entry> entries;

  /** Empty. */
  public EpochHistory() {
    this(List.of());
  }

  private EpochHistory(List<Entry> entries) {
    this.entries = new ArrayList<>(entries);
  }

  /**
   * With these entries.
   *
   * @throws IllegalArgumentException if they do not rise
   */
  public static EpochHistory of(List<Entry> entries) {
    EpochHistory history = new EpochHistory();
    entries.forEach(history::add);
    return history;
  }

  private void add(Entry entry) {
    Entry last = entries.isEmpty() ? new Entry(NONE, -1) : entries.get(entries.size() - 1);
    if (entry.epoch <= last.epoch || entry.startOffset <= last.startOffset) {
      throw new IllegalArgumentException(entry + " behind " + last);
    }
    entries.add(entry);
  }

  /** An epoch and the offset of its first record, or of the record that it would have had. */
  public record Entry(int epoch, long startOffset) {}

  /** The entries as they are now, an unchanging copy. */
  public List<Entry> entries() {
    return List.copyOf(entries);
  }

  /** The newest, or {@link #NONE}. */
  public int latest() {
    return entries.isEmpty() ? NONE : entries.get(entries.size() - 1).epoch;
  }

  /** Of a record below the log end, or {@link #NONE}. */
  public int epochOf(long offset) {
    return epochOf(entries, offset);
  }

  /**
   * Finds the epoch of an offset in entries that do not change, on any thread; {@link #NONE} below
   * the first.
   *
   * @param entries in order, as {@link #entries} gives them
   */
  public static LongToIntFunction lookUp(List<Entry> entries) {
    return offset -> epochOf(entries, offset);
  }

  private static int epochOf(List<Entry> entries, long offset) {
    for (int i = entries.size() - 1; i >= 0; i--) {
      if (entries.get(i).startOffset <= offset) {
        return entries.get(i).epoch;
      }
    }
    return NONE;
  }

  /**
   * The largest known epoch that is not greater, with the exclusive end of its records; empty if
   * there is none.
   */
  public Optional<Entry> endOf(int epoch, long logEndOffset) {
    long end = logEndOffset;
    for (int i = entries.size() - 1; i >= 0; i--) {
      if (entries.get(i).epoch <= epoch) {
        return Optional.of(new Entry(entries.get(i).epoch, end));
      }
      end = entries.get(i).startOffset;
    }
    return Optional.empty();
  }

  /**
   * Enters an epoch; what is not older, or begins not earlier, goes (rule R29).
   *
   * @return false if it was there already
   */
  public boolean assign(int epoch, long startOffset) {
    if (latest() == epoch && entries.get(entries.size() - 1).startOffset <= startOffset) {
      return false;
    }
    while (!entries.isEmpty()) {
      Entry last = entries.get(entries.size() - 1);
      if (last.epoch < epoch && last.startOffset < startOffset) {
        break;
      }
      entries.remove(entries.size() - 1);
    }
    entries.add(new Entry(epoch, startOffset));
    return true;
  }

  /** Drops epochs that begin at or behind the new end, the empty one at exactly it too (R29). */
  public boolean truncate(long endOffset) {
    return entries.removeIf(entry -> entry.startOffset >= endOffset);
  }

  /** Drops epochs whose last record lies below the log start. */
  public void advanceStart(long startOffset) {
    Entry first = null;
    while (!entries.isEmpty() && entries.get(0).startOffset < startOffset) {
      first = entries.remove(0);
    }
    if (first != null && (entries.isEmpty() || entries.get(0).startOffset > startOffset)) {
      entries.add(0, new Entry(first.epoch, startOffset));
    }
  }

  /**
   * Takes over what the batches of a log say from an offset on; of what was known there only an
   * empty epoch at the log end stays (rule R29); what would begin behind that was of records that
   * are not there.
   *
   * @param seen where the epochs of the batches at or behind {@code from} begin, in order
   */
  public void rebuild(long from, List<Entry> seen, long logEndOffset) {
    truncate(logEndOffset + 1);
    Entry last = entries.isEmpty() ? null : entries.get(entries.size() - 1);
    truncate(from);
    seen.forEach(entry -> assign(entry.epoch, entry.startOffset));
    if (last != null
        && last.startOffset == logEndOffset
        && (entries.isEmpty() || last.epoch > latest())) {
      assign(last.epoch, last.startOffset);
    }
  }

  /** Forgets all. */
  public void clear() {
    entries.clear();
  }

  /** Replaces the file; see {@link SealedFile#write}. */
  public static void write(FileStore store, String directory, List<Entry> entries) {
    ByteBuffer payload = ByteBuffer.allocate(4 + entries.size() * ENTRY_BYTES);
    payload.putInt(entries.size());
    entries.forEach(entry -> payload.putInt(entry.epoch).putLong(entry.startOffset));
    FORMAT.write(store, directory + "/" + FILE, payload.flip());
  }

  /**
   * Reads the file; empty if there is none.
   *
   * @param directory in the store, or empty for its top
   */
  public static Optional<EpochHistory> read(FileStore store, String directory) {
    String path = directory.isEmpty() ? FILE : directory + "/" + FILE;
    return FORMAT.read(store, path, EpochHistory::parse);
  }

  static EpochHistory parse(ByteBuffer payload) {
    int count = SealedFile.count(payload, ENTRY_BYTES);
    EpochHistory history = new EpochHistory();
    for (int i = 0; i < count; i++) {
      history.add(new Entry(payload.getInt(), payload.getLong()));
    }
    return history;
  }
}
