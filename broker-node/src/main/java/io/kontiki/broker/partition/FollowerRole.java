package io.kontiki.broker.partition;

import io.kontiki.log.PartitionLog;
import io.kontiki.log.PartitionLog.Damage;
import io.kontiki.log.PartitionLog.FollowerAppend;
import io.kontiki.replication.FollowerReplica;
import io.kontiki.replication.FollowerStep;
import io.kontiki.replication.IsrState;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage.HeldEnd;
import io.kontiki.replication.ReplicationMessage.PartitionData;
import io.kontiki.replication.ReplicationMessage.PartitionMend;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A partition that follows: its core, its log, and its place on the stream to the leader. */
final class FollowerRole {
  private static final Logger LOG = LoggerFactory.getLogger(FollowerRole.class);
  private static final long FIRST_PAUSE_NANOS = 20_000_000L;
  private static final int MOST_DOUBLINGS = 5;
  private static final long FIRST_FULL_PAUSE_NANOS = 500_000_000L;
  private static final int MOST_FULL_DOUBLINGS = 4;

  private final Partition partition;
  private final LoopContext context;
  private final FollowerReplica replica;
  private FetchingStream stream;
  private int refusals;
  private int mends;
  private boolean over;

  /** Rule D4: it was told that there is no room; until something has been appended again. */
  private boolean noRoom;

  /** The subscription was given up for that, and a new one is due at a time. */
  private boolean gaveUp;

  private long tryAgainNanos;
  private int timesFull;

  FollowerRole(Partition partition, LoopContext context, FollowerReplica replica) {
    this.partition = partition;
    this.context = context;
    this.replica = replica;
    this.stream = context.streamTo(replica.leaderId(), Lane.LIVE);
  }

  /** Joins the stream to the leader and asks for the log. */
  void start() {
    stream.join(this);
  }

  /** The role is over. */
  void stop() {
    over = true;
    if (noRoom) {
      context.meters().onNoRoom(-1);
    }
    stream.leave(this);
    replica.end();
  }

  FollowerReplica replica() {
    return replica;
  }

  /** What to ask for now; null: nothing, because it has it or a truncation is not durable (D8). */
  @Nullable SubscribeRequest takeRequest() {
    if (over || gaveUp || partition.cutting() || !replica.wantsSubscription()) {
      return null;
    }
    if (isFull()) {
      partition.wake();
      gaveUp = true; // before it began: asked again when there is room
      tryAgainNanos = context.nowNanos();
      return null;
    }
    PartitionLog log = partition.log();
    Optional<Damage> damage = log.damage();
    if (damage.isPresent() && isBeyondMending(damage.get()) && !isCountedOn()) {
      cutDamage(damage.get());
      return null;
    }
    return replica.subscribe(context.nextSubscription(), log.logEndOffset(), log.epochs().latest());
  }

  /** What to acknowledge now, or null: nothing. */
  @Nullable HeldEnd takeAck() {
    PartitionLog log = partition.log();
    if (over || log.damage().isPresent()) {
      return null;
    }
    long held = log.heldEndOffset();
    boolean news = replica.takeAck(held) != FollowerReplica.NOTHING;
    long start = replica.takeLogStart(log.durableLogStart());
    return news || start != FollowerReplica.NOTHING
        ? new HeldEnd(replica.subscription(), held, start)
        : null;
  }

  /** From which offset on it cannot read, or {@link FollowerReplica#NOTHING}. */
  long takeLost() {
    return over || !replica.live()
        ? FollowerReplica.NOTHING
        : partition.log().damage().map(Damage::offset).orElse(FollowerReplica.NOTHING);
  }

  /**
   * The log is damaged: nothing is acknowledged any more, and once the leader has accepted a
   * subscription, so that the logs are known to agree, it is asked for what was lost (rule D9).
   */
  void onDamaged() {
    if (replica.live()) {
      stream.lost(this);
    }
  }

  /** Batches of a lost range, or none: the leader has not got them either, or counts on this. */
  void onMend(PartitionMend mend) {
    if (over || !replica.accepts(mend.subscription())) {
      return;
    }
    long before = takeLost();
    if (before != FollowerReplica.NOTHING && before < partition.log().logStartOffset()) {
      // Nobody has it any more, and it hides what lies behind: all is fetched again (rule R32).
      stream.unsubscribe(replica.subscription());
      replica.end();
      askLater();
      return;
    }
    if (mend.batches().isEmpty()) {
      loseLater();
      return;
    }
    try {
      partition.log().mend(mend.batches(), left -> onMended(before, left));
    } catch (StorageException e) {
      partition.onOffline(e);
    }
  }

