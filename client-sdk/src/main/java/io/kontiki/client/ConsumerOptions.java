package io.kontiki.client;

/**
 * How a consumer reads.
 *
 * @param startAt where a partition begins that was not sought
 * @param outOfRange what to do when the next record is no longer there
 * @param bufferBytes of records that were fetched and not polled, all partitions together; one
 *     batch of each partition may come on top
 * @param maxPollRecords that one poll returns
 * @param maxBatchBytes that one batch may take when decompressed
 */
public record ConsumerOptions(
    StartAt startAt,
    OutOfRange outOfRange,
    long bufferBytes,
    int maxPollRecords,
    int maxBatchBytes) {
  /** What to do when retention or truncation has removed the next record. */
  public enum OutOfRange {
    /** Go on at the first record that is there. */
    EARLIEST,
    /** Go on at the end. */
    LATEST,
    /** The poll fails. */
    ERROR
  }

  /** From the end, in 32 MiB. */
  public static final ConsumerOptions DEFAULT =
      new ConsumerOptions(
          StartAt.END, OutOfRange.EARLIEST, 32L * 1024 * 1024, 500, 64 * 1024 * 1024);

  public ConsumerOptions {
    if (bufferBytes < 1 || maxPollRecords < 1 || maxBatchBytes < 1) {
      throw new IllegalArgumentException(
          "bufferBytes, maxPollRecords and maxBatchBytes must be positive");
    }
  }

  /** The same with another place to begin. */
  public ConsumerOptions withStartAt(StartAt value) {
    return new ConsumerOptions(value, outOfRange, bufferBytes, maxPollRecords, maxBatchBytes);
  }

  /** The same with another policy. */
  public ConsumerOptions withOutOfRange(OutOfRange value) {
    return new ConsumerOptions(startAt, value, bufferBytes, maxPollRecords, maxBatchBytes);
  }

  /** The same with other bounds. */
  public ConsumerOptions withBounds(long newBufferBytes, int newMaxPollRecords) {
    return new ConsumerOptions(
        startAt, outOfRange, newBufferBytes, newMaxPollRecords, maxBatchBytes);
  }
}
