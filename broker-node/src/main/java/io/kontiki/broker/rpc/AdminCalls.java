package io.kontiki.broker.rpc;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.ClusterAdmin;
import io.kontiki.broker.api.ConfigAdmin;
import io.kontiki.broker.api.LeadershipAdmin;
import io.kontiki.broker.api.QuorumAdmin;
import io.kontiki.broker.api.ReassignmentAdmin;
import io.kontiki.broker.api.RecordDeletion;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.api.TopicChangeAdmin;
import io.kontiki.broker.group.GroupAdmin;
import io.kontiki.metadata.controller.Reassignments;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.v1.AddQuorumVoterResponse;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.DeleteGroupOffsetsResponse;
import io.kontiki.v1.DeleteGroupResponse;
import io.kontiki.v1.DeleteRecordsRequest;
import io.kontiki.v1.DeleteRecordsResponse;
import io.kontiki.v1.DeleteTopicResponse;
import io.kontiki.v1.DescribeConfigRequest;
import io.kontiki.v1.DescribeConfigResponse;
import io.kontiki.v1.ElectLeaderRequest;
import io.kontiki.v1.ElectLeaderResponse;
import io.kontiki.v1.ReassignPartitionsRequest;
import io.kontiki.v1.ReassignPartitionsResponse;
import io.kontiki.v1.RemoveQuorumVoterResponse;
import io.kontiki.v1.ResetGroupOffsetsRequest;
import io.kontiki.v1.ResetGroupOffsetsResponse;
import io.kontiki.v1.TopicPartition;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/** Every unary call of AdminService by name, once for all doors. */
public final class AdminCalls {
  private final SortedMap<String, AdminMethod<?, ?>> methods = new TreeMap<>();
  private final TopicAdmin topics;
  private final TopicChangeAdmin changes;
  private final RecordDeletion deletion;
  private final ReassignmentAdmin reassignments;
  private final LeadershipAdmin leadership;
  private final ClusterAdmin cluster;
  private final QuorumAdmin quorum;
  private final ConfigAdmin config;

  public AdminCalls(
      TopicAdmin topics,
      TopicChangeAdmin changes,
      RecordDeletion deletion,
      ReassignmentAdmin reassignments,
      LeadershipAdmin leadership,
      ClusterAdmin cluster,
      QuorumAdmin quorum,
      ConfigAdmin config,
      GroupAdmin groups) {
    this.topics = topics;
    this.changes = changes;
    this.deletion = deletion;
    this.reassignments = reassignments;
    this.leadership = leadership;
    this.cluster = cluster;
    this.quorum = quorum;
    this.config = config;
    topicCalls();
    changeCalls();
    reassignmentCalls();
    leadershipCalls();
    brokerCalls();
    clusterCalls();
    quorumCalls();
    groupCalls(groups);
    for (MethodDescriptor<?, ?> method : AdminServiceGrpc.getServiceDescriptor().getMethods()) {
      if (method.getType() == MethodDescriptor.MethodType.UNARY
          && !methods.containsKey(method.getBareMethodName())) {
        throw new IllegalStateException(method.getFullMethodName() + " is not served");
      }
    }
  }

  /** All of them, by name. */
  public SortedMap<String, AdminMethod<?, ?>> methods() {
    return Collections.unmodifiableSortedMap(methods);
  }

  private void topicCalls() {
    add(
        AdminServiceGrpc.getCreateTopicMethod(),
        (call, request, completion) ->
            topics.create(
                call,
                new TopicCreation.Request(
                    request.getName(),
                    request.hasPartitions() ? request.getPartitions() : null,
                    request.hasReplicationFactor() ? request.getReplicationFactor() : null,
                    request.getConfigMap()),
                as(completion, AdminMessages::created)));
    add(
        AdminServiceGrpc.getListTopicsMethod(),
        (call, request, completion) ->
            topics.list(
                call,
                request.getPageSize(),
                request.getPageToken(),
                request.hasMinMetadataIndex() ? request.getMinMetadataIndex() : null,
                as(completion, AdminMessages::page)));
    add(
        AdminServiceGrpc.getDescribeTopicMethod(),
        (call, request, completion) ->
            topics.describe(
                call,
                request.getName(),
                request.hasMinMetadataIndex() ? request.getMinMetadataIndex() : null,
                as(completion, AdminMessages::described)));
    add(
        AdminServiceGrpc.getDeleteTopicMethod(),
        (call, request, completion) ->
            topics.delete(
                call,
                request.getName(),
                request.getTopicId(),
                as(
                    completion,
                    index -> DeleteTopicResponse.newBuilder().setMetadataIndex(index).build())));
  }

