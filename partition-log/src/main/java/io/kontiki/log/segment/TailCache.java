package io.kontiki.log.segment;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Copies of the batches that the logs of one loop appended last, oldest dropped first: what
 * consumers and followers at the end read without a system call. Belongs to its loop.
 */
public final class TailCache {
  // What a batch costs beside its bytes.
  private static final int OVERHEAD_BYTES = 128;
  private static final Cached[] NONE = {};

  private final ArrayDeque<Cached> order = new ArrayDeque<>();
  private final CopyRing ring;
  private long maxBytes;
  private long bytes;

  /** Bounded. */
  public TailCache(long maxBytes) {
    this.maxBytes = maxBytes;
    this.ring = new CopyRing(maxBytes);
  }

  /** Another bound from now on. */
  public void maxBytes(long newMaxBytes) {
    maxBytes = newMaxBytes;
    shrink();
  }

  /** The part of one log. */
  public Tail newTail() {
    return new Tail();
  }

  /** Bytes held, the overhead included. */
  public long sizeBytes() {
    return bytes;
  }

  private void shrink() {
    // What was truncated takes room until it is the oldest.
    while (!order.isEmpty() && (bytes > maxBytes || ring.used() > 2 * maxBytes)) {
      drop(order.remove());
    }
    ring.release(order.isEmpty() ? ring.end() : order.element().place, maxBytes);
  }

  private void drop(Cached oldest) {
    // What is not the first of its log any more was forgotten with a truncation.
    if (oldest.tail.size > 0 && oldest.tail.at(0) == oldest) {
      bytes -= oldest.cost();
      oldest.tail.removeFirst();
    }
  }

  private record Cached(Tail tail, long baseOffset, long nextOffset, long place, int length) {
    private long cost() {
      return (long) length + OVERHEAD_BYTES;
    }
  }

  /** The last batches of one log, without a gap. */
  public final class Tail {
    // A ring as long as it needs to be: most logs stand still. Offsets rise; the first is the one
    // that goes first, since all logs drop what is oldest.
    private Cached[] batches = NONE;
    private int first;
    private int size;

    private Tail() {}

    /** Adds a copy of what was appended. */
    public void add(long baseOffset, long nextOffset, ByteBuffer batch) {
      int length = batch.remaining();
      if (length + OVERHEAD_BYTES > maxBytes) {
        while (!order.isEmpty()) {
          drop(order.remove());
        }
        shrink();
        return;
      }
      if (size == batches.length) {
        grow();
      }
      Cached cached = new Cached(this, baseOffset, nextOffset, ring.add(batch), length);
      batches[place(size)] = cached;
      size++;
      order.add(cached);
      bytes += cached.cost();
      shrink();
    }

    /** Whether the batch with this offset is here, and so everything behind it. */
    public boolean has(long offset) {
      int found = floor(offset);
      return found >= 0 && at(found).nextOffset > offset;
    }

    /** Whole batches from the one with this offset; see {@code PartitionLog.read}. */
    public List<ByteBuffer> read(long offset, long limitOffset, int maxBytes) {
      int from = floor(offset);
      int to = from;
      int total = 0;
      while (to < size) {
        Cached cached = at(to);
        if (cached.nextOffset > limitOffset || (to > from && total + cached.length > maxBytes)) {
          break;
        }
        total += cached.length;
        to++;
      }
      byte[] copy = new byte[total];
      ByteBuffer all = ByteBuffer.wrap(copy).asReadOnlyBuffer();
      List<ByteBuffer> found = new ArrayList<>(to - from);
      int filled = 0;
      for (int i = from; i < to; i++) {
        Cached cached = at(i);
        ring.copy(cached.place, copy, filled, cached.length);
        found.add(all.slice(filled, cached.length));
        filled += cached.length;
      }
      return found;
    }

    /** Forgets batches that reach behind an offset. */
    public void truncate(long offset) {
      while (size > 0 && at(size - 1).nextOffset > offset) {
        bytes -= at(size - 1).cost();
        batches[place(size - 1)] = null;
        size--;
      }
      freeIfEmpty();
    }

    /** Forgets all. */
    public void clear() {
      truncate(Long.MIN_VALUE);
    }

    /** Number of the last batch that begins at or before an offset, or -1. */
    private int floor(long offset) {
      int low = 0;
      int high = size;
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (at(middle).baseOffset <= offset) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return low - 1;
    }

    private Cached at(int number) {
      return batches[place(number)];
    }

    private int place(int number) {
      return first + number & batches.length - 1;
    }

    private void removeFirst() {
      batches[first] = null;
      first = place(1);
      size--;
      freeIfEmpty();
    }

    private void grow() {
      Cached[] longer = new Cached[Math.max(1, batches.length * 2)];
      for (int i = 0; i < size; i++) {
        longer[i] = at(i);
      }
      batches = longer;
      first = 0;
    }

    private void freeIfEmpty() {
      if (size == 0) {
        batches = NONE;
        first = 0;
      }
    }
  }
}
