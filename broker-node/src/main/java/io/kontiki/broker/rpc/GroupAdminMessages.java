package io.kontiki.broker.rpc;

import com.google.protobuf.util.Timestamps;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.group.GroupAdmin;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.group.MemberState;
import io.kontiki.v1.DescribeGroupResponse;
import io.kontiki.v1.GroupDescription;
import io.kontiki.v1.GroupMember;
import io.kontiki.v1.GroupPartition;
import io.kontiki.v1.GroupProtocol;
import io.kontiki.v1.GroupState;
import io.kontiki.v1.GroupSummary;
import io.kontiki.v1.ListGroupsResponse;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.ResetGroupOffsetsResponse;
import io.kontiki.v1.TopicPartition;
import java.util.List;

/** Answers of AdminService about groups as messages. */
final class GroupAdminMessages {
  private GroupAdminMessages() {}

  static ListGroupsResponse page(GroupAdmin.Page page) {
    ListGroupsResponse.Builder response =
        ListGroupsResponse.newBuilder().setNextPageToken(page.nextToken());
    for (GroupLine line : page.groups()) {
      response.addGroups(
          GroupSummary.newBuilder()
              .setGroup(line.group())
              .setState(state(line.phase()))
              .setMemberCount(line.members())
              .setProtocol(protocol(line.kind())));
    }
    return response.build();
  }

  private static GroupState state(Phase phase) {
    return switch (phase) {
      case EMPTY -> GroupState.GROUP_STATE_EMPTY;
      case STABLE -> GroupState.GROUP_STATE_STABLE;
      case REBALANCING -> GroupState.GROUP_STATE_REBALANCING;
    };
  }

  private static GroupProtocol protocol(Kind kind) {
    return switch (kind) {
      case NONE -> GroupProtocol.GROUP_PROTOCOL_UNSPECIFIED;
      case STREAM -> GroupProtocol.GROUP_PROTOCOL_STREAM;
      case CLASSIC -> GroupProtocol.GROUP_PROTOCOL_CLASSIC;
    };
  }

  static DescribeGroupResponse described(GroupAdmin.Described described) {
    io.kontiki.group.GroupState state = described.report().state();
    GroupDescription.Builder group =
        GroupDescription.newBuilder()
            .setGroup(state.name())
            .setState(state(state.phase()))
            .setProtocol(protocol(state.kind()))
            .setGeneration(state.generation())
            .setAssignor(state.assignor())
            .setCoordinatorId(described.report().coordinatorId());
    for (MemberState member : state.members().values()) {
      group.addMembers(member(member, described));
    }
    for (GroupAdmin.PartitionLine line : described.partitions()) {
      group.addPartitions(partition(line));
    }
    return DescribeGroupResponse.newBuilder().setGroup(group).build();
  }

  private static GroupMember member(MemberState member, GroupAdmin.Described described) {
    GroupMember.Builder message =
        GroupMember.newBuilder()
            .setMemberId(member.id())
            .setMemberName(member.name())
            .setClientId(member.details().clientId())
            .setHost(member.details().host())
            .setGeneration(member.epoch());
    if (described.report().attached().getOrDefault(member.id(), false)) {
      message.setBrokerId(member.details().brokerId());
    }
    Long lastSeenMs = described.report().lastSeenMs().get(member.id());
    if (lastSeenMs != null) {
      message.setLastSeen(Timestamps.fromMillis(lastSeenMs));
    }
    member
        .owned()
        .keySet()
        .forEach(
            partition ->
                message.addPartitions(
                    TopicPartition.newBuilder()
                        .setTopic(described.topicNames().getOrDefault(partition.topicId(), ""))
                        .setPartition(partition.partition())));
    return message.build();
  }

  private static GroupPartition partition(GroupAdmin.PartitionLine line) {
    GroupPartition.Builder message =
        GroupPartition.newBuilder()
            .setTopic(line.topic())
            .setPartition(line.partition())
            .setMemberId(line.memberId());
    if (line.committed() != null) {
      message
          .setCommittedOffset(line.committed().offset())
          .setMetadata(line.committed().metadata())
          .setCommittedAt(Timestamps.fromMillis(line.committed().timeMs()));
    }
    if (line.highWatermark() >= 0) {
      message.setHighWatermark(line.highWatermark()).setLag(line.lag());
    }
    return message.build();
  }

  static ResetGroupOffsetsResponse reset(String topic, List<OffsetListing.Listed> offsets) {
    ResetGroupOffsetsResponse.Builder response = ResetGroupOffsetsResponse.newBuilder();
    for (OffsetListing.Listed offset : offsets) {
      PartitionOffset.Builder message =
          PartitionOffset.newBuilder()
              .setTopic(topic)
              .setPartition(offset.partition())
              .setOffset(offset.offset());
      if (offset.leaderEpoch() >= 0) {
        message.setLeaderEpoch(offset.leaderEpoch());
      }
      response.addOffsets(message);
    }
    return response.build();
  }
}
