package io.kontiki.broker.api;

import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.FileRange;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Requests to one partition, on whatever broker leads it. Thread-safe: a request is handed to the
 * partition's loop, without a hop if the caller runs on it. Completions run on the partition's loop
 * (or, forwarded, on a data loop) and are called exactly once, by the request's deadline at the
 * latest.
 */
public interface PartitionRequests {
  /** Appends one batch. The buffer is the broker's from here on. */
  void append(Append request, Completion<AppendAnswer> completion);

  /** Reads batches, waiting as the request says. */
  void fetch(Fetch request, Completion<FetchAnswer> completion);

  /** Finds an offset. */
  void listOffset(ListOffset request, Completion<OffsetAnswer> completion);

  /** Deletes committed records from the beginning of the log; answers the new log start. */
  void deleteRecords(DeleteRecords request, Completion<OffsetAnswer> completion);

  /** Offsets of the partition as its leader knows them. */
  void describe(PartitionId partition, long deadlineNanos, Completion<Description> completion);

  /** Where a request may be served. */
  enum Route {
    /** Here, or NOT_LEADER with a hint: the fast path. */
    LOCAL,
    /** Forwarded one hop to the leader, again only after a definite refusal (rule R45). */
    FORWARD
  }

  /**
   * An append.
   *
   * @param leaderEpoch that the client knows; -1: none
   * @param batch one batch; checked inside
   * @param deadlineNanos by the loops' clock
   */
  record Append(
      PartitionId partition,
      int leaderEpoch,
      Acks acks,
      ByteBuffer batch,
      long deadlineNanos,
      Route route) {}

  /** The end of an append. */
  sealed interface AppendAnswer {
    /**
     * Held as the acks demand.
     *
     * @param baseOffset -1 with {@link Acks#NONE}
     * @param appendTimeMs -1 on create-time topics
     * @param highWatermark -1: not known yet (rule R40)
     */
    record Appended(
        long baseOffset,
        long appendTimeMs,
        long logStartOffset,
        long highWatermark,
        int leaderEpoch,
        Durability durability)
        implements AppendAnswer {}

    /** Refused, or unknown. */
    record Failed(ApiError error, @Nullable LeaderHint leader) implements AppendAnswer {}
  }

  /**
   * A read below the high watermark.
   *
   * @param leaderEpoch that the client knows; -1: not checked
   * @param lastReadEpoch epoch of the record before {@code offset}; -1: not checked
   * @param maxBytes at least one batch is answered if there is one
   * @param minBytes waits for so many, 1: any; 0: does not wait
   * @param deadlineNanos of the wait; then an empty answer
   * @param forSending ranges of files may come in place of batches; only with {@link Route#LOCAL}
   */
  record Fetch(
      PartitionId partition,
      int leaderEpoch,
      long offset,
      int lastReadEpoch,
      int maxBytes,
      int minBytes,
      long deadlineNanos,
      Route route,
      boolean forSending) {
    /** Of batches. */
    public Fetch(
        PartitionId partition,
        int leaderEpoch,
        long offset,
        int lastReadEpoch,
        int maxBytes,
        int minBytes,
        long deadlineNanos,
        Route route) {
      this(
          partition,
          leaderEpoch,
          offset,
          lastReadEpoch,
          maxBytes,
          minBytes,
          deadlineNanos,
          route,
          false);
    }
  }

  /** The end of a fetch. */
  sealed interface FetchAnswer {
    /**
     * Whole batches in order, perhaps none; the first may begin before the offset asked for.
     *
     * @param nextOffset where the next fetch goes on
     * @param highWatermark -1: not known yet (rule R40)
     * @param range in place of batches, if it was asked for; or null
     */
    record Fetched(
        List<ByteBuffer> batches,
        int bytes,
        long nextOffset,
        long logStartOffset,
        long highWatermark,
        int leaderEpoch,
        @Nullable FileRange range)
        implements FetchAnswer {
      /** Batches, perhaps none. */
      public Fetched(
          List<ByteBuffer> batches,
          int bytes,
          long nextOffset,
          long logStartOffset,
          long highWatermark,
          int leaderEpoch) {
        this(batches, bytes, nextOffset, logStartOffset, highWatermark, leaderEpoch, null);
      }
    }

    /**
     * Refused.
     *
     * @param divergence with LOG_TRUNCATED
     */
    record Failed(ApiError error, @Nullable LeaderHint leader, @Nullable Divergence divergence)
        implements FetchAnswer {}
  }

  /** Which offset. */
  sealed interface OffsetQuery {
    /** Log start. */
    record Earliest() implements OffsetQuery {}

    /** High watermark. */
    record Latest() implements OffsetQuery {}

    /** First record with this timestamp or a later one; the end if there is none. */
    record AtTime(long timestampMs) implements OffsetQuery {}
  }

  /** A search for an offset. */
  record ListOffset(PartitionId partition, OffsetQuery query, long deadlineNanos, Route route) {}

  /**
   * A deletion of what lies before an offset. Repeating it does no harm.
   *
   * @param before first offset to keep; -1: all that is committed goes
   */
  record DeleteRecords(PartitionId partition, long before, long deadlineNanos, Route route) {}

  /** The end of a search. */
  sealed interface OffsetAnswer {
    /**
     * Found.
     *
     * @param timestampMs of the record found by time, else -1
     * @param leaderEpoch of the record before the offset (by time: of the record found), else -1
     */
    record Found(long offset, long timestampMs, int leaderEpoch) implements OffsetAnswer {}

    /** Not found out. */
    record Failed(ApiError error, @Nullable LeaderHint leader) implements OffsetAnswer {}
  }

  /**
   * What the leader says of its partition.
   *
   * @param known false: no leader answered in time, the offsets mean nothing
   * @param highWatermark -1: the leader does not know it yet (rule R40)
   */
  record Description(
      PartitionId partition, boolean known, long logStartOffset, long highWatermark) {}

  /** Who leads, as far as this broker knows. */
  record LeaderHint(int brokerId, Endpoint grpc, int leaderEpoch) {}

  /** Where the log that a client read and the leader's part (rule R28). */
  record Divergence(int leaderEpoch, long endOffset) {}
}
