package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.RandomSource;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The producer's protocol for one partition: which batch goes next, what an answer means, and when
 * a record has failed. Pure: told everything, asked for the next thing to send. One thread.
 *
 * <pre>
 *   waiting --(sequence assigned)--> outstanding: sent or to be sent again, in order --> outcome
 *      ^                                  |
 *      +------- set aside <---------------+  refused as out of sequence: never appended
 * </pre>
 *
 * <ul>
 *   <li>A batch keeps its sequence until it is known not to be appended; a batch whose fate is not
 *       known is sent again with the same sequence until its deadline (rule I5).
 *   <li>After a failure there may be a <em>hole</em> in the sequence. Then only the first
 *       outstanding batch is sent, until each is decided; those that are certainly not in the log
 *       are set aside. Then the producer epoch goes up, and they go first, from sequence 0.
 *   <li>In a new epoch, and at a new leader, one batch goes alone: a leader may accept any first
 *       sequence of a producer that it does not know (rule I3), so a second batch must not overtake
 *       a refused first one.
 * </ul>
 */
final class PartitionSender {
  /** One attempt to append one batch. */
  record Attempt(long id, Leader leader, ByteBuffer batch, int timeoutMs) {}

  private final int partition;
  private final SenderSettings settings;
  private final LongSupplier attemptIds;
  private final ArrayDeque<PendingBatch> waiting = new ArrayDeque<>();
  private final List<PendingBatch> outstanding = new ArrayList<>();
  private final List<PendingBatch> setAside = new ArrayList<>();
  private final TreeMap<Long, PendingBatch> attempts = new TreeMap<>();
  private final Backoff backoff;
  private int batchBytes;

  private @Nullable Leader leader;
  private int leaderEpoch = -1;

  private long producerId = -1;
  private long refusedProducerId = -1;
  private short producerEpoch;
  private int nextSequence;
  private boolean established;
  private boolean hole;

  /** A batch of this epoch was given up with unknown fate: a copy may yet reach the leader. */
  private boolean strayInEpoch;

  /**
   * @param attemptIds gives ids that are unique in the producer
   * @param random for the length of pauses
   */
  PartitionSender(
      int partition, SenderSettings settings, LongSupplier attemptIds, RandomSource random) {
    this.backoff = new Backoff(random);
    this.partition = partition;
    this.settings = settings;
    this.attemptIds = attemptIds;
    this.batchBytes = settings.batchBytes();
  }

  /** Whom the next attempt goes to; null: nobody is known. */
  @Nullable Leader leader() {
    return leader;
  }

  /** No record is without outcome. */
  boolean isIdle() {
    return waiting.isEmpty() && outstanding.isEmpty() && setAside.isEmpty();
  }

  /** It cannot go on before {@link #onProducerId}. */
  boolean needsProducerId() {
    return settings.idempotent() && producerId < 0 && !isIdle();
  }

  /** An id that brokers no longer take; -1: none. */
  long refusedProducerId() {
    return refusedProducerId;
  }

  /** Batches that were sent and have no answer, and since when the oldest. */
  long oldestSentNanos() {
    long oldest = Long.MAX_VALUE;
    for (PendingBatch batch : outstanding) {
      if (batch.sent) {
        oldest = Math.min(oldest, batch.sentNanos);
      }
    }
    return oldest;
  }

  /** There is something to do for which a stream to the leader is needed now. */
  boolean wantsStream(long nowNanos) {
    return leader != null && !isIdle() && !backoff.waits(nowNanos);
  }

  /** Takes a record behind all others. */
  void add(PendingRecord record, long nowNanos) {
    PendingBatch last = waiting.peekLast();
    if (last == null || !last.takes(record.sizeBytes(), batchBytes)) {
      last = new PendingBatch(settings.compression(), nowNanos, record.deadlineNanos());
      waiting.add(last);
    }
    last.append(record);
  }

  /** Does not wait for more records. */
  void seal() {
    PendingBatch last = waiting.peekLast();
    if (last != null) {
      last.sealed = true;
    }
  }

