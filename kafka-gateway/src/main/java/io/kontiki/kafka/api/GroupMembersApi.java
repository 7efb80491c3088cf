package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.group.ClassicGroups;
import io.kontiki.broker.group.ClassicGroups.Join;
import io.kontiki.broker.group.ClassicGroups.Joined;
import io.kontiki.broker.group.ClassicGroups.Leaver;
import io.kontiki.broker.group.ClassicGroups.Offer;
import io.kontiki.broker.group.ClassicGroups.Peer;
import io.kontiki.broker.group.ClassicGroups.Speaker;
import io.kontiki.broker.group.ClassicGroups.Sync;
import io.kontiki.broker.group.ClassicGroups.Synced;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.Opaque;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.HeartbeatResponseData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupResponseData;
import org.apache.kafka.common.message.JoinGroupResponseData.JoinGroupResponseMember;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.LeaveGroupResponseData;
import org.apache.kafka.common.message.LeaveGroupResponseData.MemberResponse;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData.SyncGroupRequestAssignment;
import org.apache.kafka.common.message.SyncGroupResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** Members of groups of the classic protocol: join, sync, heartbeat, leave. */
final class GroupMembersApi {
  private static final int MOST_PROTOCOLS = 100;
  private static final int NONE = -1;

  /** From this version of JoinGroup on a new member comes twice (KIP-394). */
  private static final int ID_FIRST = 4;

  /** From this version of JoinGroup on the protocol may be absent. */
  private static final int PROTOCOL_ABSENT = 7;

  /** From this version of JoinGroup on a leader may be told not to assign (KIP-814). */
  private static final int SKIPS = 9;

  /** From this version of LeaveGroup on several leave at once. */
  private static final int SEVERAL = 3;

  private final ClassicGroups groups;
  private final ClusterView view;

  GroupMembersApi(DoorServices services, ClusterView view) {
    this.groups = services.groups();
    this.view = view;
  }

  void join(Call call, JoinGroupRequestData request, Answer answer) {
    Errors bad = GroupErrors.badName(request.groupId());
    if (bad == null && request.protocols().size() > MOST_PROTOCOLS) {
      bad = Errors.INVALID_REQUEST;
    }
    if (bad != null) {
      answer.send(refused(call, bad, request.memberId()));
      return;
    }
    List<Offer> offers = new ArrayList<>();
    for (JoinGroupRequestProtocol protocol : request.protocols()) {
      offers.add(
          new Offer(
              protocol.name(),
              Opaque.of(protocol.metadata()),
              ConsumerWords.topics(request.protocolType(), protocol.metadata())));
    }
    groups.join(
        call.loop(),
        new Join(
            request.groupId(),
            request.memberId(),
            GroupErrors.text(request.groupInstanceId()),
            call.clientId(),
            call.host(),
            request.protocolType(),
            offers,
            request.sessionTimeoutMs(),
            request.rebalanceTimeoutMs() < 0
                ? request.sessionTimeoutMs()
                : request.rebalanceTimeoutMs(),
            call.version() >= ID_FIRST,
            call.version() >= SKIPS),
        reply -> answer.send(joined(call, request, reply)));
  }

  private static JoinGroupResponseData joined(
      Call call, JoinGroupRequestData request, ClassicReply<Joined> reply) {
    if (reply instanceof ClassicReply.No<Joined> no) {
      return refused(
          call,
          GroupErrors.of(no.why()),
          no.memberId().isEmpty() ? request.memberId() : no.memberId());
    }
    Joined joined = ((ClassicReply.Ok<Joined>) reply).value();
    JoinGroupResponseData response =
        new JoinGroupResponseData()
            .setGenerationId(joined.generation())
            .setProtocolType(joined.protocolType())
            .setProtocolName(joined.protocol())
            .setLeader(joined.leader())
            .setMemberId(joined.memberId());
    if (joined.skip()) {
      response.setSkipAssignment(true);
    }
    for (Peer peer : joined.members()) {
      response
          .members()
          .add(
              new JoinGroupResponseMember()
                  .setMemberId(peer.memberId())
                  .setGroupInstanceId(GroupErrors.orNull(peer.name()))
                  .setMetadata(peer.metadata().toBytes()));
    }
    return response;
  }

