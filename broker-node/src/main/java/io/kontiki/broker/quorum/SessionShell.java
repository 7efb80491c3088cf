package io.kontiki.broker.quorum;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.session.BrokerAction;
import io.kontiki.broker.session.BrokerFacts;
import io.kontiki.broker.session.BrokerSession;
import io.kontiki.broker.session.ClockTrust;
import io.kontiki.broker.session.Heartbeat;
import io.kontiki.broker.session.Lease;
import io.kontiki.broker.session.Now;
import io.kontiki.broker.session.SessionTiming;
import io.kontiki.internal.v1.DoubtfulPartition;
import io.kontiki.internal.v1.SessionOpen;
import io.kontiki.internal.v1.SessionRequest;
import io.kontiki.internal.v1.SessionResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand.RegisterBroker;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives {@link BrokerSession}: one stream to the metadata leader, on a connection of its own (rule
 * R4). On the control loop, but for {@link #leaseHeld}.
 */
public final class SessionShell {
  private static final Logger LOG = LoggerFactory.getLogger(SessionShell.class);
  private static final long TICK_NANOS = 50_000_000;

  /** While answers come there is nothing to do between two heartbeats. */
  private static final long CALM_TICK_NANOS = 100_000_000;

  private static final long REGISTER_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final BrokerSession core;
  private final NodeIdentity identity;
  private final MetadataClient metadata;
  private final Peers peers;
  private final EventLoop loop;
  private final Clock clock;
  private final Supplier<RegisterBroker> registration;
  private final Work work;
  private final Listener listener;
  private final Metadata.Listener images = this::onImage;
  private @Nullable Stream stream;
  private EventLoop.@Nullable Timer ticking;

  private final ClockTrust clockTrust;
  private int sessionWith = -1;
  private boolean calm;
  private boolean closed;

  private volatile Lease lease = Lease.NONE;
  private volatile long brokerEpoch = -1;

  /** What the loops that serve partitions are at. */
  public interface Work {
    /** Up to which image the roles of partitions have followed. */
    long followed();

    /** Whether one of these loops has not moved for so long that its disk must hang. */
    boolean standsStill();
  }

  /** Told on the control loop. */
  public interface Listener {
    /** This process has a broker epoch. */
    void onRegistered(long brokerEpoch);

    /** The cluster does not want this process. */
    void onRefused(ApiError error);

    /** The cluster's side of a controlled stop is over (rule R7). */
    void onStopFinished(boolean fenced, String why);
  }

  /**
   * @param peers channels used for sessions only
   * @param registration what this process registers with, as of now
   * @param work asked on the control loop
   */
  public SessionShell(
      SessionTiming timing,
      NodeIdentity identity,
      MetadataClient metadata,
      Peers peers,
      EventLoop control,
      Supplier<RegisterBroker> registration,
      Work work,
      Listener listener) {
    this.core = new BrokerSession(timing, List.copyOf(identity.voters().keySet()));
    this.identity = identity;
    this.metadata = metadata;
    this.peers = peers;
    this.loop = control;
    this.clock = control.clock();
    this.clockTrust = new ClockTrust(now());
    this.registration = registration;
    this.work = work;
    this.listener = listener;
  }

  /** Whether this broker may take its own word for current (rule R5); any thread. */
  public boolean leaseHeld() {
    return lease.held(clock.nanoTime(), clock.wallMs());
  }

  /** Whether records may be judged by their age (P17); any thread. */
  public boolean wallClockTrusted() {
    return clockTrust.trusted();
  }

  /** The broker epoch of this process, or -1; any thread. */
  public long brokerEpoch() {
    return brokerEpoch;
  }

  /** Begins to register. */
  public void start() {
    metadata.listen(images);
    tick();
  }

  /** The logs are recovered (rule D10). */
  public void onRecovered(List<PartitionId> doubtful) {
    run(core.onRecovered(doubtful, now()));
  }

  /** The log directory is offline (rule L4). */
  public void onUnhealthy() {
    run(core.onUnhealthy(now()));
  }

  /** Begins the controlled stop (rule R7). */
  public void stop() {
    run(core.onStopRequested(now()));
  }

  /** Somebody says who leads the metadata. */
  void onLeaderHint(int leaderId) {
    run(core.onLeaderHint(leaderId, now()));
  }

  /** Ends everything, without a word to anybody. */
  public void close() {
    closed = true;
    metadata.unlisten(images);
    if (ticking != null) {
      ticking.cancel();
    }
    if (stream != null) {
      stream.close();
    }
  }

  /** Roles of partitions have followed an image. */
  public void onRoles() {
    run(core.onRoles(work.followed(), now()));
  }

  private void onImage(ClusterImage image) {
    onRoles(); // first: what the image brings is on its way to them
    run(core.onImage(BrokerFacts.of(image, identity.nodeId(), identity.incarnation()), now()));
  }

  private void tick() {
    warn(clockTrust.onTick(now()));
    onRoles();
    run(core.onStalled(work.standsStill(), now()));
    run(core.onTick(now()));
    // Counted from behind the heartbeat, so that the next one is due at one of the next ticks.
    arm();
  }

  private void arm() {
    if (!closed) {
      calm = stream != null && stream.answered && leaseHeld();
      ticking = loop.schedule(calm ? CALM_TICK_NANOS : TICK_NANOS, this::tick);
    }
  }

  private static void warn(String what) {
    if (!what.isEmpty()) {
      LOG.warn("{}", what);
    }
  }

  private Now now() {
    return new Now(clock.nanoTime(), clock.wallMs());
  }

  private void run(List<BrokerAction> actions) {
    if (closed) {
      return;
    }
    brokerEpoch = core.epoch();
    for (BrokerAction action : actions) {
      run(action);
    }
    if (calm && ticking != null && (stream == null || !stream.answered)) {
      ticking.cancel(); // from now on a session is looked for
      arm();
    }
  }

  private void run(BrokerAction action) {
    if (action instanceof BrokerAction.SendHeartbeat beat) {
      if (stream != null && stream.id == beat.stream()) {
        stream.send(SessionRequest.newBuilder().setHeartbeat(message(beat.heartbeat())).build());
      }
    } else if (action instanceof BrokerAction.LeaseRenewed renewed) {
      lease = renewed.lease();
    } else if (action instanceof BrokerAction.LeaseLost) {
      LOG.info("the lease of the metadata leader is lost (R5)");
      lease = Lease.NONE;
    } else if (action instanceof BrokerAction.SendRegister) {
      register();
    } else if (action instanceof BrokerAction.Registered registered) {
      LOG.info("registered with broker epoch {}", registered.brokerEpoch());
      listener.onRegistered(registered.brokerEpoch());
    } else if (action instanceof BrokerAction.OpenSession open) {
      open(open);
    } else if (action instanceof BrokerAction.CloseSession close) {
      if (stream != null && stream.id == close.stream()) {
        stream.close();
        stream = null;
      }
    } else if (action instanceof BrokerAction.Refused refused) {
      listener.onRefused(refused.error());
    } else if (action instanceof BrokerAction.FinishedStop finished) {
      listener.onStopFinished(finished.fenced(), finished.why());
    }
  }

  private void register() {
    metadata.submit(
        registration.get(),
        clock.nanoTime() + REGISTER_TIMEOUT_NANOS,
        end -> {
          if (end instanceof Result.Ok<Metadata.Submitted> ok) {
            CommandOutcome outcome = ok.value().outcome();
            if (outcome instanceof CommandOutcome.Number epoch) {
              run(core.onRegistered(epoch.value(), now()));
            } else if (outcome instanceof CommandOutcome.Rejected rejected) {
              LOG.info("registration refused: {}", rejected.error().message());
              run(core.onRegisterRefused(rejected.error(), now()));
            }
          } else {
            run(core.onRegisterFailed(now()));
          }
        });
  }

  private void open(BrokerAction.OpenSession open) {
    VoterImage voter = metadata.image().voters().get(open.voterId());
    Endpoint endpoint = voter != null ? voter.raft() : identity.voters().get(open.voterId());
    sessionWith = open.voterId();
    Stream next = new Stream(open.stream());
    stream = next;
    if (endpoint == null) {
      loop.execute(() -> next.onCompleted());
      return;
    }
    next.context.run(() -> next.out = peers.at(endpoint).session(next));
    next.send(
        SessionRequest.newBuilder()
            .setOpen(
                SessionOpen.newBuilder()
                    .setBrokerId(identity.nodeId())
                    .setBrokerEpoch(open.brokerEpoch()))
            .build());
  }

  private static io.kontiki.internal.v1.Heartbeat message(Heartbeat heartbeat) {
    io.kontiki.internal.v1.Heartbeat.Builder message =
        io.kontiki.internal.v1.Heartbeat.newBuilder()
            .setSequence(heartbeat.sequence())
            .setAppliedIndex(heartbeat.appliedIndex())
            .setReady(heartbeat.ready())
            .setStopping(heartbeat.stopping())
            .setFenceMe(heartbeat.fenceMe());
    for (PartitionId partition : heartbeat.doubtful()) {
      message.addDoubtful(
          DoubtfulPartition.newBuilder()
              .setTopicId(UnsafeByteOperations.unsafeWrap(partition.topicId().toBytes()))
              .setPartition(partition.partition()));
    }
    return message.build();
  }

  /** The stream to whoever leads. */
  private final class Stream implements StreamObserver<SessionResponse> {
    private final long id;
    private final Context.CancellableContext context = Context.ROOT.withCancellation();
    private @Nullable StreamObserver<SessionRequest> out;

    /** And not over. */
    private boolean answered;

    Stream(long id) {
      this.id = id;
    }

    void send(SessionRequest request) {
      if (out != null) {
        out.onNext(request);
      }
    }

    void close() {
      out = null;
      answered = false;
      context.cancel(null);
    }

    @Override
    public void onNext(SessionResponse message) {
      onLoop(() -> take(message));
    }

    private void take(SessionResponse message) {
      if (message.hasAnswer()) {
        answered = out != null;
        if (sessionWith != identity.nodeId()) {
          warn(clockTrust.onOther(message.getAnswer().getWallMs(), now()));
        }
        run(
            core.onAnswer(
                id,
                message.getAnswer().getSequence(),
                message.getAnswer().getUnfenced(),
                message.getAnswer().getOthersAppliedIndex(),
                now()));
      } else if (message.hasRedirect()) {
        run(core.onRedirect(id, message.getRedirect().getLeaderId(), now()));
      } else if (message.hasUnknown()) {
        run(core.onUnknown(id, now()));
      }
    }

    @Override
    public void onError(Throwable failure) {
      onLoop(this::broken);
    }

    @Override
    public void onCompleted() {
      onLoop(this::broken);
    }

    private void broken() {
      out = null;
      answered = false;
      run(core.onBroken(id, now()));
    }

    private void onLoop(Runnable task) {
      if (loop.inLoop()) {
        task.run();
      } else {
        loop.execute(task);
      }
    }
  }
}
