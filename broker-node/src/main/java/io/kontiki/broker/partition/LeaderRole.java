package io.kontiki.broker.partition;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.log.PartitionLog;
import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.record.BatchValidator;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.Lane;
import io.kontiki.replication.LeaderReplica;
import io.kontiki.replication.LeaderReplica.AckOutcome;
import io.kontiki.replication.ReplicationMessage.HeldEnd;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.Resignation;
import io.kontiki.replication.StreamId;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A partition that leads: its core, its log, the producers that wait, and the followers that are
 * shipped to. Reading is in {@link LeaderReads}.
 */
final class LeaderRole {
  private static final Logger LOG = LoggerFactory.getLogger(LeaderRole.class);
  private static final int MOST_WAITERS = 100_000;

  private final Partition partition;
  private final LoopContext context;
  private final LeaderReplica replica;
  private final LeaderReads reads;
  private final AppendOrder order;
  private ProduceWaiters producers;
  private final Deletions deletions = new Deletions();
  private final RecentAppends recent;
  private final Map<Integer, Shipment> shipments = new TreeMap<>();
  private boolean over;
  private @Nullable Resignation lastResignation;

  /** The append whose time until it is committed is taken, if it is not yet; one at a time. */
  private long timedEnd;

  private long timedNanos;

  /**
   * @param producers who wait since an earlier epoch in which this replica led, without a break
   */
  LeaderRole(
      Partition partition, LoopContext context, LeaderReplica replica, ProduceWaiters producers) {
    this.partition = partition;
    this.context = context;
    this.replica = replica;
    this.producers = producers;
    this.order = new AppendOrder(context.keyChecker());
    this.reads = new LeaderReads(partition, context, replica);
    this.recent = new RecentAppends(context.limits().partitionTail(), context.tails());
  }

  LeaderReplica replica() {
    return replica;
  }

  LeaderReads reads() {
    return reads;
  }

  PartitionLog log() {
    return partition.log();
  }

  RecentAppends recent() {
    return recent;
  }

  long highWatermark() {
    return replica.highWatermark();
  }

  /** Appends, and answers when the batch is held as its acks demand (rules R8, R21, R36). */
  void append(Append request, Completion<Result<Appended>> completion) {
    PartitionAssignment p = partition.assignment();
    ApiError refusal = refusal(request);
    if (refusal == null) {
      refusal = BatchValidator.check(request.batch(), p.maxBatchBytes()).orElse(null);
    }
    if (refusal != null) {
      completion.complete(Result.error(refusal));
      return;
    }
    boolean keyed = p.log().compaction() != null;
    if (!keyed && order.isEmpty()) {
      appendChecked(request, completion);
      return;
    }
    order.pass(
        request.batch(),
        keyed,
        () ->
            ApiError.retriable(ErrorReason.BUSY, p.name() + " has too many batches to check", 100),
        wrong -> {
          // Time may have passed.
          ApiError obstacle = wrong == null ? refusal(request) : wrong;
          if (obstacle == null) {
            appendChecked(request, completion);
          } else {
            completion.complete(Result.error(obstacle));
          }
        });
  }

  private void appendChecked(Append request, Completion<Result<Appended>> completion) {
    context.turn().expectShipping();
    AppendOutcome outcome;
    try {
      outcome =
          log()
              .appendAsLeader(
                  request.batch(), replica.leaderEpoch(), context.loop().clock().wallMs());
    } catch (StorageException e) {
      completion.complete(Result.error(Errors.offlineInAppend(partition.assignment())));
      partition.onOffline(e);
      return;
    }
    if (outcome instanceof AppendOutcome.Appended done) {
      if (!shipments.isEmpty()) {
        recent.add(done.baseOffset(), done.lastOffset() + 1, request.batch().asReadOnlyBuffer());
        for (Shipment shipment : shipments.values()) {
          if (shipment.stream().catchesUp()) {
            context.catchUp().onAppended(request.batch().remaining());
          }
          shipment.stream().hasMore(shipment);
        }
      }
      replica.onLogEnd(log().logEndOffset(), context.nowNanos());
      if (timedEnd <= highWatermark()) {
        timedEnd = done.lastOffset() + 1;
        timedNanos = context.nowNanos();
      }
      await(request, done.baseOffset(), done.lastOffset(), done.appendTimeMs(), completion);
    } else if (outcome instanceof AppendOutcome.Duplicate first) {
      // The first try may not be committed yet: its repetition waits like itself (rule I2).
      await(request, first.baseOffset(), first.lastOffset(), first.appendTimeMs(), completion);
    } else {
      ApiError error = ((AppendOutcome.Refused) outcome).error();
      boolean elsewhere =
          error.reason() == ErrorReason.CORRUPT_LOG && replica.handsOver(context.nowNanos());
      completion.complete(
          Result.error(elsewhere ? Errors.handsOver(partition.assignment()) : error));
      return;
    }
    onHeld();
  }