  private void onMended(long before, Optional<Damage> left) {
    if (over) {
      return;
    }
    if (left.isEmpty()) {
      mends = 0;
      replica.onMended();
      onHeld();
    } else if (!left.get().mendable()) {
      // Other bytes than the leader's: cut there as soon as it may be, and fetched again.
      stream.unsubscribe(replica.subscription());
      replica.end();
      askLater();
    } else if (left.get().offset() == before) {
      loseLater();
    } else {
      mends = 0;
      onDamaged();
    }
  }

  private void loseLater() {
    long pause = FIRST_PAUSE_NANOS << Math.min(mends++, MOST_DOUBLINGS);
    context
        .loop()
        .schedule(
            pause,
            () -> {
              if (!over) {
                onDamaged();
              }
            });
  }

  /** Metadata have a newer state: perhaps the replica has left the in-sync set. */
  void onState() {
    if (partition.log().damage().isPresent()) {
      ask();
    }
  }

  private boolean isBeyondMending(Damage damage) {
    return !damage.mendable() || damage.offset() < partition.log().logStartOffset();
  }

  /** Whether metadata take this replica for one that holds what is committed. */
  private boolean isCountedOn() {
    IsrState state = partition.assignment().state();
    int self = context.brokers().localId();
    return state.isr().contains(self) || state.elr().contains(self);
  }

  /**
   * What a recovery found damaged is fetched again from there on, once nobody counts on this
   * replica any more (rules L3, D9); the bytes have been kept aside. Until then it subscribes all
   * the same, without a word of what it holds, for else the leader never hears that it is damaged.
   */
  private void cutDamage(Damage damage) {
    LOG.warn(
        "{} is damaged from offset {} on and is fetched again from there",
        partition.name(),
        damage.offset());
    PartitionLog log = partition.log();
    if (damage.offset() < log.logStartOffset()) {
      cut(() -> log.restartAt(log.logStartOffset()));
    } else {
      cut(() -> log.truncateTo(damage.offset()));
    }
  }

  /** More is held: acknowledged at the end of the turn (rule R36). */
  void onHeld() {
    if (replica.live()) {
      stream.acknowledge(this);
    }
  }

  void onStreamClosed() {
    replica.end();
  }

  void onAnswer(SubscribeAnswer answer) {
    PartitionLog log = partition.log();
    FollowerStep step = replica.onAnswer(answer, log.epochs(), log.logStartOffset());
    if (answer instanceof SubscribeAnswer.Accepted accepted && replica.live()) {
      refusals = 0;
      if (log.logEndOffset() >= accepted.highWatermark()) {
        onRoom();
      }
      if (!followHighWatermark(accepted.highWatermark(), accepted.logStartOffset())) {
        return;
      }
      stream.acknowledge(this);
      stream.lost(this);
    } else if (step instanceof FollowerStep.TruncateTo cut) {
      LOG.info(
          "{} parts from the log of its leader {} (epoch {}): cut from {} to {}",
          partition.name(),
          replica.leaderId(),
          replica.leaderEpoch(),
          log.logEndOffset(),
          cut.offset());
      cut(() -> log.truncateTo(cut.offset()));
    } else if (step instanceof FollowerStep.RestartAt restart) {
      LOG.info(
          "{} has nothing in common with the log of its leader {} (epoch {}): {} to {} dropped,"
              + " begins again at {}",
          partition.name(),
          replica.leaderId(),
          replica.leaderEpoch(),
          log.logStartOffset(),
          log.logEndOffset(),
          restart.offset());
      cut(() -> log.restartAt(restart.offset()));
    } else if (step instanceof FollowerStep.SubscribeLater later) {
      LOG.debug("{} refused by {}: {}", partition.name(), replica.leaderId(), later.refusal());
      switch (later.refusal()) {
        case FAR_BEHIND -> moveTo(Lane.CATCH_UP);
        case CAUGHT_UP -> moveTo(Lane.LIVE);
        default -> askLater();
      }
    }
  }