  /** A new session of the producer. */
  void onProducerId(long id) {
    producerId = id;
    startEpoch((short) 0);
  }

  /**
   * Who leads, as metadata or a refusal says. Older news than those known are ignored.
   *
   * @param newLeader null: nobody
   */
  void onLeader(@Nullable Leader newLeader, int epoch) {
    boolean newer = epoch > leaderEpoch || (epoch == leaderEpoch && leader == null);
    if (!newer) {
      if (newLeader != null && epoch == leaderEpoch) {
        leader = newLeader;
      }
      return;
    }
    leaderEpoch = epoch;
    leader = newLeader;
    if (newLeader != null) {
      outstanding.forEach(PartitionSender::loseAttempt);
      established = false;
      backoff.reset();
    }
  }

  /** The topic, or the topic of this id, is gone. */
  void onGone(ApiError error) {
    List<PendingBatch> all = all();
    clear();
    all.forEach(batch -> batch.fail(outcomeOf(batch, error)));
  }

  /**
   * A stream broke: what was sent on it may have been appended.
   *
   * @param isLeaders it led to the present leader
   */
  void onStreamEnded(long streamId, long nowNanos, boolean isLeaders) {
    for (PendingBatch batch : outstanding) {
      if (batch.sent && batch.streamId == streamId) {
        loseAttempt(batch);
      }
    }
    if (isLeaders) {
      backoff.pause(nowNanos);
    }
  }

  /** The leader could not be reached; nothing was sent. */
  void onUnreachable(long nowNanos) {
    backoff.pause(nowNanos);
  }

  /** The broker answered: the batch is held as the acks demand. */
  void onAppended(long attemptId, long baseOffset, long appendTimeMs) {
    PendingBatch batch = attempts.get(attemptId);
    if (batch != null) {
      forget(batch);
      established = true;
      backoff.reset();
      batch.acknowledge(partition, baseOffset, appendTimeMs);
    }
  }

  /**
   * The broker answered: not appended, or not known.
   *
   * @param hint who leads instead, if the broker said so
   */
  void onRefused(long attemptId, ApiError error, @Nullable Leader hint, long nowNanos) {
    PendingBatch batch = attempts.remove(attemptId);
    if (batch == null || batch.attemptId != attemptId) {
      // An attempt that was given up: it already counts as one that may have been appended.
      return;
    }
    batch.sent = false;
    batch.lastError = error;
    batch.maybeAppended |= !error.definite();
    boolean news = learn(hint);
    switch (error.reason()) {
      case NOT_LEADER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH -> {
        if (!news) {
          backoff.pause(nowNanos);
        }
      }
      case SEQUENCE_OUT_OF_ORDER -> onOutOfOrder(batch, error, nowNanos);
      case PRODUCER_FENCED, UNKNOWN_PRODUCER_ID -> {
        refusedProducerId = producerId;
        if (batch.maybeAppended) {
          failFor(batch, error);
        } else if (isFirst(batch)) {
          setAside(batch);
        }
      }
      case RECORD_TOO_LARGE -> onTooLarge(batch, error);
      case SEQUENCE_TOO_OLD -> failFor(batch, error);
      default -> {
        if (!isRetriable(error)) {
          failFor(batch, error);
        } else if (!news) {
          backoff.pause(nowNanos, error.retryAfterMs());
        }
      }
    }
  }

  /**
   * The next attempt to make now, on a stream to {@link #leader} that takes messages.
   *
   * @return null: nothing now
   */
  @Nullable Attempt nextToSend(long nowNanos, long streamId) {
    expire(nowNanos);
    Leader to = leader;
    if (to == null || backoff.waits(nowNanos)) {
      return null;
    }
    PendingBatch batch = nextBatch(nowNanos);
    if (batch == null) {
      return null;
    }
    batch.attemptId = attemptIds.getAsLong();
    batch.streamId = streamId;
    batch.sent = true;
    batch.sentNanos = nowNanos;
    attempts.put(batch.attemptId, batch);
    long leftMs = (batch.deadlineNanos() - nowNanos) / 1_000_000;
    int timeoutMs = (int) Math.max(1, Math.min(leftMs, settings.requestTimeoutMs()));
    return new Attempt(batch.attemptId, to, batch.bytes(), timeoutMs);
  }

