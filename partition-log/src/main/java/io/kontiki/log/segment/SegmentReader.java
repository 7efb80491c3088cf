package io.kontiki.log.segment;

import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads batches from segment files; on any thread, from values that the loop gave it. Every batch
 * that comes from a file is checked each time (rule L2): its checksum, and what no checksum covers,
 * that its base offset follows the batch before and that its leader epoch is the one that the log
 * knows for it.
 */
public final class SegmentReader {
  /** Of a batch whose leader epoch the log does not know. */
  public static final int ANY_EPOCH = -1;

  /** Where a segment ends is not known. */
  public static final long UNKNOWN_END = Long.MAX_VALUE;

  /** Small enough to be in the processor's cache when its checksum is made. */
  private static final int CHECKED_BYTES = 256 << 10;

  private static final ThreadLocal<ByteBuffer> CHECKED =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(CHECKED_BYTES));

  private final OpenFiles files;

  /** Reads through these. */
  public SegmentReader(OpenFiles files) {
    this.files = files;
  }

  /**
   * A segment as it was when the read was asked for.
   *
   * @param endOffset exclusive: where the next segment, or what is appended next, begins; or {@link
   *     #UNKNOWN_END}
   * @param sizeBytes nothing behind it is read (rule L1)
   * @param anchor to search from, or null: ask the index file
   * @param epochOf the leader epoch of an offset, or {@link #ANY_EPOCH}; any thread
   * @param contiguous whether no offset is missing between two batches; not so after compaction
   */
  public record View(
      String directory,
      long baseOffset,
      long endOffset,
      long sizeBytes,
      OffsetIndex.@Nullable Anchor anchor,
      LongToIntFunction epochOf,
      boolean contiguous) {
    /** Path of the records. */
    public String path() {
      return SegmentFiles.path(directory, baseOffset, SegmentFiles.LOG);
    }
  }

  /**
   * Bytes that are not what was written (rule D9).
   *
   * @param baseOffset of the segment
   * @param position in its file, of the first byte that is not part of a good batch
   * @param offset that the batch there should begin with
   * @param what is wrong with it
   */
  public record Damage(long baseOffset, long position, long offset, String what) {}

  /**
   * What was read.
   *
   * @param damage that stopped it, or null
   */
  public record Slice(List<ByteBuffer> batches, int bytes, @Nullable Damage damage) {}

  /**
   * A batch and where it lies: the first that contains an offset or follows it.
   *
   * @param damage that stopped the search, and position and offset are its own; or null
   */
  public record Found(
      long position,
      long baseOffset,
      long nextOffset,
      long maxTimestampMs,
      @Nullable Damage damage) {}

  /**
   * How far a check came.
   *
   * @param position behind the last good batch
   * @param offset behind it
   * @param damage that stopped it, or null
   */
  public record Checked(long position, long offset, @Nullable Damage damage) {}

  /** Reads whole batches from the one that contains an offset; see {@code PartitionLog.read}. */
  public Slice read(View view, long offset, long limitOffset, int maxBytes) {
    OffsetIndex.Anchor anchor = anchorOf(view, offset);
    return files.use(
        view.path(),
        file -> {
          Located located = locate(file, view, anchor, offset);
          if (located.damage != null || !located.found) {
            return new Slice(List.of(), 0, located.damage);
          }
          RecordBatch first = located.walker.batch();
          long position = located.walker.position();
          long wanted = Math.max(maxBytes, first.sizeBytes());
          ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(wanted, view.sizeBytes - position));
          boolean ends = file.read(bytes, position) < bytes.capacity();
          Slice slice = slice(bytes.flip(), position, view, first.baseOffset(), limitOffset);
          return ends && slice.batches.isEmpty() && slice.damage == null
              ? new Slice(
                  List.of(),
                  0,
                  new Damage(
                      view.baseOffset,
                      position,
                      first.baseOffset(),
                      "the file ends inside the batch"))
              : slice;
        });
  }

  /**
   * Sound bytes in the file of a segment.
   *
   * @param bytes 0: none
   * @param nextOffset behind them
   * @param damage that stopped it, or null
   */
  public record Sound(long position, int bytes, long nextOffset, @Nullable Damage damage) {}

  /** Checks what {@link #read} would read, and keeps only where it lies. */
  public Sound findSound(View view, long offset, long limitOffset, int maxBytes) {
    OffsetIndex.Anchor anchor = anchorOf(view, offset);
    return files.use(
        view.path(),
        file -> {
          Located located = locate(file, view, anchor, offset);
          if (located.damage != null || !located.found) {
            return new Sound(0, 0, offset, located.damage);
          }
          RecordBatch first = located.walker.batch();
          return sound(file, view, located.walker.position(), first, limitOffset, maxBytes);
        });
  }

  private static Sound sound(
      FileStore.File file,
      View view,
      long start,
      RecordBatch first,
      long limitOffset,
      int maxBytes) {
    long end = Math.min(view.sizeBytes, start + Math.max(maxBytes, first.sizeBytes()));
    ByteBuffer piece = CHECKED.get();
    long position = start;
    long due = first.baseOffset();
    while (position < end) {
      piece.clear().limit((int) Math.min(piece.capacity(), end - position));
      int wanted = piece.remaining();
      int count = file.read(piece, position);
      Slice slice = slice(piece.flip(), position, view, due, limitOffset);
      Damage damage = slice.damage;
      if (damage == null && count < wanted && slice.batches.isEmpty()) {
        String what = "the file ends inside the batch";
        damage = new Damage(view.baseOffset, position, due, what);
      }
      if (!slice.batches.isEmpty()) {
        due = RecordBatch.at(slice.batches.get(slice.batches.size() - 1)).nextOffset();
        position += slice.bytes;
      }
      if (damage != null) {
        return new Sound(start, (int) (position - start), due, damage);
      }
      if (slice.batches.isEmpty()) {
        int size =
            count < RecordBatch.HEADER_BYTES ? 0 : RecordBatch.at(piece.rewind()).sizeBytes();
        if (size <= piece.capacity() || size > end - position) {
          break; // behind the limit, or what is left has no whole batch
        }
        piece = ByteBuffer.allocate(size);
      }
    }
    return new Sound(start, (int) (position - start), due, null);
  }

  private static Slice slice(
      ByteBuffer bytes, long from, View view, long firstOffset, long limitOffset) {
    List<ByteBuffer> batches = new ArrayList<>();
    long due = firstOffset;
    while (bytes.remaining() >= RecordBatch.HEADER_BYTES) {
      RecordBatch batch = RecordBatch.at(bytes);
      long position = from + bytes.position();
      String fault = BatchWalker.headerFault(batch, view.sizeBytes - position);
      if (fault.isEmpty() && batch.sizeBytes() > bytes.remaining()) {
        break;
      }
      if (fault.isEmpty()) {
        fault = fault(batch, view, due);
      }
      if (!fault.isEmpty()) {
        Damage damage = new Damage(view.baseOffset, position, due, fault);
        return new Slice(batches, bytes.position(), damage);
      }
      if (batch.nextOffset() > limitOffset) {
        break;
      }
      due = batch.nextOffset();
      int size = batch.sizeBytes();
      batches.add(bytes.slice(bytes.position(), size).asReadOnlyBuffer());
      bytes.position(bytes.position() + size);
    }
    return new Slice(batches, bytes.position(), null);
  }

  /**
   * What is wrong with a whole batch whose header is possible, or empty.
   *
   * @param due the offset behind the batch before
   */
  public static String fault(RecordBatch batch, View view, long due) {
    String fault = place(batch, view, due);
    if (!fault.isEmpty()) {
      return fault;
    }
    int epoch = view.epochOf.applyAsInt(batch.baseOffset());
    if (epoch != ANY_EPOCH && batch.leaderEpoch() != epoch) {
      return "leader epoch " + batch.leaderEpoch() + " instead of " + epoch;
    }
    return batch.computeCrc() == batch.crc()
        ? ""
        : "checksum is wrong at offset " + batch.baseOffset();
  }

  private static String place(RecordBatch batch, View view, long due) {
    return batch.baseOffset() < due || (view.contiguous && batch.baseOffset() != due)
        ? "base offset " + batch.baseOffset() + " where " + due + " was due"
        : "";
  }

  /**
   * Checks batches as {@link #read} does, without keeping them.
   *
   * @param position where a batch begins
   * @param due its base offset
   * @param maxBytes about so many are read
   */
  public Checked check(View view, long position, long due, long maxBytes) {
    return files.use(
        view.path(),
        file -> {
          BatchWalker walker = new BatchWalker(file, position, view.sizeBytes);
          long offset = due;
          while (walker.nextPosition() - position < maxBytes) {
            if (!walker.next(0, 0, false)) {
              break;
            }
            String fault =
                walker.loadWhole()
                    ? fault(walker.batch(), view, offset)
                    : "the file ends inside the batch";
            if (!fault.isEmpty()) {
              return new Checked(
                  walker.position(),
                  offset,
                  new Damage(view.baseOffset, walker.position(), offset, fault));
            }
            offset = walker.batch().nextOffset();
          }
          Damage damage =
              walker.nextPosition() < view.sizeBytes && walker.fault().isEmpty()
                  ? null
                  : atEnd(walker, view, offset);
          return new Checked(
              damage == null ? walker.nextPosition() : walker.position(), offset, damage);
        });
  }

  /** The batch that contains an offset, or the first behind it; else the end. */
  public Found find(View view, long offset) {
    OffsetIndex.Anchor anchor = anchorOf(view, offset);
    return files.use(
        view.path(),
        file -> {
          Located located = locate(file, view, anchor, offset);
          Damage damage = located.damage;
          if (damage != null) {
            return new Found(damage.position, damage.offset, damage.offset, -1, damage);
          }
          RecordBatch batch = located.walker.batch();
          return located.found
              ? new Found(
                  located.walker.position(),
                  batch.baseOffset(),
                  batch.nextOffset(),
                  batch.maxTimestamp(),
                  null)
              : new Found(view.sizeBytes, offset, offset, -1, null);
        });
  }

  /** The batch whose possible header stands at a position, or null if none does. */
  @SuppressWarnings("NullAway") // null passes through the type parameter
  public @Nullable Found at(View view, long position) {
    return files.use(
        view.path(),
        file -> {
          BatchWalker walker = new BatchWalker(file, position, view.sizeBytes);
          if (!walker.next(view.baseOffset, 0, false)) {
            return null;
          }
          RecordBatch batch = walker.batch();
          return new Found(
              position, batch.baseOffset(), batch.nextOffset(), batch.maxTimestamp(), null);
        });
  }

  /** Where to search from: checked, since an index is derived data. */
  private OffsetIndex.Anchor anchorOf(View view, long offset) {
    if (view.anchor != null) {
      return view.anchor;
    }
    String index = SegmentFiles.path(view.directory, view.baseOffset, SegmentFiles.INDEX);
    try {
      return files.use(index, file -> OffsetIndex.before(file, view.baseOffset, offset));
    } catch (StorageException e) {
      // Without its index a segment is searched from the beginning.
      return OffsetIndex.Anchor.START;
    }
  }

  private record Located(BatchWalker walker, boolean found, @Nullable Damage damage) {}

  private static Located locate(
      FileStore.File file, View view, OffsetIndex.Anchor anchor, long offset) {
    if (anchor.position() > 0 && anchor.position() < view.sizeBytes) {
      BatchWalker walker = new BatchWalker(file, anchor.position(), view.sizeBytes);
      // Entry and batch must agree: a base offset has no checksum.
      if (walker.next(view.baseOffset, 0, false)
          && walker.batch().lastOffset() == anchor.lastOffset()
          && walker.batch().baseOffset() <= offset) {
        Located located = search(walker, view, offset);
        if (located.damage == null) {
          return located;
        }
      }
    }
    BatchWalker walker = new BatchWalker(file, 0, view.sizeBytes);
    if (!walker.next(view.baseOffset, 0, false)) {
      return new Located(walker, false, atEnd(walker, view, view.baseOffset));
    }
    String fault = place(walker.batch(), view, view.baseOffset);
    return fault.isEmpty()
        ? search(walker, view, offset)
        : new Located(walker, false, damage(walker, view, view.baseOffset, fault));
  }

  private static Located search(BatchWalker walker, View view, long offset) {
    while (walker.batch().nextOffset() <= offset) {
      long due = walker.batch().nextOffset();
      if (!walker.next(due, 0, false)) {
        return new Located(walker, false, atEnd(walker, view, due));
      }
      String fault = place(walker.batch(), view, due);
      if (!fault.isEmpty()) {
        return new Located(walker, false, damage(walker, view, due, fault));
      }
    }
    return new Located(walker, true, null);
  }

  /** A walk that ended must have met a whole segment, unless compaction took its last batches. */
  private static @Nullable Damage atEnd(BatchWalker walker, View view, long due) {
    String fault = walker.fault();
    if (fault.isEmpty()
        && view.contiguous
        && view.endOffset != UNKNOWN_END
        && due != view.endOffset) {
      fault = "the segment ends at offset " + due + ", the next begins at " + view.endOffset;
    }
    return damage(walker, view, due, fault);
  }

  private static @Nullable Damage damage(BatchWalker walker, View view, long due, String fault) {
    return fault.isEmpty() ? null : new Damage(view.baseOffset, walker.position(), due, fault);
  }
}
