package io.kontiki.record;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a client's batch must be before anything else looks at it (CORRECTNESS 5.1). Values in,
 * values out: nothing is thrown, the buffer does not change.
 */
public final class BatchValidator {
  private static final int ALLOWED_ATTRIBUTES = 0x07;
  private static final int APPEND_TIME = 0x08;
  private static final int TRANSACTIONAL = 0x10;
  private static final int CONTROL = 0x20;

  private BatchValidator() {}

  /**
   * Checks header and checksum, and without compression each record, in place.
   *
   * @param bytes the remaining ones are exactly one batch
   * @param maxBytes {@code max.message.bytes} of the topic: of the batch as it is, compressed or
   *     not
   * @return empty if all is well, else INVALID_BATCH (what) or RECORD_TOO_LARGE (sizeBytes,
   *     limitBytes)
   */
  public static Optional<ApiError> check(ByteBuffer bytes, int maxBytes) {
    if (bytes.remaining() > maxBytes) {
      return Optional.of(
          ApiError.definite(
                  ErrorReason.RECORD_TOO_LARGE,
                  "the batch takes "
                      + bytes.remaining()
                      + " bytes; max.message.bytes of the topic allows "
                      + maxBytes)
              .with("sizeBytes", bytes.remaining())
              .with("limitBytes", maxBytes));
    }
    String problem = problem(bytes);
    return problem == null ? Optional.empty() : Optional.of(invalid(problem));
  }

  /**
   * Decompresses and checks each record: takes time and memory, so never on a loop.
   *
   * @param limitBytes what the records may take when decompressed
   */
  public static Optional<ApiError> checkRecords(RecordBatch batch, int limitBytes) {
    String problem = recordsProblem(batch, limitBytes);
    return problem == null ? Optional.empty() : Optional.of(invalid(problem));
  }

  /**
   * Checks that each record has a key, as a compacted topic needs it.
   *
   * @param bytes the remaining ones are exactly one batch, checked before
   * @param limitBytes what the records may take when decompressed
   * @return empty if all is well, else INVALID_RECORD (what) or, if they cannot be read,
   *     INVALID_BATCH
   */
  public static Optional<ApiError> checkKeys(ByteBuffer bytes, int limitBytes) {
    try {
      RecordReader records = RecordReader.open(RecordBatch.at(bytes), limitBytes);
      for (int place = 0; records.hasNext(); place++) {
        if (records.nextSpan().key() == null) {
          String what = "record " + place + " of the batch has no key; the topic is compacted";
          return Optional.of(
              ApiError.definite(ErrorReason.INVALID_RECORD, what).with("what", what));
        }
      }
      return Optional.empty();
    } catch (InvalidBatchException e) {
      return Optional.of(invalid(String.valueOf(e.getMessage())));
    }
  }

  private static @Nullable String problem(ByteBuffer bytes) {
    RecordBatch batch;
    try {
      batch = RecordBatches.requireWhole(bytes, bytes.position(), bytes.limit());
    } catch (InvalidBatchException e) {
      return e.getMessage();
    }
    if (batch.sizeBytes() != bytes.remaining()) {
      return (bytes.remaining() - batch.sizeBytes())
          + " bytes behind the batch; exactly one is allowed";
    }
    String problem = attributesProblem(batch.attributes());
    if (problem == null) {
      problem = countsProblem(batch);
    }
    if (problem == null && batch.crc() != batch.computeCrc()) {
      problem = "the CRC-32C is " + batch.computeCrc() + ", the header says " + batch.crc();
    }
    if (problem == null && batch.codecId() == Compression.NONE.id()) {
      problem = recordsProblem(batch, batch.sizeBytes());
    }
    return problem;
  }

  private static @Nullable String attributesProblem(int attributes) {
    if ((attributes & CONTROL) != 0) {
      return "the control bit is set; clients do not write markers";
    }
    if ((attributes & TRANSACTIONAL) != 0) {
      return "the transactional bit is set, and there is no transaction";
    }
    if ((attributes & APPEND_TIME) != 0) {
      return "the append-time bit is set; it is the leader's";
    }
    if ((attributes & ~ALLOWED_ATTRIBUTES) != 0) {
      return "attributes " + attributes + " have bits without a meaning";
    }
    int codec = attributes & ALLOWED_ATTRIBUTES;
    return Compression.byId(codec) == null ? "codec " + codec + " is unknown" : null;
  }

  private static @Nullable String countsProblem(RecordBatch batch) {
    if (batch.recordCount() < 1) {
      return "record count " + batch.recordCount() + " is not positive";
    }
    if (batch.lastOffsetDelta() != batch.recordCount() - 1) {
      return "last offset delta "
          + batch.lastOffsetDelta()
          + " with "
          + batch.recordCount()
          + " records; it must be one less";
    }
    if (batch.producerId() < RecordBatch.NO_PRODUCER_ID) {
      return "producer id " + batch.producerId() + " is negative";
    }
    boolean idempotent = batch.producerId() != RecordBatch.NO_PRODUCER_ID;
    if (idempotent && (batch.producerEpoch() < 0 || batch.baseSequence() < 0)) {
      return "producer epoch "
          + batch.producerEpoch()
          + " and base sequence "
          + batch.baseSequence()
          + " must not be negative with a producer id";
    }
    return null;
  }

  private static @Nullable String recordsProblem(RecordBatch batch, int limitBytes) {
    try {
      RecordReader reader = RecordReader.open(batch, limitBytes);
      while (reader.hasNext()) {
        reader.skip();
      }
      return null;
    } catch (InvalidBatchException e) {
      return e.getMessage();
    }
  }

  private static ApiError invalid(String what) {
    return ApiError.definite(ErrorReason.INVALID_BATCH, "not a valid batch: " + what)
        .with("what", what);
  }
}
