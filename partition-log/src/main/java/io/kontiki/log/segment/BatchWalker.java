package io.kontiki.log.segment;

import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;

/**
 * Walks over the batches of a segment file from a position on. The batch that it stands on lies in
 * a buffer of its own, which the next step reuses.
 */
public final class BatchWalker {
  private static final int WINDOW_BYTES = 64 << 10;

  private final FileStore.File file;
  private final long limit;
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long windowStart;
  private long position;
  private long next;
  private String fault = "";

  /**
   * @param position where a batch begins
   * @param limit exclusive position that no batch may cross; the walk ends there
   */
  public BatchWalker(FileStore.File file, long position, long limit) {
    this.file = file;
    this.limit = limit;
    this.next = position;
    this.position = position;
  }

  /**
   * Steps onto the next batch.
   *
   * @param minOffset its base offset must not be lower
   * @param minEpoch its leader epoch must not be lower
   * @param verifyCrc whether to read all of it and check its checksum
   * @return false at the end, and at the first thing that is not a batch: see {@link #fault}
   */
  public boolean next(long minOffset, int minEpoch, boolean verifyCrc) {
    position = next;
    if (position >= limit || !fault.isEmpty()) {
      return false;
    }
    if (!load(RecordBatch.HEADER_BYTES)) {
      fault = "only " + (limit - position) + " bytes, fewer than a header";
      return false;
    }
    RecordBatch batch = batch();
    fault = headerFault(batch, limit - position);
    if (fault.isEmpty() && batch.baseOffset() < minOffset) {
      fault = "base offset " + batch.baseOffset() + " where " + minOffset + " was due";
    }
    if (fault.isEmpty() && batch.leaderEpoch() < minEpoch) {
      fault = "leader epoch " + batch.leaderEpoch() + " behind " + minEpoch;
    }
    if (!fault.isEmpty()) {
      return false;
    }
    int size = batch.sizeBytes();
    if (verifyCrc) {
      if (!load(size)) {
        fault = "the file ends inside the batch";
        return false;
      }
      if (batch().computeCrc() != batch().crc()) {
        fault = "checksum is wrong at offset " + batch().baseOffset();
        return false;
      }
    }
    next = position + size;
    return true;
  }

  /** The batch it stands on; only the header is there unless the checksum was asked for. */
  public RecordBatch batch() {
    return new RecordBatch(window, (int) (position - windowStart));
  }

  /** Reads the rest of the batch it stands on; false if the file ends before. */
  public boolean loadWhole() {
    return load(batch().sizeBytes());
  }

  /** Where the batch begins, or where the walk ended. */
  public long position() {
    return position;
  }

  /** Where the next one would begin. */
  public long nextPosition() {
    return next;
  }

  /** What ended the walk, or empty. */
  public String fault() {
    return fault;
  }

  /**
   * What is wrong with a header, as far as it can be told without the rest, or empty.
   *
   * @param available bytes from its start on
   */
  public static String headerFault(RecordBatch batch, long available) {
    if (batch.magic() != RecordBatch.MAGIC) {
      return "magic " + batch.magic() + " instead of 2";
    }
    long size = (long) batch.buffer().getInt(batch.start() + 8) + RecordBatch.LENGTH_PREFIX_BYTES;
    if (size < RecordBatch.HEADER_BYTES || size > available) {
      return "size " + size + " where " + available + " bytes are left";
    }
    if (batch.baseOffset() < 0
        || batch.lastOffsetDelta() < 0
        || batch.nextOffset() < batch.baseOffset()
        || batch.recordCount() < 0) {
      return "offset " + batch.baseOffset() + " + " + batch.lastOffsetDelta() + " is impossible";
    }
    return "";
  }

  private boolean load(int bytes) {
    if (bytes > limit - position) {
      return false;
    }
    if (position >= windowStart && position + bytes <= windowStart + window.limit()) {
      return true;
    }
    int wanted = (int) Math.min(Math.max(bytes, WINDOW_BYTES), limit - position);
    if (window.capacity() < wanted) {
      window = ByteBuffer.allocate(wanted);
    }
    windowStart = position;
    window.clear().limit(wanted);
    int read = file.read(window, position);
    window.position(0).limit(read);
    return read >= bytes;
  }
}
