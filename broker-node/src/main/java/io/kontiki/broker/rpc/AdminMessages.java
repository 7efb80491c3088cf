package io.kontiki.broker.rpc;

import com.google.protobuf.Duration;
import io.kontiki.broker.api.ClusterAdmin;
import io.kontiki.broker.api.ClusterSummary;
import io.kontiki.broker.api.LeadershipAdmin;
import io.kontiki.broker.api.NodeReports;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.ReassignmentAdmin;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.api.TopicChangeAdmin;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.Reassignments;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.v1.AddPartitionsResponse;
import io.kontiki.v1.AlterTopicConfigResponse;
import io.kontiki.v1.Broker;
import io.kontiki.v1.BrokerState;
import io.kontiki.v1.CancelReassignmentsResponse;
import io.kontiki.v1.ConfigEntry;
import io.kontiki.v1.ConfigSource;
import io.kontiki.v1.CreateTopicResponse;
import io.kontiki.v1.DeleteRecordsResponse;
import io.kontiki.v1.DescribeClusterResponse;
import io.kontiki.v1.DescribeConfigResponse;
import io.kontiki.v1.DescribeQuorumResponse;
import io.kontiki.v1.DescribeTopicResponse;
import io.kontiki.v1.DrainBrokerResponse;
import io.kontiki.v1.ElectLeaderResponse;
import io.kontiki.v1.FenceBrokerResponse;
import io.kontiki.v1.ListBrokersResponse;
import io.kontiki.v1.ListReassignmentsResponse;
import io.kontiki.v1.ListTopicsResponse;
import io.kontiki.v1.LogDir;
import io.kontiki.v1.LogDirState;
import io.kontiki.v1.OngoingReassignment;
import io.kontiki.v1.PartitionDescription;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.PartitionReassignment;
import io.kontiki.v1.RaftMember;
import io.kontiki.v1.ReassignPartitionsResponse;
import io.kontiki.v1.RemoveBrokerResponse;
import io.kontiki.v1.TopicDescription;
import io.kontiki.v1.TopicPartition;
import io.kontiki.v1.TopicSummary;
import io.kontiki.v1.UnfenceBrokerResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Answers of AdminService as messages. */
final class AdminMessages {
  private AdminMessages() {}

  static CreateTopicResponse created(TopicAdmin.Created created) {
    return CreateTopicResponse.newBuilder()
        .setTopic(topic(created.topic(), List.of()))
        .setMetadataIndex(created.index())
        .addAllPartitionsNotReady(created.notReady())
        .build();
  }

  static AlterTopicConfigResponse altered(TopicChangeAdmin.Changed changed) {
    return AlterTopicConfigResponse.newBuilder()
        .putAllConfig(changed.topic().config())
        .setMetadataIndex(changed.index())
        .build();
  }

  static AddPartitionsResponse partitionsAdded(TopicChangeAdmin.Changed changed) {
    return AddPartitionsResponse.newBuilder()
        .setTopic(topic(changed.topic(), List.of()))
        .setMetadataIndex(changed.index())
        .build();
  }

  static DeleteRecordsResponse recordsDeleted(String topic, List<OffsetListing.Listed> starts) {
    DeleteRecordsResponse.Builder response = DeleteRecordsResponse.newBuilder();
    for (OffsetListing.Listed start : starts) {
      response.addStartOffsets(
          PartitionOffset.newBuilder()
              .setTopic(topic)
              .setPartition(start.partition())
              .setOffset(start.offset()));
    }
    return response.build();
  }

  static ListTopicsResponse page(TopicAdmin.Page page) {
    ListTopicsResponse.Builder response =
        ListTopicsResponse.newBuilder()
            .setNextPageToken(page.nextToken())
            .setMetadataIndex(page.index());
    page.topics().forEach(topic -> response.addTopics(summary(topic)));
    return response.build();
  }

  private static TopicSummary summary(TopicImage topic) {
    int underReplicated = 0;
    int offline = 0;
    for (PartitionImage partition : topic.partitions()) {
      underReplicated += partition.underReplicated() ? 1 : 0;
      offline += partition.leader() == PartitionImage.NO_LEADER ? 1 : 0;
    }
    return TopicSummary.newBuilder()
        .setName(topic.name())
        .setTopicId(topic.id().toString())
        .setPartitionCount(topic.partitions().size())
        .setReplicationFactor(topic.replicationFactor())
        .setUnderReplicatedPartitions(underReplicated)
        .setOfflinePartitions(offline)
        .build();
  }

  static DescribeTopicResponse described(TopicAdmin.Described described) {
    return DescribeTopicResponse.newBuilder()
        .setTopic(topic(described.topic(), described.offsets()))
        .setMetadataIndex(described.index())
        .build();
  }

  /**
   * A topic.
   *
   * @param offsets by partition; empty: not asked for
   */
  static TopicDescription topic(TopicImage topic, List<Description> offsets) {
    TopicDescription.Builder message = topicWithoutPartitions(topic);
    for (int i = 0; i < topic.partitions().size(); i++) {
      message.addPartitions(
          partition(i, topic.partitions().get(i), offsets.isEmpty() ? null : offsets.get(i)));
    }
    return message.build();
  }

