package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.convert.Conversions;
import io.kontiki.kafka.wire.ApiTable;
import org.apache.kafka.common.message.AlterConfigsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.DeleteGroupsRequestData;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DescribeClusterRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeGroupsRequestData;
import org.apache.kafka.common.message.DescribeLogDirsRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.SaslHandshakeRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** All that is served. */
public final class Apis {
  private Apis() {}

  /** The table of a broker. */
  public static ApiTable table(DoorServices services) {
    ClusterView view = new ClusterView(services.metadata());
    TopicsApi topics = new TopicsApi(services, view);
    ConfigsApi configs = new ConfigsApi(services);
    RecordsApi records = new RecordsApi(services, view);
    ClusterApi cluster = new ClusterApi(services, view);
    ReplicasApi replicas = new ReplicasApi(services, view);
    ProducersApi producers = new ProducersApi(services);
    GroupMembersApi members = new GroupMembersApi(services, view);
    GroupOffsetsApi offsets = new GroupOffsetsApi(services, view);
    GroupAdminApi groups = new GroupAdminApi(services, view);
    Conversions conversions =
        new Conversions(services.background(), services.limits().decompressedBytes());
    ApiTable table = new ApiTable();
    return table
        .with(
            ApiKeys.PRODUCE,
            0,
            ProduceRequestData.class,
            true,
            new ProduceApi(services, view, conversions)::serve)
        .with(
            ApiKeys.FETCH, FetchRequestData.class, new FetchApi(services, view, conversions)::serve)
        .with(
            ApiKeys.LIST_OFFSETS,
            ListOffsetsRequestData.class,
            new ListOffsetsApi(services, view)::serve)
        .with(ApiKeys.METADATA, MetadataRequestData.class, new MetadataApi(services, view)::serve)
        .with(
            ApiKeys.FIND_COORDINATOR,
            FindCoordinatorRequestData.class,
            new CoordinatorsApi(services, view)::find)
        .with(ApiKeys.OFFSET_COMMIT, OffsetCommitRequestData.class, offsets::commit)
        .with(ApiKeys.OFFSET_FETCH, OffsetFetchRequestData.class, offsets::fetch)
        .with(ApiKeys.OFFSET_DELETE, OffsetDeleteRequestData.class, offsets::delete)
        .with(ApiKeys.JOIN_GROUP, JoinGroupRequestData.class, members::join)
        .with(ApiKeys.SYNC_GROUP, SyncGroupRequestData.class, members::sync)
        .with(ApiKeys.HEARTBEAT, HeartbeatRequestData.class, members::heartbeat)
        .with(ApiKeys.LEAVE_GROUP, LeaveGroupRequestData.class, members::leave)
        .with(ApiKeys.LIST_GROUPS, ListGroupsRequestData.class, groups::list)
        .with(ApiKeys.DESCRIBE_GROUPS, DescribeGroupsRequestData.class, groups::describe)
        .with(ApiKeys.DELETE_GROUPS, DeleteGroupsRequestData.class, groups::delete)
        .with(ApiKeys.SASL_HANDSHAKE, SaslHandshakeRequestData.class, producers::saslHandshake)
        .with(ApiKeys.API_VERSIONS, ApiVersionsRequestData.class, new ApiVersionsApi(table)::serve)
        .with(ApiKeys.CREATE_TOPICS, CreateTopicsRequestData.class, topics::create)
        .with(ApiKeys.DELETE_TOPICS, DeleteTopicsRequestData.class, topics::delete)
        .with(ApiKeys.DELETE_RECORDS, DeleteRecordsRequestData.class, records::delete)
        .with(ApiKeys.INIT_PRODUCER_ID, InitProducerIdRequestData.class, producers::initProducerId)
        .with(
            ApiKeys.OFFSET_FOR_LEADER_EPOCH, OffsetForLeaderEpochRequestData.class, records::epochs)
        .with(ApiKeys.DESCRIBE_CONFIGS, DescribeConfigsRequestData.class, configs::describe)
        .with(ApiKeys.ALTER_CONFIGS, AlterConfigsRequestData.class, configs::replace)
        .with(ApiKeys.DESCRIBE_LOG_DIRS, DescribeLogDirsRequestData.class, cluster::logDirs)
        .with(ApiKeys.CREATE_PARTITIONS, CreatePartitionsRequestData.class, topics::addPartitions)
        .with(ApiKeys.ELECT_LEADERS, ElectLeadersRequestData.class, replicas::elect)
        .with(
            ApiKeys.INCREMENTAL_ALTER_CONFIGS,
            IncrementalAlterConfigsRequestData.class,
            configs::alter)
        .with(
            ApiKeys.ALTER_PARTITION_REASSIGNMENTS,
            AlterPartitionReassignmentsRequestData.class,
            replicas::reassign)
        .with(
            ApiKeys.LIST_PARTITION_REASSIGNMENTS,
            ListPartitionReassignmentsRequestData.class,
            replicas::list)
        .with(ApiKeys.DESCRIBE_CLUSTER, DescribeClusterRequestData.class, cluster::describe)
        .with(
            ApiKeys.DESCRIBE_TOPIC_PARTITIONS,
            DescribeTopicPartitionsRequestData.class,
            cluster::partitions);
  }
}
