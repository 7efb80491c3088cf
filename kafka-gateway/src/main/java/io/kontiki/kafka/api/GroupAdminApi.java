package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.group.ClassicGroups;
import io.kontiki.broker.group.ClassicGroups.Described;
import io.kontiki.broker.group.ClassicGroups.Line;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.GroupState.Kind;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.message.DeleteGroupsRequestData;
import org.apache.kafka.common.message.DeleteGroupsResponseData;
import org.apache.kafka.common.message.DeleteGroupsResponseData.DeletableGroupResult;
import org.apache.kafka.common.message.DescribeGroupsRequestData;
import org.apache.kafka.common.message.DescribeGroupsResponseData;
import org.apache.kafka.common.message.DescribeGroupsResponseData.DescribedGroup;
import org.apache.kafka.common.message.DescribeGroupsResponseData.DescribedGroupMember;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.message.ListGroupsResponseData;
import org.apache.kafka.common.message.ListGroupsResponseData.ListedGroup;
import org.apache.kafka.common.protocol.Errors;

/** Lists, describes and deletes groups of all kinds, as Kafka's tools know them. */
final class GroupAdminApi {
  private static final String CLASSIC = "classic";
  private static final String DEAD = "Dead";

  private final ClassicGroups groups;
  private final ClusterView view;

  GroupAdminApi(DoorServices services, ClusterView view) {
    this.groups = services.groups();
    this.view = view;
  }

  void list(Call call, ListGroupsRequestData request, Answer answer) {
    groups.list(
        call.loop(),
        reply -> {
          ListGroupsResponseData response =
              new ListGroupsResponseData().setErrorCode(GroupErrors.of(reply).code());
          if (reply instanceof ClassicReply.Ok<List<Line>> ok) {
            for (Line line : ok.value()) {
              ListedGroup group =
                  new ListedGroup()
                      .setGroupId(line.group())
                      .setProtocolType(protocolType(line))
                      .setGroupState(line.state().word())
                      .setGroupType(type(line));
              if (wanted(request.statesFilter(), group.groupState())
                  && wanted(request.typesFilter(), group.groupType())) {
                response.groups().add(group);
              }
            }
          }
          answer.send(response);
        });
  }

  private static boolean wanted(List<String> filter, String value) {
    return filter.isEmpty()
        || filter.stream()
            .anyMatch(one -> one.toLowerCase(Locale.ROOT).equals(value.toLowerCase(Locale.ROOT)));
  }

  /** Whoever consumes by streams is a consumer to Kafka's tools. */
  private static String protocolType(Line line) {
    return line.kind() == Kind.STREAM ? ConsumerProtocol.PROTOCOL_TYPE : line.protocolType();
  }

  private static String type(Line line) {
    return line.kind() == Kind.STREAM ? "consumer" : CLASSIC;
  }

  void describe(Call call, DescribeGroupsRequestData request, Answer answer) {
    DescribeGroupsResponseData response = new DescribeGroupsResponseData();
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    for (String name : request.groups()) {
      DescribedGroup group = new DescribedGroup().setGroupId(name);
      if (request.includeAuthorizedOperations()) {
        group.setAuthorizedOperations(Operations.GROUP);
      }
      response.groups().add(group);
      Errors bad = GroupErrors.badOffsetsName(name);
      if (bad != null) {
        group.setErrorCode(bad.code());
      } else {
        groups.describe(call.loop(), name, fan.one(reply -> tell(group, reply)));
      }
    }
    fan.asked();
  }

  private void tell(DescribedGroup group, ClassicReply<Described> reply) {
    if (reply instanceof ClassicReply.No<Described> no) {
      if (no.why() == Refusal.NOT_FOUND) {
        group.setGroupState(DEAD); // as Kafka says it
      } else {
        group.setErrorCode(GroupErrors.of(no.why()).code());
      }
      return;
    }
    Described described = ((ClassicReply.Ok<Described>) reply).value();
    group
        .setGroupState(described.line().state().word())
        .setProtocolType(protocolType(described.line()))
        .setProtocolData(described.members().isEmpty() ? "" : described.protocol());
    for (ClassicMember member : described.members()) {
      boolean stream = described.line().kind() == Kind.STREAM;
      group
          .members()
          .add(
              new DescribedGroupMember()
                  .setMemberId(member.id())
                  .setGroupInstanceId(GroupErrors.orNull(member.name()))
                  .setClientId(member.clientId())
                  .setClientHost("/" + member.host())
                  .setMemberMetadata(
                      stream
                          ? ConsumerWords.subscription(member.topics())
                          : member.metadata().toBytes())
                  .setMemberAssignment(
                      stream
                          ? ConsumerWords.assignment(owned(member))
                          : member.assignment().toBytes()));
    }
  }

  private TreeMap<String, TreeSet<Integer>> owned(ClassicMember member) {
    ClusterImage image = view.image();
    TreeMap<String, TreeSet<Integer>> owned = new TreeMap<>();
    for (PartitionId id : member.owned()) {
      TopicImage topic = image.topics().get(id.topicId());
      if (topic != null) {
        owned.computeIfAbsent(topic.name(), name -> new TreeSet<>()).add(id.partition());
      }
    }
    return owned;
  }

  void delete(Call call, DeleteGroupsRequestData request, Answer answer) {
    DeleteGroupsResponseData response = new DeleteGroupsResponseData();
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    for (String name : new TreeSet<>(request.groupsNames())) {
      DeletableGroupResult result = new DeletableGroupResult().setGroupId(name);
      response.results().add(result);
      Errors bad = GroupErrors.badOffsetsName(name);
      if (bad != null) {
        result.setErrorCode(bad.code());
      } else {
        groups.delete(
            call.loop(), name, fan.one(reply -> result.setErrorCode(GroupErrors.of(reply).code())));
      }
    }
    fan.asked();
  }
}
