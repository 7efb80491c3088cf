package io.kontiki.broker.quorum;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.OwnReports;
import io.kontiki.broker.session.Admission;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.internal.v1.DescribeNodeRequest;
import io.kontiki.internal.v1.DescribeNodeResponse;
import io.kontiki.internal.v1.DescribeRaftRequest;
import io.kontiki.internal.v1.DescribeRaftResponse;
import io.kontiki.internal.v1.FormingMember;
import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.internal.v1.ReadIndexRequest;
import io.kontiki.internal.v1.ReadIndexResponse;
import io.kontiki.internal.v1.SessionRedirect;
import io.kontiki.internal.v1.SessionRequest;
import io.kontiki.internal.v1.SessionResponse;
import io.kontiki.internal.v1.SubmitApplied;
import io.kontiki.internal.v1.SubmitRequest;
import io.kontiki.internal.v1.SubmitResponse;
import io.kontiki.internal.v1.SubmitUnknown;
import io.kontiki.internal.v1.WatchMetadataRequest;
import io.kontiki.internal.v1.WatchMetadataResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.codec.CommandOutcomeCodec;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a node answers to other brokers on the Raft port. Calls arrive on the control loop. Until
 * the node has started its part in the quorum, and on nodes that do not vote, it only says who it
 * is.
 */
public final class ClusterGrpcService extends ClusterServiceGrpc.ClusterServiceImplBase {
  private final NodeIdentity identity;
  private final Supplier<Uid> clusterId;
  private final EventLoop loop;
  private @Nullable VoterNode voter;
  private volatile @Nullable OwnReports own;
  private volatile Supplier<List<RaftGroup>> shards = List::of;

  /**
   * @param clusterId the cluster that this node belongs to, {@link Uid#NONE} if none yet
   */
  public ClusterGrpcService(NodeIdentity identity, Supplier<Uid> clusterId, EventLoop control) {
    this.identity = identity;
    this.clusterId = clusterId;
    this.loop = control;
  }

  /** This node votes from here on, or with null does not; on the control loop. */
  void serveAs(@Nullable VoterNode node) {
    this.voter = node;
  }

  @Override
  public void hello(HelloRequest request, StreamObserver<HelloResponse> out) {
    HelloResponse.Builder response =
        HelloResponse.newBuilder()
            .setNodeId(identity.nodeId())
            .setDirectoryId(Peers.bytes(identity.directoryId()))
            .setClusterId(Peers.bytes(clusterId.get()))
            .setVoters(identity.votersText())
            .setIncarnation(Peers.bytes(identity.incarnation()));
    VoterNode node = voter;
    if (node != null) {
      ClusterImage image = node.image();
      response.setImageIndex(image.formed() ? image.index() : 0);
      node.knownVoters(image)
          .forEach(
              (id, known) ->
                  response.addFormingSet(
                      FormingMember.newBuilder()
                          .setNodeId(id)
                          .setDirectoryId(Peers.bytes(known.directoryId()))
                          .setInConfiguration(known.inConfiguration())));
      response.setLeft(request.getLeaves() && node.admission().left(request.getNodeId()));
      if (request.getSeeksAdmission()) {
        Admission.Answer admission =
            node.admission()
                .onSeek(
                    request.getNodeId(), Peers.uid(request.getDirectoryId()), request.getVotes());
        if (admission != null) {
          response.setAdmission(admission.why()).setRefused(admission.refused());
        }
      }
    }
    answer(out, response.build());
  }

  @Override
  public void submit(SubmitRequest request, StreamObserver<SubmitResponse> out) {
    RaftGroup group = group();
    if (group == null) {
      answer(out, notLeader(RaftGroup.NO_NODE));
      return;
    }
    ByteBuffer command = request.getCommand().asReadOnlyByteBuffer();
    try {
      // What is committed and cannot be decoded would stop every node (M17).
      MetadataCommandCodec.decode(MetadataCommandCodec.NOT_PROPOSED, command.duplicate());
    } catch (RuntimeException e) {
      out.onError(
          Status.INVALID_ARGUMENT
              .withDescription("not a command of this version: " + e.getMessage())
              .asException());
      return;
    }
    group.propose(command, -1, proposal -> loop.execute(() -> answer(out, submitted(proposal))));
  }

