package io.kontiki.broker.partition;

import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.runtime.FileRange;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is asked of a {@link Partition}, and what it answers. */
public final class Requests {
  /** The client names no leader epoch. */
  public static final int ANY_EPOCH = -1;

  /** In place of an offset: everything that is committed. */
  public static final long HIGH_WATERMARK = -1;

  private Requests() {}

  /**
   * Appends one batch.
   *
   * @param leaderEpoch that the client knows, or {@link #ANY_EPOCH}
   * @param batch exactly one batch, checked here; writable, and the partition's from now on
   * @param deadlineNanos by the loop's clock
   */
  public record Append(int leaderEpoch, Acks acks, ByteBuffer batch, long deadlineNanos) {}

  /**
   * A batch is held as its acks demand.
   *
   * @param baseOffset of its first record; of a repetition that of the first try (rule I2)
   * @param appendTimeMs -1 on create-time topics
   * @param highWatermark -1: not known yet (rule R40)
   */
  public record Appended(
      long baseOffset,
      long lastOffset,
      long appendTimeMs,
      long logStartOffset,
      long highWatermark,
      int leaderEpoch) {}

  /**
   * Reads committed batches.
   *
   * @param leaderEpoch that the client knows, or {@link #ANY_EPOCH}
   * @param lastReadEpoch epoch of the record that the client read before {@code offset}, or {@link
   *     #ANY_EPOCH}: not checked
   * @param maxBytes at least one batch comes, if there is one
   * @param minBytes waits for so many; 0: does not wait
   * @param deadlineNanos end of the wait, by the loop's clock
   * @param forSending ranges of files may come in place of batches
   */
  public record Read(
      int leaderEpoch,
      long offset,
      int lastReadEpoch,
      int maxBytes,
      int minBytes,
      long deadlineNanos,
      boolean forSending) {
    /** Of batches. */
    public Read(
        int leaderEpoch,
        long offset,
        int lastReadEpoch,
        int maxBytes,
        int minBytes,
        long deadlineNanos) {
      this(leaderEpoch, offset, lastReadEpoch, maxBytes, minBytes, deadlineNanos, false);
    }
  }

  /** The end of a {@link Read}. */
  public sealed interface ReadAnswer {
    /**
     * Whole batches in order, perhaps none; the first may begin before the offset asked for.
     *
     * @param nextOffset where reading goes on
     * @param highWatermark -1: not known yet (rule R40)
     * @param range in place of batches, if it was asked for; or null
     */
    record Records(
        List<ByteBuffer> batches,
        int bytes,
        long nextOffset,
        long logStartOffset,
        long highWatermark,
        int leaderEpoch,
        @Nullable FileRange range)
        implements ReadAnswer {}

    /**
     * Refused.
     *
     * @param divergence where the client's and the leader's history part, with LOG_TRUNCATED and
     *     OFFSET_OUT_OF_RANGE beyond the end (rule R40)
     */
    record Failed(ApiError error, @Nullable Divergence divergence) implements ReadAnswer {}
  }

  /** Where two histories part (rule R28). */
  public record Divergence(int leaderEpoch, long endOffset) {}

  /** Which offset is looked for. */
  public sealed interface OffsetQuery {
    /** The log start. */
    record Earliest() implements OffsetQuery {}

    /** The high watermark. */
    record Latest() implements OffsetQuery {}

    /** The first record that is not older; the high watermark if there is none. */
    record AtTime(long timestampMs) implements OffsetQuery {}
  }

  /**
   * An offset.
   *
   * @param timestampMs of the record found by time, else -1
   * @param leaderEpoch of the record found by time, else of the one before the offset, else -1
   */
  public record FoundOffset(long offset, long timestampMs, int leaderEpoch) {}

  /**
   * What a replica says of itself.
   *
   * @param leading whether it leads
   * @param logStartOffset -1, like the ends: the log is offline
   * @param highWatermark -1: not known, because it does not lead or not long enough (rule R40)
   * @param heldEndOffset exclusive end of what this replica holds
   */
  public record Description(
      boolean leading,
      int leaderEpoch,
      long logStartOffset,
      long highWatermark,
      long logEndOffset,
      long heldEndOffset,
      List<Integer> isr) {}
}