  /** Ends what has passed its deadline. */
  void expire(long nowNanos) {
    if (earliestDeadlineNanos() > nowNanos) {
      return;
    }
    for (PendingBatch batch : all()) {
      if (batch.deadlineNanos() <= nowNanos) {
        waiting.remove(batch);
        setAside.remove(batch);
        giveUp(batch, outcomeOf(batch, expired(batch)));
      }
    }
  }

  /** When to ask again although nothing happens; {@link Long#MAX_VALUE}: never. */
  long wakeAtNanos(long nowNanos) {
    long wake = earliestDeadlineNanos();
    PendingBatch next = waiting.peek();
    if (next != null && !isDue(next, nowNanos)) {
      wake = Math.min(wake, next.createdNanos() + settings.lingerNanos());
    }
    if (!isIdle() && backoff.waits(nowNanos)) {
      wake = Math.min(wake, backoff.endNanos());
    }
    return wake;
  }

  /** Batches stand in the order of their deadlines in each of the three places. */
  private long earliestDeadlineNanos() {
    long earliest = outstanding.isEmpty() ? Long.MAX_VALUE : outstanding.get(0).deadlineNanos();
    if (!setAside.isEmpty()) {
      earliest = Math.min(earliest, setAside.get(0).deadlineNanos());
    }
    PendingBatch next = waiting.peek();
    return next == null ? earliest : Math.min(earliest, next.deadlineNanos());
  }

  private @Nullable PendingBatch nextBatch(long nowNanos) {
    boolean pipelined = settings.idempotent() && established && !hole;
    for (PendingBatch batch : outstanding) {
      if (!batch.sent) {
        return batch;
      }
      if (!pipelined) {
        return null;
      }
    }
    if (outstanding.isEmpty() && hole) {
      closeHole();
    }
    PendingBatch next = waiting.peek();
    int limit = pipelined ? settings.maxInFlight() : 1;
    if (next == null || outstanding.size() >= limit || !isDue(next, nowNanos)) {
      return null;
    }
    if (settings.idempotent()) {
      if (producerId < 0) {
        return null;
      }
      next.sequence(producerId, producerEpoch, nextSequence);
      // Numbers wrap from 2^31 - 1 to 0.
      nextSequence = (int) ((nextSequence + (long) next.count()) & 0x7fffffffL);
    }
    waiting.remove();
    outstanding.add(next);
    return next;
  }

  private boolean isDue(PendingBatch batch, long nowNanos) {
    return waiting.size() > 1
        || batch.sealed
        || batch.sizeBytes() >= batchBytes
        || nowNanos - batch.createdNanos() >= settings.lingerNanos();
  }

  /** Whether a refusal names a leader that was not known: then nothing needs to wait. */
  private boolean learn(@Nullable Leader hint) {
    int before = leaderEpoch;
    if (hint != null) {
      onLeader(hint, hint.epoch());
    }
    return leaderEpoch != before;
  }

  private void onOutOfOrder(PendingBatch batch, ApiError error, long nowNanos) {
    if (!settings.idempotent()) {
      failFor(batch, error);
    } else if (isFirst(batch)) {
      if (batch.maybeAppended && strayInEpoch) {
        // It is not in the log now. But copies of the batch that was given up and of this one may
        // still come out of a dead connection, one behind the other. So it stays in its place.
        backoff.pause(nowNanos);
      } else {
        // The leader lacks what comes before, for good: no copy of this can get into its log.
        batch.maybeAppended = false;
        setAside(batch);
      }
    }
    // Behind another outstanding batch it says no more than that that one is not there yet.
  }

