package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatches;
import io.kontiki.record.RecordHeader;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes fetched batches apart into pieces of records. Batches are taken one by one, so that no more
 * than one decompressed batch is in memory besides the pieces. Not thread-safe; no loop of its own.
 */
public final class ChunkReader {
  /** Most bytes of keys, values and headers in a piece, unless a single record is larger. */
  public static final int MAX_CHUNK_BYTES = 1 << 20;

  /** Pieces wait until the client takes them: more are not made at a time. */
  public static final int MAX_DECODED_BYTES = 4 << 20;

  private static final int RECORD_OVERHEAD = 48;

  private final int partition;
  private final long endOffset;
  private final FetchAnswer.Fetched fetched;
  private final int maxBatchBytes;
  private final List<RecordBatch> batches = new ArrayList<>();
  private long offset;
  private int at;
  private @Nullable RecordReader open;
  private @Nullable Record pending;
  private @Nullable InvalidBatchException damage;

  /**
   * @param offset first one wanted
   * @param endOffset first one not wanted
   * @param maxBatchBytes that a batch may become when decompressed
   */
  public ChunkReader(
      int partition, long offset, long endOffset, FetchAnswer.Fetched fetched, int maxBatchBytes) {
    this.partition = partition;
    this.offset = offset;
    this.endOffset = endOffset;
    this.fetched = fetched;
    this.maxBatchBytes = maxBatchBytes;
  }

  /** Whether a batch must be decompressed, which belongs off the loop. */
  boolean compressed() {
    for (ByteBuffer buffer : fetched.batches()) {
      for (RecordBatch batch : new RecordBatches(buffer)) {
        if (batch.codecId() != 0 && !batch.isControl()) {
          return true;
        }
      }
    }
    return false;
  }

  /** Pieces, and what is left to do. */
  public record Decoded(
      List<RecordChunk> chunks, boolean done, long nextOffset, @Nullable ApiError error) {}

  /**
   * The next pieces.
   *
   * @param maxBytes after which no more are made
   */
  public Decoded read(int maxBytes) {
    List<RecordChunk> chunks = new ArrayList<>();
    try {
      if (batches.isEmpty()) {
        for (ByteBuffer buffer : fetched.batches()) {
          new RecordBatches(buffer).forEach(batches::add);
        }
      }
      long bytes = 0;
      while (bytes < maxBytes) {
        RecordChunk chunk = nextChunk();
        if (chunk == null) {
          offset = Math.max(offset, Math.min(endOffset, fetched.nextOffset()));
          return new Decoded(chunks, true, offset, null);
        }
        chunks.add(chunk);
        bytes += chunk.sizeBytes();
      }
      // What one batch has become may be large and the client slow: better done again than kept.
      open = null;
      pending = null;
      return new Decoded(chunks, false, offset, null);
    } catch (InvalidBatchException e) {
      return new Decoded(
          chunks,
          true,
          offset,
          ApiError.definite(
                  ErrorReason.CORRUPT_LOG,
                  "the records from offset " + offset + " on cannot be read: " + e.getMessage())
              .with("partition", partition)
              .with("offset", offset));
    }
  }

  private @Nullable RecordChunk nextChunk() {
    List<Record> records = new ArrayList<>();
    int bytes = 0;
    int epoch = -1;
    while (true) {
      Record next;
      try {
        next = peek();
      } catch (InvalidBatchException e) {
        damage = e; // what lies before it is delivered first
        next = null;
      }
      if (next == null) {
        break;
      }
      int size = sizeBytes(next);
      int nextEpoch = batches.get(at).leaderEpoch();
      // One epoch per piece: the position that is to be committed carries that of its last record.
      if (!records.isEmpty() && (bytes + size > MAX_CHUNK_BYTES || nextEpoch != epoch)) {
        break;
      }
      records.add(next);
      epoch = nextEpoch;
      bytes += size;
      offset = next.offset() + 1;
      pending = null;
    }
    if (!records.isEmpty()) {
      return new RecordChunk(partition, records, offset, epoch, fetched.highWatermark(), bytes);
    }
    if (damage != null) {
      throw damage;
    }
    return null;
  }

  /** The next record that is wanted, left in place; {@code at} is its batch. */
  private @Nullable Record peek() {
    while (pending == null && damage == null) {
      if (open == null) {
        if (at >= batches.size()) {
          return null;
        }
        RecordBatch batch = batches.get(at);
        if (batch.isControl() || batch.lastOffset() < offset || batch.baseOffset() >= endOffset) {
          at++;
          continue;
        }
        open = RecordReader.open(batch, maxBatchBytes);
      }
      if (!open.hasNext()) {
        open = null;
        at++;
        continue;
      }
      Record next = open.next();
      if (next.offset() >= endOffset) {
        open = null;
        at++;
      } else if (next.offset() >= offset) {
        pending = next;
      }
    }
    return pending;
  }

  private static int sizeBytes(Record record) {
    byte[] key = record.key();
    byte[] value = record.value();
    long size = RECORD_OVERHEAD;
    size += key == null ? 0 : key.length;
    size += value == null ? 0 : value.length;
    for (RecordHeader header : record.headers()) {
      byte[] content = header.value();
      size += 8 + 3L * header.key().length() + (content == null ? 0 : content.length);
    }
    return (int) Math.min(Integer.MAX_VALUE / 2, size);
  }
}
