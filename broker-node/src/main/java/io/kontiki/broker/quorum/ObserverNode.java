package io.kontiki.broker.quorum;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.kontiki.internal.v1.DescribeRaftRequest;
import io.kontiki.internal.v1.DescribeRaftResponse;
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
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
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

  private final NodeIdentity identity;
  private final MetadataStateMachine machine;
  private final MetadataClient client;
  private final Peers peers;
  private final EventLoop loop;
  private final FaultHandler faults;

  private int turn;
  private int leaderId = RaftGroup.NO_NODE;
  private RaftStatus lastStatus = new RaftStatus("metadata", -1, false, 0, 0, 0, List.of());
  private @Nullable Watch watch;
  private boolean closed;

  ObserverNode(
      NodeIdentity identity,
      MetadataStateMachine machine,
      MetadataClient client,
      Peers peers,
      EventLoop control,
      FaultHandler faults) {
    this.identity = identity;
    this.machine = machine;
    this.client = client;
    this.peers = peers;
    this.loop = control;
    this.faults = faults;
  }

  /** Begins to follow. */
  void start() {
    connect();
  }

  /** Stops following. */
  void close() {
    closed = true;
    if (watch != null) {
      watch.context.cancel(null);
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
            .setClusterId(Peers.bytes(client.image().clusterId()))
            .setAppliedIndex(client.image().index())
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

    Watch(Endpoint voter) {
      this.voter = voter;
    }

    @Override
    public void onNext(WatchMetadataResponse message) {
      loop.execute(() -> take(message));
    }

    private void take(WatchMetadataResponse message) {
      if (watch != this) {
        return;
      }
      if (!told) {
        told = true;
        LOG.info("follows the metadata at {}, from index {}", voter, client.image().index());
      }
      try {
        if (!message.getSnapshotPiece().isEmpty()) {
          snapshot = snapshot.concat(message.getSnapshotPiece());
        }
        if (message.getSnapshotIndex() > 0) {
          machine.restore(snapshot.newInput());
          snapshot = ByteString.EMPTY;
        }
        long last = 0;
        for (IndexedCommand command : message.getCommandsList()) {
          if (!command.getCommand().isEmpty()) { // else an entry of the Raft group's own
            machine.apply(command.getIndex(), command.getCommand().asReadOnlyByteBuffer());
          }
          last = command.getIndex();
        }
        if (last > 0) {
          machine.onApplied(last);
        }
      } catch (IOException | RuntimeException e) {
        faults.onFault("the metadata of voter " + voter + " cannot be applied (M17)", e);
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
      if (told) {
        LOG.info("lost the metadata stream of {}: {}", voter, status);
      }
      watch = null;
      loop.schedule(RECONNECT_NANOS, ObserverNode.this::connect);
    }
  }

  @Override
  public void propose(
      MetadataCommand command, long deadlineNanos, Completion<ProposalEnd> completion) {
    ByteBuffer bytes = MetadataCommandCodec.encode(command);
    Endpoint target = leader();
    VoterAccess.submitTo(
        peers,
        target == null ? nextVoter() : target,
        bytes,
        deadlineNanos - loop.clock().nanoTime(),
        loop,
        end -> {
          if (!(end instanceof ProposalEnd.Applied)) {
            learnLeader();
          }
          completion.complete(end);
        });
  }

  private @Nullable Endpoint leader() {
    VoterImage leader = client.image().voters().get(leaderId);
    return leader == null ? null : leader.raft();
  }

  private void learnLeader() {
    leaderId = RaftGroup.NO_NODE;
    peers
        .at(nextVoter(), TimeUnit.SECONDS.toNanos(1))
        .describeRaft(
            DescribeRaftRequest.getDefaultInstance(),
            Peers.<DescribeRaftResponse>unary(
                (answer, failure) -> {
                  if (answer != null && answer.getGroupsCount() > 0) {
                    loop.execute(() -> take(answer.getGroups(0)));
                  }
                }));
  }

  private void take(RaftGroupState state) {
    leaderId = state.getLeader();
    List<RaftGroup.Member> members = new ArrayList<>();
    state
        .getVotersList()
        .forEach(
            voter ->
                members.add(
                    new RaftGroup.Member(
                        voter.getNodeId(),
                        Endpoint.parse(voter.getAddress()),
                        voter.getMatchIndex(),
                        voter.getLastContactMs())));
    lastStatus =
        new RaftStatus(
            state.getName(),
            state.getLeader(),
            false,
            state.getTerm(),
            state.getCommittedIndex(),
            client.image().index(),
            members);
  }

  @Override
  public void readIndex(long deadlineNanos, Completion<Boolean> completion) {
    Endpoint target = leader();
    peers
        .at(target == null ? nextVoter() : target, deadlineNanos - loop.clock().nanoTime())
        .readIndex(
            ReadIndexRequest.getDefaultInstance(),
            Peers.<ReadIndexResponse>unary(
                (answer, failure) ->
                    loop.execute(() -> covered(answer, deadlineNanos, completion))));
  }

  private void covered(
      @Nullable ReadIndexResponse answer, long deadlineNanos, Completion<Boolean> completion) {
    if (answer == null || answer.getIndex() < 0) {
      learnLeader();
      completion.complete(false);
      return;
    }
    client.awaitIndex(
        answer.getIndex(),
        deadlineNanos,
        image -> completion.complete(image.fold(ok -> true, error -> false)));
  }

  @Override
  public RaftStatus status() {
    learnLeader();
    return lastStatus;
  }
}
