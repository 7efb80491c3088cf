package io.kontiki.replication;

import io.kontiki.log.LeaderEpochs;
import io.kontiki.log.LeaderEpochs.EpochEnd;
import io.kontiki.model.PartitionId;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One partition's leader in one leader epoch: positions of followers, in-sync set, high watermark.
 *
 * <p>The owner tells it what happened and afterwards looks at {@link #highWatermark}, {@link
 * #proposal}, {@link #resignation} and {@link #nextJudgementNanos}. A new epoch is a new object, so
 * positions of an older epoch cannot count (R11).
 */
public final class LeaderReplica {
  private static final long NEVER = Long.MAX_VALUE;

  private final PartitionId id;
  private final int localId;
  private final ReplicaTimes times;
  private final int leaderEpoch;

  /** Log end when the epoch began (LESO): the true high watermark is known at or above it. */
  private final long epochStartOffset;

  private final InSyncSet inSync;
  private final SortedMap<Integer, FollowerCursor> cursors = new TreeMap<>();
  private final EndHistory history = new EndHistory();
  private final ResignationSlot resigning;

  /** Whether the own log cannot be read to its end (rule D9). */
  private boolean damaged;

  /** Whether a successor outside of the in-sync set has been asked for in the present state. */
  private boolean steppedAside;

  /** The own disk: what is written and not held. */
  private final OwedClock own = new OwedClock();

  /** Until then it shrinks where it would else resign (rule R38). */
  private final long shrinksUntil;

  /** The last time that this broker is known to have run. */
  private long lookedNanos;

  private long judgedNanos;
  private BrokerDirectory brokers;
  private List<Integer> replicas;
  private int minIsr;
  private long logEnd;
  private long heldEnd;
  private long highWatermark;
  private long logStart;

  /**
   * Begins an epoch.
   *
   * @param localId this broker
   * @param state the committed state that made it leader
   * @param handedOver see {@link IsrState#handedOverSince}
   * @param replicas broker ids
   * @param log where the own log stands; its {@code highWatermark} is what this replica knew in its
   *     role before (rule R39)
   */
  public LeaderReplica(
      PartitionId id,
      int localId,
      IsrState state,
      boolean handedOver,
      List<Integer> replicas,
      int minIsr,
      OwnLog log,
      BrokerDirectory brokers,
      ReplicaTimes times,
      long nowNanos) {
    this.id = id;
    this.localId = localId;
    this.times = times;
    this.leaderEpoch = state.leaderEpoch();
    this.inSync = new InSyncSet(id, state, times);
    this.brokers = brokers;
    this.replicas = List.copyOf(replicas);
    this.minIsr = minIsr;
    this.logEnd = log.endOffset();
    this.heldEnd = log.heldEndOffset();
    this.epochStartOffset = log.endOffset();
    this.highWatermark = Math.min(log.highWatermark(), log.endOffset());
    this.resigning = new ResignationSlot(times, nowNanos);
    this.shrinksUntil = handedOver ? nowNanos + times.handedOver() : nowNanos;
    this.lookedNanos = nowNanos;
    this.judgedNanos = nowNanos;
    history.note(nowNanos, logEnd);
    advance();
    noteOutstanding(nowNanos);
  }

  /**
   * Where the own log stands when an epoch begins.
   *
   * @param endOffset exclusive end of what is written
   * @param heldEndOffset exclusive end of what is held (rule R36)
   */
  public record OwnLog(long endOffset, long heldEndOffset, long highWatermark) {}

  /** What came of an acknowledgement. */
  public enum AckOutcome {
    /** It is the follower's position now. */
    COUNTED,
    /** It belongs to a subscription that is not the present one (rule R27). */
    DROPPED,
    /** It lies beyond the leader's log, so the logs are not what was validated (rule R26). */
    IMPOSSIBLE
  }

  /** The epoch in which this replica leads. */
  public int leaderEpoch() {
    return leaderEpoch;
  }

  /** Of the newest committed state adopted. */
  public int partitionEpoch() {
    return inSync.partitionEpoch();
  }

  /** Offsets below it are committed; never goes back within the epoch. */
  public long highWatermark() {
    return highWatermark;
  }

  /**
   * Whether the high watermark has reached the epoch's start, and so is the true one (R22, R40).
   */
  public boolean knowsTrueHighWatermark() {
    return highWatermark >= epochStartOffset;
  }

  /** Members of the committed in-sync set, sorted. */
  public List<Integer> isr() {
    return inSync.committed();
  }

  /** Whether the high watermark counts this replica: it is in the maximal in-sync set (rule R9). */
  public boolean waitsFor(int replica) {
    return inSync.maximal().contains(replica);
  }

  /** Of the topic. */
  public int minIsr() {
    return minIsr;
  }

  /** Whether the committed in-sync set is large enough (rules R8, R10, R21). */
  public boolean enoughInSync() {
    return inSync.committed().size() >= minIsr;
  }

  /** Whether every other member of the maximal in-sync set has a live subscription (rule R5). */
  public boolean allMembersSubscribed() {
    for (int member : inSync.maximal()) {
      FollowerCursor cursor = cursors.get(member);
      if (member != localId && (cursor == null || !cursor.live())) {
        return false;
      }
    }
    return true;
  }

  /** The change of the in-sync set that is to be sent now; at most once per decision or retry. */
  public Optional<IsrProposal> proposal() {
    return inSync.take();
  }

  /** The wish to be replaced that is to be sent now; at most once per decision (rule R38). */
  public Optional<Resignation> resignation() {
    return resigning.take();
  }

  /** When to call {@link #onJudgement} next; {@code Long.MAX_VALUE}: {@link #tick} is enough. */
  public long nextJudgementNanos() {
    long next = own.dueAt(times.stuck());
    for (int member : inSync.committed()) {
      if (member != localId) {
        next = Math.min(next, cursorOf(member).owed().dueAt(times.silent()));
      }
    }
    // What is due and was not decided is for the ticks: this must not bring its caller back at
    // once.
    return next > judgedNanos ? next : NEVER;
  }

  /** The own log grew. */
  public void onLogEnd(long endOffset, long nowNanos) {
    logEnd = endOffset;
    history.note(nowNanos, endOffset);
    noteOutstanding(nowNanos);
  }

  /** More of the own log is held: the leader counts itself no further than that (R9, R36). */
  public void onHeld(long endOffset, long nowNanos) {
    long end = Math.min(endOffset, logEnd);
    if (end > heldEnd) {
      own.moved(end < logEnd, nowNanos);
    }
    heldEnd = end;
    advance();
  }

  /**
   * A follower asks to be shipped the log (rules R25 to R29).
   *
   * @param epochs of the own log
   * @param logStart of the own log
   */
  public SubscribeAnswer subscribe(
      int follower,
      long brokerEpoch,
      SubscribeRequest request,
      LeaderEpochs epochs,
      long logStart,
      long forgottenBelow,
      long nowNanos) {
    long subscription = request.subscription();
    if (request.leaderEpoch() != leaderEpoch) {
      return new SubscribeAnswer.Refused(
          subscription,
          request.leaderEpoch() < leaderEpoch
              ? Refusal.FENCED_LEADER_EPOCH
              : Refusal.UNKNOWN_LEADER_EPOCH);
    }
    if (follower == localId || !replicas.contains(follower)) {
      return new SubscribeAnswer.Refused(subscription, Refusal.NOT_A_REPLICA);
    }
    FollowerCursor cursor = cursorOf(follower);
    if (cursor.isOlder(brokerEpoch, subscription) || brokerEpoch < brokers.epochOf(follower)) {
      return new SubscribeAnswer.Refused(subscription, Refusal.SUPERSEDED);
    }
    cursor.asked(brokerEpoch, subscription);
    if (request.fetchOffset() < logStart) {
      // A member of the in-sync set holds everything below the high watermark, and the log start is
      // not above that: such a follower has lost data, and metadata have yet to say so (rule R32).
      return inSync.maximal().contains(follower)
          ? new SubscribeAnswer.Refused(subscription, Refusal.INCONSISTENT)
          : new SubscribeAnswer.Behind(subscription, logStart);
    }
    EpochEnd end = epochs.endOf(request.lastEpoch());
    boolean apart = end.epoch() < request.lastEpoch() || end.endOffset() < request.fetchOffset();
    if (apart && end.epoch() == LeaderEpochs.NONE && countsOn(follower)) {
      // All records of epochs up to the follower's were deleted here. They were committed, and it
      // holds what is: sent back to the beginning it would forget where the log has got to (D5).
      if (request.lastEpoch() == LeaderEpochs.NONE) {
        apart = request.fetchOffset() > logEnd; // it has no record
      } else if (request.fetchOffset() <= logStart) {
        apart = false;
      } else if (logStart > 0) {
        return new SubscribeAnswer.Diverging(subscription, request.lastEpoch(), logStart);
      }
    }
    if (apart) {
      return new SubscribeAnswer.Diverging(subscription, end.epoch(), end.endOffset());
    }
    if (request.fetchOffset() > logStart && request.fetchOffset() < forgottenBelow) {
      // It may have records whose tombstones are gone here (rule L6); as a member it would hold
      // everything committed, and nothing else is compacted.
      return inSync.maximal().contains(follower)
          ? new SubscribeAnswer.Refused(subscription, Refusal.INCONSISTENT)
          : new SubscribeAnswer.Behind(subscription, logStart);
    }
    cursor.accepted();
    return new SubscribeAnswer.Accepted(subscription, highWatermark, logStart);
  }

  /**
   * A follower acknowledged its held end.
   *
   * @return what came of it
   */
  public AckOutcome onAck(
      int follower, long brokerEpoch, long subscription, long end, long nowNanos) {
    FollowerCursor cursor = cursors.get(follower);
    if (cursor == null || !cursor.isCurrent(brokerEpoch, subscription)) {
      return AckOutcome.DROPPED;
    }
    if (end > logEnd) {
      return AckOutcome.IMPOSSIBLE;
    }
    boolean mended = cursor.damaged();
    cursor.damaged(false);
    if (cursor.advance(end, logEnd, nowNanos) || mended) {
      advance();
      decide(nowNanos, false);
    }
    return AckOutcome.COUNTED;
  }

  /** The own log begins at this offset: nobody joins before its log durably does, too (rule D5). */
  public void onLogStart(long startOffset) {
    logStart = startOffset;
  }

  /** A follower says where its log durably begins, under a subscription (rule D5). */
  public void onFollowerLogStart(
      int follower, long brokerEpoch, long subscription, long start, long nowNanos) {
    FollowerCursor cursor = cursors.get(follower);
    if (cursor != null && cursor.isCurrent(brokerEpoch, subscription)) {
      cursor.logStart(start);
      decide(nowNanos, false);
    }
  }

  /**
   * Up to which offset records are gone durably on every member of the maximal in-sync set, so that
   * no election of one of them brings them back (rule D5).
   *
   * @param ownStart durable start of the own log
   */
  public long lowWatermark(long ownStart) {
    long low = ownStart;
    for (int member : inSync.maximal()) {
      if (member != localId) {
        FollowerCursor cursor = cursors.get(member);
        low = Math.min(low, cursor == null ? 0 : cursor.logStart());
      }
    }
    return low;
  }

  private boolean isCandidate(int replica) {
    return inSync.committed().contains(replica) || inSync.eligible().contains(replica);
  }

  /**
   * Whether somebody may still count on a replica's log: it is in the maximal in-sync set, or
   * eligible. Only who is neither may be told what to do about damage: that may be to cut (D9).
   */
  public boolean countsOn(int replica) {
    return waitsFor(replica) || isCandidate(replica);
  }

  /**
   * A follower cannot read all of its log: it leaves the in-sync set and is not eligible, until it
   * acknowledges again (rule D9).
   */
  public void onLost(int follower, long brokerEpoch, long subscription, long nowNanos) {
    FollowerCursor cursor = cursors.get(follower);
    if (cursor != null && cursor.isCurrent(brokerEpoch, subscription)) {
      cursor.damaged(true);
      decide(nowNanos, true);
    }
  }

  /** The own log is damaged: another replica shall lead, if one may (rule D9). */
  public void onOwnDamage(long nowNanos) {
    damaged = true;
    decide(nowNanos, true);
  }

  /** Whether the own log is damaged and another replica can take over. */
  public boolean handsOver(long nowNanos) {
    return damaged && successor(nowNanos, true) != IsrState.NO_LEADER;
  }

  /**
   * Whether it asked for a successor outside of the in-sync set, which commits without this replica
   * as soon as that is granted: the lease says nothing about where the log ends any more (R5, D9).
   */
  public boolean steppedAside() {
    return steppedAside;
  }

  /** A subscription ended on either side; its last position stays, as the follower holds it. */
  public void onSubscriptionEnded(int follower, long brokerEpoch, long subscription) {
    FollowerCursor cursor = cursors.get(follower);
    if (cursor != null && cursor.isCurrent(brokerEpoch, subscription)) {
      cursor.ended();
    }
  }

  /** A follower gave its subscription up because its disk is full: it is not waited for (D4). */
  public void onFollowerFull(int follower, long brokerEpoch, long subscription, long nowNanos) {
    FollowerCursor cursor = cursors.get(follower);
    if (cursor != null && cursor.isCurrent(brokerEpoch, subscription)) {
      cursor.onFull();
      decide(nowNanos, true);
    }
  }

  /**
   * A committed state, from the image or from the answer to a proposal.
   *
   * @return false if it is not strictly newer, or of another leader epoch, and was left alone (R16)
   */
  public boolean adopt(IsrState state, long nowNanos) {
    if (state.leaderId() != localId || state.leaderEpoch() != leaderEpoch || !inSync.adopt(state)) {
      return false;
    }
    resigning.onNewerState();
    steppedAside = false; // no copy of a resignation for the older state can be applied any more
    advance();
    noteOutstanding(nowNanos);
    decide(nowNanos, false);
    return true;
  }

  /** What became of a resignation that {@link #resignation} gave out. */
  public void onOutcome(Resignation resignation, IsrOutcome outcome, long nowNanos) {
    resigning.onOutcome(resignation, outcome, nowNanos);
    adoptFrom(outcome, nowNanos);
  }

  /** What became of a proposal that {@link #proposal} gave out. */
  public void onOutcome(IsrProposal proposal, IsrOutcome outcome, long nowNanos) {
    inSync.onOutcome(proposal, outcome, nowNanos);
    adoptFrom(outcome, nowNanos);
  }

  private void adoptFrom(IsrOutcome outcome, long nowNanos) {
    if (outcome instanceof IsrOutcome.Applied applied) {
      adopt(applied.state(), nowNanos);
    } else if (outcome instanceof IsrOutcome.Rejected rejected) {
      adopt(rejected.state(), nowNanos);
    } else if (outcome instanceof IsrOutcome.Stale stale) {
      adopt(stale.state(), nowNanos);
    }
  }

  /** New metadata of brokers, of the replica set or of the topic's settings. */
  public void onMetadata(
      BrokerDirectory newBrokers, List<Integer> newReplicas, int newMinIsr, long nowNanos) {
    brokers = newBrokers;
    replicas = List.copyOf(newReplicas);
    minIsr = newMinIsr;
    advance();
    decide(nowNanos, false);
  }

  /**
   * Time passed: retries, and who is silent or lags (rule R38). A few times a second, unless it
   * {@link #isQuiet}; more than {@link ReplicaTimes#paused} since the last time means that this
   * broker did not run.
   */
  public void tick(long nowNanos) {
    long gap = nowNanos - lookedNanos;
    lookedNanos = nowNanos;
    judgedNanos = nowNanos;
    history.note(nowNanos, logEnd);
    noteOutstanding(nowNanos);
    inSync.retry(nowNanos);
    if (gap > times.paused()) {
      // What came in meanwhile is in the loop's queue, and has not been looked at.
      own.forgive(gap);
      cursors.values().forEach(cursor -> cursor.owed().forgive(gap));
    } else {
      decide(nowNanos, true);
    }
  }

  /**
   * Whether time alone changes nothing: nobody owes anything, nothing is asked for, and nobody who
   * is not in the in-sync set is on the way back into it. Until something happens {@link #tick} may
   * be left out, if {@link #resume} is called then.
   */
  public boolean isQuiet() {
    if (damaged
        || heldEnd < logEnd
        || !history.endsWith(logEnd)
        || resigning.pending()
        || inSync.isAsking()) {
      return false;
    }
    List<Integer> members = inSync.committed();
    for (int member : members) {
      if (member != localId) {
        FollowerCursor cursor = cursorOf(member);
        if (cursor.full() || cursor.damaged() || positionOf(cursor) < logEnd) {
          return false;
        }
      }
    }
    for (int replica : replicas) {
      FollowerCursor cursor = cursors.get(replica);
      if (cursor != null
          && !members.contains(replica)
          && (cursor.live() || cursor.hasLeftSlowly())) {
        return false;
      }
    }
    return true;
  }

  /**
   * Ticks go on.
   *
   * @param lookedNanos when this broker looked at what it has to do for the last time, whether at
   *     this partition or not
   */
  public void resume(long lookedNanos) {
    if (lookedNanos - this.lookedNanos > 0) {
      this.lookedNanos = lookedNanos;
      judgedNanos = Math.max(judgedNanos, lookedNanos);
    }
  }

  /** The time that {@link #nextJudgementNanos} named has come: nobody waits for the next tick. */
  public void onJudgement(long nowNanos) {
    judgedNanos = nowNanos;
    if (nowNanos - lookedNanos <= times.paused()) {
      lookedNanos = nowNanos;
      decide(nowNanos, true);
    }
  }

  /** Moves the high watermark to what every member of the maximal ISR holds (rules R9, R10). */
  private void advance() {
    if (!enoughInSync()) {
      return;
    }
    long end = heldEnd;
    for (int member : inSync.maximal()) {
      if (member != localId) {
        FollowerCursor cursor = cursors.get(member);
        end = Math.min(end, cursor == null ? FollowerCursor.UNKNOWN : cursor.heldEnd());
      }
    }
    highWatermark = Math.max(highWatermark, end);
  }

  /** Asks for another in-sync set or leader if one is due and nothing is in flight (rule R14). */
  private void decide(long nowNanos, boolean judge) {
    if (resigning.pending()
        || !inSync.mayPropose(nowNanos)
        || (!judge && inSync.committed().size() == replicas.size())) {
      return;
    }
    if (damaged && maybeResign(Resignation.Cause.LOG_DAMAGED, nowNanos)) {
      return;
    }
    if (judge
        && own.owedFor(nowNanos) >= times.stuck()
        && maybeResign(Resignation.Cause.SYNC_STUCK, nowNanos)) {
      return;
    }
    SortedMap<Integer, Long> wanted = wanted(nowNanos, judge);
    List<Integer> lost =
        replicas.stream()
            .filter(replica -> isCandidate(replica) && cursorOf(replica).damaged())
            .toList();
    if (List.copyOf(wanted.keySet()).equals(inSync.committed()) && lost.isEmpty()) {
      return;
    }
    boolean removesSlow =
        inSync.committed().stream()
            .anyMatch(member -> !wanted.containsKey(member) && !cursorOf(member).damaged());
    if (removesSlow
        && wanted.size() < minIsr
        && nowNanos - shrinksUntil >= 0
        && maybeResign(Resignation.Cause.FOLLOWERS_SILENT, nowNanos)) {
      return;
    }
    for (int member : inSync.committed()) {
      if (!wanted.containsKey(member) && !cursorOf(member).damaged()) {
        cursorOf(member).leftSlowly(nowNanos, times);
      }
    }
    inSync.propose(leaderEpoch, wanted, lost);
  }

  private SortedMap<Integer, Long> wanted(long nowNanos, boolean judge) {
    SortedMap<Integer, Long> wanted = new TreeMap<>();
    for (int member : inSync.committed()) {
      boolean leaves =
          cursorOf(member).damaged()
              || (judge && (cursorOf(member).full() || isSlow(member, nowNanos)));
      if (member == localId || !leaves) {
        wanted.put(member, brokers.epochOf(member));
      }
    }
    for (int replica : replicas) {
      FollowerCursor cursor = cursors.get(replica);
      if (cursor != null
          && !inSync.committed().contains(replica)
          && mayJoin(replica, cursor, nowNanos)) {
        wanted.put(replica, cursor.brokerEpoch());
      }
    }
    return wanted;
  }

  /**
   * Asks to be replaced.
   *
   * @return false if nobody else may lead: all that is left is to go on, and to shrink
   */
  private boolean maybeResign(Resignation.Cause cause, long nowNanos) {
    int successor = successor(nowNanos, cause == Resignation.Cause.LOG_DAMAGED);
    if (successor == IsrState.NO_LEADER) {
      return false;
    }
    if (resigning.mayAsk(nowNanos)) {
      steppedAside |= !inSync.committed().contains(successor);
      resigning.ask(new Resignation(id, leaderEpoch, inSync.partitionEpoch(), successor, cause));
    }
    return true;
  }

  /**
   * The member that has owed nothing for the longest time, the first replica among equals; without
   * one the first eligible replica, if those count; or {@link IsrState#NO_LEADER}.
   */
  private int successor(long nowNanos, boolean orEligible) {
    int successor = IsrState.NO_LEADER;
    long owed = NEVER;
    for (int replica : replicas) {
      if (inSync.committed().contains(replica)
          && mayFollowUp(replica)
          && cursorOf(replica).owed().owedFor(nowNanos) < owed) {
        successor = replica;
        owed = cursorOf(replica).owed().owedFor(nowNanos);
      }
    }
    if (successor == IsrState.NO_LEADER && orEligible) {
      for (int replica : replicas) {
        if (inSync.eligible().contains(replica) && mayFollowUp(replica)) {
          return replica;
        }
      }
    }
    return successor;
  }

  private boolean mayFollowUp(int replica) {
    return replica != localId
        && brokers.mayJoinIsr(replica, brokers.epochOf(replica))
        && !cursorOf(replica).damaged()
        && !cursorOf(replica).full();
  }

  private boolean mayJoin(int replica, FollowerCursor cursor, long nowNanos) {
    long end = cursor.heldEnd();
    boolean caughtUp = end >= history.endAt(nowNanos - times.rejoin());
    return !cursor.damped(caughtUp, nowNanos, times)
        && cursor.live()
        && !cursor.damaged()
        && end >= highWatermark
        && end >= epochStartOffset
        && cursor.logStart() >= logStart
        && brokers.mayJoinIsr(replica, cursor.brokerEpoch());
  }

  private FollowerCursor cursorOf(int replica) {
    return cursors.computeIfAbsent(replica, unused -> new FollowerCursor());
  }

  private void noteOutstanding(long nowNanos) {
    own.note(heldEnd < logEnd, nowNanos);
    for (int member : inSync.committed()) {
      if (member != localId) {
        FollowerCursor cursor = cursorOf(member);
        cursor.owed().note(positionOf(cursor) < logEnd, nowNanos);
      }
    }
  }

  /**
   * Of a member that has not subscribed yet only so much is known: it should hold more than the
   * high watermark, if there is more.
   */
  private long positionOf(FollowerCursor cursor) {
    return cursor.heldEnd() == FollowerCursor.UNKNOWN ? highWatermark : cursor.heldEnd();
  }

  private boolean isSlow(int member, long nowNanos) {
    FollowerCursor cursor = cursorOf(member);
    return cursor.owed().owedFor(nowNanos) >= times.silent()
        || positionOf(cursor) < history.endAt(nowNanos - times.lagging());
  }
}
