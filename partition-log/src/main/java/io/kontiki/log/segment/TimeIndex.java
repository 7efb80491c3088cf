package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The sparse time index of one segment, on the heap. Byte-compatible with Kafka's file:
 *
 * <pre>
 * entry: 8 bytes greatest timestamp so far, 4 bytes last offset of the batch that has it, minus base
 * </pre>
 *
 * <p>Invariant: timestamps and offsets rise strictly. Derived data (rule D3).
 */
public final class TimeIndex {
  /** Bytes of an entry. */
  public static final int ENTRY_BYTES = 12;

  private final long baseOffset;
  private static final long[] NO_TIMES = {};
  private static final int[] NO_OFFSETS = {};

  // As long as they need to be: most logs stand still.
  private long[] timestamps = NO_TIMES;
  private int[] offsets = NO_OFFSETS;
  private int count;

  /** Empty, of the segment with this base offset. */
  public TimeIndex(long baseOffset) {
    this.baseOffset = baseOffset;
  }

  /** How many entries. */
  public int count() {
    return count;
  }

  /** Adds an entry; ignored unless both values rise. */
  public void append(long timestampMs, long offset) {
    int relative = (int) (offset - baseOffset);
    if (timestampMs < 0
        || (count > 0
            && (timestampMs <= timestamps[count - 1] || relative <= offsets[count - 1]))) {
      return;
    }
    if (count == offsets.length) {
      int length = Math.max(1, count * 2);
      timestamps = Arrays.copyOf(timestamps, length);
      offsets = Arrays.copyOf(offsets, length);
    }
    timestamps[count] = timestampMs;
    offsets[count++] = relative;
  }

  /**
   * One entry.
   *
   * @param offset last one of the batch that has the timestamp
   */
  public record Entry(long timestampMs, long offset) {}

  /** The last entry whose time is older: so is every record up to its offset. Null: none is. */
  public @Nullable Entry before(long timestampMs) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (timestamps[middle] < timestampMs) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == 0 ? null : entry(low - 1);
  }

  /** The last entry, which has the greatest timestamp; null if there is none. */
  public @Nullable Entry last() {
    return count == 0 ? null : entry(count - 1);
  }

  private Entry entry(int place) {
    return new Entry(timestamps[place], baseOffset + offsets[place]);
  }

  /** Drops entries at or behind an offset. */
  public void truncate(long offset) {
    while (count > 0 && offsets[count - 1] >= offset - baseOffset) {
      count--;
    }
  }

  /** The greatest timestamp, or -1. */
  public long lastTimestampMs() {
    return count == 0 ? -1 : timestamps[count - 1];
  }

  /** The offset of the last entry, or -1. */
  public long lastOffset() {
    return count == 0 ? -1 : baseOffset + offsets[count - 1];
  }

  /** The content of the file from an entry on. */
  public ByteBuffer encode(int fromEntry) {
    ByteBuffer bytes = ByteBuffer.allocate((count - fromEntry) * ENTRY_BYTES);
    for (int i = fromEntry; i < count; i++) {
      bytes.putLong(timestamps[i]).putInt(offsets[i]);
    }
    return bytes.flip();
  }

  /** Reads a file as far as it makes sense and lies below an offset. */
  public static TimeIndex decode(long baseOffset, ByteBuffer file, long belowOffset) {
    TimeIndex index = new TimeIndex(baseOffset);
    while (file.remaining() >= ENTRY_BYTES) {
      long timestampMs = file.getLong();
      int relative = file.getInt();
      int before = index.count;
      if (relative < 0 || baseOffset + relative >= belowOffset) {
        break;
      }
      index.append(timestampMs, baseOffset + relative);
      if (index.count == before) {
        break;
      }
    }
    return index;
  }

  /** The whole index of a closed segment, read from its file. */
  public static TimeIndex read(FileStore.File file, long baseOffset) {
    ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(file.size(), 64L << 20));
    file.read(bytes, 0);
    return decode(baseOffset, bytes.flip(), Long.MAX_VALUE);
  }
}