  static TopicDescription.Builder topicWithoutPartitions(TopicImage topic) {
    return TopicDescription.newBuilder()
        .setName(topic.name())
        .setTopicId(topic.id().toString())
        .putAllConfig(topic.config());
  }

  static PartitionDescription partition(
      int number, PartitionImage partition, @Nullable Description offsets) {
    PartitionDescription.Builder message =
        PartitionDescription.newBuilder()
            .setPartition(number)
            .setLeaderEpoch(partition.leaderEpoch())
            .addAllReplicas(partition.replicas())
            .addAllIsr(partition.isr())
            .addAllElr(partition.elr())
            .addAllAdding(partition.adding())
            .addAllRemoving(partition.removing());
    if (partition.leader() != PartitionImage.NO_LEADER) {
      message.setLeader(partition.leader());
    }
    if (offsets != null && offsets.known()) {
      message.setStartOffset(offsets.logStartOffset());
      if (offsets.highWatermark() >= 0) {
        message.setHighWatermark(offsets.highWatermark());
      }
    }
    return message.build();
  }

  static DescribeClusterResponse cluster(ClusterSummary summary) {
    ClusterImage image = summary.image();
    DescribeClusterResponse.Builder response =
        DescribeClusterResponse.newBuilder()
            .setClusterId(image.formed() ? image.clusterId().toString() : "")
            .setBrokerCount(image.brokers().size())
            .setFencedBrokerCount(summary.fencedBrokers())
            .setTopicCount(image.topics().size())
            .setPartitionCount(summary.partitions())
            .setUnderReplicatedPartitions(summary.underReplicated())
            .setUnderMinIsrPartitions(summary.underMinIsr())
            .setOfflinePartitions(summary.offline())
            .setFeatureLevel(image.featureLevel())
            .addAllProblems(summary.problems())
            .setMetadataIndex(image.index());
    if (summary.controllerId() != RaftGroup.NO_NODE) {
      response.setControllerId(summary.controllerId());
    }
    return response.build();
  }

  static ListBrokersResponse brokers(ClusterAdmin.Brokers brokers) {
    ListBrokersResponse.Builder response =
        ListBrokersResponse.newBuilder().setMetadataIndex(brokers.index());
    brokers.brokers().forEach(view -> response.addBrokers(broker(view)));
    return response.build();
  }

  private static Broker broker(ClusterAdmin.BrokerView view) {
    Broker.Builder broker =
        broker(view.broker(), view.voter())
            .setLeaderCount(view.leads())
            .setReplicaCount(view.replicas());
    view.logDirs().forEach(dir -> broker.addLogDirs(logDir(dir)));
    return broker.build();
  }

  static FenceBrokerResponse fenced(LeadershipAdmin.Wished fenced) {
    return FenceBrokerResponse.newBuilder()
        .setBroker(broker(fenced.broker()))
        .setMetadataIndex(fenced.index())
        .build();
  }

  static UnfenceBrokerResponse unfenced(LeadershipAdmin.Wished unfenced) {
    return UnfenceBrokerResponse.newBuilder()
        .setBroker(broker(unfenced.broker()))
        .setMetadataIndex(unfenced.index())
        .build();
  }

  static DrainBrokerResponse drained(LeadershipAdmin.Wished drained) {
    return DrainBrokerResponse.newBuilder()
        .setBroker(broker(drained.broker()))
        .setMetadataIndex(drained.index())
        .build();
  }

  static RemoveBrokerResponse removed(long index) {
    return RemoveBrokerResponse.newBuilder().setMetadataIndex(index).build();
  }

  static ElectLeaderResponse elected(LeadershipAdmin.Elected elected) {
    return ElectLeaderResponse.newBuilder()
        .setLeader(elected.leader())
        .setLeaderEpoch(elected.leaderEpoch())
        .setMetadataIndex(elected.index())
        .build();
  }

  static ReassignPartitionsResponse reassigned(ReassignmentAdmin.Begun begun) {
    ReassignPartitionsResponse.Builder response =
        ReassignPartitionsResponse.newBuilder().setMetadataIndex(begun.index());
    for (Reassignments.Wanted one : begun.reassignments()) {
      response.addReassignments(
          PartitionReassignment.newBuilder()
              .setPartition(topicPartition(one.partition()))
              .addAllReplicas(one.replicas()));
    }
    return response.build();
  }

  static ListReassignmentsResponse reassignments(ReassignmentAdmin.Listed listed) {
    ListReassignmentsResponse.Builder response =
        ListReassignmentsResponse.newBuilder()
            .setThrottleBytesPerSecond(listed.bytesPerSecond())
            .setMetadataIndex(listed.index());
    for (Reassignments.UnderWay one : listed.underWay()) {
      response.addReassignments(
          OngoingReassignment.newBuilder()
              .setPartition(
                  topicPartition(new Reassignments.Named(one.topic().name(), one.id().partition())))
              .addAllReplicas(one.partition().replicas())
              .addAllAdding(one.partition().adding())
              .addAllRemoving(one.partition().removing()));
    }
    return response.build();
  }

