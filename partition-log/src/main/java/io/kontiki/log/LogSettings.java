package io.kontiki.log;

import io.kontiki.model.Durability;

/**
 * The settings of a topic that its logs need.
 *
 * @param durability fixed when the topic is made (rule R36)
 * @param segmentBytes a segment is closed before it grows beyond; at least one batch goes in
 * @param segmentMs a segment is closed before an append when its first is older
 * @param indexIntervalBytes bytes between two index entries
 * @param appendTime whether the leader stamps its time (rule L7)
 */
public record LogSettings(
    Durability durability,
    int segmentBytes,
    long segmentMs,
    int indexIntervalBytes,
    boolean appendTime) {
  private static final int SMALLEST_SEGMENT_BYTES = 256;

  public LogSettings {
    if (segmentBytes < SMALLEST_SEGMENT_BYTES || segmentMs < 1 || indexIntervalBytes < 0) {
      throw new IllegalArgumentException(
          "segments of "
              + segmentBytes
              + " bytes, "
              + segmentMs
              + " ms, index every "
              + indexIntervalBytes
              + " bytes: too small");
    }
  }

  /** Kafka's defaults: 1 GiB, 7 days, 4096 bytes, create time. */
  public static LogSettings defaults(Durability durability) {
    return new LogSettings(durability, 1 << 30, 7L * 24 * 3600 * 1000, 4096, false);
  }

  /** With other segments. */
  public LogSettings withSegments(int newSegmentBytes, long newSegmentMs) {
    return new LogSettings(
        durability, newSegmentBytes, newSegmentMs, indexIntervalBytes, appendTime);
  }

  /** With another distance of index entries. */
  public LogSettings withIndexInterval(int bytes) {
    return new LogSettings(durability, segmentBytes, segmentMs, bytes, appendTime);
  }

  /** With append time or create time. */
  public LogSettings withAppendTime(boolean on) {
    return new LogSettings(durability, segmentBytes, segmentMs, indexIntervalBytes, on);
  }
}
