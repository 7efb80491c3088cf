package io.kontiki.group.codec;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupCommand.CommitOffsets;
import io.kontiki.group.GroupCommand.DeleteGroup;
import io.kontiki.group.GroupCommand.DeleteOffsets;
import io.kontiki.group.GroupCommand.ExpireMember;
import io.kontiki.group.GroupCommand.ForgetTopic;
import io.kontiki.group.GroupCommand.JoinGroup;
import io.kontiki.group.GroupCommand.LeaveGroup;
import io.kontiki.group.GroupCommand.ReleasePartitions;
import io.kontiki.group.GroupCommand.ResetOffsets;
import io.kontiki.group.GroupCommand.UpdateTopics;
import io.kontiki.group.OffsetCommit;
import io.kontiki.internal.v1.CommitOffsetsCommand;
import io.kontiki.internal.v1.DeleteGroupCommand;
import io.kontiki.internal.v1.DeleteOffsetsCommand;
import io.kontiki.internal.v1.ExpireMemberCommand;
import io.kontiki.internal.v1.ForgetTopicCommand;
import io.kontiki.internal.v1.GroupCommandRecord;
import io.kontiki.internal.v1.GroupEntry;
import io.kontiki.internal.v1.JoinGroupCommand;
import io.kontiki.internal.v1.LeaveGroupCommand;
import io.kontiki.internal.v1.OffsetRecord;
import io.kontiki.internal.v1.ReleasePartitionsCommand;
import io.kontiki.internal.v1.ResetOffsetsCommand;
import io.kontiki.internal.v1.UpdateTopicsCommand;
import io.kontiki.metadata.codec.Parts;
import io.kontiki.metadata.codec.UnknownCommandException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Commands as the bytes of a Raft entry: one {@code GroupEntry}. Whoever takes bytes from another
 * node decodes them before it proposes them, so that nothing undecodable is ever committed.
 */
public final class GroupCommandCodec {
  /** Highest feature level that this software can apply. */
  public static final int LEVEL = 1;

  /** The index of commands that are not in a log yet. */
  public static final long NOT_PROPOSED = -1;

  private GroupCommandCodec() {}

  /** A batch, in the order in which it is to be applied; a fresh buffer. */
  public static ByteBuffer encode(List<GroupCommand> commands) {
    GroupEntry.Builder entry = GroupEntry.newBuilder().setLevel(1);
    commands.forEach(command -> entry.addCommands(record(command)));
    return ByteBuffer.wrap(entry.build().toByteArray());
  }

  /**
   * Reads a batch; the buffer's position stays.
   *
   * @param index of the Raft entry, or {@link #NOT_PROPOSED}; for messages
   * @throws UnknownCommandException if this software is too old for it (rule M17)
   * @throws CorruptGroupsException if the bytes are no batch
   */
  public static List<GroupCommand> decode(long index, ByteBuffer bytes) {
    try {
      GroupEntry entry = GroupEntry.parseFrom(bytes.duplicate());
      if (entry.getLevel() < 1) {
        throw new IllegalArgumentException("feature level " + entry.getLevel());
      }
      List<GroupCommand> commands = new ArrayList<>(entry.getCommandsCount());
      for (GroupCommandRecord record : entry.getCommandsList()) {
        commands.add(command(index, entry.getLevel(), record));
      }
      if (commands.isEmpty()) {
        throw new IllegalArgumentException("no command in it");
      }
      return commands;
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new CorruptGroupsException(
          "entry " + index + " holds no group commands: " + e.getMessage(), e);
    }
  }

  /** One command, for another broker. */
  public static GroupCommandRecord record(GroupCommand command) {
    GroupCommandRecord.Builder record = GroupCommandRecord.newBuilder().setTimeMs(command.timeMs());
    if (command instanceof JoinGroup c) {
      record
          .setGroup(c.group())
          .setMemberId(c.memberId())
          .setJoin(
              JoinGroupCommand.newBuilder()
                  .setNewMemberId(c.newMemberId())
                  .setMemberName(c.memberName())
                  .setDetails(GroupParts.details(c.details()))
                  .setTopics(GroupParts.seen(c.topics())));
    } else if (command instanceof LeaveGroup c) {
      member(record, c.group(), c.memberId(), c.memberEpoch())
          .setLeave(LeaveGroupCommand.getDefaultInstance());
    } else if (command instanceof ExpireMember c) {
      member(record, c.group(), c.memberId(), c.memberEpoch())
          .setExpire(ExpireMemberCommand.newBuilder().setReason(c.reason()));
    } else if (command instanceof ReleasePartitions c) {
      member(record, c.group(), c.memberId(), c.memberEpoch())
          .setRelease(
              ReleasePartitionsCommand.newBuilder()
                  .addAllPartitions(Parts.keys(c.partitions()))
                  .setForced(c.forced()));
    } else if (command instanceof CommitOffsets c) {
      member(record, c.group(), c.memberId(), c.memberEpoch())
          .setCommit(
              CommitOffsetsCommand.newBuilder()
                  .addAllOffsets(records(c.offsets()))
                  .setAll(c.all()));
    } else if (command instanceof ResetOffsets c) {
      record
          .setGroup(c.group())
          .setReset(ResetOffsetsCommand.newBuilder().addAllOffsets(records(c.offsets())));
    } else if (command instanceof DeleteOffsets c) {
      record
          .setGroup(c.group())
          .setDeleteOffsets(
              DeleteOffsetsCommand.newBuilder()
                  .addAllPartitions(Parts.keys(c.partitions()))
                  .addAllTopics(c.topics()));
    } else if (command instanceof DeleteGroup c) {
      record.setGroup(c.group()).setDeleteGroup(DeleteGroupCommand.getDefaultInstance());
    } else if (command instanceof UpdateTopics c) {
      record
          .setGroup(c.group())
          .setUpdateTopics(UpdateTopicsCommand.newBuilder().setTopics(GroupParts.seen(c.topics())));
    } else if (command instanceof ForgetTopic c) {
      record.setForgetTopic(ForgetTopicCommand.newBuilder().setTopicId(Parts.bytes(c.topicId())));
    } else {
      ClassicCommandCodec.put(record, command);
    }
    return record.build();
  }

