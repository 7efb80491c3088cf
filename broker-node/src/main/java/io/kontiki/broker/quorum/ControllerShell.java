package io.kontiki.broker.quorum;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.session.ControllerAction;
import io.kontiki.broker.session.ControllerAction.DialResult;
import io.kontiki.broker.session.ControllerAction.ProposalResult;
import io.kontiki.broker.session.ControllerSessions;
import io.kontiki.broker.session.Heartbeat;
import io.kontiki.broker.session.LeaderBalance;
import io.kontiki.broker.session.Now;
import io.kontiki.broker.session.ReassignmentDriver;
import io.kontiki.internal.v1.HeartbeatAnswer;
import io.kontiki.internal.v1.SessionRedirect;
import io.kontiki.internal.v1.SessionRequest;
import io.kontiki.internal.v1.SessionResponse;
import io.kontiki.internal.v1.SessionUnknown;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import java.nio.BufferUnderflowException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives {@link ControllerSessions}, {@link LeaderBalance} and {@link ReassignmentDriver}: session
 * streams in, proposals, dials and answers out. All on the control loop.
 */
final class ControllerShell {
  private static final Logger LOG = LoggerFactory.getLogger(ControllerShell.class);
  private static final long TICK_NANOS = 50_000_000;

  private final ControllerSessions core;
  private final LeaderBalance balance;
  private final ReassignmentDriver reassignments;
  private final RaftGroup group;
  private final ProcessDialler dialler;
  private final EventLoop loop;
  private final Clock clock;
  private final Supplier<ClusterImage> image;
  private final SortedMap<Long, SessionStream> streams = new TreeMap<>();
  private long nextStream;
  private ClusterImage spread = ClusterImage.EMPTY;
  private boolean spreading;
  private boolean spreadAgain;
  private boolean closed;
  private int lastLeader = RaftGroup.NO_NODE;
  private EventLoop.@Nullable Timer ticking;

  ControllerShell(
      ControllerSessions core,
      LeaderBalance balance,
      ReassignmentDriver reassignments,
      RaftGroup group,
      ProcessDialler dialler,
      EventLoop control,
      Supplier<ClusterImage> image) {
    this.core = core;
    this.balance = balance;
    this.reassignments = reassignments;
    this.group = group;
    this.dialler = dialler;
    this.loop = control;
    this.clock = control.clock();
    this.image = image;
  }

  private Now now() {
    return new Now(clock.nanoTime(), clock.wallMs());
  }

  void onLeaderStart(long term) {
    if (ticking != null) {
      ticking.cancel(); // led before, without a word that this ended
    }
    ClusterImage newest = image.get();
    balance.onLeaderStart(term, newest, now());
    reassignments.onLeaderStart(term, newest, now());
    run(core.onLeaderStart(term, lastLeader, newest, now()));
    tick();
  }

  void onLeaderStop(long term) {
    if (ticking != null) {
      ticking.cancel();
      ticking = null;
    }
    balance.onLeaderStop();
    reassignments.onLeaderStop();
    run(core.onLeaderStop());
  }

  /** Another node leads; should this one take over, that one is dialled first (M5). */
  void onFollowing(int leaderId) {
    lastLeader = leaderId;
  }

  void onImage(ClusterImage newest) {
    spread(newest);
    balance.onImage(newest, now());
    reassignments.onImage(newest, now());
    run(core.onImage(newest, now()));
  }

  /**
   * Followers learn what is committed with the next message of their leader, up to a heartbeat of
   * Raft later, and somebody waits for a new leader meanwhile: a round of ReadIndex goes out at
   * once, and carries it.
   */
  private void spread(ClusterImage newest) {
    boolean news = newest.brokers() != spread.brokers() || newest.topics() != spread.topics();
    spread = newest;
    if (ticking == null || !news) {
      return; // does not lead, or nobody waits for it
    }
    if (spreading) {
      spreadAgain = true;
      return;
    }
    spreading = true;
    group.confirmLeadership(term -> loop.execute(this::spreadDone));
  }

  private void spreadDone() {
    spreading = false;
    if (spreadAgain && ticking != null && !closed) {
      spreading = true;
      group.confirmLeadership(term -> loop.execute(this::spreadDone));
    }
    spreadAgain = false;
  }