  private void changeCalls() {
    add(
        AdminServiceGrpc.getAlterTopicConfigMethod(),
        (call, request, completion) ->
            changes.alter(
                call,
                request.getName(),
                request.getConfigMap(),
                request.getResetKeysList(),
                as(completion, AdminMessages::altered)));
    add(
        AdminServiceGrpc.getAddPartitionsMethod(),
        (call, request, completion) ->
            changes.addPartitions(
                call,
                request.getName(),
                request.getTotalPartitions(),
                as(completion, AdminMessages::partitionsAdded)));
    add(AdminServiceGrpc.getDeleteRecordsMethod(), this::deleteRecords);
  }

  private void deleteRecords(
      CallContext call,
      DeleteRecordsRequest request,
      Completion<Result<DeleteRecordsResponse>> completion) {
    StartSpec before;
    try {
      before = LogMessages.spec(request.getBefore(), "before");
    } catch (BadMessage e) {
      completion.complete(Result.error(e.error()));
      return;
    }
    deletion.delete(
        call,
        request.getTopic(),
        request.getPartitionsList(),
        before,
        as(completion, starts -> AdminMessages.recordsDeleted(request.getTopic(), starts)));
  }

  private void reassignmentCalls() {
    add(AdminServiceGrpc.getReassignPartitionsMethod(), this::reassign);
    add(
        AdminServiceGrpc.getListReassignmentsMethod(),
        (call, request, completion) ->
            reassignments.list(
                call,
                request.hasMinMetadataIndex() ? request.getMinMetadataIndex() : null,
                as(completion, AdminMessages::reassignments)));
    add(
        AdminServiceGrpc.getCancelReassignmentsMethod(),
        (call, request, completion) ->
            reassignments.cancel(
                call,
                request.getPartitionsList().stream().map(AdminCalls::named).toList(),
                as(completion, AdminMessages::cancelled)));
  }

  private void reassign(
      CallContext call,
      ReassignPartitionsRequest request,
      Completion<Result<ReassignPartitionsResponse>> completion) {
    List<Reassignments.Wanted> wanted =
        request.getReassignmentsList().stream()
            .map(one -> new Reassignments.Wanted(named(one.getPartition()), one.getReplicasList()))
            .toList();
    if (request.getValidateOnly()) {
      reassignments.validate(call, wanted, as(completion, AdminMessages::reassigned));
    } else {
      reassignments.reassign(
          call,
          wanted,
          request.hasThrottleBytesPerSecond() ? request.getThrottleBytesPerSecond() : null,
          as(completion, AdminMessages::reassigned));
    }
  }

  private void leadershipCalls() {
    add(AdminServiceGrpc.getElectLeaderMethod(), this::electLeader);
  }

  private void brokerCalls() {
    add(
        AdminServiceGrpc.getFenceBrokerMethod(),
        (call, request, completion) ->
            leadership.fence(
                call,
                request.getBrokerId(),
                request.getForce(),
                as(completion, AdminMessages::fenced)));
    add(
        AdminServiceGrpc.getUnfenceBrokerMethod(),
        (call, request, completion) ->
            leadership.unfence(
                call, request.getBrokerId(), as(completion, AdminMessages::unfenced)));
    add(
        AdminServiceGrpc.getDrainBrokerMethod(),
        (call, request, completion) ->
            leadership.drain(
                call,
                request.getBrokerId(),
                request.getMoveReplicas(),
                request.hasThrottleBytesPerSecond() ? request.getThrottleBytesPerSecond() : null,
                as(completion, AdminMessages::drained)));
    add(
        AdminServiceGrpc.getRemoveBrokerMethod(),
        (call, request, completion) ->
            leadership.remove(call, request.getBrokerId(), as(completion, AdminMessages::removed)));
  }

  private void electLeader(
      CallContext call,
      ElectLeaderRequest request,
      Completion<Result<ElectLeaderResponse>> completion) {
    Reassignments.Named partition = named(request.getPartition());
    switch (request.getType()) {
      case ELECTION_TYPE_UNSPECIFIED, ELECTION_TYPE_PREFERRED ->
          leadership.electPreferred(call, partition, as(completion, AdminMessages::elected));
      case ELECTION_TYPE_UNCLEAN ->
          leadership.electUnclean(
              call, partition, request.getReason(), as(completion, AdminMessages::elected));
      case UNRECOGNIZED ->
          completion.complete(
              Result.error(
                  Refusals.invalidField(
                      "type", request.getTypeValue() + " must be PREFERRED or UNCLEAN")));
    }
  }

  private static Reassignments.Named named(TopicPartition partition) {
    return new Reassignments.Named(partition.getTopic(), partition.getPartition());
  }

  private void clusterCalls() {
    add(
        AdminServiceGrpc.getDescribeClusterMethod(),
        (call, request, completion) ->
            cluster.describe(
                call,
                request.hasMinMetadataIndex() ? request.getMinMetadataIndex() : null,
                as(completion, AdminMessages::cluster)));
    add(
        AdminServiceGrpc.getListBrokersMethod(),
        (call, request, completion) ->
            cluster.brokers(
                call,
                request.getIncludeLogDirs(),
                request.hasMinMetadataIndex() ? request.getMinMetadataIndex() : null,
                as(completion, AdminMessages::brokers)));
    add(
        AdminServiceGrpc.getDescribeQuorumMethod(),
        (call, request, completion) ->
            cluster.quorum(
                call, views -> completion.complete(Result.ok(AdminMessages.quorum(views)))));
    add(AdminServiceGrpc.getDescribeConfigMethod(), this::describeConfig);
  }

