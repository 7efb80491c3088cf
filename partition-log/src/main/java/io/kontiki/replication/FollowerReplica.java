package io.kontiki.replication;

import io.kontiki.log.LeaderEpochs;
import io.kontiki.log.LeaderEpochs.EpochEnd;
import io.kontiki.model.PartitionId;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;

/**
 * One partition that follows a leader in one leader epoch.
 *
 * <pre>
 *   IDLE --subscribe--> ASKED --accepted--> LIVE
 *     ^                   |                   |
 *     +---- refused ------+---- bad data -----+
 *     |                   |
 *     +-- durable -- CUTTING <-- diverging or behind (R28, R32, D8)
 * </pre>
 *
 * <p>Does what is told to it and says what is to be done to the log; touches neither log nor
 * stream.
 */
public final class FollowerReplica {
  /** Nothing to acknowledge. */
  public static final long NOTHING = -1;

  private static final long NO_SUBSCRIPTION = -1;

  private enum Phase {
    IDLE,
    ASKED,
    LIVE,
    CUTTING
  }

  private final PartitionId id;
  private final int leaderId;
  private final int leaderEpoch;
  private Phase phase = Phase.IDLE;
  private long subscription = NO_SUBSCRIPTION;
  private long highWatermark;
  private long acknowledged = NOTHING;
  private long acknowledgedStart = NOTHING;

  /**
   * Follows a leader from now on.
   *
   * @param highWatermark known so far, by an earlier role or a checkpoint
   */
  public FollowerReplica(PartitionId id, int leaderId, int leaderEpoch, long highWatermark) {
    this.id = id;
    this.leaderId = leaderId;
    this.leaderEpoch = leaderEpoch;
    this.highWatermark = highWatermark;
  }

  /** Broker id of the leader. */
  public int leaderId() {
    return leaderId;
  }

  /** The epoch in which it leads. */
  public int leaderEpoch() {
    return leaderEpoch;
  }

  /** min(leader's high watermark, own end); may go back after an election (rule R31). */
  public long highWatermark() {
    return highWatermark;
  }

  /** Whether it may subscribe: it has no subscription, and no truncation is on its way to disk. */
  public boolean wantsSubscription() {
    return phase == Phase.IDLE;
  }

  /** Whether the leader accepted the present subscription. */
  public boolean live() {
    return phase == Phase.LIVE;
  }

  /** The present subscription's id, or -1. */
  public long subscription() {
    return subscription;
  }

  /**
   * Asks the leader for everything from the log end on.
   *
   * @param newId greater than any that this broker incarnation used (rule R27)
   * @param logEnd of the own log
   * @param lastEpoch newest epoch of the own history, also an empty one (rule R29)
   */
  public SubscribeRequest subscribe(long newId, long logEnd, int lastEpoch) {
    if (phase != Phase.IDLE) {
      throw new IllegalStateException(id + " subscribes while " + phase + " (R44, D8)");
    }
    phase = Phase.ASKED;
    subscription = newId;
    acknowledged = NOTHING;
    acknowledgedStart = NOTHING;
    return new SubscribeRequest(newId, id, leaderEpoch, logEnd, lastEpoch);
  }

  /**
   * The leader answered, or ended the subscription.
   *
   * @param epochs of the own log
   * @param logStart of the own log
   * @return what to do to the log; {@link #onCutDurable} follows when it is durable
   */
  public FollowerStep onAnswer(SubscribeAnswer answer, LeaderEpochs epochs, long logStart) {
    if (answer.subscription() != subscription || phase == Phase.CUTTING) {
      // Of a subscription that has ended, or a repetition (rules R27, R44).
      return new FollowerStep.Nothing();
    }
    if (answer instanceof SubscribeAnswer.Accepted) {
      if (phase == Phase.ASKED) {
        phase = Phase.LIVE;
      }
      return new FollowerStep.Nothing();
    }
    if (answer instanceof SubscribeAnswer.Refused refused) {
      end();
      return new FollowerStep.SubscribeLater(refused.refusal());
    }
    if (phase != Phase.ASKED) {
      // Divergence is found before data flows, never behind it (rule R44).
      return new FollowerStep.Nothing();
    }
    end();
    phase = Phase.CUTTING;
    if (answer instanceof SubscribeAnswer.Behind behind) {
      return new FollowerStep.RestartAt(behind.logStartOffset());
    }
    SubscribeAnswer.Diverging point = (SubscribeAnswer.Diverging) answer;
    EpochEnd own = epochs.endOf(point.epoch());
    long cut = Math.min(own.endOffset(), point.endOffset());
    return cut < logStart || own.epoch() == LeaderEpochs.NONE
        ? new FollowerStep.RestartAt(cut)
        : new FollowerStep.TruncateTo(cut);
  }

  /** The truncation is in the log, not yet durable: the high watermark is not beyond the end. */
  public void onCut(long logEnd) {
    highWatermark = Math.min(highWatermark, logEnd);
  }

  /** The truncation is durable: it may subscribe anew (rule D8). */
  public void onCutDurable() {
    if (phase == Phase.CUTTING) {
      phase = Phase.IDLE;
    }
  }

  /** Whether data of this subscription may be appended (rules R27, R44). */
  public boolean accepts(long id) {
    return phase == Phase.LIVE && id == subscription;
  }

  /**
   * Data of the live subscription was appended, or only a high watermark came.
   *
   * @param logEnd of the own log, afterwards
   */
  public void onData(long leaderHighWatermark, long logEnd) {
    highWatermark = Math.min(leaderHighWatermark, logEnd);
  }

  /** Bad data, or the stream broke: the subscription is over, the replica is sound (rule R30). */
  public void end() {
    subscription = NO_SUBSCRIPTION;
    acknowledged = NOTHING;
    if (phase != Phase.CUTTING) {
      phase = Phase.IDLE;
    }
  }

  /** The own log was damaged and is whole again: it says anew how far it holds (rule D9). */
  public void onMended() {
    acknowledged = NOTHING;
  }

  /**
   * What to acknowledge now (rule R36); each end is acknowledged once.
   *
   * @param heldEnd of the own log
   * @return the held end, or {@link #NOTHING}
   */
  public long takeAck(long heldEnd) {
    if (phase != Phase.LIVE || heldEnd <= acknowledged) {
      return NOTHING;
    }
    acknowledged = heldEnd;
    return heldEnd;
  }

  /**
   * Which log start to tell the leader now (rule D5); each is told once in a subscription.
   *
   * @param durableStart of the own log
   * @return the start, or {@link #NOTHING}
   */
  public long takeLogStart(long durableStart) {
    if (phase != Phase.LIVE || durableStart == acknowledgedStart) {
      return NOTHING;
    }
    acknowledgedStart = durableStart;
    return durableStart;
  }
}