  private void onTooLarge(PendingBatch batch, ApiError error) {
    if (batch.count() == 1 || batch.maybeAppended) {
      failFor(batch, error);
      return;
    }
    String limit = error.metadata().get("limitBytes");
    if (limit != null && limit.matches("[0-9]{1,9}")) {
      batchBytes = Math.max(1, Math.min(batchBytes, Integer.parseInt(limit)));
    }
    forget(batch);
    List<PendingBatch> halves = batch.halves();
    if (settings.idempotent()) {
      hole = true;
      setAside.addAll(halves);
    } else {
      waiting.addFirst(halves.get(1));
      waiting.addFirst(halves.get(0));
    }
  }

  /** Certainly not in the log: it goes again, with another sequence. */
  private void setAside(PendingBatch batch) {
    forget(batch);
    batch.unsequence();
    hole = true;
    setAside.add(batch);
  }

  private void failFor(PendingBatch batch, ApiError error) {
    giveUp(batch, outcomeOf(batch, error));
  }

  /** Its place in the sequence stays empty, or is taken by a stray copy. */
  private void giveUp(PendingBatch batch, ApiError outcome) {
    if (outstanding.contains(batch) && settings.idempotent()) {
      hole = true;
      strayInEpoch |= !outcome.definite();
    }
    forget(batch);
    batch.fail(outcome);
  }

  private void closeHole() {
    hole = false;
    for (int i = setAside.size() - 1; i >= 0; i--) {
      waiting.addFirst(setAside.get(i));
    }
    setAside.clear();
    if (producerId == refusedProducerId || producerEpoch == Short.MAX_VALUE) {
      refusedProducerId = producerId;
      producerId = -1;
    } else {
      startEpoch((short) (producerEpoch + 1));
    }
  }

  private void startEpoch(short epoch) {
    producerEpoch = epoch;
    nextSequence = 0;
    established = false;
    strayInEpoch = false;
  }

  private boolean isFirst(PendingBatch batch) {
    return !outstanding.isEmpty() && outstanding.get(0) == batch;
  }

  private void forget(PendingBatch batch) {
    outstanding.remove(batch);
    Iterator<PendingBatch> known = attempts.values().iterator();
    while (known.hasNext()) {
      if (known.next() == batch) {
        known.remove();
      }
    }
  }

  private List<PendingBatch> all() {
    List<PendingBatch> all = new ArrayList<>(outstanding);
    all.addAll(setAside);
    all.addAll(waiting);
    return all;
  }

  private void clear() {
    outstanding.clear();
    setAside.clear();
    waiting.clear();
    attempts.clear();
  }

  private boolean isRetriable(ApiError error) {
    if (!error.definite()) {
      return true;
    }
    return switch (error.reason().code()) {
      case UNAVAILABLE, RESOURCE_EXHAUSTED -> true;
      // A broker that does not know it yet; when it is gone for good, metadata says so (onGone).
      case NOT_FOUND -> true;
      default -> false;
    };
  }

  private ApiError expired(PendingBatch batch) {
    ApiError last = batch.lastError;
    if (last != null) {
      return last;
    }
    String why = leader == null ? "no leader is known" : "the leader " + leader + " did not answer";
    return ApiError.definite(
        ErrorReason.LEADER_UNAVAILABLE, "partition " + partition + ": deadline passed; " + why);
  }

  /** What a batch's failure means, given all its attempts (promise P4, rule I5). */
  private static ApiError outcomeOf(PendingBatch batch, ApiError error) {
    if (!batch.maybeAppended && !batch.sent) {
      return error;
    }
    ErrorReason reason = error.definite() ? ErrorReason.OUTCOME_UNKNOWN : error.reason();
    return ApiError.indefinite(
        reason, "whether the records were appended is not known; last: " + error);
  }

  private static void loseAttempt(PendingBatch batch) {
    batch.maybeAppended |= batch.sent;
    batch.sent = false;
  }
}