  private static JoinGroupResponseData refused(Call call, Errors error, String memberId) {
    return new JoinGroupResponseData()
        .setErrorCode(error.code())
        .setGenerationId(NONE)
        .setProtocolName(call.version() >= PROTOCOL_ABSENT ? null : "")
        .setMemberId(memberId);
  }

  void sync(Call call, SyncGroupRequestData request, Answer answer) {
    Errors bad = GroupErrors.badName(request.groupId());
    if (bad != null) {
      answer.send(new SyncGroupResponseData().setErrorCode(bad.code()));
      return;
    }
    String type = GroupErrors.text(request.protocolType());
    TreeMap<String, ClassicMember.Assigned> assignments = new TreeMap<>();
    for (SyncGroupRequestAssignment one : request.assignments()) {
      assignments.put(one.memberId(), ConsumerWords.assigned(view, type, one.assignment()));
    }
    groups.sync(
        call.loop(),
        new Sync(
            speaker(
                request.groupId(),
                request.memberId(),
                request.groupInstanceId(),
                request.generationId()),
            type,
            GroupErrors.text(request.protocolName()),
            assignments),
        reply -> {
          SyncGroupResponseData response =
              new SyncGroupResponseData().setErrorCode(GroupErrors.of(reply).code());
          if (reply instanceof ClassicReply.Ok<Synced> ok) {
            response
                .setProtocolType(ok.value().protocolType())
                .setProtocolName(ok.value().protocol())
                .setAssignment(ok.value().assignment().toBytes());
          }
          answer.send(response);
        });
  }

  private static Speaker speaker(
      String group, String memberId, @Nullable String name, int generation) {
    return new Speaker(group, memberId, GroupErrors.text(name), generation);
  }

  void heartbeat(Call call, HeartbeatRequestData request, Answer answer) {
    Errors bad = GroupErrors.badName(request.groupId());
    if (bad != null) {
      answer.send(new HeartbeatResponseData().setErrorCode(bad.code()));
      return;
    }
    groups.heartbeat(
        call.loop(),
        speaker(
            request.groupId(),
            request.memberId(),
            request.groupInstanceId(),
            request.generationId()),
        reply ->
            answer.send(new HeartbeatResponseData().setErrorCode(GroupErrors.of(reply).code())));
  }

  void leave(Call call, LeaveGroupRequestData request, Answer answer) {
    Errors bad = GroupErrors.badName(request.groupId());
    if (bad != null) {
      answer.send(new LeaveGroupResponseData().setErrorCode(bad.code()));
      return;
    }
    List<Leaver> leavers = new ArrayList<>();
    if (call.version() < SEVERAL) {
      leavers.add(new Leaver(request.memberId(), ""));
    }
    for (MemberIdentity one : request.members()) {
      leavers.add(new Leaver(one.memberId(), GroupErrors.text(one.groupInstanceId())));
    }
    groups.leave(
        call.loop(), request.groupId(), leavers, reply -> answer.send(left(call, leavers, reply)));
  }

  private static LeaveGroupResponseData left(
      Call call, List<Leaver> leavers, ClassicReply<List<Optional<Refusal>>> reply) {
    LeaveGroupResponseData response = new LeaveGroupResponseData();
    if (reply instanceof ClassicReply.No<List<Optional<Refusal>>> no) {
      return response.setErrorCode(GroupErrors.of(no.why()).code());
    }
    List<Optional<Refusal>> ends = ((ClassicReply.Ok<List<Optional<Refusal>>>) reply).value();
    for (int i = 0; i < leavers.size(); i++) {
      short code = ends.get(i).map(GroupErrors::of).orElse(Errors.NONE).code();
      if (call.version() < SEVERAL) {
        return response.setErrorCode(code);
      }
      response
          .members()
          .add(
              new MemberResponse()
                  .setMemberId(leavers.get(i).memberId())
                  .setGroupInstanceId(GroupErrors.orNull(leavers.get(i).name()))
                  .setErrorCode(code));
    }
    return response;
  }
}
