package io.kontiki.broker.partition;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.broker.partition.Requests.Description;
import io.kontiki.broker.partition.Requests.FoundOffset;
import io.kontiki.broker.partition.Requests.OffsetQuery;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.log.LeaderEpochs;
import io.kontiki.log.LeaderEpochs.EpochEnd;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.replication.FollowerReplica;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.IsrState;
import io.kontiki.replication.LeaderReplica;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.Resignation;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica of one partition: its log, and the role that metadata give it. Belongs to one loop;
 * completions run there, perhaps inside the call.
 */
public final class Partition {
  private static final Logger LOG = LoggerFactory.getLogger(Partition.class);

  private final PartitionLog log;
  private final LoopContext context;
  private PartitionAssignment assignment;
  private @Nullable LeaderRole leader;
  private @Nullable FollowerRole follower;
  private long highWatermark;

  /** Truncations that are not durable yet: until then it subscribes nowhere (rule D8). */
  private int cuts;

  private boolean offline;
  private boolean closed;
  private long armedAt = Long.MAX_VALUE;

  /** Whether it is among those that hear of passing time: see {@link #wake}. */
  private boolean awake;

  Partition(PartitionLog log, PartitionAssignment assignment, LoopContext context) {
    this.log = log;
    this.context = context;
    this.assignment = assignment;
    this.highWatermark = log.checkpointedHighWatermark();
    changeRole(false);
  }

  /** Which. */
  public PartitionId id() {
    return assignment.id();
  }

  /** As metadata have it now. */
  public PartitionAssignment assignment() {
    return assignment;
  }

  /** Whether it leads. */
  public boolean leading() {
    return leader != null;
  }

  /** Whether it leads and its high watermark counts that replica (rule R9). */
  public boolean waitsFor(int replica) {
    LeaderRole role = leader;
    return role != null && role.replica().waitsFor(replica);
  }

  /**
   * Appends one batch.
   *
   * @param completion exactly once: by the request's deadline, or with the loss of leadership
   */
  public void append(Append request, Completion<Result<Appended>> completion) {
    LeaderRole role = leader;
    if (role == null) {
      completion.complete(Result.error(notLeading()));
    } else {
      role.append(request, completion);
    }
  }

  /** Reads committed batches; waits as the request says. */
  public void read(Read request, Completion<ReadAnswer> completion) {
    LeaderRole role = leader;
    if (role == null) {
      completion.complete(new ReadAnswer.Failed(notLeading(), null));
    } else {
      role.reads().read(request, completion);
    }
  }

  /**
   * Finds an offset.
   *
   * @param leaderEpoch that the client knows, or {@link Requests#ANY_EPOCH}
   */
  public void listOffset(
      int leaderEpoch, OffsetQuery query, Completion<Result<FoundOffset>> completion) {
    LeaderRole role = leader;
    if (role == null) {
      completion.complete(Result.error(notLeading()));
    } else if (leaderEpoch != Requests.ANY_EPOCH && leaderEpoch != role.replica().leaderEpoch()) {
      completion.complete(
          Result.error(Errors.epoch(assignment, leaderEpoch, role.replica().leaderEpoch())));
    } else {
      role.reads().listOffset(query, completion);
    }
  }

  /**
   * Deletes committed records from the beginning of the log.
   *
   * @param before first offset to keep, or {@link Requests#HIGH_WATERMARK}
   * @param deadlineNanos by the loop's clock
   * @param completion the log start, once it is durable on every replica that is in sync: whoever
   *     leads next begins there, too (rule D5)
   */
  public void deleteRecords(long before, long deadlineNanos, Completion<Result<Long>> completion) {
    LeaderRole role = leader;
    if (role == null) {
      completion.complete(Result.error(notLeading()));
    } else {
      role.deleteRecords(before, deadlineNanos, completion);
    }
  }

