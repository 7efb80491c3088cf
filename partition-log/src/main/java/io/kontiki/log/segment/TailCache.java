package io.kontiki.log.segment;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The batches that the logs of one loop appended last, by reference, oldest dropped first: what
 * consumers and followers at the end read without a system call. Belongs to its loop.
 */
public final class TailCache {
  // What a batch costs beside its bytes.
  private static final int OVERHEAD_BYTES = 128;

  private final ArrayDeque<Slot> order = new ArrayDeque<>();
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
      Slot slot = order.remove();
      Cached cached = slot.tail.batches.get(slot.baseOffset);
      if (cached != null && cached.slot == slot) {
        slot.tail.batches.remove(slot.baseOffset);
        bytes -= cost(cached.bytes);
      }
    }
  }

  private static long cost(ByteBuffer batch) {
    return (long) batch.remaining() + OVERHEAD_BYTES;
  }

  private record Slot(Tail tail, long baseOffset) {
    // Identity: an offset may come again after a truncation.
    @Override
    public boolean equals(@org.jspecify.annotations.Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  private record Cached(ByteBuffer bytes, long nextOffset, Slot slot) {}

  /** The last batches of one log, without a gap. */
  public final class Tail {
    private final TreeMap<Long, Cached> batches = new TreeMap<>();

    private Tail() {}

    /** Adds what was appended; kept as it is. */
    public void add(long baseOffset, long nextOffset, ByteBuffer batch) {
      Slot slot = new Slot(this, baseOffset);
      batches.put(baseOffset, new Cached(batch.asReadOnlyBuffer(), nextOffset, slot));
      order.add(slot);
      bytes += cost(batch);
      shrink();
    }

    /** Whether the batch with this offset is here, and so everything behind it. */
    public boolean has(long offset) {
      Map.Entry<Long, Cached> found = batches.floorEntry(offset);
      return found != null && found.getValue().nextOffset > offset;
    }

    /** Whole batches from the one with this offset; see {@code PartitionLog.read}. */
    public List<ByteBuffer> read(long offset, long limitOffset, int maxBytes) {
      List<ByteBuffer> found = new ArrayList<>();
      int total = 0;
      for (Cached cached : batches.tailMap(batches.floorKey(offset), true).values()) {
        int size = cached.bytes.remaining();
        if (cached.nextOffset > limitOffset || (!found.isEmpty() && total + size > maxBytes)) {
          break;
        }
        found.add(cached.bytes.duplicate());
        total += size;
      }
      return found;
    }

    /** Forgets batches that reach behind an offset. */
    public void truncate(long offset) {
      while (!batches.isEmpty() && batches.lastEntry().getValue().nextOffset > offset) {
        bytes -= cost(batches.pollLastEntry().getValue().bytes);
      }
    }

    /** Forgets all. */
    public void clear() {
      truncate(Long.MIN_VALUE);
    }
  }
}
