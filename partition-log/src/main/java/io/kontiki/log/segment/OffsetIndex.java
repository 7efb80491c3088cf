package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The sparse offset index of one segment, on the heap. Byte-compatible with Kafka's file:
 *
 * <pre>
 * entry: 4 bytes last offset of a batch minus base offset, 4 bytes position where the batch begins
 * </pre>
 *
 * <p>Invariant: offsets and positions rise strictly. The file is derived data (rule D3): whoever
 * uses an answer checks what lies at the position.
 */
public final class OffsetIndex {
  /** Bytes of an entry. */
  public static final int ENTRY_BYTES = 8;

  private final long baseOffset;
  private static final long[] NONE = {};

  // As long as it needs to be: most logs stand still.
  private long[] entries = NONE;
  private int count;

  /** Empty, of the segment with this base offset. */
  public OffsetIndex(long baseOffset) {
    this.baseOffset = baseOffset;
  }

  /** How many entries. */
  public int count() {
    return count;
  }

  /** Adds a batch by its last offset and its position; ignored unless both rise. */
  public void append(long lastOffset, int position) {
    long entry = (lastOffset - baseOffset) << 32 | position;
    if (count > 0
        && (relativeOffset(entry) <= relativeOffset(entries[count - 1])
            || position <= (int) entries[count - 1])) {
      return;
    }
    if (count == entries.length) {
      entries = Arrays.copyOf(entries, Math.max(1, count * 2));
    }
    entries[count++] = entry;
  }

  /**
   * A batch to begin a search with.
   *
   * @param lastOffset of the batch; -1 with {@link #START}
   * @param position where it begins
   */
  public record Anchor(long lastOffset, int position) {
    /** The beginning of the segment. */
    public static final Anchor START = new Anchor(-1, 0);
  }

  /** An indexed batch that does not lie behind the one with this offset. */
  public Anchor before(long offset) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (relativeOffset(entries[middle]) <= offset - baseOffset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == 0 ? Anchor.START : anchor(baseOffset, entries[low - 1]);
  }

  private static Anchor anchor(long baseOffset, long entry) {
    return new Anchor(baseOffset + relativeOffset(entry), (int) entry);
  }

  /** All entries, in order. */
  public List<Anchor> anchors() {
    List<Anchor> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      all.add(anchor(baseOffset, entries[i]));
    }
    return all;
  }

  /** Drops the entries of batches that end at or behind an offset. */
  public void truncate(long offset) {
    while (count > 0 && relativeOffset(entries[count - 1]) >= offset - baseOffset) {
      count--;
    }
  }

  /** Last offset of the last indexed batch, or -1. */
  public long lastIndexedOffset() {
    return count == 0 ? -1 : baseOffset + relativeOffset(entries[count - 1]);
  }

  /** Position of the last indexed batch, or 0. */
  public int lastPosition() {
    return count == 0 ? 0 : (int) entries[count - 1];
  }

  /** The content of the file from an entry on. */
  public ByteBuffer encode(int fromEntry) {
    ByteBuffer bytes = ByteBuffer.allocate((count - fromEntry) * ENTRY_BYTES);
    for (int i = fromEntry; i < count; i++) {
      bytes.putLong(entries[i]);
    }
    return bytes.flip();
  }

  /**
   * Reads a file as far as it makes sense and lies below the limits.
   *
   * @param belowOffset entries at or behind it are left out
   * @param belowPosition as well
   */
  public static OffsetIndex decode(
      long baseOffset, ByteBuffer file, long belowOffset, long belowPosition) {
    OffsetIndex index = new OffsetIndex(baseOffset);
    while (file.remaining() >= ENTRY_BYTES) {
      long entry = file.getLong();
      int before = index.count;
      if (relativeOffset(entry) < 0
          || baseOffset + relativeOffset(entry) >= belowOffset
          || (int) entry < 0
          || (int) entry >= belowPosition) {
        break;
      }
      index.append(baseOffset + relativeOffset(entry), (int) entry);
      if (index.count == before) {
        break;
      }
    }
    return index;
  }

  /** {@link #before} in a file, without reading all of it. */
  public static Anchor before(FileStore.File file, long baseOffset, long offset) {
    ByteBuffer entry = ByteBuffer.allocate(ENTRY_BYTES);
    long low = 0;
    long high = file.size() / ENTRY_BYTES;
    Anchor found = Anchor.START;
    while (low < high) {
      long middle = (low + high) >>> 1;
      if (file.read(entry.clear(), middle * ENTRY_BYTES) < ENTRY_BYTES) {
        return Anchor.START;
      }
      if (relativeOffset(entry.getLong(0)) <= offset - baseOffset) {
        found = anchor(baseOffset, entry.getLong(0));
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return found;
  }

  private static int relativeOffset(long entry) {
    return (int) (entry >>> 32);
  }
}