  private void quorumCalls() {
    add(
        AdminServiceGrpc.getAddQuorumVoterMethod(),
        (call, request, completion) ->
            quorum.add(
                call,
                request.getNodeId(),
                as(
                    completion,
                    voters -> AddQuorumVoterResponse.newBuilder().addAllVoters(voters).build())));
    add(
        AdminServiceGrpc.getRemoveQuorumVoterMethod(),
        (call, request, completion) ->
            quorum.remove(
                call,
                request.getNodeId(),
                as(
                    completion,
                    voters ->
                        RemoveQuorumVoterResponse.newBuilder().addAllVoters(voters).build())));
  }

  private void describeConfig(
      CallContext call,
      DescribeConfigRequest request,
      Completion<Result<DescribeConfigResponse>> completion) {
    switch (request.getTargetCase()) {
      case TOPIC -> config.ofTopic(call, request.getTopic(), as(completion, AdminMessages::config));
      case BROKER_ID ->
          config.ofBroker(call, request.getBrokerId(), as(completion, AdminMessages::config));
      case TARGET_NOT_SET ->
          completion.complete(
              Result.error(
                  Refusals.invalidField("target", "one of topic and broker_id must be set")));
    }
  }

  private void groupCalls(GroupAdmin groups) {
    add(
        AdminServiceGrpc.getListGroupsMethod(),
        (call, request, completion) ->
            groups.list(
                call,
                request.getPageSize(),
                request.getPageToken(),
                as(completion, GroupAdminMessages::page)));
    add(
        AdminServiceGrpc.getDescribeGroupMethod(),
        (call, request, completion) ->
            groups.describe(
                call, request.getGroup(), as(completion, GroupAdminMessages::described)));
    add(
        AdminServiceGrpc.getResetGroupOffsetsMethod(),
        (call, request, completion) -> resetOffsets(groups, call, request, completion));
    add(
        AdminServiceGrpc.getDeleteGroupOffsetsMethod(),
        (call, request, completion) ->
            groups.deleteOffsets(
                call,
                request.getGroup(),
                request.getTopic(),
                request.getPartitionsList(),
                as(completion, done -> DeleteGroupOffsetsResponse.getDefaultInstance())));
    add(
        AdminServiceGrpc.getDeleteGroupMethod(),
        (call, request, completion) ->
            groups.delete(
                call,
                request.getGroup(),
                as(completion, done -> DeleteGroupResponse.getDefaultInstance())));
  }

  private static void resetOffsets(
      GroupAdmin groups,
      CallContext call,
      ResetGroupOffsetsRequest request,
      Completion<Result<ResetGroupOffsetsResponse>> completion) {
    StartSpec to;
    try {
      to = LogMessages.spec(request.getTo(), "to");
    } catch (BadMessage e) {
      completion.complete(Result.error(e.error()));
      return;
    }
    groups.reset(
        call,
        request.getGroup(),
        request.getTopic(),
        request.getPartitionsList(),
        to,
        as(completion, offsets -> GroupAdminMessages.reset(request.getTopic(), offsets)));
  }

  private static <T, A> Completion<Result<T>> as(
      Completion<Result<A>> completion, Function<T, A> message) {
    return result -> completion.complete(result.map(message));
  }

  private <Q extends Message, A extends Message> void add(
      MethodDescriptor<Q, A> descriptor, AdminMethod.Handler<Q, A> handler) {
    AdminMethod<Q, A> method = new AdminMethod<>(descriptor, emptyRequest(descriptor), handler);
    if (methods.put(method.name(), method) != null) {
      throw new IllegalStateException(method.name() + " is in the table twice");
    }
  }

  private static <Q> Q emptyRequest(MethodDescriptor<Q, ?> descriptor) {
    if (descriptor.getRequestMarshaller() instanceof MethodDescriptor.PrototypeMarshaller<Q> known
        && known.getMessagePrototype() != null) {
      return known.getMessagePrototype();
    }
    throw new IllegalStateException("no generated messages for " + descriptor.getFullMethodName());
  }

  /** The calls of the contract that are not unary and so not on the HTTP port. */
  public static List<String> streamingMethods() {
    List<String> names = new ArrayList<>();
    for (MethodDescriptor<?, ?> method : AdminServiceGrpc.getServiceDescriptor().getMethods()) {
      if (method.getType() != MethodDescriptor.MethodType.UNARY) {
        names.add(String.valueOf(method.getBareMethodName()));
      }
    }
    return names;
  }
}
