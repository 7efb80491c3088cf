package io.kontiki.record;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes one batch of records. Offsets begin at 0 and the leader epoch is -1, for the leader to
 * stamp. Not thread-safe.
 */
public final class RecordBatchBuilder {
  private static final int NO_SEQUENCE = -1;

  private final Compression compression;
  private byte[] body;
  private int bodySize;
  private int count;
  private long baseTimestampMs;
  private long maxTimestampMs = Long.MIN_VALUE;

  /** An empty builder that begins with room for some records. */
  public RecordBatchBuilder(Compression compression) {
    this(compression, 512);
  }

  /**
   * @param expectedBytes of all records before compression; grows beyond
   */
  public RecordBatchBuilder(Compression compression, int expectedBytes) {
    this.compression = compression;
    this.body = new byte[Math.max(64, expectedBytes)];
  }

  /**
   * Adds a record at the end. The arrays are copied.
   *
   * @param timestampMs milliseconds since 1970
   */
  public RecordBatchBuilder append(
      long timestampMs,
      byte @Nullable [] key,
      byte @Nullable [] value,
      List<RecordHeader> headers) {
    if (count == 0) {
      baseTimestampMs = timestampMs;
    }
    long timestampDelta = timestampMs - baseTimestampMs;
    byte[][] headerKeys = new byte[headers.size()][];
    int length = bodySizeOf(timestampDelta, count, key, value);
    length += Varints.sizeOf(headers.size());
    for (int i = 0; i < headerKeys.length; i++) {
      headerKeys[i] = headers.get(i).key().getBytes(StandardCharsets.UTF_8);
      length += sizeOf(headerKeys[i]) + sizeOf(headers.get(i).value());
    }
    int end = Math.addExact(bodySize, Varints.sizeOf(length) + length);
    ensureCapacity(end);
    int at = Varints.put(body, bodySize, length);
    body[at++] = 0;
    at = Varints.put(body, at, timestampDelta);
    at = Varints.put(body, at, count);
    at = put(at, key);
    at = put(at, value);
    at = Varints.put(body, at, headers.size());
    for (int i = 0; i < headerKeys.length; i++) {
      at = put(at, headerKeys[i]);
      at = put(at, headers.get(i).value());
    }
    bodySize = at;
    count++;
    maxTimestampMs = Math.max(maxTimestampMs, timestampMs);
    return this;
  }

  /**
   * Bytes that a record takes in a batch before compression, at most: its place in the batch makes
   * a difference of some bytes.
   */
  public static int sizeUpperBound(
      byte @Nullable [] key, byte @Nullable [] value, List<RecordHeader> headers) {
    long size =
        2L * Varints.MAX_INT_BYTES + 1 + Varints.MAX_LONG_BYTES + sizeOf(key) + sizeOf(value);
    size += Varints.sizeOf(headers.size());
    for (RecordHeader header : headers) {
      size += Varints.MAX_INT_BYTES + 3L * header.key().length() + sizeOf(header.value());
    }
    return Math.toIntExact(size);
  }

  /** How many records. */
  public int count() {
    return count;
  }

  /** Size of the batch before compression, in bytes, the header included. */
  public int sizeBytes() {
    return RecordBatch.HEADER_BYTES + bodySize;
  }

  /** The batch without idempotent producer; position 0, limit its size. */
  public ByteBuffer build() {
    return build(RecordBatch.NO_PRODUCER_ID, (short) -1, NO_SEQUENCE);
  }

  /**
   * The batch of an idempotent producer; position 0, limit its size. The builder can go on.
   *
   * @param baseSequence of the first record
   * @throws IllegalStateException if there is no record
   */
  public ByteBuffer build(long producerId, short producerEpoch, int baseSequence) {
    if (count == 0) {
      throw new IllegalStateException("a batch needs a record");
    }
    byte[] records = body;
    int recordsSize = bodySize;
    if (compression != Compression.NONE) {
      records = compression.compress(body, 0, bodySize);
      recordsSize = records.length;
    }
    ByteBuffer batch = ByteBuffer.allocate(RecordBatch.HEADER_BYTES + recordsSize);
    batch.putLong(0);
    batch.putInt(batch.capacity() - RecordBatch.LENGTH_PREFIX_BYTES);
    batch.putInt(-1);
    batch.put(RecordBatch.MAGIC);
    batch.putInt(0);
    batch.putShort((short) compression.id());
    batch.putInt(count - 1);
    batch.putLong(baseTimestampMs);
    batch.putLong(maxTimestampMs);
    batch.putLong(producerId);
    batch.putShort(producerEpoch);
    batch.putInt(baseSequence);
    batch.putInt(count);
    batch.put(records, 0, recordsSize);
    batch.flip();
    RecordBatch.at(batch).updateCrc();
    return batch;
  }

  private static int bodySizeOf(
      long timestampDelta, int offsetDelta, byte @Nullable [] key, byte @Nullable [] value) {
    int size = 1 + Varints.sizeOf(timestampDelta) + Varints.sizeOf(offsetDelta);
    return Math.addExact(size, Math.addExact(sizeOf(key), sizeOf(value)));
  }

  private static int sizeOf(byte @Nullable [] bytes) {
    return bytes == null ? 1 : Varints.sizeOf(bytes.length) + bytes.length;
  }

  private int put(int at, byte @Nullable [] bytes) {
    if (bytes == null) {
      return Varints.put(body, at, -1);
    }
    int behind = Varints.put(body, at, bytes.length);
    System.arraycopy(bytes, 0, body, behind, bytes.length);
    return behind + bytes.length;
  }

  private void ensureCapacity(int bytes) {
    if (bytes > body.length) {
      long doubled = Math.min(Integer.MAX_VALUE - 8, 2L * body.length);
      body = Arrays.copyOf(body, (int) Math.max(doubled, bytes));
    }
  }
}
