package io.kontiki.broker.quorum;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.kontiki.internal.v1.IndexedCommand;
import io.kontiki.internal.v1.RaftGroupState;
import io.kontiki.internal.v1.ReadIndexRequest;
import io.kontiki.internal.v1.ReadIndexResponse;
import io.kontiki.internal.v1.WatchMetadataRequest;
import io.kontiki.internal.v1.WatchMetadataResponse;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.VoterImage;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The metadata on a broker that does not vote (rule M22): follows the log by the watch stream of
 * any voter through the same state machine, and asks voters for everything else. All on the control
 * loop.
 */
final class ObserverNode implements MetadataClient.QuorumAccess {
  private static final Logger LOG = LoggerFactory.getLogger(ObserverNode.class);
  private static final long RECONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long WATCH_TICK_NANOS = MetadataWatchers.BEAT_NANOS;

  /** A voter that says nothing, or nothing but that it is behind, is left after this time. */
  private static final long PATIENCE_NANOS = 4 * MetadataWatchers.BEAT_NANOS;

  /** Of one attempt at one voter, where another may be asked after it. */
  private static final long ATTEMPT_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final NodeIdentity identity;
  private final MetadataStateMachine machine;
  private final MetadataClient client;
  private final Peers peers;
  private final EventLoop loop;
  private final Ends ends;
  private final Uid directoryCluster;

  private int turn;
  private int leaderId = RaftGroup.NO_NODE;
  private volatile RaftStatus lastStatus =
      new RaftStatus("metadata", -1, false, 0, 0, 0, List.of());
  private @Nullable Watch watch;
  private EventLoop.@Nullable Timer watching;
  private boolean asking;
  private boolean closed;

  /**
   * How the node may end.
   *
   * @param faults told of metadata that cannot be applied (rule M17)
   * @param refused told why this node must not start
   */
  record Ends(FaultHandler faults, Consumer<String> refused) {}

  /**
   * @param directoryCluster the cluster of this node's directory, {@link Uid#NONE} if none yet
   */
  ObserverNode(
      NodeIdentity identity,
      Uid directoryCluster,
      MetadataStateMachine machine,
      MetadataClient client,
      Peers peers,
      EventLoop control,
      Ends ends) {
    this.identity = identity;
    this.directoryCluster = directoryCluster;
    this.machine = machine;
    this.client = client;
    this.peers = peers;
    this.loop = control;
    this.ends = ends;
  }

  /** Begins to follow. */
  void start() {
    connect();
    tick();
  }

  /** Stops following. */
  void close() {
    closed = true;
    if (watching != null) {
      watching.cancel();
    }
    if (watch != null) {
      watch.context.cancel(null);
    }
  }

  private void tick() {
    watching = loop.schedule(WATCH_TICK_NANOS, this::tick);
    Watch current = watch;
    if (current != null && loop.clock().nanoTime() - current.newsAt >= PATIENCE_NANOS) {
      current.ended(Status.DEADLINE_EXCEEDED.withDescription("no news that can be trusted"));
    }
  }

  private List<VoterImage> voters() {
    if (client.image().formed()) {
      return List.copyOf(client.image().voters().values());
    }
    List<VoterImage> listed = new ArrayList<>();
    identity.voters().forEach((id, raft) -> listed.add(new VoterImage(id, raft, null)));
    return listed;
  }

  private Endpoint nextVoter() {
    List<VoterImage> voters = voters();
    return voters.get(Math.floorMod(turn++, voters.size())).raft();
  }

  private void connect() {
    if (closed) {
      return;
    }
    Endpoint voter = nextVoter();
    Watch next = new Watch(voter);
    watch = next;
    WatchMetadataRequest request =
        WatchMetadataRequest.newBuilder()
            .setClusterId(
                Peers.bytes(
                    client.image().formed() ? client.image().clusterId() : directoryCluster))
            .setAppliedIndex(machine.image().index())
            .setBrokerId(identity.nodeId())
            .build();
    next.context.run(() -> peers.at(voter).watchMetadata(request, next));
  }

  /** One watch stream. */
  private final class Watch implements StreamObserver<WatchMetadataResponse> {
    private final Endpoint voter;
    private final Context.CancellableContext context = Context.ROOT.withCancellation();
    private ByteString snapshot = ByteString.EMPTY;
    private boolean told;

    /** When the voter last said something, and was not behind. */
    private long newsAt = loop.clock().nanoTime();

    Watch(Endpoint voter) {
      this.voter = voter;
    }

    @Override
    public void onNext(WatchMetadataResponse message) {
      loop.execute(() -> take(message));
    }

    private void take(WatchMetadataResponse message) {
      if (watch != this || closed) {
        return;
      }
      if (!message.getBehind()) {
        newsAt = loop.clock().nanoTime();
      }
      if (!told) {
        told = true;
        LOG.info("follows the metadata at {}, from index {}", voter, client.image().index());
      }
      try {
        if (!message.getSnapshotPiece().isEmpty()) {
          snapshot = snapshot.concat(message.getSnapshotPiece());
        }
        long applied = machine.image().index();
        if (message.getSnapshotIndex() > 0) {
          if (message.getSnapshotIndex() > applied) { // never back (M22)
            machine.restore(snapshot.newInput());
            applied = message.getSnapshotIndex();
          }
          snapshot = ByteString.EMPTY;
        }
        long last = 0;
        for (IndexedCommand command : message.getCommandsList()) {
          if (command.getIndex() <= applied) {
            continue;
          }
          if (!command.getCommand().isEmpty()) { // else an entry of the Raft group's own
            machine.apply(command.getIndex(), command.getCommand().asReadOnlyByteBuffer());
          }
          last = command.getIndex();
        }
        if (last > 0) {
          machine.onApplied(last);
        }
      } catch (IOException | RuntimeException e) {
        close();
        ends.faults().onFault("the metadata of voter " + voter + " cannot be applied (M17)", e);
      }
    }

