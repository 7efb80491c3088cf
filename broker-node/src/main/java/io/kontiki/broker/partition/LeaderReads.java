package io.kontiki.broker.partition;

import io.kontiki.broker.partition.Requests.Divergence;
import io.kontiki.broker.partition.Requests.FoundOffset;
import io.kontiki.broker.partition.Requests.OffsetQuery;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.log.LeaderEpochs;
import io.kontiki.log.LeaderEpochs.EpochEnd;
import io.kontiki.log.PartitionLog;
import io.kontiki.log.PartitionLog.ReadOutcome;
import io.kontiki.log.StoredRange;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.replication.LeaderReplica;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What consumers ask a leader: records below the high watermark, and offsets (R5, R22, R40). */
final class LeaderReads {
  private static final int MOST_WAITERS = 10_000;

  private final Partition partition;
  private final LoopContext context;
  private final LeaderReplica replica;
  private final FetchWaiters waiters = new FetchWaiters();
  private @Nullable ApiError over;

  LeaderReads(Partition partition, LoopContext context, LeaderReplica replica) {
    this.partition = partition;
    this.context = context;
    this.replica = replica;
  }

  /**
   * Whether nobody else can have committed anything: with the lease (R5), and not replaced (D9).
   */
  boolean current() {
    return context.lease().held() && !replica.steppedAside();
  }

  /**
   * What clients are shown: -1 until it is the true one, because it may be below what the leader
   * before has shown, and without the lease, because it may be below what the next one has shown
   * (R5, R31, R40).
   */
  long shownHighWatermark() {
    return replica.knowsTrueHighWatermark() && current() ? replica.highWatermark() : -1;
  }

  void read(Read request, Completion<ReadAnswer> completion) {
    ReadAnswer refusal = refusal(request);
    if (refusal != null) {
      completion.complete(refusal);
    } else {
      serve(new FetchWaiters.Waiter(request, completion));
    }
  }

  private @Nullable ReadAnswer refusal(Read request) {
    PartitionAssignment p = partition.assignment();
    PartitionLog log = partition.log();
    if (request.leaderEpoch() != Requests.ANY_EPOCH
        && request.leaderEpoch() != replica.leaderEpoch()) {
      return failed(Errors.epoch(p, request.leaderEpoch(), replica.leaderEpoch()));
    }
    if (request.lastReadEpoch() > replica.leaderEpoch()) {
      return failed(Errors.epoch(p, request.lastReadEpoch(), replica.leaderEpoch()));
    }
    if (request.offset() < log.logStartOffset()) {
      return failed(
          Errors.outOfRange(p, request.offset(), log.logStartOffset(), replica.highWatermark()));
    }
    if (request.lastReadEpoch() != Requests.ANY_EPOCH) {
      EpochEnd end = log.epochs().endOf(request.lastReadEpoch());
      boolean unknown = end.epoch() == LeaderEpochs.NONE;
      if (end.endOffset() < request.offset()
          || (end.epoch() < request.lastReadEpoch() && !unknown)) {
        return parted(end);
      }
    }
    if (request.offset() > log.logEndOffset()) {
      return beyondTheEnd(request);
    }
    return waiters.size() < MOST_WAITERS
        ? null
        : failed(
            ApiError.retriable(
                ErrorReason.BUSY, p.name() + " has " + MOST_WAITERS + " reads waiting", 100));
  }

  /**
   * What was read is not in this log. Whoever leads for certain has everything that was ever
   * readable, so it is gone; the log of one that was deposed may only lack what was committed
   * without it since (P6, R5, R40).
   */
  private ReadAnswer parted(EpochEnd end) {
    PartitionAssignment p = partition.assignment();
    return current()
        ? new ReadAnswer.Failed(
            Errors.truncated(p, end.epoch(), end.endOffset()),
            new Divergence(end.epoch(), end.endOffset()))
        : failed(Errors.noLease(p));
  }

  /** Never out of range because the high watermark lags, or a deposed leader's log (R5, R40). */
  private ReadAnswer beyondTheEnd(Read request) {
    PartitionAssignment p = partition.assignment();
    PartitionLog log = partition.log();
    if (!current()) {
      return failed(Errors.noLease(p));
    }
    if (!replica.knowsTrueHighWatermark()) {
      return failed(Errors.notAvailable(p));
    }
    return new ReadAnswer.Failed(
        Errors.outOfRange(p, request.offset(), log.logStartOffset(), replica.highWatermark()),
        new Divergence(log.epochs().latest(), log.logEndOffset()));
  }

  private void serve(FetchWaiters.Waiter waiter) {
    Read request = waiter.request();
    long limit = replica.highWatermark();
    if (request.offset() >= limit) {
      waitOrAnswer(waiter, limit, NOTHING_READ);
      return;
    }
    PartitionLog log = partition.log();
    Completion<ReadOutcome> done = outcome -> onRead(waiter, limit, outcome);
    try {
      if (request.forSending()) {
        log.readForSending(request.offset(), limit, request.maxBytes(), done);
      } else {
        log.read(request.offset(), limit, request.maxBytes(), done);
      }
    } catch (StorageException e) {
      waiter.completion().complete(failed(Errors.offline(partition.assignment())));
      partition.onOffline(e);
    }
  }

