package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A batch of one partition between its first record and its outcome. Belongs to the loop. */
final class PendingBatch {
  private static final int NO_SEQUENCE = -1;

  private final List<PendingRecord> records = new ArrayList<>();
  private final Compression compression;
  private final RecordBatchBuilder builder;
  private final long createdNanos;
  private final long deadlineNanos;
  private @Nullable ByteBuffer encoded;

  /** Takes no more records. */
  boolean sealed;

  /** Sequence of the first record, or -1 as long as none is assigned. */
  int baseSequence = NO_SEQUENCE;

  /** It is on its way on a stream that is open. */
  boolean sent;

  /** The stream of the last attempt. */
  long streamId;

  /** The last attempt. */
  long attemptId;

  /** When that was made. */
  long sentNanos;

  /** An attempt ended without telling: a copy may be in the log, or get there (rule I5). */
  boolean maybeAppended;

  /** What the last attempt came to. */
  @Nullable ApiError lastError;

  PendingBatch(Compression compression, long createdNanos, long deadlineNanos) {
    this.compression = compression;
    this.builder = new RecordBatchBuilder(compression);
    this.createdNanos = createdNanos;
    this.deadlineNanos = deadlineNanos;
  }

  long createdNanos() {
    return createdNanos;
  }

  /** Of its first record: later ones have more time, but go with it. */
  long deadlineNanos() {
    return deadlineNanos;
  }

  int count() {
    return records.size();
  }

  boolean takes(int bytes, int batchBytes) {
    return !sealed && builder.sizeBytes() + (long) bytes <= batchBytes;
  }

  int sizeBytes() {
    return builder.sizeBytes();
  }

  void append(PendingRecord record) {
    ProducerRecord content = record.record();
    builder.append(record.timestampMs(), content.key(), content.value(), content.headers());
    records.add(record);
  }

  /** Takes a place in the sequence of a producer; the bytes are made anew, never changed (D7). */
  void sequence(long producerId, short producerEpoch, int sequence) {
    baseSequence = sequence;
    sealed = true;
    encoded = builder.build(producerId, producerEpoch, sequence);
  }

  /** Gives the place back. */
  void unsequence() {
    baseSequence = NO_SEQUENCE;
    encoded = null;
    sent = false;
  }

  /** The bytes to send. */
  ByteBuffer bytes() {
    ByteBuffer bytes = encoded;
    if (bytes == null) {
      sealed = true;
      bytes = builder.build(RecordBatch.NO_PRODUCER_ID, (short) -1, NO_SEQUENCE);
      encoded = bytes;
    }
    return bytes.duplicate();
  }

  /** Two batches with the same records, for one that is too large; both sealed. */
  List<PendingBatch> halves() {
    int middle = records.size() / 2;
    return List.of(part(0, middle), part(middle, records.size()));
  }

  private PendingBatch part(int from, int to) {
    PendingBatch part = new PendingBatch(compression, createdNanos, deadlineNanos);
    records.subList(from, to).forEach(part::append);
    part.sealed = true;
    return part;
  }

  void acknowledge(int partition, long baseOffset, long appendTimeMs) {
    for (int i = 0; i < records.size(); i++) {
      PendingRecord record = records.get(i);
      long offset = baseOffset < 0 ? -1 : baseOffset + i;
      long timestampMs = appendTimeMs < 0 ? record.timestampMs() : appendTimeMs;
      record.outcome().acknowledged(partition, offset, timestampMs);
    }
  }

  void fail(ApiError error) {
    records.forEach(record -> record.outcome().failed(error));
  }
}
