package io.kontiki.record;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What compaction makes of a batch: the same offsets, producer and leader epoch, fewer records. The
 * records that stay keep their bytes. Not thread-safe.
 */
public final class CompactedBatch {
  /** Of a placeholder for records among which no tombstone was. */
  public static final long NO_HORIZON = -1;

  private static final long NO_TIMESTAMP = -1;
  private static final int CODEC_BITS = 0x07;

  private final RecordBatch original;
  private final long baseTimestampMs;
  private final boolean horizon;
  private byte[] body;
  private int bodySize;
  private int count;
  private long maxTimestampMs = NO_TIMESTAMP;

  /**
   * @param deleteHorizonMs to be set, or {@link #NO_HORIZON}: as the original has it
   */
  public CompactedBatch(RecordBatch original, long deleteHorizonMs) {
    this.original = original;
    this.horizon = deleteHorizonMs != NO_HORIZON || original.hasDeleteHorizon();
    this.baseTimestampMs =
        deleteHorizonMs != NO_HORIZON ? deleteHorizonMs : original.baseTimestamp();
    this.body = new byte[Math.max(64, original.sizeBytes())];
  }

  /** A record of the original, behind those that were kept before. */
  public void keep(RecordReader.Span record) {
    ByteBuffer from = record.bytes().duplicate();
    if (baseTimestampMs == original.baseTimestamp()) {
      ensureRoom(from.remaining());
      bodySize += put(from);
    } else {
      Varints.getInt(from);
      byte attributes = from.get();
      long timestamp = original.baseTimestamp() + Varints.getLong(from);
      long delta = timestamp - baseTimestampMs;
      int length = 1 + Varints.sizeOf(delta) + from.remaining();
      ensureRoom(Varints.MAX_INT_BYTES + length);
      bodySize = Varints.put(body, bodySize, length);
      body[bodySize++] = attributes;
      bodySize = Varints.put(body, bodySize, delta);
      bodySize += put(from);
    }
    count++;
    maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs());
  }

  private int put(ByteBuffer from) {
    int bytes = from.remaining();
    from.get(body, bodySize, bytes);
    return bytes;
  }

  private void ensureRoom(int bytes) {
    int needed = Math.addExact(bodySize, bytes);
    if (needed > body.length) {
      body = Arrays.copyOf(body, (int) Math.max(needed, Math.min(1L << 30, 2L * body.length)));
    }
  }

  /**
   * The batch with the records that were kept, compressed as the original; without any it still
   * tells of its producer (rule I1).
   */
  public ByteBuffer build() {
    Compression compression = Compression.byId(original.codecId());
    if (count == 0 || compression == null) {
      compression = Compression.NONE;
    }
    boolean compressed = compression != Compression.NONE;
    byte[] records = compressed ? compression.compress(body, 0, bodySize) : body;
    int recordsSize = compressed ? records.length : bodySize;
    int attributes = original.attributes() & ~(compressed ? 0 : CODEC_BITS);
    ByteBuffer batch = ByteBuffer.allocate(RecordBatch.HEADER_BYTES + recordsSize);
    header(
        batch,
        original.baseOffset(),
        original.lastOffsetDelta(),
        original.leaderEpoch(),
        attributes | (horizon ? RecordBatch.DELETE_HORIZON : 0));
    batch.putLong(baseTimestampMs);
    batch.putLong(original.isAppendTime() ? original.maxTimestamp() : maxTimestampMs);
    batch.putLong(original.producerId());
    batch.putShort(original.producerEpoch());
    batch.putInt(original.baseSequence());
    batch.putInt(count);
    batch.put(records, 0, recordsSize);
    return finish(batch);
  }

  /**
   * A batch that stands for offsets without records, so that no offset is ever missing (rule L6).
   *
   * @param baseOffset first offset
   * @param lastOffset inclusive; at most 2^31 - 1 behind the first
   * @param deleteHorizonMs the greatest of the batches that were here, or {@link #NO_HORIZON}
   */
  public static ByteBuffer placeholder(
      long baseOffset, long lastOffset, int leaderEpoch, long deleteHorizonMs) {
    ByteBuffer batch = ByteBuffer.allocate(RecordBatch.HEADER_BYTES);
    boolean horizon = deleteHorizonMs != NO_HORIZON;
    header(
        batch,
        baseOffset,
        Math.toIntExact(lastOffset - baseOffset),
        leaderEpoch,
        horizon ? RecordBatch.DELETE_HORIZON : 0);
    batch.putLong(horizon ? deleteHorizonMs : NO_TIMESTAMP);
    batch.putLong(NO_TIMESTAMP);
    batch.putLong(RecordBatch.NO_PRODUCER_ID);
    batch.putShort((short) -1);
    batch.putInt(-1);
    batch.putInt(0);
    return finish(batch);
  }

  /**
   * The part of a placeholder from an offset on.
   *
   * @param offset inside it
   */
  public static ByteBuffer placeholderFrom(RecordBatch placeholder, long offset) {
    return placeholder(
        offset,
        placeholder.lastOffset(),
        placeholder.leaderEpoch(),
        placeholder.hasDeleteHorizon() ? placeholder.baseTimestamp() : NO_HORIZON);
  }

  private static void header(
      ByteBuffer batch, long baseOffset, int lastOffsetDelta, int leaderEpoch, int attributes) {
    batch.putLong(baseOffset);
    batch.putInt(batch.capacity() - RecordBatch.LENGTH_PREFIX_BYTES);
    batch.putInt(leaderEpoch);
    batch.put(RecordBatch.MAGIC);
    batch.putInt(0);
    batch.putShort((short) attributes);
    batch.putInt(lastOffsetDelta);
  }

  private static ByteBuffer finish(ByteBuffer batch) {
    batch.flip();
    RecordBatch.at(batch).updateCrc();
    return batch;
  }
}
