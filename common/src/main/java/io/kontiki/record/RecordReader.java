package io.kontiki.record;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of one batch, one after the other. Whatever the bytes are, nothing but {@link
 * InvalidBatchException} comes out, and no memory is taken that the bytes do not fill. The checksum
 * is not looked at. Not thread-safe.
 *
 * <pre>
 * record  = length, attributes (1 byte), timestamp delta, offset delta,
 *           key length or -1, key, value length or -1, value, headers count, headers
 * header  = key length, key (UTF-8), value length or -1, value       (all numbers zigzag varints)
 * </pre>
 */
public final class RecordReader implements Iterator<Record> {
  /** What a record takes at least. */
  private static final int MIN_RECORD_BYTES = 7;

  private final RecordBatch batch;
  private final ByteBuffer records;
  private int left;
  private long lastDelta = -1;

  // Where the parts of the record lie that was walked over last.
  private int start;
  private long timestampDelta;
  private long lastOffset;
  private int keyAt;
  private int keyBytes;
  private int valueBytes;

  private RecordReader(RecordBatch batch, ByteBuffer records, int count) {
    this.batch = batch;
    this.records = records;
    this.left = count;
  }

  /**
   * Begins with a batch, which must lie in its buffer as a whole.
   *
   * @param limitBytes what the records may take when decompressed
   * @throws InvalidBatchException if the header is wrong, the codec unknown or the compressed bytes
   *     are malformed
   */
  public static RecordReader open(RecordBatch batch, int limitBytes) {
    RecordBatches.requireWhole(batch.buffer(), batch.start(), batch.buffer().limit());
    Compression compression = Compression.byId(batch.codecId());
    if (compression == null) {
      throw new InvalidBatchException(22, "codec " + batch.codecId() + " is unknown");
    }
    int bodyBytes = batch.sizeBytes() - RecordBatch.HEADER_BYTES;
    ByteBuffer body = batch.buffer().slice(batch.start() + RecordBatch.HEADER_BYTES, bodyBytes);
    ByteBuffer records = decompress(compression, body, limitBytes);
    int count = batch.recordCount();
    if (count < 0 || count > records.remaining() / MIN_RECORD_BYTES) {
      throw new InvalidBatchException(
          57, "record count " + count + " with " + records.remaining() + " bytes of records");
    }
    return new RecordReader(batch, records, count);
  }

  private static ByteBuffer decompress(Compression compression, ByteBuffer body, int limitBytes) {
    try {
      return compression.decompress(body, limitBytes);
    } catch (InvalidBatchException e) {
      // A codec counts from its own first byte, or does not know where it stood.
      throw new InvalidBatchException(
          RecordBatch.HEADER_BYTES + Math.max(0, e.position()), String.valueOf(e.getMessage()));
    }
  }

  /**
   * All records of a batch.
   *
   * @param limitBytes what the records may take when decompressed
   */
  public static List<Record> readAll(RecordBatch batch, int limitBytes) {
    RecordReader reader = open(batch, limitBytes);
    List<Record> all = new ArrayList<>(reader.left);
    while (reader.hasNext()) {
      all.add(reader.next());
    }
    return all;
  }

  @Override
  public boolean hasNext() {
    if (left == 0 && records.hasRemaining()) {
      throw new InvalidBatchException(
          records.position(), records.remaining() + " bytes behind the last record");
    }
    return left > 0;
  }

