package io.kontiki.broker.partition;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The batches that a leader appended last, by reference, so that live followers are shipped from
 * the buffers that came in and not from files (DESIGN 6). Bounded: what does not fit is forgotten,
 * oldest first, and read from the log by who still needs it.
 */
final class RecentAppends {
  private final ArrayDeque<Entry> entries = new ArrayDeque<>(0);
  private final int maxBytes;
  private final Budget budget;
  private int bytes;

  RecentAppends(int maxBytes, Budget budget) {
    this.maxBytes = maxBytes;
    this.budget = budget;
  }

  /** Bytes that all partitions of a loop may keep together. */
  static final class Budget {
    private long left;

    Budget(long bytes) {
      this.left = bytes;
    }

    long left() {
      return left;
    }
  }

  /** Keeps a batch that was just appended. */
  void add(long baseOffset, long nextOffset, ByteBuffer batch) {
    int size = batch.remaining();
    if (!entries.isEmpty() && entries.getLast().nextOffset != baseOffset) {
      clear();
    }
    while (!entries.isEmpty() && (bytes + size > maxBytes || size > budget.left)) {
      removeFirst();
    }
    if (size <= maxBytes && size <= budget.left) {
      entries.add(new Entry(baseOffset, nextOffset, batch));
      bytes += size;
      budget.left -= size;
    }
  }

  /**
   * The batches from an offset on.
   *
   * @param limitBytes at least one batch comes
   * @return null if the offset is not kept
   */
  @Nullable Chunk from(long offset, int limitBytes) {
    if (entries.isEmpty() || offset < entries.getFirst().baseOffset) {
      return null;
    }
    List<ByteBuffer> found = new ArrayList<>();
    long next = offset;
    int sum = 0;
    for (Entry entry : entries) {
      if (entry.nextOffset <= offset) {
        continue;
      }
      int size = entry.batch.remaining();
      if (!found.isEmpty() && sum + size > limitBytes) {
        break;
      }
      found.add(entry.batch);
      sum += size;
      next = entry.nextOffset;
    }
    return found.isEmpty() ? null : new Chunk(found, sum, next);
  }

  /** Forgets what ends at or before an offset: all live followers have been shipped it. */
  void releaseUpTo(long offset) {
    while (!entries.isEmpty() && entries.getFirst().nextOffset <= offset) {
      removeFirst();
    }
  }

  void clear() {
    while (!entries.isEmpty()) {
      removeFirst();
    }
  }

  int bytes() {
    return bytes;
  }

  private void removeFirst() {
    int size = entries.removeFirst().batch.remaining();
    bytes -= size;
    budget.left += size;
  }

  private record Entry(long baseOffset, long nextOffset, ByteBuffer batch) {}
}
