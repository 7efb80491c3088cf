package io.kontiki.log.segment;

import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Reads batches from segment files; on any thread, from values that the loop gave it. */
public final class SegmentReader {
  private final OpenFiles files;

  /** Reads through these. */
  public SegmentReader(OpenFiles files) {
    this.files = files;
  }

  /**
   * A segment as it was when the read was asked for.
   *
   * @param sizeBytes nothing behind it is read (rule L1)
   * @param start position to search from, or -1: ask the index file
   * @param verifiedBytes checked already (rule L2)
   */
  public record View(
      String directory, long baseOffset, long sizeBytes, int start, long verifiedBytes) {
    /** Path of the records. */
    public String path() {
      return SegmentFiles.path(directory, baseOffset, SegmentFiles.LOG);
    }
  }

  /**
   * What was read.
   *
   * @param from position of the first batch
   * @param to position behind the last one
   * @param corruptAt offset of the damage that stopped it (rule D9)
   */
  public record Slice(
      List<ByteBuffer> batches, int bytes, long from, long to, OptionalLong corruptAt) {}

  /** A batch and where it lies: the first that contains an offset or follows it. */
  public record Found(long position, long baseOffset, long nextOffset) {}

  /**
   * Reads whole batches from the one that contains an offset; see {@code PartitionLog.read}.
   *
   * @param verify whether to check what has not been checked
   */
  public Slice read(View view, long offset, long limitOffset, int maxBytes, boolean verify) {
    int start = startOf(view, offset);
    return files.use(
        view.path(),
        file -> {
          Located located = locate(file, view, start, offset);
          RecordBatch first = located.walker.batch();
          if (!located.found) {
            boolean damaged = !located.walker.fault().isEmpty();
            return empty(damaged ? OptionalLong.of(offset) : OptionalLong.empty());
          }
          if (first.nextOffset() > limitOffset) {
            return empty(OptionalLong.empty());
          }
          long position = located.walker.position();
          long wanted = Math.max(maxBytes, first.sizeBytes());
          ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(wanted, view.sizeBytes - position));
          file.read(bytes, position);
          return slice(bytes.flip(), position, view, offset, limitOffset, verify);
        });
  }

  private static Slice slice(
      ByteBuffer bytes, long from, View view, long offset, long limitOffset, boolean verify) {
    List<ByteBuffer> batches = new ArrayList<>();
    long due = offset;
    while (bytes.remaining() >= RecordBatch.HEADER_BYTES) {
      RecordBatch batch = RecordBatch.at(bytes);
      long position = from + bytes.position();
      boolean damaged = !BatchWalker.headerFault(batch, view.sizeBytes - position).isEmpty();
      if (!damaged && batch.sizeBytes() > bytes.remaining()) {
        break;
      }
      damaged =
          damaged
              || (verify
                  && position + batch.sizeBytes() > view.verifiedBytes
                  && batch.computeCrc() != batch.crc());
      if (damaged) {
        return new Slice(
            batches, bytes.position(), from, from + bytes.position(), OptionalLong.of(due));
      }
      if (batch.nextOffset() > limitOffset) {
        break;
      }
      due = batch.nextOffset();
      int size = batch.sizeBytes();
      batches.add(bytes.slice(bytes.position(), size).asReadOnlyBuffer());
      bytes.position(bytes.position() + size);
    }
    return new Slice(
        batches, bytes.position(), from, from + bytes.position(), OptionalLong.empty());
  }

  /**
   * The batch that contains an offset, or the first behind it; empty position at the end.
   *
   * @throws StorageException CORRUPT if something on the way is not a batch
   */
  public Found find(View view, long offset) {
    int start = startOf(view, offset);
    return files.use(
        view.path(),
        file -> {
          Located located = locate(file, view, start, offset);
          if (!located.walker.fault().isEmpty()) {
            throw new StorageException(
                StorageException.Kind.CORRUPT,
                view.path(),
                located.walker.position(),
                located.walker.fault());
          }
          RecordBatch batch = located.walker.batch();
          return located.found
              ? new Found(located.walker.position(), batch.baseOffset(), batch.nextOffset())
              : new Found(view.sizeBytes, offset, offset);
        });
  }

  /** Where to search from: checked, since an index is derived data. */
  public int startOf(View view, long offset) {
    if (view.start >= 0) {
      return view.start;
    }
    String index = SegmentFiles.path(view.directory, view.baseOffset, SegmentFiles.INDEX);
    try {
      return files.use(index, file -> OffsetIndex.positionBefore(file, view.baseOffset, offset));
    } catch (StorageException e) {
      // Without its index a segment is searched from the beginning.
      return 0;
    }
  }

  private record Located(BatchWalker walker, boolean found) {}

  private static Located locate(FileStore.File file, View view, int start, long offset) {
    if (start > 0 && start < view.sizeBytes) {
      BatchWalker walker = new BatchWalker(file, start, view.sizeBytes);
      if (walker.next(view.baseOffset, 0, false) && walker.batch().baseOffset() <= offset) {
        Located located = search(walker, offset);
        if (located.found || walker.fault().isEmpty()) {
          return located;
        }
      }
    }
    BatchWalker walker = new BatchWalker(file, 0, view.sizeBytes);
    return walker.next(view.baseOffset, 0, false)
        ? search(walker, offset)
        : new Located(walker, false);
  }

  private static Located search(BatchWalker walker, long offset) {
    while (walker.batch().nextOffset() <= offset) {
      if (!walker.next(walker.batch().nextOffset(), 0, false)) {
        return new Located(walker, false);
      }
    }
    return new Located(walker, true);
  }

  private static Slice empty(OptionalLong corruptAt) {
    return new Slice(List.of(), 0, 0, 0, corruptAt);
  }
}
