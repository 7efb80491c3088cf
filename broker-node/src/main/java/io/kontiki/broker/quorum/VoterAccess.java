package io.kontiki.broker.quorum;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.kontiki.broker.forward.CallTimeouts;
import io.kontiki.broker.forward.SentTracer;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.internal.v1.SubmitRequest;
import io.kontiki.internal.v1.SubmitResponse;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.codec.CommandOutcomeCodec;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The quorum as a voter reaches it: through its own Raft group, or the leader that it names. */
final class VoterAccess implements MetadataClient.QuorumAccess {
  private final RaftGroup group;
  private final Peers peers;
  private final EventLoop loop;

  VoterAccess(RaftGroup group, Peers peers, EventLoop control) {
    this.group = group;
    this.peers = peers;
    this.loop = control;
  }

  @Override
  public void propose(
      MetadataCommand command, long deadlineNanos, Completion<ProposalEnd> completion) {
    ByteBuffer bytes = MetadataCommandCodec.encode(command);
    RaftStatus status = group.status();
    if (status.leading()) {
      group.propose(bytes, -1, proposal -> loop.execute(() -> completion.complete(end(proposal))));
      return;
    }
    Endpoint leader = address(status);
    if (leader == null) {
      completion.complete(new ProposalEnd.NotProposed("no metadata leader is known"));
      return;
    }
    submitTo(peers, leader, bytes, deadlineNanos - loop.clock().nanoTime(), loop, completion);
  }

  private @Nullable Endpoint address(RaftStatus status) {
    for (RaftGroup.Member member : status.voters()) {
      if (member.nodeId() == status.leaderId()) {
        return member.endpoint();
      }
    }
    return null;
  }

  private static ProposalEnd end(Proposal proposal) {
    if (proposal instanceof Proposal.Applied applied) {
      return new ProposalEnd.Applied(applied.index(), (CommandOutcome) applied.answer());
    }
    if (proposal instanceof Proposal.NotAppended not) {
      return new ProposalEnd.NotProposed(not.why());
    }
    return new ProposalEnd.Unknown(((Proposal.Unknown) proposal).why());
  }

  /** Brings an encoded command to another node. */
  static void submitTo(
      Peers peers,
      Endpoint leader,
      ByteBuffer command,
      long timeoutNanos,
      EventLoop loop,
      Completion<ProposalEnd> completion) {
    // Its own deadline alone: the call that this runs in may end before it.
    Context.ROOT.run(
        () -> submitNow(peers, leader, command, Math.max(1, timeoutNanos), loop, completion));
  }

  private static void submitNow(
      Peers peers,
      Endpoint leader,
      ByteBuffer command,
      long timeoutNanos,
      EventLoop loop,
      Completion<ProposalEnd> completion) {
    SentTracer sent = new SentTracer();
    CallOptions options =
        CallTimeouts.with(CallOptions.DEFAULT, timeoutNanos).withStreamTracerFactory(sent);
    ClientCalls.asyncUnaryCall(
        peers.channel(leader).newCall(ClusterServiceGrpc.getSubmitMethod(), options),
        SubmitRequest.newBuilder().setCommand(UnsafeByteOperations.unsafeWrap(command)).build(),
        Peers.<SubmitResponse>unary(
            (answer, failure) -> {
              ProposalEnd end = end(leader, answer, failure, sent.created());
              loop.execute(() -> completion.complete(end));
            }));
  }

  private static ProposalEnd end(
      Endpoint leader, @Nullable SubmitResponse answer, @Nullable Status failure, boolean sent) {
    if (answer == null) {
      // A broken call may have been proposed; only the state machine can tell (M3).
      String why = "the metadata leader at " + leader + ": " + failure;
      return sent ? new ProposalEnd.Unknown(why) : new ProposalEnd.NotProposed(why);
    }
    if (answer.hasApplied()) {
      return new ProposalEnd.Applied(
          answer.getApplied().getIndex(),
          CommandOutcomeCodec.decode(answer.getApplied().getOutcome().asReadOnlyByteBuffer()));
    }
    if (answer.hasNotLeader()) {
      return new ProposalEnd.NotProposed(leader + " does not lead the metadata");
    }
    return new ProposalEnd.Unknown(answer.getUnknown().getWhy());
  }

  @Override
  public void readIndex(long deadlineNanos, Completion<Boolean> completion) {
    group.readIndex(index -> loop.execute(() -> completion.complete(index >= 0)));
  }

  @Override
  public RaftStatus status() {
    return group.status();
  }

  @Override
  public void leaderStatus(long deadlineNanos, Completion<RaftStatus> completion) {
    RaftStatus own = group.status();
    Endpoint leader = own.leading() ? null : address(own);
    if (leader == null) {
      completion.complete(own);
      return;
    }
    GroupStates.ask(
        peers,
        leader,
        deadlineNanos - loop.clock().nanoTime(),
        told ->
            loop.execute(
                () ->
                    completion.complete(
                        told == null || !told.getLeading() || told.getTerm() < own.term()
                            ? own
                            : GroupStates.status(told, own.appliedIndex()))));
  }
}
