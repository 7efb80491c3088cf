package io.kontiki.broker.quorum;

import io.grpc.Context;
import io.kontiki.internal.v1.DescribeRaftRequest;
import io.kontiki.internal.v1.DescribeRaftResponse;
import io.kontiki.internal.v1.RaftGroupState;
import io.kontiki.internal.v1.RaftVoterState;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a node tells another of its Raft groups. */
final class GroupStates {
  private GroupStates() {}

  /** As a message. */
  static RaftGroupState message(RaftStatus status) {
    RaftGroupState.Builder state =
        RaftGroupState.newBuilder()
            .setName(status.group())
            .setLeader(status.leaderId())
            .setLeading(status.leading())
            .setTerm(status.term())
            .setCommittedIndex(status.committedIndex())
            .setAppliedIndex(status.appliedIndex());
    for (RaftGroup.Member member : status.voters()) {
      state.addVoters(
          RaftVoterState.newBuilder()
              .setNodeId(member.nodeId())
              .setAddress(member.endpoint().toString())
              .setMatchIndex(member.matchIndex())
              .setLastContactMs(member.lastContactMs()));
    }
    return state.build();
  }

  /**
   * What another node told, on this one.
   *
   * @param appliedIndex of this node
   */
  static RaftStatus status(RaftGroupState told, long appliedIndex) {
    List<RaftGroup.Member> members = new ArrayList<>();
    for (RaftVoterState voter : told.getVotersList()) {
      members.add(
          new RaftGroup.Member(
              voter.getNodeId(),
              Endpoint.parse(voter.getAddress()),
              voter.getMatchIndex(),
              voter.getLastContactMs()));
    }
    return new RaftStatus(
        told.getName(),
        told.getLeader(),
        false,
        told.getTerm(),
        told.getCommittedIndex(),
        appliedIndex,
        List.copyOf(members));
  }

  /**
   * Asks a node for its view of the metadata.
   *
   * @param completion null: it does not answer, or has no part in the group; on a gRPC thread
   */
  @SuppressWarnings("NullAway") // null, for no answer, passes through the type parameter
  static void ask(
      Peers peers,
      Endpoint raft,
      long timeoutNanos,
      Completion<@Nullable RaftGroupState> completion) {
    askAll(
        peers,
        raft,
        timeoutNanos,
        groups -> completion.complete(groups.isEmpty() ? null : groups.get(0)));
  }

  /**
   * Asks a node for its view of all groups that it has a part in, the metadata first.
   *
   * @param completion empty: it does not answer; on a gRPC thread
   */
  static void askAll(
      Peers peers, Endpoint raft, long timeoutNanos, Completion<List<RaftGroupState>> completion) {
    Context.ROOT.run(
        () ->
            peers
                .at(raft, timeoutNanos)
                .describeRaft(
                    DescribeRaftRequest.getDefaultInstance(),
                    Peers.<DescribeRaftResponse>unary(
                        (answer, failure) ->
                            completion.complete(
                                answer == null ? List.of() : answer.getGroupsList()))));
  }
}