  private static GroupCommandRecord.Builder member(
      GroupCommandRecord.Builder record, String group, String member, int epoch) {
    return record.setGroup(group).setMemberId(member).setMemberEpoch(epoch);
  }

  private static List<OffsetRecord> records(List<OffsetCommit> offsets) {
    return offsets.stream().map(GroupParts::commit).toList();
  }

  private static List<OffsetCommit> offsets(List<OffsetRecord> records) {
    return records.stream().map(GroupParts::commit).toList();
  }

  /**
   * One command of another broker, which is to be proposed.
   *
   * @throws UnknownCommandException if this software is too old for it
   * @throws IllegalArgumentException for bad values
   */
  public static GroupCommand command(GroupCommandRecord record) {
    return command(NOT_PROPOSED, LEVEL, record);
  }

  private static GroupCommand command(long index, int level, GroupCommandRecord record) {
    if (level > LEVEL) {
      throw new UnknownCommandException(index, type(record), level, LEVEL);
    }
    long timeMs = record.getTimeMs();
    String group = record.getGroup();
    String member = record.getMemberId();
    int epoch = record.getMemberEpoch();
    switch (record.getCommandCase()) {
      case JOIN -> {
        JoinGroupCommand c = record.getJoin();
        return new JoinGroup(
            timeMs,
            group,
            c.getNewMemberId(),
            member,
            c.getMemberName(),
            GroupParts.details(c.getDetails()),
            GroupParts.seen(c.getTopics()));
      }
      case LEAVE -> {
        return new LeaveGroup(timeMs, group, member, epoch);
      }
      case EXPIRE -> {
        return new ExpireMember(timeMs, group, member, epoch, record.getExpire().getReason());
      }
      case RELEASE -> {
        return new ReleasePartitions(
            timeMs,
            group,
            member,
            epoch,
            Parts.partitionIds(record.getRelease().getPartitionsList()),
            record.getRelease().getForced());
      }
      case COMMIT -> {
        return new CommitOffsets(
            timeMs,
            group,
            member,
            epoch,
            offsets(record.getCommit().getOffsetsList()),
            record.getCommit().getAll());
      }
      case RESET -> {
        return new ResetOffsets(timeMs, group, offsets(record.getReset().getOffsetsList()));
      }
      case DELETE_OFFSETS -> {
        return new DeleteOffsets(
            timeMs,
            group,
            Parts.partitionIds(record.getDeleteOffsets().getPartitionsList()),
            record.getDeleteOffsets().getTopicsList());
      }
      case DELETE_GROUP -> {
        return new DeleteGroup(timeMs, group);
      }
      case UPDATE_TOPICS -> {
        return new UpdateTopics(
            timeMs, group, GroupParts.seen(record.getUpdateTopics().getTopics()));
      }
      case FORGET_TOPIC -> {
        return new ForgetTopic(timeMs, Parts.topicId(record.getForgetTopic().getTopicId()));
      }
      case COMPLETE_JOIN, SYNC_CLASSIC, END_CLASSIC, REPLACE_CLASSIC -> {
        return ClassicCommandCodec.command(record);
      }
      case COMMAND_NOT_SET -> throw new UnknownCommandException(index, type(record), level, LEVEL);
    }
    throw new IllegalStateException("no command for " + record.getCommandCase());
  }

  /** The field number of the command, also of one that only newer software knows. */
  private static int type(GroupCommandRecord record) {
    int known = record.getCommandCase().getNumber();
    return known != 0
        ? known
        : record.getUnknownFields().asMap().keySet().stream().findFirst().orElse(0);
  }
}