  /** What this replica says of itself, as a leader only with the lease. */
  public Description describe() {
    if (offline) {
      return new Description(
          false, assignment.state().leaderEpoch(), -1, -1, -1, -1, assignment.state().isr());
    }
    LeaderRole role = leader;
    return new Description(
        role != null,
        assignment.state().leaderEpoch(),
        log.logStartOffset(),
        role == null ? -1 : role.reads().shownHighWatermark(),
        log.logEndOffset(),
        log.heldEndOffset(),
        role != null ? role.replica().isr() : assignment.state().isr());
  }

  /**
   * What balanced recovery asks for (R19): the newest epoch entered here, or -1, and the log end;
   * of a damaged log what lies before the damage, for nothing else can be read of it (D9).
   */
  public EpochEnd readableEnd() {
    Optional<PartitionLog.Damage> damage = log.damage();
    if (damage.isEmpty()) {
      return new EpochEnd(log.epochs().latest(), log.logEndOffset());
    }
    long end = damage.get().offset();
    return new EpochEnd(
        end > log.logStartOffset() ? log.epochs().epochOf(end - 1) : LeaderEpochs.NONE, end);
  }

  /** Exclusive end of what is written here. */
  public long logEndOffset() {
    return log.logEndOffset();
  }

  /** For requests to a leader while there is no such role. */
  private ApiError notLeading() {
    boolean elected = assignment.state().leaderId() == context.brokers().localId();
    return elected && !offline ? Errors.beginsAnew(assignment) : refusal();
  }

  private ApiError refusal() {
    return offline ? Errors.offline(assignment) : Errors.notLeader(assignment);
  }

  /** New metadata: acts on the resulting state, whatever lay between (rules M8, R16). */
  void apply(PartitionAssignment newest) {
    LeaderRole role = leader;
    int known =
        role == null
            ? assignment.state().partitionEpoch()
            : Math.max(assignment.state().partitionEpoch(), role.replica().partitionEpoch());
    IsrState state = newest.state();
    if (!newest.log().equals(assignment.log()) && !offline) {
      try {
        log.changeSettings(newest.log());
      } catch (StorageException e) {
        onOffline(e);
      }
    }
    if (state.partitionEpoch() <= known) {
      // The topic's settings may still differ, and so may the replica set: what the role knows of a
      // newer state came in the answer to a proposal, which does not tell that (R20).
      boolean older = state.partitionEpoch() < assignment.state().partitionEpoch();
      assignment =
          newest.withState(assignment.state(), older ? assignment.replicas() : newest.replicas());
      onBrokers();
      return;
    }
    IsrState old = assignment.state();
    assignment = newest;
    boolean sameRole =
        state.leaderEpoch() == old.leaderEpoch() && state.leaderId() == old.leaderId();
    if (!sameRole) {
      changeRole(state.handedOverSince(old));
    } else if (role != null) {
      role.replica().adopt(state, context.nowNanos());
      onBrokers();
    }
    FollowerRole followed = follower;
    if (followed != null) {
      if (log.doubtful() && state.isr().contains(context.brokers().localId())) {
        log.clearDoubt(); // compared with the leader's log, by R12
      }
      followed.onState();
    }
  }

  /** New metadata of brokers or settings. */
  void onBrokers() {
    LeaderRole role = leader;
    if (role != null) {
      role.replica()
          .onMetadata(
              context.brokers(), assignment.replicas(), assignment.minIsr(), context.nowNanos());
      role.progress();
    }
  }

  private void changeRole(boolean handedOver) {
    IsrState state = assignment.state();
    LeaderRole led = leader;
    ProduceWaiters waiting = new ProduceWaiters();
    if (led != null && !offline && state.leaderId() == context.brokers().localId()) {
      // It leads on, in a newer epoch, over the same log: nobody cut it meanwhile, and what waits
      // is
      // committed by the new epoch as it would have been by the old.
      waiting = led.handOn(refusal());
      leader = null;
    }
    endRole(refusal());
    wake();
    if (offline || state.leaderId() == IsrState.NO_LEADER) {
      LOG.info("{} has no leader (epoch {})", name(), state.leaderEpoch());
    } else if (state.leaderId() != context.brokers().localId()) {
      becomeFollower(state);
    } else if (led == null && beginsAnew()) {
      LOG.info(
          "{} begins anew at {}, and is led here in epoch {} once that is durable",
          name(),
          log.logStartOffset(),
          state.leaderEpoch());
    } else {
      becomeLeader(state, handedOver, waiting);
    }
  }

