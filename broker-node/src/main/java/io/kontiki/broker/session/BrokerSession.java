package io.kontiki.broker.session;

import io.kontiki.broker.session.BrokerAction.CloseSession;
import io.kontiki.broker.session.BrokerAction.FinishedStop;
import io.kontiki.broker.session.BrokerAction.LeaseLost;
import io.kontiki.broker.session.BrokerAction.LeaseRenewed;
import io.kontiki.broker.session.BrokerAction.OpenSession;
import io.kontiki.broker.session.BrokerAction.Refused;
import io.kontiki.broker.session.BrokerAction.Registered;
import io.kontiki.broker.session.BrokerAction.SendHeartbeat;
import io.kontiki.broker.session.BrokerAction.SendRegister;
import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A broker's life at the metadata leader: registration, heartbeats, lease, controlled stop (R1, R4,
 * R5, R7). One per process; belongs to one loop.
 *
 * <p>Call {@link #onTick} every 20 ms or so, from the start of the process to its end. Each event
 * gives the actions that follow, in order. Events of a stream that was closed are ignored.
 */
public final class BrokerSession {
  private static final long NONE = -1;

  private final SessionTiming timing;
  private List<Integer> voters;
  private final List<BrokerAction> out = new ArrayList<>();

  // Registration.
  private long epoch = NONE;
  private boolean registering;
  private boolean refused;
  private long nextRegister = Long.MIN_VALUE;
  // Of an epoch that the metadata leader does not know; an older image may still show it.
  private long unknownEpoch = NONE;

  // The stream: at most one, named by a number that grows.
  private long streams;
  private long stream = NONE;
  private int voter = -1;
  private int turn;
  private int hint = -1;
  private long lastOpen;
  private boolean everOpened;
  private long lastHinted;
  private boolean everHinted;
  private long silentSince;
  private final ArrayDeque<Sent> unanswered = new ArrayDeque<>();
  private long sequence;
  private long lastSent;
  private long lastAnswer;
  private boolean everAnswered;

  // Readiness.
  private BrokerFacts facts;
  private long appliedByRoles = Long.MAX_VALUE;
  private long toldApplied = NONE;
  private boolean recovered;
  private boolean healthy = true;
  private boolean stalled;
  private List<PartitionId> doubtful = List.of();

  private Lease lease = Lease.NONE;

  // The controlled stop (R7).
  private boolean stopping;
  private boolean stopDone;
  private long stopBegan;
  private long stopIndex = NONE;
  private boolean handedOver;

  private record Sent(long sequence, Now at) {}

  /**
   * @param voters ids of the listed voters, never empty; those of the image replace them
   */
  public BrokerSession(SessionTiming timing, List<Integer> voters) {
    this.timing = timing;
    this.voters = List.copyOf(voters);
    this.facts = new BrokerFacts(0, NONE, State.FENCED, false, this.voters);
  }

  /** The broker epoch of this process, or -1. */
  public long epoch() {
    return epoch;
  }

  /** Time has passed. */
  public List<BrokerAction> onTick(Now now) {
    if (stopDone || refused) {
      return take();
    }
    checkLease(now);
    checkStop(now);
    if (stopDone) {
      return take();
    }
    if (epoch == NONE) {
      if (!registering && now.nanos() >= nextRegister) {
        registering = true;
        out.add(new SendRegister());
      }
      return take();
    }
    if (stream == NONE) {
      open(now);
    } else if (now.nanos() - silentSince >= timing.answer()) {
      // Connected to somebody who cannot confirm that it leads (M14): look elsewhere.
      close();
      open(now);
    } else if (now.nanos() - lastSent >= timing.heartbeat()) {
      beat(now);
    }
    return take();
  }

  /** The registration was applied. */
  public List<BrokerAction> onRegistered(long brokerEpoch, Now now) {
    registering = false;
    adopt(brokerEpoch, now);
    return take();
  }

  /** The registration was refused; tried again if the error says that this can help. */
  public List<BrokerAction> onRegisterRefused(ApiError error, Now now) {
    registering = false;
    if (error.retryAfterMs() >= 0) {
      nextRegister = now.nanos() + Math.max(timing.retry(), error.retryAfterMs() * 1_000_000);
    } else if (epoch == NONE) {
      refused = true;
      out.add(new Refused(error));
    }
    return take();
  }

  /** The registration did not reach the metadata leader, or its outcome is unknown (M3). */
  public List<BrokerAction> onRegisterFailed(Now now) {
    registering = false;
    nextRegister = now.nanos() + timing.retry();
    return take();
  }

  /** Somebody says who leads the metadata: this node's Raft group, a forwarded command. */
  public List<BrokerAction> onLeaderHint(int leaderId, Now now) {
    if (leaderId >= 0) {
      hint = leaderId;
      if (stream != NONE && voter != leaderId) {
        close();
        open(now);
      } else if (stream == NONE && epoch != NONE) {
        open(now);
      }
    }
    return take();
  }

  /** The node at the other end does not lead. */
  public List<BrokerAction> onRedirect(long from, int leaderId, Now now) {
    if (from == stream && stream != NONE) {
      int there = voter;
      close();
      hint = leaderId != there ? leaderId : -1;
      open(now);
    }
    return take();
  }

  /** The metadata leader has no such registration: this process registers again. */
  public List<BrokerAction> onUnknown(long from, Now now) {
    if (from == stream && stream != NONE) {
      close();
      unknownEpoch = epoch;
      epoch = NONE;
      loseLease();
      nextRegister = now.nanos();
    }
    return take();
  }

  /** The stream ended or could not be opened. */
  public List<BrokerAction> onBroken(long from, Now now) {
    if (from == stream && stream != NONE) {
      stream = NONE;
      unanswered.clear();
      if (hint == voter) {
        hint = -1;
      }
      open(now);
    }
    return take();
  }

  /**
   * A heartbeat was answered by a leader that is confirmed to lead (M14), and with it all before.
   *
   * @param unfenced whether this process may act, as the metadata leader knew it when it answered;
   *     the lease of a broker that is about to be fenced must not grow, nor that of one which has
   *     not yet applied the loss of a leadership (R5)
   * @param othersApplied the least index applied by all other active brokers (R7)
   */
  public List<BrokerAction> onAnswer(
      long from, long answered, boolean unfenced, long othersApplied, Now now) {
    if (from != stream || stream == NONE) {
      return take();
    }
    Sent newest = null;
    while (!unanswered.isEmpty() && unanswered.peekFirst().sequence() <= answered) {
      newest = unanswered.removeFirst();
    }
    if (newest == null) {
      return take();
    }
    everAnswered = true;
    lastAnswer = now.nanos();
    silentSince = now.nanos();
    if (unfenced && !wantsFence()) {
      lease = new Lease(newest.at().nanos(), newest.at().wallMs(), timing.lease());
      out.add(new LeaseRenewed(lease));
      checkLease(now);
    }
    if (stopIndex != NONE && !handedOver && othersApplied >= stopIndex) {
      handedOver = true;
      beat(now);
    }
    return take();
  }

  /** This broker has applied an image. */
  public List<BrokerAction> onImage(BrokerFacts newer, Now now) {
    boolean wasReady = ready();
    facts = newer;
    if (!newer.voters().isEmpty()) {
      voters = newer.voters();
    }
    if (newer.epoch() > Math.max(epoch, unknownEpoch) && !stopDone && !refused) {
      // Registered, though the answer was lost.
      registering = false;
      adopt(newer.epoch(), now);
    }
    if (newer.epoch() == epoch && newer.state() == State.FENCED) {
      loseLease();
    }
    if (stopping && stopIndex == NONE && newer.state() == State.STOPPING) {
      // All that another in-sync replica can lead was moved in the same entry (R7).
      stopIndex = newer.index();
    }
    checkStop(now);
    if (!wasReady && ready() && stream != NONE && !stopDone) {
      beat(now);
    }
    return take();
  }

  /**
   * How far the roles of partitions have followed the images: only that is applied, for the lease
   * (R5) and for a hand-over (R7).
   *
   * @param index every role that an image up to here has changed is changed; {@link
   *     Long#MAX_VALUE}: they have followed all images
   */
  public List<BrokerAction> onRoles(long index, Now now) {
    appliedByRoles = index;
    boolean awaited = facts.state() == State.FENCED || facts.someStopping();
    if (awaited && stream != NONE && !stopDone && applied() > toldApplied) {
      beat(now); // somebody waits for it
    }
    return take();
  }

  private long applied() {
    return Math.min(facts.index(), appliedByRoles);
  }

  /** The logs are recovered, and what recovery read is on stable storage (D10). */
  public List<BrokerAction> onRecovered(List<PartitionId> found, Now now) {
    recovered = true;
    doubtful = List.copyOf(found);
    if (ready() && stream != NONE) {
      beat(now);
    }
    return take();
  }

  /** The log directory is offline (L4): the broker keeps its session, but wants to be fenced. */
  public List<BrokerAction> onUnhealthy(Now now) {
    healthy = false;
    loseLease();
    if (stream != NONE) {
      beat(now);
    }
    return take();
  }

  /**
   * A loop that serves partitions stands still, or moves again: its disk hangs in a way that no
   * replica of it can tell of (R38). Meanwhile the broker wants to be fenced.
   */
  public List<BrokerAction> onStalled(boolean standsStill, Now now) {
    if (standsStill != stalled) {
      stalled = standsStill;
      if (stalled) {
        loseLease();
      }
      if (stream != NONE && !stopDone) {
        beat(now);
      }
    }
    return take();
  }

  /** This process shall end (R7). */
  public List<BrokerAction> onStopRequested(Now now) {
    if (!stopping) {
      stopping = true;
      stopBegan = now.nanos();
      checkStop(now);
      if (!stopDone && stream != NONE) {
        beat(now);
      }
    }
    return take();
  }

  private void adopt(long brokerEpoch, Now now) {
    if (brokerEpoch == epoch) {
      return;
    }
    if (stream != NONE) {
      close();
    }
    epoch = brokerEpoch;
    loseLease();
    out.add(new Registered(brokerEpoch));
    open(now);
  }

  /** R1: own registration applied, logs recovered; R4: healthy. */
  private boolean ready() {
    return recovered && healthy && !stalled && !stopping && epoch != NONE && facts.epoch() == epoch;
  }

  private boolean wantsFence() {
    return handedOver || !healthy || stalled;
  }

  /** Opens a stream, if it may: without a hint, or hint after hint, once in a retry time. */
  private void open(Now now) {
    boolean calm = !everOpened || now.nanos() - lastOpen >= timing.retry();
    if (hint >= 0 && (calm || !everHinted || now.nanos() - lastHinted >= timing.retry())) {
      voter = hint;
      hint = -1;
      everHinted = true;
      lastHinted = now.nanos();
    } else if (calm) {
      voter = voters.get(Math.floorMod(turn++, voters.size()));
    } else {
      return;
    }
    everOpened = true;
    lastOpen = now.nanos();
    silentSince = now.nanos();
    stream = ++streams;
    sequence = 0;
    unanswered.clear();
    out.add(new OpenSession(stream, voter, epoch));
    beat(now);
  }

  private void close() {
    out.add(new CloseSession(stream));
    stream = NONE;
    unanswered.clear();
  }

  private void beat(Now now) {
    boolean fenceMe = wantsFence();
    if (fenceMe) {
      // Gives up first what nobody may hold behind its fence (R5).
      loseLease();
    }
    boolean mayBeUnfenced = ready();
    Heartbeat heartbeat =
        new Heartbeat(
            ++sequence,
            applied(),
            mayBeUnfenced,
            stopping,
            fenceMe,
            mayBeUnfenced && facts.state() == State.FENCED ? doubtful : List.of());
    toldApplied = applied();
    lastSent = now.nanos();
    unanswered.addLast(new Sent(sequence, now));
    out.add(new SendHeartbeat(stream, heartbeat));
  }

  private void checkLease(Now now) {
    if (!lease.equals(Lease.NONE) && !lease.held(now.nanos(), now.wallMs())) {
      loseLease();
    }
  }

  private void loseLease() {
    if (!lease.equals(Lease.NONE)) {
      lease = Lease.NONE;
      out.add(new LeaseLost());
    }
  }

  private void checkStop(Now now) {
    if (!stopping || stopDone) {
      return;
    }
    if (epoch == NONE || facts.epoch() == epoch && facts.state() == State.FENCED) {
      finish(epoch != NONE, "fenced");
    } else if (now.nanos() - stopBegan >= timing.stop()) {
      finish(false, "the time for a controlled stop is up");
    } else if (now.nanos() - stopBegan >= timing.stopAlone()
        && (!everAnswered || now.nanos() - lastAnswer >= timing.stopAlone())) {
      finish(false, "no metadata leader answers");
    }
  }

  private void finish(boolean fenced, String why) {
    stopDone = true;
    if (stream != NONE) {
      close();
    }
    loseLease();
    out.add(new FinishedStop(fenced, why));
  }

  private List<BrokerAction> take() {
    List<BrokerAction> actions = List.copyOf(out);
    out.clear();
    return actions;
  }
}