    @Override
    public void onError(Throwable failure) {
      loop.execute(() -> ended(Status.fromThrowable(failure)));
    }

    @Override
    public void onCompleted() {
      loop.execute(() -> ended(Status.OK));
    }

    private void ended(Status status) {
      if (watch != this || closed) {
        return;
      }
      watch = null;
      context.cancel(null);
      if (status.getCode() == Status.Code.FAILED_PRECONDITION) {
        String why = "the voter at " + voter + " refuses this node: " + status.getDescription();
        if (!client.image().formed()) {
          close();
          ends.refused().accept(why);
          return;
        }
        LOG.warn("{}", why); // its address may be another cluster's by now
      } else if (told) {
        LOG.info("lost the metadata stream of {}: {}", voter, status);
      }
      loop.schedule(RECONNECT_NANOS, ObserverNode.this::connect);
    }
  }

  /** Only to the leader: another voter that does not answer would keep the call to its end. */
  @Override
  public void propose(
      MetadataCommand command, long deadlineNanos, Completion<ProposalEnd> completion) {
    Endpoint target = leader();
    if (target == null) {
      learnLeader();
      completion.complete(new ProposalEnd.NotProposed("no metadata leader is known"));
      return;
    }
    int asked = leaderId;
    VoterAccess.submitTo(
        peers,
        target,
        MetadataCommandCodec.encode(command),
        deadlineNanos - loop.clock().nanoTime(),
        loop,
        end -> {
          if (!(end instanceof ProposalEnd.Applied)) {
            forget(asked);
          }
          completion.complete(end);
        });
  }

  /** It does not lead, or does not answer; who else does may be known since. */
  private void forget(int asked) {
    if (leaderId == asked) {
      leaderId = RaftGroup.NO_NODE;
      learnLeader();
    }
  }

  private @Nullable Endpoint leader() {
    VoterImage leader = client.image().voters().get(leaderId);
    return leader == null ? null : leader.raft();
  }

  /** Asks the voters in turn, one at a time. */
  private void learnLeader() {
    if (asking || closed) {
      return;
    }
    asking = true;
    GroupStates.ask(
        peers,
        nextVoter(),
        ATTEMPT_NANOS,
        told ->
            loop.execute(
                () -> {
                  asking = false;
                  if (told != null) {
                    take(told);
                  }
                }));
  }

  private void take(RaftGroupState told) {
    leaderId = told.getLeader();
    lastStatus = GroupStates.status(told, client.image().index());
  }

  @Override
  public void readIndex(long deadlineNanos, Completion<Boolean> completion) {
    Endpoint leader = leader();
    Endpoint target = leader == null ? nextVoter() : leader;
    int asked = leaderId;
    long timeout = Math.min(ATTEMPT_NANOS, deadlineNanos - loop.clock().nanoTime());
    Context.ROOT.run(
        () ->
            peers
                .at(target, timeout)
                .readIndex(
                    ReadIndexRequest.getDefaultInstance(),
                    Peers.<ReadIndexResponse>unary(
                        (answer, failure) ->
                            loop.execute(
                                () -> covered(asked, answer, deadlineNanos, completion)))));
  }

  private void covered(
      int asked,
      @Nullable ReadIndexResponse answer,
      long deadlineNanos,
      Completion<Boolean> completion) {
    if (answer == null || answer.getIndex() < 0) {
      forget(asked);
      completion.complete(false);
      return;
    }
    client.awaitIndex(
        answer.getIndex(),
        Math.min(deadlineNanos, loop.clock().nanoTime() + ATTEMPT_NANOS),
        image -> {
          boolean reached = image.<Boolean>fold(ok -> true, error -> false);
          if (!reached && watch != null) {
            // It lives, but what it is told does not reach it.
            watch.ended(Status.UNAVAILABLE.withDescription("behind index " + answer.getIndex()));
          }
          completion.complete(reached);
        });
  }

  @Override
  public RaftStatus status() {
    loop.execute(this::learnLeader);
    return lastStatus;
  }

  /** Of the leader; if nobody has said who that is, a voter is asked for it first. */
  @Override
  public void leaderStatus(long deadlineNanos, Completion<RaftStatus> completion) {
    Endpoint leader = leader();
    int asked = leaderId;
    long left = deadlineNanos - loop.clock().nanoTime();
    GroupStates.ask(
        peers,
        leader == null ? nextVoter() : leader,
        Math.min(ATTEMPT_NANOS, leader == null ? left / 2 : left),
        told -> loop.execute(() -> taken(asked, told, leader == null, deadlineNanos, completion)));
  }

  private void taken(
      int asked,
      @Nullable RaftGroupState told,
      boolean askTheLeader,
      long deadlineNanos,
      Completion<RaftStatus> completion) {
    if (told != null) {
      take(told);
    } else {
      forget(asked);
    }
    if (askTheLeader && told != null && !told.getLeading() && leader() != null) {
      leaderStatus(deadlineNanos, completion);
    } else {
      completion.complete(lastStatus);
    }
  }
}
