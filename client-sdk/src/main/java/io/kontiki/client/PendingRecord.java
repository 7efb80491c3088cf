package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.record.RecordBatchBuilder;

/**
 * A record between {@code send} and its outcome.
 *
 * @param record as the user gave it
 * @param timestampMs that it carries
 * @param sizeBytes at most, in a batch
 * @param deadlineNanos by the loop's clock
 * @param outcome told once
 */
record PendingRecord(
    ProducerRecord record, long timestampMs, int sizeBytes, long deadlineNanos, Outcome outcome) {
  /** What becomes of a record. */
  interface Outcome {
    /** It is held as the acks demand. Offset -1: not known. */
    void acknowledged(int partition, long offset, long timestampMs);

    /** It was refused, or its fate is not known. */
    void failed(ApiError error);
  }

  static int sizeOf(ProducerRecord record) {
    return RecordBatchBuilder.sizeUpperBound(record.key(), record.value(), record.headers());
  }
}