  private void await(
      Append request,
      long baseOffset,
      long lastOffset,
      long appendTimeMs,
      Completion<Result<Appended>> completion) {
    ProduceWaiters.Waiter waiter =
        new ProduceWaiters.Waiter(
            new Appended(
                baseOffset,
                lastOffset,
                appendTimeMs,
                log().logStartOffset(),
                reads.shownHighWatermark(),
                replica.leaderEpoch()),
            completion);
    switch (request.acks()) {
      case ALL -> producers.awaitCommit(waiter, request.deadlineNanos());
      case LEADER -> producers.awaitHold(waiter, request.deadlineNanos());
      case NONE -> waiter.succeed(reads.shownHighWatermark());
    }
    partition.armDeadline();
  }

  private @Nullable ApiError refusal(Append request) {
    PartitionAssignment p = partition.assignment();
    if (request.leaderEpoch() != Requests.ANY_EPOCH
        && request.leaderEpoch() != replica.leaderEpoch()) {
      return Errors.epoch(p, request.leaderEpoch(), replica.leaderEpoch());
    }
    if (context.conditions().diskSpace() != DiskSpace.ENOUGH) {
      return Errors.diskFull(p, context.brokers().localId());
    }
    if (request.acks() == Acks.ALL && !replica.enoughInSync()) {
      return Errors.notEnoughReplicas(p, replica.isr().size());
    }
    if (!context.lease().held()
        && (request.acks() != Acks.ALL || !replica.allMembersSubscribed())) {
      return Errors.noLease(p);
    }
    if (producers.size() >= MOST_WAITERS) {
      return ApiError.retriable(
          ErrorReason.BUSY, p.name() + " has " + MOST_WAITERS + " appends waiting", 100);
    }
    return null;
  }

  /** More of the own log is held. */
  void onHeld() {
    long held = log().heldEndOffset();
    replica.onHeld(held, context.nowNanos());
    producers.onHeld(held, reads.shownHighWatermark());
    progress();
  }

  /** Lets go what the topic's retention does not keep, below the high watermark (D5, L6). */
  void retain(boolean byTime) {
    log()
        .retainedStart(
            highWatermark(),
            byTime,
            start -> {
              if (!over && start > log().logStartOffset()) {
                LOG.info(
                    "{} keeps {} on, by its retention; before, {}",
                    partition.name(),
                    start,
                    log().logStartOffset());
                try {
                  raiseLogStart(start);
                } catch (StorageException e) {
                  partition.onOffline(e);
                }
              }
            });
  }

  /** See {@link Partition#deleteRecords}. */
  void deleteRecords(long before, long deadlineNanos, Completion<Result<Long>> completion) {
    PartitionAssignment p = partition.assignment();
    if (!replica.enoughInSync()) {
      // An eligible replica outside of the in-sync set would bring the records back (R19).
      completion.complete(Result.error(Errors.notEnoughReplicas(p, replica.isr().size())));
      return;
    }
    if (deletions.isFull()) {
      completion.complete(
          Result.error(
              ApiError.retriable(
                  ErrorReason.BUSY, p.name() + " has too many deletions waiting", 100)));
      return;
    }
    if (!reads.current()) {
      completion.complete(Result.error(Errors.noLease(p)));
      return;
    }
    if (!replica.knowsTrueHighWatermark()) {
      completion.complete(Result.error(Errors.notAvailable(p)));
      return;
    }
    long start = before == Requests.HIGH_WATERMARK ? highWatermark() : before;
    if (start > highWatermark() || start < 0) {
      completion.complete(
          Result.error(Errors.outOfRange(p, start, log().logStartOffset(), highWatermark())));
      return;
    }
    try {
      if (start > log().logStartOffset()) {
        LOG.info(
            "{} keeps {} on, as an operator asked; before, {}",
            partition.name(),
            start,
            log().logStartOffset());
        raiseLogStart(start);
      }
      deletions.await(start, deadlineNanos, completion);
      progress();
    } catch (StorageException e) {
      completion.complete(Result.error(Errors.offlineInAppend(p)));
      partition.onOffline(e);
    }
  }

  private void raiseLogStart(long start) {
    log().advanceLogStart(start);
    replica.onLogStart(log().logStartOffset());
    // Followers take it from the leader, with the next data or alone.
    shipments.values().forEach(shipment -> shipment.stream().hasNews(shipment));
  }

