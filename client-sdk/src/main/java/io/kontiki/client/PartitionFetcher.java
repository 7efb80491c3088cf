package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.runtime.RandomSource;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The consumer's protocol for one partition: where the next fetch begins and what an answer means.
 * What was received is never fetched again, and nothing is left out, whatever breaks in between.
 * Pure. One thread.
 *
 * <pre>
 *   no position --(offset resolved)--> stopped --(start sent)--> running --(ended, broken)--> stopped
 *        ^                                                          |
 *        +------- out of range, by policy; seek <-------------------+
 * </pre>
 */
final class PartitionFetcher {
  /** What the consumer has to do after a message. */
  enum Next {
    /** Nothing. */
    NOTHING,
    /** Hand the records over. */
    DELIVER,
    /** The next offset is not in the log: {@link #lastError} says what is. */
    OUT_OF_RANGE,
    /** The log was cut below what was read. */
    TRUNCATED,
    /** It cannot go on. */
    FAIL
  }

  /**
   * A message about this partition.
   *
   * @param nextOffset where a start would go on behind the records
   * @param lastBatchEpoch leader epoch in the last batch; -1: there is none
   * @param divergence with LOG_TRUNCATED: from here on what was read is not in the log
   */
  record Message(
      long nextOffset,
      int lastBatchEpoch,
      boolean ended,
      @Nullable ApiError failure,
      @Nullable Leader hint,
      OptionalLong divergence,
      int recordsBytes) {}

  private static final int NONE = -1;

  private final Backoff backoff;
  private @Nullable Leader leader;
  private int leaderEpoch = -1;
  private long position = NONE;
  private int lastReadEpoch = NONE;
  private long generation;
  private int fetchId = NONE;
  private long streamId = NONE;
  private long bufferedBytes;
  private OptionalLong divergence = OptionalLong.empty();
  private @Nullable ApiError lastError;

  /**
   * @param random for the length of pauses
   */
  PartitionFetcher(RandomSource random) {
    this.backoff = new Backoff(random);
  }

  @Nullable Leader leader() {
    return leader;
  }

  /** Where the next fetch would begin; -1: not known. */
  long position() {
    return position;
  }

  /** Epoch of the last record received; -1: none was, or a seek came between. */
  int lastReadEpoch() {
    return lastReadEpoch;
  }

  /** Grows with each seek. */
  long generation() {
    return generation;
  }

  /** Why it cannot simply go on. */
  @Nullable ApiError lastError() {
    return lastError;
  }

  /** With TRUNCATED, where the logs part. */
  OptionalLong divergence() {
    return divergence;
  }

  boolean isRunning() {
    return fetchId != NONE;
  }

  /** The fetch on a stream; -1: none. */
  int fetchIdOn(long stream) {
    return streamId == stream ? fetchId : NONE;
  }

  /** Bytes that were delivered and not given back as credit. */
  long bufferedBytes() {
    return bufferedBytes;
  }

  /** Goes elsewhere, or first of all: what was fetched before is void. */
  void seek(long offset, long newGeneration) {
    generation = newGeneration;
    position = offset;
    lastReadEpoch = NONE;
    bufferedBytes = 0;
    lastError = null;
    stop();
    backoff.reset();
  }

  /** Where the present generation goes on after {@link Next#OUT_OF_RANGE}. */
  void reposition(long offset) {
    position = offset;
    lastReadEpoch = NONE;
    lastError = null;
  }

  /** The position of a new generation is being resolved. */
  void unposition(long newGeneration) {
    seek(NONE, newGeneration);
  }

  /** Who leads, as metadata or a refusal says. Older news than those known are ignored. */
  void onLeader(@Nullable Leader newLeader, int epoch) {
    if (epoch > leaderEpoch || (epoch == leaderEpoch && leader == null && newLeader != null)) {
      leaderEpoch = epoch;
      leader = newLeader;
      if (newLeader != null) {
        // The old leader serves what is committed, but no longer learns what is.
        stop();
        backoff.reset();
      }
    } else if (epoch == leaderEpoch && newLeader != null) {
      leader = newLeader;
    }
  }

  /** Whether a start should be sent now. */
  boolean wantsStart(long nowNanos) {
    return !isRunning()
        && position != NONE
        && lastError == null
        && leader != null
        && !backoff.waits(nowNanos);
  }

  /** A start was sent. */
  void onStarted(int newFetchId, long newStreamId) {
    fetchId = newFetchId;
    streamId = newStreamId;
  }

  /** When to ask again although nothing happens; {@link Long#MAX_VALUE}: never. */
  long wakeAtNanos(long nowNanos) {
    boolean waits = !isRunning() && position != NONE && backoff.waits(nowNanos);
    return waits ? backoff.endNanos() : Long.MAX_VALUE;
  }

  /** The stream broke, or could not be opened. */
  void onStreamEnded(long endedStreamId, long nowNanos) {
    if (streamId == endedStreamId) {
      stop();
      backoff.pause(nowNanos);
    }
  }

  /** The leader could not be reached. */
  void onUnreachable(long nowNanos) {
    backoff.pause(nowNanos);
  }

  /** A message of the fetch that runs. */
  Next onMessage(Message message, long nowNanos) {
    ApiError failure = message.failure();
    if (failure != null) {
      stop();
      return onFailure(message, failure, nowNanos);
    }
    Next next = Next.NOTHING;
    if (message.nextOffset() < position) {
      // Never back (promise P6): the fetch begins anew where this one should have been.
      stop();
      backoff.pause(nowNanos);
      return next;
    }
    if (message.recordsBytes() > 0 || message.nextOffset() > position) {
      bufferedBytes += message.recordsBytes();
      position = message.nextOffset();
      lastReadEpoch = Math.max(lastReadEpoch, message.lastBatchEpoch());
      backoff.reset();
      next = Next.DELIVER;
    }
    if (message.ended()) {
      stop();
      backoff.pause(nowNanos);
    }
    return next;
  }

  /** The user has taken bytes; they may be given back to the broker. */
  void onConsumed(long bytes, long ofGeneration) {
    if (ofGeneration == generation) {
      bufferedBytes = Math.max(0, bufferedBytes - bytes);
    }
  }

  private Next onFailure(Message message, ApiError failure, long nowNanos) {
    switch (failure.reason()) {
      case NOT_LEADER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH -> {
        int before = leaderEpoch;
        Leader hint = message.hint();
        if (hint != null) {
          onLeader(hint, hint.epoch());
        }
        if (leaderEpoch == before) {
          backoff.pause(nowNanos);
        }
        return Next.NOTHING;
      }
      case OFFSET_OUT_OF_RANGE -> {
        lastError = failure;
        return Next.OUT_OF_RANGE;
      }
      case LOG_TRUNCATED -> {
        lastError = failure;
        divergence = message.divergence();
        return Next.TRUNCATED;
      }
      case CORRUPT_LOG, INVALID_FIELD, UNIMPLEMENTED -> {
        lastError = failure;
        return Next.FAIL;
      }
      default -> {
        // Not yet known there, starting, stopping, busy: metadata says when it is gone for good.
        backoff.pause(nowNanos, failure.retryAfterMs());
        return Next.NOTHING;
      }
    }
  }

  private void stop() {
    fetchId = NONE;
    streamId = NONE;
  }
}