  /** Batches and a high watermark (rules R27, R30, R31). */
  void onData(PartitionData data) {
    if (!replica.accepts(data.subscription())) {
      return;
    }
    if (isFull()) {
      giveUp(0);
      return;
    }
    PartitionLog log = partition.log();
    if (log.damage().filter(damage -> !damage.mendable()).isPresent()) {
      return; // nothing goes behind what is cut as soon as it may be
    }
    String fault = "";
    boolean full = false;
    try {
      for (ByteBuffer batches : data.batches()) {
        FollowerAppend append = log.appendAsFollower(batches, replica.leaderEpoch());
        fault = append.fault();
        full = append.diskFull();
        if (!fault.isEmpty()) {
          break;
        }
      }
    } catch (StorageException e) {
      partition.onOffline(e);
      return;
    }
    if (!replica.accepts(data.subscription())) {
      return; // the log went offline meanwhile
    }
    if (!followHighWatermark(data.highWatermark(), data.logStartOffset())) {
      return;
    }
    stream.acknowledge(this);
    if (full) {
      LOG.debug("{} cannot be appended to: {}", partition.name(), fault);
      giveUp(FIRST_FULL_PAUSE_NANOS << Math.min(timesFull++, MOST_FULL_DOUBLINGS));
    } else if (fault.isEmpty()) {
      if (!data.batches().isEmpty()) {
        onRoom();
      }
    } else {
      LOG.error(
          "{} refuses data of its leader {} (epoch {}): {}",
          partition.name(),
          replica.leaderId(),
          replica.leaderEpoch(),
          fault);
      stream.unsubscribe(replica.subscription());
      replica.end();
      askLater();
    }
  }

  private boolean isFull() {
    return context.conditions().diskSpace() == DiskSpace.EXHAUSTED;
  }

  /** Time passed: half of the disk's reserve may be gone, or be there again (rule D4). */
  void tick(long nowNanos) {
    if (isFull() && replica.live()) {
      giveUp(0);
    } else if (!isFull() && gaveUp && nowNanos - tryAgainNanos >= 0) {
      gaveUp = false;
      ask();
    }
  }

  /** Whether passing time changes nothing here. */
  boolean isQuiet() {
    return !gaveUp && !isFull();
  }

  /**
   * Appends and acknowledges no more, and says so: the leader goes on without it at once.
   *
   * @param pauseNanos before it is tried again: an append failed although the reserve, if there is
   *     one, was not known to be used up, so that only another append will show whether there is
   *     room
   */
  private void giveUp(long pauseNanos) {
    if (!noRoom) {
      noRoom = true;
      context.meters().onNoRoom(1);
      LOG.warn(
          "{} is not appended to any more, at offset {}: the disk is {} (D4)",
          partition.name(),
          partition.log().logEndOffset(),
          pauseNanos == 0 ? "nearly full" : "full");
    }
    gaveUp = true;
    partition.wake();
    tryAgainNanos = context.nowNanos() + pauseNanos;
    stream.giveUp(replica.subscription());
    replica.end();
  }

  private void onRoom() {
    timesFull = 0;
    if (noRoom) {
      noRoom = false;
      context.meters().onNoRoom(-1);
      LOG.info("{} is appended to again: the disk has room", partition.name());
    }
  }

  /** False: the log start cannot be written, and the log is offline. */
  private boolean followHighWatermark(long leaderHighWatermark, long leaderLogStart) {
    PartitionLog log = partition.log();
    replica.onData(leaderHighWatermark, log.logEndOffset());
    partition.highWatermark(replica.highWatermark());
    long start = Math.min(leaderLogStart, replica.highWatermark());
    try {
      if (start > log.logStartOffset()) {
        boolean damaged = log.damage().isPresent();
        log.advanceLogStart(start);
        if (damaged && log.damage().isEmpty()) {
          replica.onMended(); // what was damaged is deleted
        }
      }
      return true;
    } catch (StorageException failed) {
      partition.onOffline(failed);
      return false;
    }
  }

  private void cut(Runnable change) {
    try {
      change.run();
      replica.onCut(partition.log().logEndOffset());
      partition.highWatermark(replica.highWatermark());
      partition.whenCutDurable(
          () -> {
            replica.onCutDurable();
            partition.askAgain();
          });
    } catch (StorageException e) {
      partition.onOffline(e);
    }
  }

  /** Asks for the log, if it has not and may. */
  void ask() {
    if (!over) {
      stream.ask(this);
    }
  }

  /** Goes on in another lane, from its log end. */
  private void moveTo(Lane lane) {
    stream.leave(this);
    stream = context.streamTo(replica.leaderId(), lane);
    stream.join(this);
  }

  private void askLater() {
    long pause = FIRST_PAUSE_NANOS << Math.min(refusals++, MOST_DOUBLINGS);
    context.loop().schedule(pause, this::ask);
  }
}