  /**
   * Everything was dropped, and a power cut might bring it back (rule D8). Who is elected just
   * then, uncleanly (R19), does not lead before that is over: what it showed of where its log
   * begins and ends, and whom it let into the in-sync set for that, would be undone, and offsets be
   * given again. Nothing is lost by it: such a log has nothing to read, and takes nothing.
   */
  private boolean beginsAnew() {
    return cutting() && log.logEndOffset() == log.logStartOffset();
  }

  private void becomeLeader(IsrState state, boolean handedOver, ProduceWaiters waiting) {
    try {
      log.beginEpoch(state.leaderEpoch()); // before it serves (rule R29)
    } catch (StorageException e) {
      waiting.failAll(Errors.offlineInAppend(assignment));
      onOffline(e);
      return;
    }
    // What was deleted was committed (D5). A high watermark below it would keep followers from
    // taking the log start, and so out of the in-sync set, as long as that stays below min ISR.
    // Who leads by an unclean election (R19) may know more to be committed than it holds (R36); for
    // everybody else held is all that is committed.
    long committed = Math.max(Math.min(highWatermark, log.heldEndOffset()), log.logStartOffset());
    LeaderReplica.OwnLog own =
        new LeaderReplica.OwnLog(log.logEndOffset(), log.heldEndOffset(), committed);
    LeaderRole role =
        new LeaderRole(
            this,
            context,
            new LeaderReplica(
                id(),
                context.brokers().localId(),
                state,
                handedOver,
                assignment.replicas(),
                assignment.minIsr(),
                own,
                context.brokers(),
                context.times(),
                context.nowNanos()),
            waiting);
    leader = role;
    role.replica().onLogStart(log.logStartOffset());
    LOG.info(
        "{} is led here in epoch {}: end {}, high watermark {}, in sync {}",
        name(),
        state.leaderEpoch(),
        log.logEndOffset(),
        highWatermark,
        state.isr());
    role.progress();
    log.damage().ifPresent(damage -> role.onDamaged(damage.offset()));
  }

  private void becomeFollower(IsrState state) {
    FollowerRole role =
        new FollowerRole(
            this,
            context,
            new FollowerReplica(id(), state.leaderId(), state.leaderEpoch(), highWatermark));
    follower = role;
    LOG.info(
        "{} follows broker {} in epoch {} from {}",
        name(),
        state.leaderId(),
        state.leaderEpoch(),
        log.logEndOffset());
    role.start();
  }

  private void endRole(ApiError forReaders) {
    LeaderRole led = leader;
    FollowerRole followed = follower;
    leader = null;
    follower = null;
    if (led != null) {
      led.stop(Errors.leadershipLost(assignment), forReaders);
    }
    if (followed != null) {
      followed.stop();
    }
  }

  /** The replica is going away: everybody who waits gets an answer (rule R46). */
  void close(ApiError forReaders) {
    closed = true;
    endRole(forReaders);
  }

  SubscribeAnswer subscribe(ShippingStream stream, SubscribeRequest request) {
    LeaderRole role = leader;
    return role == null
        ? new SubscribeAnswer.Refused(request.subscription(), Refusal.NOT_LEADER)
        : role.subscribe(stream, request);
  }

  void onIsrOutcome(IsrProposal proposal, IsrOutcome outcome) {
    LeaderRole role = leader;
    if (role != null) {
      role.onIsrOutcome(proposal, outcome);
    }
  }

  void onResignOutcome(Resignation resignation, IsrOutcome outcome) {
    LeaderRole role = leader;
    if (role != null) {
      role.onResignOutcome(resignation, outcome);
    }
  }