  private void tick() {
    run(core.onTick(now()));
    balance.onTick(core.everywhereApplied(), now()).ifPresent(this::move);
    reassignments.onTick(core::appliedBy, now()).ifPresent(this::reassign);
    ticking = loop.schedule(TICK_NANOS, this::tick);
  }

  void close() {
    closed = true;
    if (ticking != null) {
      ticking.cancel();
    }
  }

  /** A broker opens a session stream. */
  StreamObserver<SessionRequest> accept(ServerCallStreamObserver<SessionResponse> out) {
    return new SessionStream(++nextStream, out);
  }

  private void run(List<ControllerAction> actions) {
    if (closed) {
      return;
    }
    for (ControllerAction action : actions) {
      run(action);
    }
  }

  private void run(ControllerAction action) {
    if (action instanceof ControllerAction.Answer answer) {
      send(
          answer.stream(),
          SessionResponse.newBuilder()
              .setAnswer(
                  HeartbeatAnswer.newBuilder()
                      .setSequence(answer.sequence())
                      .setUnfenced(answer.unfenced())
                      .setOthersAppliedIndex(answer.othersApplied())
                      .setWallMs(answer.wallMs()))
              .build());
    } else if (action instanceof ControllerAction.ConfirmLeadership) {
      group.confirmLeadership(term -> loop.execute(() -> run(core.onConfirmed(term, now()))));
    } else if (action instanceof ControllerAction.Propose propose) {
      propose(propose);
    } else if (action instanceof ControllerAction.Dial dial) {
      dialler.dial(
          dial.endpoint(),
          dial.incarnation(),
          outcome -> run(core.onDialed(dial.dial(), result(outcome), now())));
    } else if (action instanceof ControllerAction.Unknown unknown) {
      send(
          unknown.stream(),
          SessionResponse.newBuilder()
              .setUnknown(SessionUnknown.newBuilder().setRegisteredEpoch(unknown.registeredEpoch()))
              .build());
      end(unknown.stream());
    } else if (action instanceof ControllerAction.Redirect redirect) {
      send(redirect.stream(), redirect());
      end(redirect.stream());
    } else if (action instanceof ControllerAction.Close close) {
      end(close.stream());
    }
  }

  private SessionResponse redirect() {
    return SessionResponse.newBuilder()
        .setRedirect(SessionRedirect.newBuilder().setLeaderId(group.status().leaderId()))
        .build();
  }

  private static DialResult result(ProcessDialler.Outcome outcome) {
    return switch (outcome) {
      case REFUSED -> DialResult.REFUSED;
      case OTHER_PROCESS -> DialResult.OTHER_INCARNATION;
      case SAME_PROCESS -> DialResult.ANSWERED;
      case NOTHING -> DialResult.TIMEOUT;
    };
  }

  private void propose(ControllerAction.Propose propose) {
    describe(propose.command());
    group.propose(
        MetadataCommandCodec.encode(propose.command()),
        propose.term(),
        end -> loop.execute(() -> proposed(propose, end)));
  }

  private void proposed(ControllerAction.Propose propose, Proposal end) {
    ProposalResult result;
    if (end instanceof Proposal.Applied applied) {
      result = ProposalResult.APPLIED;
      if (applied.answer() instanceof CommandOutcome.Rejected rejected) {
        LOG.info("{} was rejected: {}", propose.command(), rejected.error().message());
      }
    } else if (end instanceof Proposal.NotAppended) {
      result = ProposalResult.NOT_APPENDED;
    } else {
      result = ProposalResult.UNKNOWN;
    }
    run(core.onProposed(propose.proposal(), result));
  }

  /** Leaderships go back to where they are preferred (R43). */
  private void move(LeaderBalance.Batch batch) {
    LOG.info("moves leaderships to preferred brokers: {}", text(batch.command(), image.get()));
    group.propose(
        MetadataCommandCodec.encode(batch.command()),
        batch.term(),
        end -> loop.execute(() -> balance.onProposed(batch.number(), now())));
  }