  /** A follower subscribes (rules R25 to R29); the accepted one ends the older (rule R27). */
  SubscribeAnswer subscribe(ShippingStream stream, SubscribeRequest request) {
    partition.wake();
    int follower = stream.id().followerId();
    SubscribeAnswer answer =
        replica.subscribe(
            follower,
            stream.id().brokerEpoch(),
            request,
            log().epochs(),
            log().logStartOffset(),
            log().forgottenBelow(request.fetchOffset()),
            context.nowNanos());
    if (answer instanceof SubscribeAnswer.Refused refused
        && refused.refusal() == Refusal.SUPERSEDED) {
      return answer;
    }
    Shipment old = shipments.remove(follower);
    if (old != null) {
      old.stream().remove(old);
      endSubscription(old);
    }
    if (answer instanceof SubscribeAnswer.Accepted) {
      if (stream.id().lane() == Lane.LIVE && isFarBehind(follower, request.fetchOffset())) {
        replica.onSubscriptionEnded(follower, stream.id().brokerEpoch(), request.subscription());
        return new SubscribeAnswer.Refused(request.subscription(), Refusal.FAR_BEHIND);
      }
      Shipment begun = new Shipment(this, stream, request.subscription(), request.fetchOffset());
      shipments.put(follower, begun);
      stream.add(begun);
    }
    return answer;
  }

  /** From which offset on the farthest follower is shipped; the greatest long without any. */
  long shippedFrom() {
    return shipments.values().stream().mapToLong(Shipment::nextOffset).min().orElse(Long.MAX_VALUE);
  }

  /** About so many bytes of the log are at or behind an offset. */
  long bytesBehind(long offset) {
    return log().bytesFrom(offset);
  }

  /**
   * Whether a follower belongs on the catch-up lane: not a member of the in-sync set, for which
   * acknowledgements wait.
   */
  boolean isFarBehind(int follower, long offset) {
    return !replica.waitsFor(follower) && bytesBehind(offset) > context.limits().farBehind();
  }

  void onAck(Shipment shipment, HeldEnd held) {
    StreamId owner = shipment.stream().id();
    if (held.logStart() >= 0) {
      replica.onFollowerLogStart(
          owner.followerId(),
          owner.brokerEpoch(),
          held.subscription(),
          held.logStart(),
          context.nowNanos());
    }
    AckOutcome outcome =
        replica.onAck(
            owner.followerId(),
            owner.brokerEpoch(),
            shipment.subscription(),
            held.heldEnd(),
            context.nowNanos());
    if (outcome == AckOutcome.IMPOSSIBLE) {
      refuse(shipment, Refusal.INCONSISTENT);
    } else {
      progress();
    }
  }

  /** A follower cannot read from an offset on: it is out until it is mended (rule D9). */
  void onLost(Shipment shipment, long offset) {
    StreamId owner = shipment.stream().id();
    LOG.warn(
        "{} is damaged at offset {} on broker {}: not in sync and not eligible until it is mended",
        partition.name(),
        offset,
        owner.followerId());
    replica.onLost(
        owner.followerId(), owner.brokerEpoch(), shipment.subscription(), context.nowNanos());
    progress();
    if (replica.countsOn(owner.followerId())) {
      shipment.stream().mend(shipment, List.of()); // it asks again
      return;
    }
    try {
      log()
          .read(
              offset,
              log().logEndOffset(),
              context.limits().message(),
              outcome -> shipment.stream().mend(shipment, outcome.batches()));
    } catch (StorageException e) {
      onOffline(e);
    }
  }

  /** The own log is damaged: somebody else shall lead, as soon as somebody can (rule D9). */
  void onDamaged(long offset) {
    replica.onOwnDamage(context.nowNanos());
    if (!replica.handsOver(context.nowNanos())) {
      LOG.error(
          "{} is damaged at offset {} and no other replica may lead (in sync: {}): it serves what"
              + " lies before, and takes nothing",
          partition.name(),
          offset,
          replica.isr());
    }
    progress();
  }

  /** Ends a subscription from this side. */
  void refuse(Shipment shipment, Refusal why) {
    shipment.stream().remove(shipment);
    shipment.stream().answer(new SubscribeAnswer.Refused(shipment.subscription(), why));
    onShipmentEnded(shipment);
  }

  /** A subscription or its stream ended. */
  void onShipmentEnded(Shipment shipment) {
    shipment.end();
    shipments.remove(shipment.stream().id().followerId(), shipment);
    endSubscription(shipment);
    onShipped();
  }

  /** A follower has no room for more: it leaves the in-sync set at once (rule D4). */
  void onFollowerFull(Shipment shipment) {
    StreamId owner = shipment.stream().id();
    replica.onFollowerFull(
        owner.followerId(), owner.brokerEpoch(), shipment.subscription(), context.nowNanos());
    progress();
  }