  @Override
  public Record next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no record is left");
    }
    int end = begin();
    long timestampMs = timestamp(Varints.getLong(records));
    long offset = offset();
    byte[] key = bytes(Varints.getInt(records));
    byte[] value = bytes(Varints.getInt(records));
    List<RecordHeader> headers = headers();
    finish(end);
    return new Record(offset, timestampMs, key, value, headers);
  }

  /**
   * A record in place.
   *
   * @param timestampMs as {@link Record#timestampMs}
   * @param key a view of it, or null
   * @param bytes all of it with its length, as it is in a batch
   */
  public record Span(
      long offset,
      long timestampMs,
      @Nullable ByteBuffer key,
      boolean hasValue,
      ByteBuffer bytes) {}

  /** Checks the next record as {@link #next} does, and shows where it lies. */
  public Span nextSpan() {
    if (!hasNext()) {
      throw new NoSuchElementException("no record is left");
    }
    skip();
    return new Span(
        lastOffset,
        timestamp(timestampDelta),
        keyBytes < 0 ? null : records.slice(keyAt, keyBytes),
        valueBytes >= 0,
        records.slice(start, records.position() - start));
  }

  /** Checks the next record as {@link #next} does, without making one. */
  void skip() {
    start = records.position();
    int end = begin();
    timestampDelta = Varints.getLong(records);
    lastOffset = offset();
    keyBytes = Varints.getInt(records);
    keyAt = records.position();
    skipBytes(keyBytes);
    valueBytes = Varints.getInt(records);
    skipBytes(valueBytes);
    int count = headerCount();
    for (int i = 0; i < count; i++) {
      headerKeyBytes();
      skipBytes(Varints.getInt(records));
    }
    finish(end);
  }

  private int begin() {
    int at = records.position();
    int length = Varints.getInt(records);
    if (length < MIN_RECORD_BYTES - 1 || length > records.remaining()) {
      throw new InvalidBatchException(
          at, "a record of " + length + " bytes with " + records.remaining() + " left");
    }
    int end = records.position() + length;
    // The record's attributes; no bit has a meaning.
    records.get();
    left--;
    return end;
  }

  private void finish(int end) {
    if (records.position() != end) {
      throw new InvalidBatchException(
          records.position(), "a record's length says that it ends at byte " + end);
    }
  }

  private long timestamp(long delta) {
    return batch.isAppendTime() ? batch.maxTimestamp() : batch.baseTimestamp() + delta;
  }

  private long offset() {
    int at = records.position();
    int delta = Varints.getInt(records);
    if (delta <= lastDelta || delta > batch.lastOffsetDelta()) {
      throw new InvalidBatchException(
          at,
          "offset delta " + delta + " between " + lastDelta + " and " + batch.lastOffsetDelta());
    }
    lastDelta = delta;
    return batch.baseOffset() + delta;
  }

  private byte @Nullable [] bytes(int length) {
    checkLength(length);
    if (length == -1) {
      return null;
    }
    byte[] bytes = new byte[length];
    records.get(bytes);
    return bytes;
  }

  private void skipBytes(int length) {
    checkLength(length);
    if (length > 0) {
      records.position(records.position() + length);
    }
  }

  private void checkLength(int length) {
    if (length < -1 || length > records.remaining()) {
      throw new InvalidBatchException(
          records.position(), "a length of " + length + " with " + records.remaining() + " left");
    }
  }

  private int headerCount() {
    int at = records.position();
    int count = Varints.getInt(records);
    if (count < 0 || count > records.remaining() / 2) {
      throw new InvalidBatchException(
          at, count + " headers with " + records.remaining() + " bytes left");
    }
    return count;
  }

  private List<RecordHeader> headers() {
    int count = headerCount();
    if (count == 0) {
      return List.of();
    }
    List<RecordHeader> headers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      String key = headerKey();
      headers.add(new RecordHeader(key, bytes(Varints.getInt(records))));
    }
    return headers;
  }

  /** Bytes of other clients that are not UTF-8 come with U+FFFD in their place. */
  private String headerKey() {
    // Never refused: what is in the log must stay readable.
    return StandardCharsets.UTF_8.decode(headerKeyBytes()).toString();
  }

  private ByteBuffer headerKeyBytes() {
    int at = records.position();
    int length = Varints.getInt(records);
    if (length < 0 || length > records.remaining()) {
      throw new InvalidBatchException(at, "a header key of " + length + " bytes");
    }
    ByteBuffer bytes = records.slice(records.position(), length);
    records.position(records.position() + length);
    return bytes;
  }
}
