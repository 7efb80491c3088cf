package io.kontiki.broker.session;

import io.kontiki.broker.session.ControllerAction.Answer;
import io.kontiki.broker.session.ControllerAction.Close;
import io.kontiki.broker.session.ControllerAction.ConfirmLeadership;
import io.kontiki.broker.session.ControllerAction.Dial;
import io.kontiki.broker.session.ControllerAction.DialResult;
import io.kontiki.broker.session.ControllerAction.ProposalResult;
import io.kontiki.broker.session.ControllerAction.Propose;
import io.kontiki.broker.session.ControllerAction.Redirect;
import io.kontiki.broker.session.ControllerAction.Unknown;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The metadata leader's judgement of all brokers: who is answered, unfenced, fenced (R4, R6, M5 to
 * M7, M14). One per node that votes, idle while it does not lead; belongs to one loop.
 *
 * <p>Call {@link #onTick} every 20 ms or so. What it believes is volatile; what it decides is a
 * command, checked again at apply (M1).
 */
public final class ControllerSessions {
  private final SessionTiming timing;
  private final int self;
  private final List<ControllerAction> out = new ArrayList<>();

  private boolean leading;
  private long term;
  private long began;
  private long beganAt;
  private ClusterImage image = ClusterImage.EMPTY;
  private long lastTick;
  private long judgeFrom;

  private boolean confirming;
  private boolean everConfirmed;
  private long lastRound;
  private long proposals;
  private long dials;
  private final TreeMap<Long, Stream> streams = new TreeMap<>();
  private final TreeMap<Integer, Watched> watched = new TreeMap<>();

  /** One session stream. */
  private static final class Stream {
    final long id;
    final int brokerId;
    final long epoch;
    // Newest heartbeat that arrived; that the round under way covers; that was answered.
    long arrived;
    long covered;
    long answered;

    Stream(long id, int brokerId, long epoch) {
      this.id = id;
      this.brokerId = brokerId;
      this.epoch = epoch;
    }
  }

  /** What this leader knows of one registered process. */
  private static final class Watched {
    final long epoch;
    @Nullable Stream stream;
    long lastHeard;
    long applied;
    // Covers every entry that took a leadership from this process: before it has applied that, it
    // may still answer as the leader it was (R5, P7).
    long deposedAt;
    // The dial under way, or 0; one begun before a stream was opened proves nothing about its end.
    long dial;
    long nextDial = Long.MAX_VALUE;
    // An operator wants it fenced, and from then on no lease has grown; or it is fenced.
    long wanted = Long.MAX_VALUE;
    // From the decision until it is applied or surely never will be: no lease may grow meanwhile.
    @Nullable String fencing;
    long proposal;

    Watched(long epoch, long now, long deposedAt) {
      this.epoch = epoch;
      this.lastHeard = now;
      this.deposedAt = deposedAt;
    }
  }

  /**
   * @param self this node's id
   */
  public ControllerSessions(SessionTiming timing, int self) {
    this.timing = timing;
    this.self = self;
  }

  /**
   * This node leads the term and has applied an entry of it (M5).
   *
   * @param formerLeader node id, or -1: dialled first
   */
  public List<ControllerAction> onLeaderStart(
      long newTerm, int formerLeader, ClusterImage newest, Now now) {
    dropStreams();
    leading = true;
    term = newTerm;
    began = now.nanos();
    // Who lost what before is not known here: everybody has to have applied this much (R5).
    beganAt = newest.index();
    lastTick = now.nanos();
    judgeFrom = now.nanos();
    image = newest;
    confirming = false;
    everConfirmed = false;
    watched.clear();
    // Evidence counts at once: who has not come yet is dialled (M5).
    dialUnfenced(formerLeader, now);
    for (int id : newest.brokers().keySet()) {
      if (id != formerLeader) {
        dialUnfenced(id, now);
      }
    }
    return take();
  }

  /** This node leads no more. */
  public List<ControllerAction> onLeaderStop() {
    leading = false;
    watched.clear();
    dropStreams();
    return take();
  }

  private void dropStreams() {
    for (long id : streams.keySet()) {
      out.add(new Redirect(id));
    }
    streams.clear();
  }

  /** This node has applied an image. */
  public List<ControllerAction> onImage(ClusterImage newest, Now now) {
    ClusterImage before = image;
    image = newest;
    if (leading) {
      noteDeposed(before, newest);
      watched.keySet().removeIf(id -> !newest.brokers().containsKey(id));
      for (BrokerImage broker : newest.brokers().values()) {
        Watched known = watched(broker, now);
        if (!broker.unfenced()) {
          known.fencing = null;
          known.nextDial = Long.MAX_VALUE;
        }
        noteWanted(broker, known, now);
      }
    }
    return take();
  }

  private static void noteWanted(BrokerImage broker, Watched known, Now now) {
    if (!broker.wish().fences() || !broker.unfenced()) {
      known.wanted = Long.MAX_VALUE;
    } else if (known.wanted == Long.MAX_VALUE) {
      known.wanted = now.nanos();
    }
  }

  /** Whose lease may not grow until it has applied this image (R5). */
  private void noteDeposed(ClusterImage before, ClusterImage newest) {
    if (before.topics() == newest.topics()) {
      return;
    }
    for (TopicImage topic : newest.topics().values()) {
      TopicImage old = before.topics().get(topic.id());
      if (old == null || old == topic) {
        continue;
      }
      for (int i = 0; i < Math.min(old.partitions().size(), topic.partitions().size()); i++) {
        PartitionImage was = old.partitions().get(i);
        int elections = topic.partitions().get(i).leaderEpoch() - was.leaderEpoch();
        if (elections == 1) {
          noteDeposed(was.leader(), newest.index());
        } else if (elections > 1) {
          // Several at once: whoever could lead may have led in between (M8).
          was.replicas().forEach(replica -> noteDeposed(replica, newest.index()));
        }
      }
    }
  }

  private void noteDeposed(int broker, long index) {
    Watched known = watched.get(broker);
    if (known != null) {
      known.deposedAt = index;
    }
  }

  /**
   * A broker opened a session.
   *
   * @param stream names it in later events; never used before
   */
  public List<ControllerAction> onOpen(long stream, int brokerId, long brokerEpoch, Now now) {
    if (!leading) {
      out.add(new Redirect(stream));
      return take();
    }
    BrokerImage broker = image.brokers().get(brokerId);
    if (broker == null || broker.epoch() != brokerEpoch) {
      out.add(new Unknown(stream, broker == null ? 0 : broker.epoch()));
      return take();
    }
    Watched known = watched(broker, now);
    if (known.stream != null) {
      streams.remove(known.stream.id);
      out.add(new Close(known.stream.id));
    }
    known.stream = new Stream(stream, brokerId, brokerEpoch);
    known.dial = 0;
    known.nextDial = Long.MAX_VALUE;
    streams.put(stream, known.stream);
    return take();
  }

  /** A broker's heartbeat. */
  public List<ControllerAction> onHeartbeat(long from, Heartbeat heartbeat, Now now) {
    Stream stream = streams.get(from);
    if (!leading || stream == null) {
      return take();
    }
    BrokerImage broker = image.brokers().get(stream.brokerId);
    if (broker == null || broker.epoch() != stream.epoch) {
      streams.remove(from);
      out.add(new Unknown(from, broker == null ? 0 : broker.epoch()));
      return take();
    }
    Watched known = watched(broker, now);
    known.lastHeard = now.nanos();
    known.applied = Math.max(known.applied, heartbeat.appliedIndex());
    stream.arrived = Math.max(stream.arrived, heartbeat.sequence());
    fulfil(broker, known, heartbeat, now);
    confirm(now);
    return take();
  }

  /** A session stream ended, without this node having asked for it. */
  public List<ControllerAction> onBroken(long from, Now now) {
    Stream stream = streams.remove(from);
    if (leading && stream != null) {
      Watched known = watched.get(stream.brokerId);
      if (known != null && known.stream == stream) {
        known.stream = null;
        dialUnfenced(stream.brokerId, now);
      }
    }
    return take();
  }

  /**
   * A round has ended.
   *
   * @param confirmedTerm the term that this node was confirmed to lead, or -1
   */
  public List<ControllerAction> onConfirmed(long confirmedTerm, Now now) {
    confirming = false;
    if (!leading) {
      return take();
    }
    for (Stream stream : List.copyOf(streams.values())) {
      long covered = stream.covered;
      stream.covered = 0;
      if (confirmedTerm == term && covered > stream.answered) {
        answer(stream, covered, now);
      }
    }
    return take();
  }

  /** A dial has ended. */
  public List<ControllerAction> onDialed(long dial, DialResult result, Now now) {
    for (var entry : watched.entrySet()) {
      Watched known = entry.getValue();
      BrokerImage broker = image.brokers().get(entry.getKey());
      if (known.dial == dial && broker != null && broker.epoch() == known.epoch) {
        known.dial = 0;
        if (broker.unfenced()) {
          dialed(broker, known, result, now);
        }
      }
    }
    return take();
  }

  private void dialed(BrokerImage broker, Watched known, DialResult result, Now now) {
    switch (result) {
      case REFUSED -> fence(broker, known, "its process is gone: connections are refused", now);
      case OTHER_INCARNATION ->
          fence(broker, known, "its process is gone: another one answers in its place", now);
      // A dying process may close its session before its listener. Nothing concludes "alive" (R6).
      case ANSWERED, TIMEOUT -> known.nextDial = now.nanos() + timing.retry();
    }
  }

  /** A proposal has ended. */
  public List<ControllerAction> onProposed(long proposal, ProposalResult result) {
    for (Watched known : watched.values()) {
      if (known.proposal == proposal) {
        known.proposal = 0;
        if (result == ProposalResult.NOT_APPENDED) {
          known.fencing = null; // else it is proposed again until it is applied (M2)
        }
      }
    }
    return take();
  }

  /** Time has passed. */
  public List<ControllerAction> onTick(Now now) {
    if (!leading) {
      return take();
    }
    long gap = now.nanos() - lastTick;
    lastTick = now.nanos();
    if (gap > timing.heartbeat()) {
      // This node was paused; what was sent meanwhile may still wait to be read (M6).
      judgeFrom = Math.max(judgeFrom, now.nanos() + Math.min(gap, timing.session()));
    }
    for (BrokerImage broker : image.brokers().values()) {
      if (broker.unfenced()) {
        judge(broker, watched(broker, now), now);
      }
    }
    confirm(now);
    return take();
  }

  private void judge(BrokerImage broker, Watched known, Now now) {
    if (known.fencing != null) {
      fence(broker, known, known.fencing, now);
      return;
    }
    noteWanted(broker, known, now);
    if (known.wanted != Long.MAX_VALUE && now.nanos() - known.wanted >= timing.session()) {
      // It has handed over what another could lead, and its lease ended before the session (R5).
      fence(broker, known, "an operator wants it fenced", now);
      return;
    }
    // Nobody is silent before a full session of this leader has passed (M5).
    long silent = now.nanos() - Math.max(known.lastHeard, began);
    if (silent >= timing.session() && now.nanos() >= judgeFrom) {
      fence(broker, known, "silent for " + silent / 1_000_000 + " ms", now);
    } else if (now.nanos() >= known.nextDial) {
      dialUnfenced(broker.id(), now);
    }
  }

  /** What a heartbeat asks for; one proposal at a time for each broker. */
  private void fulfil(BrokerImage broker, Watched known, Heartbeat heartbeat, Now now) {
    if (known.proposal != 0) {
      return;
    }
    if (heartbeat.fenceMe()) {
      if (broker.unfenced()) {
        fence(
            broker,
            known,
            heartbeat.stopping()
                ? "controlled stop"
                : "it says that its log directory is offline or hangs",
            now);
      }
    } else if (heartbeat.stopping()) {
      if (broker.state().inService()) {
        propose(known, new MetadataCommand.StopBroker(now.wallMs(), broker.id(), broker.epoch()));
      }
    } else if (heartbeat.ready()
        && broker.state() == State.FENCED
        && !broker.wish().fences()
        && heartbeat.appliedIndex() >= broker.epoch()) {
      // It has applied its own registration (R1, R4).
      propose(
          known,
          new MetadataCommand.UnfenceBroker(
              now.wallMs(), broker.id(), broker.epoch(), heartbeat.doubtful()));
    }
  }

  private void fence(BrokerImage broker, Watched known, String reason, Now now) {
    known.fencing = reason;
    if (known.proposal == 0) {
      // The epoch that was judged, never a newer one (M7).
      propose(
          known, new MetadataCommand.FenceBroker(now.wallMs(), broker.id(), known.epoch, reason));
    }
  }

  private void propose(Watched known, MetadataCommand command) {
    known.proposal = ++proposals;
    out.add(new Propose(known.proposal, term, command));
  }

  private void dialUnfenced(int brokerId, Now now) {
    BrokerImage broker = image.brokers().get(brokerId);
    if (broker == null || !broker.unfenced() || brokerId == self) {
      return;
    }
    Watched known = watched(broker, now);
    if (known.stream == null && known.dial == 0) {
      known.dial = ++dials;
      known.nextDial = Long.MAX_VALUE;
      out.add(new Dial(known.dial, brokerId, broker.incarnation(), broker.endpoints().raft()));
    }
  }

  /** One round at a time and per interval, for everything that arrived before it (M14). */
  private void confirm(Now now) {
    if (confirming || everConfirmed && now.nanos() - lastRound < timing.confirm()) {
      return;
    }
    boolean any = false;
    for (Stream stream : streams.values()) {
      if (stream.arrived > stream.answered) {
        stream.covered = stream.arrived;
        any = true;
      }
    }
    if (any) {
      confirming = true;
      everConfirmed = true;
      lastRound = now.nanos();
      out.add(new ConfirmLeadership());
    }
  }

  private void answer(Stream stream, long sequence, Now now) {
    BrokerImage broker = image.brokers().get(stream.brokerId);
    Watched known = watched.get(stream.brokerId);
    if (broker == null || known == null || broker.epoch() != stream.epoch) {
      streams.remove(stream.id);
      out.add(new Unknown(stream.id, broker == null ? 0 : broker.epoch()));
    } else if (known.fencing == null) {
      // While it is being fenced nothing may extend its lease (R5).
      stream.answered = sequence;
      out.add(
          new Answer(
              stream.id,
              sequence,
              broker.unfenced() && !broker.wish().fences() && known.applied >= known.deposedAt,
              othersApplied(stream.brokerId),
              now.wallMs()));
    }
  }

  /** The least index applied by all active brokers; a greatest number if there is none. */
  public long everywhereApplied() {
    return othersApplied(-1);
  }

  /**
   * The index that a broker has applied, as it said to this node: roles on its loops included.
   *
   * @return {@link Long#MAX_VALUE} if it is fenced, 0 if it has not been heard of
   */
  public long appliedBy(int brokerId) {
    BrokerImage broker = image.brokers().get(brokerId);
    if (broker == null || !broker.unfenced()) {
      return Long.MAX_VALUE;
    }
    Watched known = watched.get(brokerId);
    return known == null || known.epoch != broker.epoch() ? 0 : known.applied;
  }

  private long othersApplied(int except) {
    long least = Long.MAX_VALUE;
    for (BrokerImage broker : image.brokers().values()) {
      if (broker.id() != except && broker.state().inService()) {
        Watched known = watched.get(broker.id());
        least = Math.min(least, known == null || known.epoch != broker.epoch() ? 0 : known.applied);
      }
    }
    return least;
  }

  /** The record of the broker's present registration. */
  private Watched watched(BrokerImage broker, Now now) {
    Watched known = watched.get(broker.id());
    if (known == null || known.epoch != broker.epoch()) {
      known = new Watched(broker.epoch(), now.nanos(), beganAt);
      watched.put(broker.id(), known);
    }
    return known;
  }

  private List<ControllerAction> take() {
    List<ControllerAction> actions = List.copyOf(out);
    out.clear();
    return actions;
  }
}