  /** A step of reassignments that are under way (R34). */
  private void reassign(ReassignmentDriver.Batch batch) {
    if (batch.command() instanceof MetadataCommand.MoveLeaders moves) {
      LOG.info("moves leaderships to replicas that stay: {}", text(moves, image.get()));
    }
    group.propose(
        MetadataCommandCodec.encode(batch.command()),
        batch.term(),
        end -> loop.execute(() -> reassignments.onProposed(batch.number(), now())));
  }

  private static String text(MetadataCommand.MoveLeaders command, ClusterImage image) {
    List<String> moves = new ArrayList<>();
    for (MetadataCommand.LeaderMove move : command.moves()) {
      TopicImage topic = image.topics().get(move.partition().topicId());
      PartitionImage partition = image.partition(move.partition());
      moves.add(
          (topic == null ? move.partition().topicId() : topic.name())
              + "-"
              + move.partition().partition()
              + " "
              + (partition == null ? "?" : partition.leader())
              + " -> "
              + move.to());
    }
    return String.join(", ", moves);
  }

  private static void describe(MetadataCommand command) {
    if (command instanceof MetadataCommand.FenceBroker fence) {
      LOG.info(
          "fences broker {} epoch {}: {}", fence.brokerId(), fence.brokerEpoch(), fence.reason());
    } else if (command instanceof MetadataCommand.UnfenceBroker unfence) {
      LOG.info("unfences broker {} epoch {}", unfence.brokerId(), unfence.brokerEpoch());
    } else if (command instanceof MetadataCommand.StopBroker stop) {
      LOG.info("broker {} epoch {} is stopping", stop.brokerId(), stop.brokerEpoch());
    }
  }

  private void send(long stream, SessionResponse response) {
    SessionStream session = streams.get(stream);
    if (session != null && !session.out.isCancelled()) {
      session.out.onNext(response);
    }
  }

  private void end(long stream) {
    SessionStream session = streams.remove(stream);
    if (session != null && !session.out.isCancelled()) {
      session.out.onCompleted();
    }
  }

  /** One broker's stream; its callbacks arrive on the control loop. */
  private final class SessionStream implements StreamObserver<SessionRequest> {
    private final long id;
    private final ServerCallStreamObserver<SessionResponse> out;

    SessionStream(long id, ServerCallStreamObserver<SessionResponse> out) {
      this.id = id;
      this.out = out;
      streams.put(id, this);
      out.setOnCancelHandler(this::broken);
    }

    @Override
    public void onNext(SessionRequest message) {
      if (!streams.containsKey(id)) {
        return;
      }
      if (message.hasOpen()) {
        run(
            core.onOpen(
                id, message.getOpen().getBrokerId(), message.getOpen().getBrokerEpoch(), now()));
      } else if (message.hasHeartbeat()) {
        Heartbeat heartbeat;
        try {
          heartbeat = heartbeat(message.getHeartbeat());
        } catch (IllegalArgumentException | BufferUnderflowException e) {
          // No broker sends it.
          broken();
          out.onError(
              Status.INVALID_ARGUMENT
                  .withDescription("the heartbeat names no partition: " + e)
                  .asRuntimeException());
          return;
        }
        run(core.onHeartbeat(id, heartbeat, now()));
      }
    }

    private Heartbeat heartbeat(io.kontiki.internal.v1.Heartbeat message) {
      List<PartitionId> doubtful = new ArrayList<>();
      message
          .getDoubtfulList()
          .forEach(
              partition ->
                  doubtful.add(
                      new PartitionId(
                          TopicId.of(partition.getTopicId().asReadOnlyByteBuffer()),
                          partition.getPartition())));
      return new Heartbeat(
          message.getSequence(),
          message.getAppliedIndex(),
          message.getReady(),
          message.getStopping(),
          message.getFenceMe(),
          doubtful);
    }

    private void broken() {
      if (streams.remove(id) != null) {
        run(core.onBroken(id, now()));
      }
    }

    @Override
    public void onError(Throwable failure) {
      broken();
    }

    @Override
    public void onCompleted() {
      boolean open = streams.containsKey(id);
      broken();
      if (open && !out.isCancelled()) {
        out.onCompleted(); // else it was ended from here
      }
    }
  }
}