  private static final ReadOutcome NOTHING_READ =
      new ReadOutcome(List.of(), 0, OptionalLong.empty());

  private void onRead(FetchWaiters.Waiter waiter, long limit, ReadOutcome outcome) {
    ApiError ended = over;
    if (ended != null) {
      waiter.completion().complete(failed(ended));
    } else if (outcome.isEmpty() && waiter.request().offset() < partition.log().logStartOffset()) {
      // Deleted while it was read, or waited to be.
      waiter
          .completion()
          .complete(
              failed(
                  Errors.outOfRange(
                      partition.assignment(),
                      waiter.request().offset(),
                      partition.log().logStartOffset(),
                      replica.highWatermark())));
    } else if (outcome.isEmpty() && outcome.corruptAt().isPresent()) {
      waiter.completion().complete(failed(corrupt(outcome.corruptAt().getAsLong())));
    } else {
      waitOrAnswer(waiter, limit, outcome);
    }
  }

  /** Where another member takes over, the reader finds the bytes there (rule D9). */
  private ApiError corrupt(long offset) {
    return replica.handsOver(context.nowNanos())
        ? Errors.handsOver(partition.assignment())
        : Errors.corrupt(partition.assignment(), offset);
  }

  private void waitOrAnswer(FetchWaiters.Waiter waiter, long limit, ReadOutcome outcome) {
    Read request = waiter.request();
    long next = nextOffset(outcome, request.offset());
    boolean enough =
        outcome.bytes() >= Math.min(request.minBytes(), request.maxBytes())
            || (next < limit && !outcome.isEmpty())
            || outcome.corruptAt().isPresent();
    boolean late = context.nowNanos() - request.deadlineNanos() >= 0;
    if (!enough && !late) {
      if (replica.highWatermark() > limit) {
        serve(waiter); // it moved while the read pool was at work
      } else {
        waiters.add(waiter);
        partition.armDeadline();
      }
    } else if (outcome.isEmpty() && !current()) {
      // "There is nothing more" is only for a leader that is certain to be one (rule R5).
      waiter.completion().complete(failed(Errors.noLease(partition.assignment())));
    } else {
      waiter
          .completion()
          .complete(
              new ReadAnswer.Records(
                  outcome.batches(),
                  outcome.bytes(),
                  next,
                  partition.log().logStartOffset(),
                  shownHighWatermark(),
                  replica.leaderEpoch(),
                  outcome.range()));
    }
  }

  private static long nextOffset(ReadOutcome outcome, long asked) {
    StoredRange range = outcome.range();
    if (range != null) {
      return range.nextOffset();
    }
    return outcome.isEmpty() ? asked : Batches.nextOffset(outcome.batches());
  }

  void listOffset(OffsetQuery query, Completion<Result<FoundOffset>> completion) {
    PartitionAssignment p = partition.assignment();
    PartitionLog log = partition.log();
    LeaderEpochs epochs = log.epochs();
    if (!current()) {
      completion.complete(Result.error(Errors.noLease(p)));
    } else if (query instanceof OffsetQuery.Earliest) {
      completion.complete(Result.ok(at(log.logStartOffset(), epochs)));
    } else if (!replica.knowsTrueHighWatermark()) {
      completion.complete(Result.error(Errors.notAvailable(p)));
    } else if (query instanceof OffsetQuery.AtTime time) {
      long limit = replica.highWatermark();
      try {
        log.offsetForTime(
            time.timestampMs(), limit, found -> completion.complete(atTime(found, limit, epochs)));
      } catch (StorageException e) {
        completion.complete(Result.error(Errors.offline(p)));
        partition.onOffline(e);
      }
    } else {
      completion.complete(Result.ok(at(replica.highWatermark(), epochs)));
    }
  }

  private Result<FoundOffset> atTime(
      PartitionLog.TimeLookup found, long limit, LeaderEpochs epochs) {
    if (found.corruptAt().isPresent()) {
      return Result.error(corrupt(found.corruptAt().getAsLong()));
    }
    return Result.ok(
        found.offset().isPresent()
            ? new FoundOffset(found.offset().getAsLong(), found.timestampMs(), found.leaderEpoch())
            : at(limit, epochs));
  }

  private static FoundOffset at(long offset, LeaderEpochs epochs) {
    return new FoundOffset(
        offset, -1, offset == 0 ? LeaderEpochs.NONE : epochs.epochOf(offset - 1));
  }

  void onHighWatermark() {
    waiters.takeAll().forEach(this::serve);
  }

  void onDeadline(long nowNanos) {
    waiters.expired(nowNanos).forEach(this::serve);
  }

  long nextDeadlineNanos() {
    return waiters.nextDeadlineNanos();
  }

  void stop(ApiError why) {
    over = why;
    waiters.takeAll().forEach(waiter -> waiter.completion().complete(failed(why)));
  }

  private static ReadAnswer failed(ApiError error) {
    return new ReadAnswer.Failed(error, null);
  }
}