  void tick(long nowNanos) {
    LeaderRole role = leader;
    FollowerRole followed = follower;
    if (role != null) {
      role.tick(nowNanos);
    } else if (followed != null) {
      followed.tick(nowNanos);
    }
    if (isQuiet()) {
      awake = false;
      context.restless().remove(this);
    }
  }

  private boolean isQuiet() {
    LeaderRole role = leader;
    FollowerRole followed = follower;
    return (role == null || role.isQuiet()) && (followed == null || followed.isQuiet());
  }

  /** Something happened in whose wake time counts: it ticks until it is quiet again. */
  void wake() {
    if (!awake) {
      awake = true;
      context.restless().add(this);
      LeaderRole role = leader;
      if (role != null) {
        role.replica().resume(context.lookedNanos());
      }
    }
  }

  /**
   * The log's turn in the walk: an old segment is closed, idle producers are forgotten (I3), a
   * leader lets old records go (L6).
   */
  void keepHouse() {
    if (offline) {
      return;
    }
    try {
      log.rollIfOld();
      boolean byTime = context.conditions().wallClockTrusted();
      if (byTime) {
        log.forgetIdleProducers();
      }
      LeaderRole role = leader;
      if (role != null) {
        role.retain(byTime);
      }
    } catch (StorageException e) {
      onOffline(e);
    }
  }

  /** From which offset on the farthest follower is shipped; the greatest long without any. */
  long shippedFrom() {
    LeaderRole role = leader;
    return role == null ? Long.MAX_VALUE : role.shippedFrom();
  }

  /** The log holds more (rule R36). */
  void onHeld() {
    LeaderRole led = leader;
    FollowerRole followed = follower;
    if (led != null) {
      led.onHeld();
    } else if (followed != null) {
      followed.onHeld();
    }
  }

  /** A read or a check found damage (rule D9). */
  void onDamaged(long offset) {
    LeaderRole led = leader;
    FollowerRole followed = follower;
    if (led != null) {
      led.onDamaged(offset);
    } else if (followed != null) {
      followed.onDamaged();
    }
  }

  /** The log directory failed (rule L4): this replica plays no role any more. */
  void onOffline(StorageException cause) {
    if (!offline) {
      offline = true;
      LOG.error("{} goes offline: {}", name(), cause.getMessage());
      endRole(Errors.offline(assignment));
    }
  }

  PartitionLog log() {
    return log;
  }

  String name() {
    return assignment.name();
  }

  /** Bytes of its segments. */
  public long sizeBytes() {
    return log.sizeBytes();
  }

  /** Everything below it is committed, as far as this replica knows (R9, R31). */
  public long highWatermark() {
    return highWatermark;
  }

  void highWatermark(long offset) {
    if (offset != highWatermark) {
      highWatermark = offset;
      log.noteHighWatermark(offset);
    }
  }

  boolean cutting() {
    return cuts > 0;
  }

  void whenCutDurable(Runnable then) {
    cuts++;
    log.whenDurable(
        () -> {
          cuts--;
          then.run();
        });
  }

  /**
   * A truncation, perhaps of an earlier role, is durable: the present one may subscribe, or begin.
   */
  void askAgain() {
    FollowerRole role = follower;
    IsrState state = assignment.state();
    if (role != null) {
      role.ask();
    } else if (leader == null
        && !offline
        && !closed
        && !beginsAnew()
        && state.leaderId() == context.brokers().localId()) {
      wake();
      becomeLeader(state, false, new ProduceWaiters());
    }
  }

  long armedAt() {
    return armedAt;
  }

  void armedAt(long nanos) {
    armedAt = nanos;
  }

  void armDeadline() {
    LeaderRole role = leader;
    if (role != null) {
      context.deadlines().arm(this, role.nextDeadlineNanos());
    }
  }

  void onDeadline(long nowNanos) {
    LeaderRole role = leader;
    if (role != null) {
      role.onDeadline(nowNanos);
      armDeadline();
    }
  }
}
