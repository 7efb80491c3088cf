package io.kontiki.log.clean;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * The newest offset of each key, in bounded memory: a key is known by 128 bits of its SHA-256, for
 * which nobody can make two that are equal. Not thread-safe.
 */
public final class OffsetMap {
  /** Bytes of an entry. */
  public static final int ENTRY_BYTES = 24;

  /** No such key. */
  public static final long NONE = -1;

  private static final int SMALLEST = 1 << 8;
  private static final double LOAD = 0.9;

  private final int maxSlots;
  private final MessageDigest digest;
  private long[] slots;
  private int size;
  private long high;
  private long low;

  /**
   * @param maxBytes what the map may take at most; it begins small
   */
  public OffsetMap(int maxBytes) {
    this.maxSlots = Math.max(2, maxBytes / ENTRY_BYTES);
    this.slots = newSlots(Math.min(SMALLEST, maxSlots));
    try {
      this.digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /**
   * Takes note of a key at an offset, the newest so far.
   *
   * @return false: it does not fit, and nothing changed
   */
  public boolean put(ByteBuffer key, long offset) {
    hash(key);
    int at = slotOf(high, low);
    if (slots[at + 2] == NONE) {
      int capacity = slots.length / 3;
      if (size + 1 > LOAD * capacity) {
        if (capacity >= maxSlots) {
          return false;
        }
        grow();
        at = slotOf(high, low);
      }
      size++;
      slots[at] = high;
      slots[at + 1] = low;
    }
    slots[at + 2] = offset;
    return true;
  }

  /** The newest offset of a key, or {@link #NONE}. */
  public long newest(ByteBuffer key) {
    hash(key);
    return slots[slotOf(high, low) + 2];
  }

  /** How many keys. */
  public int size() {
    return size;
  }

  private void hash(ByteBuffer key) {
    digest.update(key.duplicate());
    ByteBuffer hash = ByteBuffer.wrap(digest.digest());
    high = hash.getLong();
    low = hash.getLong();
  }

  private int slotOf(long wantedHigh, long wantedLow) {
    int count = slots.length / 3;
    int at = (int) Long.remainderUnsigned(wantedHigh, count);
    while (slots[3 * at + 2] != NONE
        && (slots[3 * at] != wantedHigh || slots[3 * at + 1] != wantedLow)) {
      at = at + 1 == count ? 0 : at + 1;
    }
    return 3 * at;
  }

  private void grow() {
    long[] old = slots;
    slots = newSlots((int) Math.min(maxSlots, 2L * (old.length / 3)));
    for (int i = 0; i < old.length; i += 3) {
      if (old[i + 2] != NONE) {
        int at = slotOf(old[i], old[i + 1]);
        System.arraycopy(old, i, slots, at, 3);
      }
    }
  }

  private static long[] newSlots(int count) {
    long[] made = new long[Math.multiplyExact(3, count)];
    Arrays.fill(made, NONE);
    return made;
  }
}