  private static SubmitResponse submitted(Proposal proposal) {
    if (proposal instanceof Proposal.Applied applied) {
      return SubmitResponse.newBuilder()
          .setApplied(
              SubmitApplied.newBuilder()
                  .setIndex(applied.index())
                  .setOutcome(
                      UnsafeByteOperations.unsafeWrap(
                          CommandOutcomeCodec.encode((CommandOutcome) applied.answer()))))
          .build();
    }
    if (proposal instanceof Proposal.NotAppended not) {
      return notLeader(not.leaderId());
    }
    return SubmitResponse.newBuilder()
        .setUnknown(SubmitUnknown.newBuilder().setWhy(((Proposal.Unknown) proposal).why()))
        .build();
  }

  private static SubmitResponse notLeader(int leaderId) {
    return SubmitResponse.newBuilder()
        .setNotLeader(SessionRedirect.newBuilder().setLeaderId(leaderId))
        .build();
  }

  @Override
  public void readIndex(ReadIndexRequest request, StreamObserver<ReadIndexResponse> out) {
    VoterNode node = voter;
    if (node == null) {
      answer(out, ReadIndexResponse.newBuilder().setIndex(-1).build());
      return;
    }
    // The caller knows command indexes only: the image covers the confirmed index here by now.
    node.group()
        .readIndex(
            index ->
                loop.execute(
                    () ->
                        answer(
                            out,
                            ReadIndexResponse.newBuilder()
                                .setIndex(index < 0 ? -1 : node.image().index())
                                .build())));
  }

  @Override
  public StreamObserver<SessionRequest> session(StreamObserver<SessionResponse> out) {
    VoterNode node = voter;
    if (node == null) {
      out.onNext(
          SessionResponse.newBuilder()
              .setRedirect(SessionRedirect.newBuilder().setLeaderId(RaftGroup.NO_NODE))
              .build());
      out.onCompleted();
      return new Ignoring<>();
    }
    return node.controller().accept((ServerCallStreamObserver<SessionResponse>) out);
  }

  @Override
  public void watchMetadata(
      WatchMetadataRequest request, StreamObserver<WatchMetadataResponse> out) {
    VoterNode node = voter;
    if (node == null) {
      out.onError(Status.UNAVAILABLE.withDescription("this node does not vote").asException());
      return;
    }
    node.watchers().accept(request, (ServerCallStreamObserver<WatchMetadataResponse>) out);
  }

  @Override
  public void describeRaft(DescribeRaftRequest request, StreamObserver<DescribeRaftResponse> out) {
    DescribeRaftResponse.Builder response = DescribeRaftResponse.newBuilder();
    RaftGroup group = group();
    if (group != null) {
      response.addGroups(GroupStates.message(group.status()));
      shards.get().forEach(shard -> response.addGroups(GroupStates.message(shard.status())));
    }
    answer(out, response.build());
  }

  /** The shards of consumer groups that run here, to be told of from here on; any thread. */
  void tellShards(Supplier<List<RaftGroup>> running) {
    this.shards = running;
  }

  /** What this node tells of itself from here on; any thread. */
  void tell(OwnReports reports) {
    this.own = reports;
  }

  @Override
  public void describeNode(DescribeNodeRequest request, StreamObserver<DescribeNodeResponse> out) {
    OwnReports reports = own;
    if (reports == null) {
      out.onError(Status.UNAVAILABLE.withDescription("this node is starting").asException());
      return;
    }
    DescribeNodeResponse.Builder response =
        DescribeNodeResponse.newBuilder().setNodeId(identity.nodeId());
    if (request.getIncludeLogDirs()) {
      reports.logDirs().forEach(dir -> response.addLogDirs(NodeReportCodec.message(dir)));
    }
    if (request.getIncludeConfig()) {
      reports.config().forEach(line -> response.addConfig(NodeReportCodec.message(line)));
    }
    answer(out, response.build());
  }

  private @Nullable RaftGroup group() {
    return voter == null ? null : voter.group();
  }

  private static <T> void answer(StreamObserver<T> out, T response) {
    if (((ServerCallStreamObserver<T>) out).isCancelled()) {
      return;
    }
    out.onNext(response);
    out.onCompleted();
  }

  /** Takes what nobody wants. */
  static final class Ignoring<T> implements StreamObserver<T> {
    @Override
    public void onNext(T value) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }
}
