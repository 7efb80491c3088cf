package io.kontiki.log;

import io.kontiki.model.Durability;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a topic that its logs need.
 *
 * @param durability fixed when the topic is made (rule R36)
 * @param segmentBytes a segment is closed before it grows beyond; at least one batch goes in
 * @param segmentMs a segment is closed before an append when its first is older
 * @param indexIntervalBytes bytes between two index entries
 * @param appendTime whether the leader stamps its time (rule L7)
 * @param retentionMs age at which a segment may go (rule L6); -1: none
 * @param retentionBytes size of a log beyond which its oldest segments may go; -1: none
 * @param compaction of what is superseded (rule L6); null: none
 */
public record LogSettings(
    Durability durability,
    int segmentBytes,
    long segmentMs,
    int indexIntervalBytes,
    boolean appendTime,
    long retentionMs,
    long retentionBytes,
    @Nullable Compaction compaction) {
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

  /** Kafka's defaults: 1 GiB, 7 days, 4096 bytes, create time; no retention. */
  public static LogSettings defaults(Durability durability) {
    return new LogSettings(durability, 1 << 30, 7L * 24 * 3600 * 1000, 4096, false, -1, -1, null);
  }

  /** With other segments. */
  public LogSettings withSegments(int newSegmentBytes, long newSegmentMs) {
    return new LogSettings(
        durability,
        newSegmentBytes,
        newSegmentMs,
        indexIntervalBytes,
        appendTime,
        retentionMs,
        retentionBytes,
        compaction);
  }

  /** With another distance of index entries. */
  public LogSettings withIndexInterval(int bytes) {
    return new LogSettings(
        durability,
        segmentBytes,
        segmentMs,
        bytes,
        appendTime,
        retentionMs,
        retentionBytes,
        compaction);
  }

  /** With append time or create time. */
  public LogSettings withAppendTime(boolean on) {
    return new LogSettings(
        durability,
        segmentBytes,
        segmentMs,
        indexIntervalBytes,
        on,
        retentionMs,
        retentionBytes,
        compaction);
  }

  /** With a bound of age and of size; -1: none. */
  public LogSettings withRetention(long newRetentionMs, long newRetentionBytes) {
    return new LogSettings(
        durability,
        segmentBytes,
        segmentMs,
        indexIntervalBytes,
        appendTime,
        newRetentionMs,
        newRetentionBytes,
        compaction);
  }

  /** With compaction or, by null, without. */
  public LogSettings withCompaction(@Nullable Compaction newCompaction) {
    return new LogSettings(
        durability,
        segmentBytes,
        segmentMs,
        indexIntervalBytes,
        appendTime,
        retentionMs,
        retentionBytes,
        newCompaction);
  }

  /**
   * Age from which on a segment is closed: nothing waits for its compaction longer than its topic
   * says, so nothing may stay in the open segment longer either.
   */
  long rollMs() {
    return compaction == null ? segmentMs : Math.min(segmentMs, compaction.maxLagMs);
  }

  /**
   * How superseded records go.
   *
   * @param minLagMs a segment with a younger record stays as it is, and all behind it
   * @param maxLagMs a segment that has not been compacted for so long is, whatever the share
   * @param deleteRetentionMs how long tombstones stay at least
   * @param minDirtyRatio share of the bytes, not compacted yet, beyond which a pass begins; 0 to 1
   */
  public record Compaction(
      long minLagMs, long maxLagMs, long deleteRetentionMs, double minDirtyRatio) {
    public Compaction {
      if (minLagMs < 0 || maxLagMs < Math.max(1, minLagMs)) {
        throw new IllegalArgumentException(
            "compaction after " + minLagMs + " to " + maxLagMs + " ms: not a span");
      }
    }

    /** Without a bound to how long something waits. */
    public Compaction(long minLagMs, long deleteRetentionMs, double minDirtyRatio) {
      this(minLagMs, Long.MAX_VALUE, deleteRetentionMs, minDirtyRatio);
    }
  }
}
