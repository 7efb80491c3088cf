package io.kontiki.log.segment;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The batches that the logs of one loop appended last, by reference, oldest dropped first: what
 * consumers and followers at the end read without a system call. Belongs to its loop.
 */
public final class TailCache {
  // What a batch costs beside its bytes.
  private static final int OVERHEAD_BYTES = 128;
  private static final Cached[] NONE = {};

  private final ArrayDeque<Cached> order = new ArrayDeque<>();
  private long maxBytes;
  private long bytes;

  /** Bounded. */
  public TailCache(long maxBytes) {
    this.maxBytes = maxBytes;
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
    while (bytes > maxBytes && !order.isEmpty()) {
      Cached oldest = order.remove();
      // What is not the first of its log any more was forgotten with a truncation.
      if (oldest.tail.size > 0 && oldest.tail.at(0) == oldest) {
        bytes -= cost(oldest.bytes);
        oldest.tail.removeFirst();
      }
    }
  }

  private static long cost(ByteBuffer batch) {
    return (long) batch.remaining() + OVERHEAD_BYTES;
  }

  private static final class Cached {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Tail tail;
    private final long baseOffset;
    private final long nextOffset;
    private ByteBuffer bytes;

    private Cached(Tail tail, long baseOffset, long nextOffset, ByteBuffer bytes) {
      this.tail = tail;
      this.baseOffset = baseOffset;
      this.nextOffset = nextOffset;
      this.bytes = bytes;
    }
  }

  /** The last batches of one log, without a gap. */
  public final class Tail {
    // A ring as long as it needs to be: most logs stand still. Offsets rise; the first is the one
    // that goes first, since all logs drop what is oldest.
    private Cached[] ring = NONE;
    private int first;
    private int size;

    private Tail() {}

    /** Adds what was appended; kept as it is. */
    public void add(long baseOffset, long nextOffset, ByteBuffer batch) {
      if (size == ring.length) {
        grow();
      }
      Cached cached = new Cached(this, baseOffset, nextOffset, batch.asReadOnlyBuffer());
      ring[place(size)] = cached;
      size++;
      order.add(cached);
      bytes += cost(batch);
      shrink();
    }

    /** Whether the batch with this offset is here, and so everything behind it. */
    public boolean has(long offset) {
      int found = floor(offset);
      return found >= 0 && at(found).nextOffset > offset;
    }

    /** Whole batches from the one with this offset; see {@code PartitionLog.read}. */
    public List<ByteBuffer> read(long offset, long limitOffset, int maxBytes) {
      List<ByteBuffer> found = new ArrayList<>();
      int total = 0;
      for (int i = floor(offset); i < size; i++) {
        Cached cached = at(i);
        int length = cached.bytes.remaining();
        if (cached.nextOffset > limitOffset || (!found.isEmpty() && total + length > maxBytes)) {
          break;
        }
        found.add(cached.bytes.duplicate());
        total += length;
      }
      return found;
    }

    /** Forgets batches that reach behind an offset. */
    public void truncate(long offset) {
      while (size > 0 && at(size - 1).nextOffset > offset) {
        Cached last = at(size - 1);
        bytes -= cost(last.bytes);
        last.bytes = Cached.NOTHING;
        ring[place(size - 1)] = null;
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
      return ring[place(number)];
    }

    private int place(int number) {
      return first + number & ring.length - 1;
    }

    private void removeFirst() {
      ring[first] = null;
      first = place(1);
      size--;
      freeIfEmpty();
    }

    private void grow() {
      Cached[] longer = new Cached[Math.max(1, ring.length * 2)];
      for (int i = 0; i < size; i++) {
        longer[i] = at(i);
      }
      ring = longer;
      first = 0;
    }

    private void freeIfEmpty() {
      if (size == 0) {
        ring = NONE;
        first = 0;
      }
    }
  }
}