  static CancelReassignmentsResponse cancelled(ReassignmentAdmin.Cancelled cancelled) {
    CancelReassignmentsResponse.Builder response =
        CancelReassignmentsResponse.newBuilder().setMetadataIndex(cancelled.index());
    cancelled.partitions().forEach(named -> response.addCancelled(topicPartition(named)));
    return response.build();
  }

  private static TopicPartition topicPartition(Reassignments.Named named) {
    return TopicPartition.newBuilder()
        .setTopic(named.topic())
        .setPartition(named.partition())
        .build();
  }

  /** A broker without counts and directories. */
  static Broker.Builder broker(BrokerImage broker, boolean voter) {
    Endpoint kafka = broker.endpoints().kafka();
    return Broker.newBuilder()
        .setBrokerId(broker.id())
        .setGrpcAddress(broker.endpoints().grpc().toString())
        .setHttpAddress(broker.endpoints().http().toString())
        .setKafkaAddress(kafka == null ? "" : kafka.toString())
        .setState(
            switch (broker.state()) {
              case ACTIVE -> BrokerState.BROKER_STATE_ACTIVE;
              case FENCED ->
                  broker.wish().fences()
                      ? BrokerState.BROKER_STATE_FENCED_BY_OPERATOR
                      : BrokerState.BROKER_STATE_FENCED;
              case STOPPING -> BrokerState.BROKER_STATE_STOPPING;
              case DRAINING -> BrokerState.BROKER_STATE_DRAINING;
            })
        .setStateSince(LogMessages.timestamp(broker.stateSinceMs()))
        .setBrokerEpoch(broker.epoch())
        .setVersion(broker.version())
        .setVoter(voter);
  }

  private static LogDir logDir(NodeReports.LogDir dir) {
    return LogDir.newBuilder()
        .setPath(dir.path())
        .setState(
            switch (dir.state()) {
              case ONLINE -> LogDirState.LOG_DIR_STATE_ONLINE;
              case FULL -> LogDirState.LOG_DIR_STATE_FULL;
              case OFFLINE -> LogDirState.LOG_DIR_STATE_OFFLINE;
            })
        .setTotalBytes(dir.totalBytes())
        .setUsableBytes(dir.usableBytes())
        .setLogBytes(dir.logBytes())
        .build();
  }

  static DescribeQuorumResponse quorum(List<ClusterAdmin.QuorumView> groups) {
    DescribeQuorumResponse.Builder response = DescribeQuorumResponse.newBuilder();
    for (ClusterAdmin.QuorumView group : groups) {
      RaftGroup.RaftStatus status = group.status();
      io.kontiki.v1.RaftGroup.Builder message =
          io.kontiki.v1.RaftGroup.newBuilder()
              .setName(status.group())
              .setTerm(status.term())
              .setCommittedIndex(status.committedIndex());
      if (status.leaderId() != RaftGroup.NO_NODE) {
        message.setLeader(status.leaderId());
      }
      group.members().forEach(member -> message.addMembers(member(member)));
      response.addGroups(message);
    }
    return response.build();
  }

  private static RaftMember member(ClusterAdmin.QuorumMember member) {
    RaftMember.Builder message =
        RaftMember.newBuilder()
            .setNodeId(member.nodeId())
            .setRaftAddress(member.raft().toString())
            .setVoter(member.voter());
    if (member.matchIndex() >= 0) {
      message.setMatchIndex(member.matchIndex());
    }
    if (member.lastContactMs() >= 0) {
      message.setLastContact(
          Duration.newBuilder()
              .setSeconds(member.lastContactMs() / 1000)
              .setNanos((int) (member.lastContactMs() % 1000) * 1_000_000));
    }
    return message.build();
  }

  static DescribeConfigResponse config(List<NodeReports.ConfigLine> lines) {
    DescribeConfigResponse.Builder response = DescribeConfigResponse.newBuilder();
    for (NodeReports.ConfigLine line : lines) {
      response.addEntries(
          ConfigEntry.newBuilder()
              .setKey(line.key())
              .setValue(line.value())
              .setDefaultValue(line.defaultValue())
              .setSource(
                  switch (line.origin()) {
                    case DEFAULT -> ConfigSource.CONFIG_SOURCE_DEFAULT;
                    case FILE -> ConfigSource.CONFIG_SOURCE_FILE;
                    case ENVIRONMENT -> ConfigSource.CONFIG_SOURCE_ENVIRONMENT;
                    case COMMAND_LINE -> ConfigSource.CONFIG_SOURCE_COMMAND_LINE;
                    case TOPIC -> ConfigSource.CONFIG_SOURCE_TOPIC;
                  })
              .setUnit(line.unit())
              .setDescription(line.description()));
    }
    return response.build();
  }
}