  private void endSubscription(Shipment shipment) {
    StreamId owner = shipment.stream().id();
    replica.onSubscriptionEnded(owner.followerId(), owner.brokerEpoch(), shipment.subscription());
  }

  /** Forgets the buffers that every live follower has been shipped. */
  void onShipped() {
    long slowest = Long.MAX_VALUE;
    for (Shipment shipment : shipments.values()) {
      slowest = Math.min(slowest, shipment.nextOffset());
    }
    recent.releaseUpTo(slowest);
  }

  void onIsrOutcome(IsrProposal proposal, IsrOutcome outcome) {
    replica.onOutcome(proposal, outcome, context.nowNanos());
    progress();
  }

  void onResignOutcome(Resignation resignation, IsrOutcome outcome) {
    replica.onOutcome(resignation, outcome, context.nowNanos());
    progress();
  }

  void onOffline(StorageException cause) {
    partition.onOffline(cause);
  }

  /** Time passed (rule R38). */
  void tick(long nowNanos) {
    replica.tick(nowNanos);
    progress();
  }

  /** Whether passing time changes nothing here; deadlines have timers of their own. */
  boolean isQuiet() {
    return replica.isQuiet() && deletions.isEmpty();
  }

  void onDeadline(long nowNanos) {
    producers.expire(nowNanos, Errors.appendTimedOut(partition.assignment()));
    deletions.expire(nowNanos, Errors.deletionTimedOut(partition.assignment()));
    reads.onDeadline(nowNanos);
    if (nowNanos >= replica.nextJudgementNanos()) {
      replica.onJudgement(nowNanos);
      progress();
    }
  }

  long nextDeadlineNanos() {
    return Math.min(
        Math.min(producers.nextDeadlineNanos(), reads.nextDeadlineNanos()),
        Math.min(deletions.nextDeadlineNanos(), replica.nextJudgementNanos()));
  }

  /** The core has changed: tells everybody whom it concerns. */
  void progress() {
    partition.wake();
    long hw = replica.highWatermark();
    long before = partition.highWatermark();
    boolean moved = hw > before;
    if (moved) {
      partition.highWatermark(hw);
      if (before < timedEnd && timedEnd <= hw) {
        long now = context.nowNanos();
        context.catchUp().onCommitted(now - timedNanos, now);
      }
      for (Shipment shipment : shipments.values()) {
        shipment.stream().hasNews(shipment);
      }
    }
    producers.onCommitted(
        hw,
        reads.shownHighWatermark(),
        replica.enoughInSync()
            ? null
            : Errors.notEnoughReplicasAfterAppend(partition.assignment(), replica.isr().size()));
    if (moved) {
      reads.onHighWatermark();
    }
    answerDeletions();
    replica.proposal().ifPresent(proposal -> context.turn().propose(partition, proposal));
    replica.resignation().ifPresent(this::resign);
    partition.armDeadline();
  }

  private void answerDeletions() {
    if (deletions.isEmpty() || !replica.enoughInSync()) {
      return;
    }
    try {
      deletions.onLowWatermark(replica.lowWatermark(log().durableLogStart()));
    } catch (StorageException e) {
      partition.onOffline(e);
    }
  }

  private void resign(Resignation resignation) {
    if (!resignation.equals(lastResignation)) {
      lastResignation = resignation;
      context.meters().onResignation(resignation.cause());
      LOG.info(
          "{} resigns in epoch {}: {}; in sync {}, broker {} shall lead",
          partition.name(),
          resignation.leaderEpoch(),
          resignation.cause().text(),
          replica.isr(),
          resignation.successor());
    }
    context.turn().resign(partition, resignation);
  }

  /**
   * The epoch is over and this replica leads the next one: ends the role as {@link #stop} does, but
   * for the producers that wait; they are the next role's.
   */
  ProduceWaiters handOn(ApiError forReaders) {
    ProduceWaiters waiting = producers;
    producers = new ProduceWaiters();
    stop(forReaders, forReaders);
    return waiting;
  }

  /** Leadership is over: what waits gets its answer, followers are sent away (rule R23). */
  void stop(ApiError forProducers, ApiError forReaders) {
    over = true;
    List<Shipment> all = List.copyOf(shipments.values());
    shipments.clear();
    recent.clear();
    for (Shipment shipment : all) {
      shipment.stream().remove(shipment);
      shipment.stream()
          .answer(new SubscribeAnswer.Refused(shipment.subscription(), Refusal.NOT_LEADER));
    }
    producers.failAll(forProducers);
    order.failAll(forReaders);
    deletions.failAll(Errors.deletionUnknown(partition.assignment()));
    reads.stop(forReaders);
  }
}
