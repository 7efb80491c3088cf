package io.kontiki.group.codec;

import com.google.protobuf.ByteString;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.ClassicState;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupCommand.CompleteJoin;
import io.kontiki.group.GroupCommand.EndClassic;
import io.kontiki.group.GroupCommand.ReplaceClassic;
import io.kontiki.group.GroupCommand.SyncClassic;
import io.kontiki.group.MemberEnd;
import io.kontiki.group.Opaque;
import io.kontiki.internal.v1.ClassicAssignmentRecord;
import io.kontiki.internal.v1.ClassicMemberRecord;
import io.kontiki.internal.v1.ClassicStateRecord;
import io.kontiki.internal.v1.CompleteJoinCommand;
import io.kontiki.internal.v1.EndClassicCommand;
import io.kontiki.internal.v1.GroupCommandRecord;
import io.kontiki.internal.v1.MemberEndKind;
import io.kontiki.internal.v1.ReplaceClassicCommand;
import io.kontiki.internal.v1.SyncClassicCommand;
import io.kontiki.metadata.codec.Parts;
import java.util.TreeMap;
import java.util.TreeSet;

/** The part of {@link GroupCommandCodec} that classic groups need, and their state in snapshots. */
final class ClassicCommandCodec {
  private ClassicCommandCodec() {}

  static void put(GroupCommandRecord.Builder record, GroupCommand command) {
    if (command instanceof CompleteJoin c) {
      CompleteJoinCommand.Builder join =
          CompleteJoinCommand.newBuilder()
              .setGeneration(c.generation())
              .setProtocolType(c.protocolType())
              .setProtocol(c.protocol())
              .setLeader(c.leader());
      c.members().forEach(member -> join.addMembers(member(member)));
      record.setGroup(c.group()).setCompleteJoin(join);
    } else if (command instanceof SyncClassic c) {
      SyncClassicCommand.Builder sync =
          SyncClassicCommand.newBuilder().setGeneration(c.generation());
      c.assignments()
          .forEach(
              (id, assigned) ->
                  sync.addAssignments(
                      ClassicAssignmentRecord.newBuilder()
                          .setMemberId(id)
                          .setAssignment(bytes(assigned.assignment()))
                          .addAllOwned(Parts.keys(assigned.owned()))));
      record.setGroup(c.group()).setSyncClassic(sync);
    } else if (command instanceof EndClassic c) {
      record
          .setGroup(c.group())
          .setEndClassic(
              EndClassicCommand.newBuilder()
                  .setGeneration(c.generation())
                  .addAllMemberIds(c.memberIds())
                  .setKind(kind(c.how().kind()))
                  .setDetail(c.how().detail()));
    } else if (command instanceof ReplaceClassic c) {
      record
          .setGroup(c.group())
          .setMemberId(c.memberId())
          .setReplaceClassic(
              ReplaceClassicCommand.newBuilder()
                  .setGeneration(c.generation())
                  .setMember(member(c.member())));
    } else {
      throw new IllegalStateException("no form for " + command.getClass().getSimpleName());
    }
  }

  static GroupCommand command(GroupCommandRecord record) {
    long timeMs = record.getTimeMs();
    String group = record.getGroup();
    switch (record.getCommandCase()) {
      case COMPLETE_JOIN -> {
        CompleteJoinCommand c = record.getCompleteJoin();
        return new CompleteJoin(
            timeMs,
            group,
            c.getGeneration(),
            c.getProtocolType(),
            c.getProtocol(),
            c.getLeader(),
            c.getMembersList().stream().map(ClassicCommandCodec::member).toList());
      }
      case SYNC_CLASSIC -> {
        TreeMap<String, ClassicMember.Assigned> assignments = new TreeMap<>();
        for (ClassicAssignmentRecord one : record.getSyncClassic().getAssignmentsList()) {
          assignments.put(
              one.getMemberId(),
              new ClassicMember.Assigned(
                  opaque(one.getAssignment()),
                  new TreeSet<>(Parts.partitionIds(one.getOwnedList()))));
        }
        return new SyncClassic(timeMs, group, record.getSyncClassic().getGeneration(), assignments);
      }
      case END_CLASSIC -> {
        EndClassicCommand c = record.getEndClassic();
        return new EndClassic(
            timeMs,
            group,
            c.getGeneration(),
            c.getMemberIdsList(),
            new MemberEnd(kind(c.getKind()), c.getDetail()));
      }
      case REPLACE_CLASSIC -> {
        ReplaceClassicCommand c = record.getReplaceClassic();
        return new ReplaceClassic(
            timeMs, group, c.getGeneration(), record.getMemberId(), member(c.getMember()));
      }
      default -> throw new IllegalStateException("no classic command: " + record.getCommandCase());
    }
  }

  static ClassicStateRecord state(ClassicState state) {
    ClassicStateRecord.Builder record =
        ClassicStateRecord.newBuilder()
            .setProtocolType(state.protocolType())
            .setProtocol(state.protocol())
            .setLeader(state.leader())
            .setAssigned(state.assigned());
    state.members().values().forEach(member -> record.addMembers(member(member)));
    return record.build();
  }

  static ClassicState state(ClassicStateRecord record) {
    TreeMap<String, ClassicMember> members = new TreeMap<>();
    for (ClassicMemberRecord one : record.getMembersList()) {
      members.put(one.getId(), member(one));
    }
    return new ClassicState(
        record.getProtocolType(),
        record.getProtocol(),
        record.getLeader(),
        record.getAssigned(),
        members);
  }

  private static ClassicMemberRecord member(ClassicMember member) {
    return ClassicMemberRecord.newBuilder()
        .setId(member.id())
        .setName(member.name())
        .setClientId(member.clientId())
        .setHost(member.host())
        .setSessionTimeoutMs(member.sessionTimeoutMs())
        .setRebalanceTimeoutMs(member.rebalanceTimeoutMs())
        .addAllTopics(member.topics())
        .setMetadata(bytes(member.metadata()))
        .setAssignment(bytes(member.assignment()))
        .addAllOwned(Parts.keys(member.owned()))
        .build();
  }

  private static ClassicMember member(ClassicMemberRecord record) {
    return new ClassicMember(
        record.getId(),
        record.getName(),
        record.getClientId(),
        record.getHost(),
        record.getSessionTimeoutMs(),
        record.getRebalanceTimeoutMs(),
        record.getTopicsList(),
        opaque(record.getMetadata()),
        opaque(record.getAssignment()),
        new TreeSet<>(Parts.partitionIds(record.getOwnedList())));
  }

  private static ByteString bytes(Opaque opaque) {
    return ByteString.copyFrom(opaque.toBytes());
  }

  private static Opaque opaque(ByteString bytes) {
    return Opaque.of(bytes.toByteArray());
  }

  private static MemberEndKind kind(MemberEnd.Kind kind) {
    return switch (kind) {
      case LEFT -> MemberEndKind.MEMBER_END_KIND_LEFT;
      case EXPIRED -> MemberEndKind.MEMBER_END_KIND_EXPIRED;
      case REPLACED -> MemberEndKind.MEMBER_END_KIND_REPLACED;
    };
  }

  private static MemberEnd.Kind kind(MemberEndKind kind) {
    return switch (kind) {
      case MEMBER_END_KIND_LEFT -> MemberEnd.Kind.LEFT;
      case MEMBER_END_KIND_EXPIRED -> MemberEnd.Kind.EXPIRED;
      case MEMBER_END_KIND_REPLACED -> MemberEnd.Kind.REPLACED;
      case MEMBER_END_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("end " + kind);
    };
  }
}
