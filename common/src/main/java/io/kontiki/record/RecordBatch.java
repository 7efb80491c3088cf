package io.kontiki.record;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The header of one batch, seen in place. Absolute reads only: the buffer's position and limit are
 * never moved. Nothing is checked by the constructor; see {@code BatchValidator}.
 *
 * <pre>
 * offset size field                    (big-endian; Kafka's RecordBatch v2, KIP-98)
 *      0    8 baseOffset               stamped by the leader; outside the CRC
 *      8    4 batchLength              bytes behind this field
 *     12    4 partitionLeaderEpoch     stamped by the leader; outside the CRC
 *     16    1 magic                    2
 *     17    4 crc                      CRC-32C of everything from attributes to the end
 *     21    2 attributes               bits 0-2 codec, 3 append time, 4 transactional, 5 control,
 *                                  6 delete horizon (KIP-534)
 *     23    4 lastOffsetDelta
 *     27    8 baseTimestamp            with bit 6: when tombstones of the batch may go
 *     35    8 maxTimestamp
 *     43    8 producerId               -1: none
 *     51    2 producerEpoch
 *     53    4 baseSequence             -1: none
 *     57    4 recordCount
 *     61    … records
 * </pre>
 *
 * @param buffer where the batch lies
 * @param start index of its first byte
 */
public record RecordBatch(ByteBuffer buffer, int start) {
  /** Bytes before the records. */
  public static final int HEADER_BYTES = 61;

  /** Bytes before and with batchLength: what must be read to know the size. */
  public static final int LENGTH_PREFIX_BYTES = 12;

  /** The only version that is stored. */
  public static final byte MAGIC = 2;

  /** Of a batch without idempotent producer. */
  public static final long NO_PRODUCER_ID = -1;

  static final int DELETE_HORIZON = 0x40;

  private static final int LEADER_EPOCH = 12;
  private static final int MAGIC_AT = 16;
  private static final int CRC = 17;
  private static final int ATTRIBUTES = 21;
  private static final int LAST_OFFSET_DELTA = 23;
  private static final int BASE_TIMESTAMP = 27;
  private static final int MAX_TIMESTAMP = 35;
  private static final int PRODUCER_ID = 43;
  private static final int PRODUCER_EPOCH = 51;
  private static final int BASE_SEQUENCE = 53;
  private static final int RECORD_COUNT = 57;

  /** The batch at the buffer's position. */
  public static RecordBatch at(ByteBuffer buffer) {
    return new RecordBatch(buffer, buffer.position());
  }

  /** Whole size in bytes, the length prefix included. */
  public int sizeBytes() {
    return buffer.getInt(start + 8) + LENGTH_PREFIX_BYTES;
  }

  /** Offset of the first record. */
  public long baseOffset() {
    return buffer.getLong(start);
  }

  /** Offset of the last record, inclusive; compaction does not change it. */
  public long lastOffset() {
    return baseOffset() + lastOffsetDelta();
  }

  /** The offset behind the batch. */
  public long nextOffset() {
    return lastOffset() + 1;
  }

  /** Epoch of the leader that appended it. */
  public int leaderEpoch() {
    return buffer.getInt(start + LEADER_EPOCH);
  }

  /** Version of the format. */
  public byte magic() {
    return buffer.get(start + MAGIC_AT);
  }

  /** The stored checksum, unsigned. */
  public long crc() {
    return Integer.toUnsignedLong(buffer.getInt(start + CRC));
  }

  /** The checksum that the bytes have; the whole batch must be in the buffer. */
  public long computeCrc() {
    CRC32C crc = new CRC32C();
    crc.update(buffer.duplicate().position(start + ATTRIBUTES).limit(start + sizeBytes()));
    return crc.getValue();
  }

  /** Codec, timestamp type, transactional and control bits. */
  public short attributes() {
    return buffer.getShort(start + ATTRIBUTES);
  }

  /** Number of the compression codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  public int codecId() {
    return attributes() & 0x07;
  }

  /** Whether the timestamps are the leader's. */
  public boolean isAppendTime() {
    return (attributes() & 0x08) != 0;
  }

  /** Whether it belongs to a transaction. */
  public boolean isTransactional() {
    return (attributes() & 0x10) != 0;
  }

  /** Whether it is a marker, which no consumer sees. */
  public boolean isControl() {
    return (attributes() & 0x20) != 0;
  }

  /**
   * Whether compaction has seen tombstones here; {@link #baseTimestamp} then says from when on they
   * may go. Stays when they are gone.
   */
  public boolean hasDeleteHorizon() {
    return (attributes() & DELETE_HORIZON) != 0;
  }

  /**
   * Whether it only stands for offsets whose records compaction took: no record and no producer. Of
   * such a batch any part of its offsets can be had, see {@link CompactedBatch#placeholder}.
   */
  public boolean isPlaceholder() {
    return recordCount() == 0 && producerId() == NO_PRODUCER_ID;
  }

  /** Last offset minus base offset. */
  public int lastOffsetDelta() {
    return buffer.getInt(start + LAST_OFFSET_DELTA);
  }

  /** Milliseconds; of the first record as produced. */
  public long baseTimestamp() {
    return buffer.getLong(start + BASE_TIMESTAMP);
  }

  /** Milliseconds; the greatest of the records, or the append time. */
  public long maxTimestamp() {
    return buffer.getLong(start + MAX_TIMESTAMP);
  }

  /** Of the idempotent producer, or {@link #NO_PRODUCER_ID}. */
  public long producerId() {
    return buffer.getLong(start + PRODUCER_ID);
  }

  /** Of the idempotent producer. */
  public short producerEpoch() {
    return buffer.getShort(start + PRODUCER_EPOCH);
  }

  /** Sequence of the first record, or -1. */
  public int baseSequence() {
    return buffer.getInt(start + BASE_SEQUENCE);
  }

  /** Sequence of the last record; numbers wrap from 2^31 - 1 to 0. */
  public int lastSequence() {
    return (int) ((baseSequence() + (long) lastOffsetDelta()) & 0x7fffffffL);
  }

  /** How many records. */
  public int recordCount() {
    return buffer.getInt(start + RECORD_COUNT);
  }

  /** Writes what the leader stamps; needs no new checksum. */
  public void stamp(long baseOffset, int leaderEpoch) {
    buffer.putLong(start, baseOffset);
    buffer.putInt(start + LEADER_EPOCH, leaderEpoch);
  }

  /** Sets the append time and a new checksum. */
  public void stampAppendTime(long timestampMs) {
    buffer.putShort(start + ATTRIBUTES, (short) (attributes() | 0x08));
    buffer.putLong(start + MAX_TIMESTAMP, timestampMs);
    updateCrc();
  }

  /** Stamps what an idempotent producer decides when it sends, with a new checksum. */
  public void stampProducer(long producerId, short producerEpoch, int baseSequence) {
    buffer.putLong(start + PRODUCER_ID, producerId);
    buffer.putShort(start + PRODUCER_EPOCH, producerEpoch);
    buffer.putInt(start + BASE_SEQUENCE, baseSequence);
    updateCrc();
  }

  /** Stores the checksum that the bytes have. */
  void updateCrc() {
    buffer.putInt(start + CRC, (int) computeCrc());
  }

  /** The bytes of the batch, a view with its own position and limit. */
  public ByteBuffer bytes() {
    return buffer.slice(start, sizeBytes());
  }
}
