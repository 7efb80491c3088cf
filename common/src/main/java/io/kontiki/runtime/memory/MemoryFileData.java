package io.kontiki.runtime.memory;

import io.kontiki.runtime.RandomSource;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one file, as they are and as they are durable, in pages that the two share until one
 * is written. A page that is null holds zeros.
 */
final class MemoryFileData extends MemoryDisk.Node {
  private static final int PAGE = 4096;
  private static final int SECTOR = 512;
  private static final byte[] ZEROS = new byte[PAGE];

  private List<byte @Nullable []> now = new ArrayList<>();
  private List<byte @Nullable []> durable = new ArrayList<>();

  /** Pages whose bytes differ, or may differ, from the durable ones and will be synced. */
  private final BitSet dirty = new BitSet();

  /** Pages whose present array is also the durable one, and must be copied before a write. */
  private final BitSet shared = new BitSet();

  private long size;
  private long durableSize;

  /** By the disk's clock. */
  long modifiedMs;

  /** The last name is gone; what it still grows takes no room of the disk's. */
  boolean unlinked;

  long size() {
    return size;
  }

  int read(ByteBuffer into, long position) {
    int total = 0;
    while (into.hasRemaining() && position + total < size) {
      long at = position + total;
      int inPage = (int) (at % PAGE);
      int count = (int) Math.min(Math.min(PAGE - inPage, into.remaining()), size - at);
      into.put(pageOrZeros(now, (int) (at / PAGE)), inPage, count);
      total += count;
    }
    return total;
  }

  void write(ByteBuffer bytes, long position) {
    long at = position;
    while (bytes.hasRemaining()) {
      int inPage = (int) (at % PAGE);
      int count = Math.min(PAGE - inPage, bytes.remaining());
      bytes.get(writable((int) (at / PAGE)), inPage, count);
      at += count;
    }
    size = Math.max(size, at);
  }

  void truncate(long newSize) {
    if (newSize > size) {
      throw new IllegalArgumentException("cannot cut " + size + " bytes to " + newSize);
    }
    int keep = pages(newSize);
    if (newSize % PAGE != 0) {
      byte[] last = writable(keep - 1);
      java.util.Arrays.fill(last, (int) (newSize % PAGE), PAGE, (byte) 0);
    }
    for (int page = keep; page < now.size(); page++) {
      now.set(page, null);
      shared.clear(page);
      dirty.set(page);
    }
    size = newSize;
  }

  /** All that is dirty becomes durable, and the length. */
  void sync() {
    for (int page = dirty.nextSetBit(0); page >= 0; page = dirty.nextSetBit(page + 1)) {
      set(durable, page, page < now.size() ? now.get(page) : null);
      shared.set(page);
    }
    dirty.clear();
    durableSize = size;
  }

  /** What is dirty counts as clean, and is not durable: what Linux does after a failed sync. */
  void failSync() {
    dirty.clear();
  }

  void flip(long position, int mask) {
    int page = (int) (position / PAGE);
    int inPage = (int) (position % PAGE);
    boolean wasDirty = dirty.get(page);
    byte[] present = writable(page);
    present[inPage] ^= (byte) mask;
    if (!wasDirty) {
      dirty.clear(page);
      set(durable, page, present);
      shared.set(page);
    } else if (position < durableSize) {
      byte[] copy = pageOrZeros(durable, page).clone();
      copy[inPage] ^= (byte) mask;
      set(durable, page, copy);
    }
  }

  /** Becomes what a power cut leaves: all that was synced and a chance part of the rest. */
  void crash(RandomSource random) {
    long newSize = crashSize(random);
    int mode = random.nextInt(4);
    long prefix = newSize == 0 ? 0 : Math.floorMod(random.nextLong(), newSize + 1);
    List<byte @Nullable []> after = new ArrayList<>();
    for (int page = 0; page < pages(newSize); page++) {
      byte[] old = pageOrZeros(durable, page);
      boolean differs = !isSame(page);
      if (!differs || mode == 0) {
        after.add(page < durable.size() ? durable.get(page) : null);
      } else {
        byte[] fresh = pageOrZeros(now, page);
        after.add(mode == 1 ? fresh.clone() : mix(old, fresh, page, mode, prefix, random));
      }
    }
    now = after;
    size = newSize;
    zeroBehindEnd();
    durable = new ArrayList<>(now);
    durableSize = newSize;
    dirty.clear();
    shared.clear();
    shared.set(0, now.size());
    unlinked = false;
  }

  private long crashSize(RandomSource random) {
    int choice = random.nextInt(3);
    if (choice == 0 || size == durableSize) {
      return durableSize;
    }
    if (choice == 1 || size < durableSize) {
      // A cut happened or not; only growth stops anywhere in between.
      return size;
    }
    return durableSize + Math.floorMod(random.nextLong(), size - durableSize + 1);
  }

  private static byte[] mix(
      byte[] old, byte[] fresh, int page, int mode, long prefix, RandomSource random) {
    byte[] result = old.clone();
    long start = (long) page * PAGE;
    if (mode == 2) {
      int count = (int) Math.max(0, Math.min(PAGE, prefix - start));
      System.arraycopy(fresh, 0, result, 0, count);
      return result;
    }
    for (int sector = 0; sector < PAGE; sector += SECTOR) {
      if (random.nextInt(2) == 0) {
        System.arraycopy(fresh, sector, result, sector, SECTOR);
      }
    }
    return result;
  }

  private boolean isSame(int page) {
    return pageOrZeros(now, page) == pageOrZeros(durable, page);
  }

  private void zeroBehindEnd() {
    int inPage = (int) (size % PAGE);
    int last = pages(size) - 1;
    if (inPage != 0) {
      byte[] copy = pageOrZeros(now, last).clone();
      java.util.Arrays.fill(copy, inPage, PAGE, (byte) 0);
      now.set(last, copy);
    }
  }

  private byte[] writable(int page) {
    byte[] present = pageOrZeros(now, page);
    if (present == ZEROS || shared.get(page)) {
      present = present.clone();
      set(now, page, present);
      shared.clear(page);
    }
    dirty.set(page);
    return present;
  }

  private static byte[] pageOrZeros(List<byte @Nullable []> pages, int page) {
    byte[] found = page < pages.size() ? pages.get(page) : null;
    return found == null ? ZEROS : found;
  }

  private static void set(List<byte @Nullable []> pages, int page, byte @Nullable [] content) {
    while (pages.size() <= page) {
      pages.add(null);
    }
    pages.set(page, content);
  }

  private static int pages(long bytes) {
    return Math.toIntExact((bytes + PAGE - 1) / PAGE);
  }
}
