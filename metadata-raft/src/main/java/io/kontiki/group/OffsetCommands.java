package io.kontiki.group;

import io.kontiki.group.GroupAnswer.Committed;
import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupAnswer.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a group has committed (G4, G5, G8, G10). */
final class OffsetCommands {
  private OffsetCommands() {}

  static GroupAnswer commit(
      GroupDraft group,
      GroupCommand.CommitOffsets command,
      SortedSet<TopicId> forgotten,
      GroupDraft.Totals totals) {
    Rejected refused = refuse(command.offsets(), totals);
    if (refused != null) {
      return refused;
    }
    MemberState member = null;
    if (!group.classic().members().isEmpty()) {
      Rejected fenced =
          ClassicCommands.commitRefused(group, command.memberId(), command.memberEpoch());
      if (fenced != null) {
        return fenced;
      }
    } else if (command.memberId().isEmpty()) {
      if (!group.members().isEmpty()) {
        return GroupMachine.active(group.name(), group.members().size());
      }
    } else {
      member = group.member(command.memberId());
      if (member == null) {
        return MemberCommands.fenced(group.name(), command.memberId());
      }
      if (command.memberEpoch() > member.epoch()) {
        return MemberCommands.generationFenced(group, member, command.memberEpoch());
      }
    }
    TreeMap<PartitionId, ApiError> failures = new TreeMap<>();
    for (OffsetCommit offset : command.offsets()) {
      ApiError error = refusal(group, member, command.memberEpoch(), offset.partition(), forgotten);
      if (error != null) {
        failures.put(offset.partition(), error);
      }
    }
    if (command.all() && !failures.isEmpty()) {
      ApiError first = failures.firstEntry().getValue();
      return member == null || first.reason() == ErrorReason.TOPIC_NOT_FOUND
          ? new Rejected(first)
          : MemberCommands.generationFenced(group, member, command.memberEpoch());
    }
    TreeMap<PartitionId, CommittedOffset> stored = new TreeMap<>();
    for (OffsetCommit offset : command.offsets()) {
      if (!failures.containsKey(offset.partition())) {
        stored.put(offset.partition(), store(group, offset, command.timeMs()));
      }
    }
    return new Committed(stored, failures);
  }

  /** G10: lower than what is committed only on purpose. */
  private static CommittedOffset store(GroupDraft group, OffsetCommit commit, long timeMs) {
    CommittedOffset old = group.offset(commit.partition());
    if (old != null && old.offset() > commit.offset() && !commit.back()) {
      return old;
    }
    CommittedOffset now =
        new CommittedOffset(commit.offset(), commit.leaderEpoch(), commit.metadata(), timeMs);
    group.putOffset(commit.partition(), now);
    return now;
  }

  /** G4, G8: why the offset of a partition is not stored; null: it is. */
  private static @Nullable ApiError refusal(
      GroupDraft group,
      @Nullable MemberState member,
      int epoch,
      PartitionId partition,
      SortedSet<TopicId> forgotten) {
    if (forgotten.contains(partition.topicId())
        || (member != null && !group.knows(partition.topicId()))) {
      return ApiError.definite(
              ErrorReason.TOPIC_NOT_FOUND,
              "group " + group.name() + " knows no topic with id " + partition.topicId())
          .with("topic", partition.topicId());
    }
    if (member == null) {
      return null;
    }
    OwnedPartition owned = member.owned().get(partition);
    if (owned == null || owned.since() > epoch) {
      return ApiError.definite(
              ErrorReason.NOT_ASSIGNED,
              "member "
                  + member.id()
                  + " of group "
                  + group.name()
                  + (owned == null
                      ? " does not own " + partition
                      : " has owned "
                          + partition
                          + " since generation "
                          + owned.since()
                          + ", not since "
                          + epoch))
          .with("group", group.name());
    }
    return null;
  }

  static GroupAnswer reset(
      GroupDraft group,
      GroupCommand.ResetOffsets command,
      SortedSet<TopicId> forgotten,
      GroupDraft.Totals totals) {
    Rejected refused = refuse(command.offsets(), totals);
    if (refused != null) {
      return refused;
    }
    if (group.memberCount() > 0) {
      return GroupMachine.active(group.name(), group.memberCount());
    }
    for (OffsetCommit offset : command.offsets()) {
      ApiError error = refusal(group, null, 0, offset.partition(), forgotten);
      if (error != null) {
        return new Rejected(error);
      }
    }
    TreeMap<PartitionId, CommittedOffset> stored = new TreeMap<>();
    for (OffsetCommit offset : command.offsets()) {
      CommittedOffset now =
          new CommittedOffset(
              offset.offset(), offset.leaderEpoch(), offset.metadata(), command.timeMs());
      group.putOffset(offset.partition(), now);
      stored.put(offset.partition(), now);
    }
    return new Committed(stored, new TreeMap<>());
  }

  static GroupAnswer delete(GroupDraft group, GroupCommand.DeleteOffsets command) {
    for (ClassicMember member : group.classic().members().values()) {
      for (String name : command.topics()) {
        if (member.topics().contains(name)) {
          return subscribed(group, name);
        }
      }
      if (member.topics().isEmpty()) {
        return GroupMachine.active(group.name(), group.memberCount()); // who knows of what
      }
    }
    for (MemberState member : group.members().values()) {
      for (String name : TopicNews.wanted(group, member.details())) {
        KnownTopic topic = group.topics().get(name);
        if (topic != null
            && command.partitions().stream().anyMatch(p -> p.topicId().equals(topic.id()))) {
          return subscribed(group, name);
        }
      }
    }
    for (PartitionId partition : command.partitions()) {
      if (group.offset(partition) != null) {
        group.removeOffset(partition);
      }
    }
    TopicNews.prune(group);
    return new Done();
  }

  private static Rejected subscribed(GroupDraft group, String topic) {
    return new Rejected(
        ApiError.definite(
                ErrorReason.GROUP_ACTIVE,
                "members of group " + group.name() + " are subscribed to topic " + topic)
            .with("group", group.name())
            .with("topic", topic));
  }

  static GroupAnswer deleteGroup(GroupDraft group) {
    if (group.memberCount() > 0) {
      return GroupMachine.active(group.name(), group.memberCount());
    }
    group.removeAllOffsets();
    return new Done();
  }

  /** M19, and what no partition can have. */
  private static @Nullable Rejected refuse(List<OffsetCommit> offsets, GroupDraft.Totals totals) {
    if (offsets.isEmpty() || offsets.size() > GroupLimits.OFFSETS_PER_COMMAND) {
      return GroupMachine.rejected(
          ErrorReason.INVALID_FIELD,
          offsets.size() + " offsets in one commit; 1 to " + GroupLimits.OFFSETS_PER_COMMAND);
    }
    long chars = 0;
    for (OffsetCommit offset : offsets) {
      chars += offset.metadata().length();
      if (offset.offset() < 0
          || offset.partition().partition() < 0
          || offset.partition().partition() >= GroupLimits.PARTITIONS_PER_TOPIC
          || offset.metadata().length() > GroupLimits.METADATA_CHARS) {
        return GroupMachine.rejected(
            ErrorReason.INVALID_FIELD,
            "offset "
                + offset.offset()
                + " of partition "
                + offset.partition()
                + " with "
                + offset.metadata().length()
                + " characters of metadata: an offset is not negative, a partition below "
                + GroupLimits.PARTITIONS_PER_TOPIC
                + ", metadata has at most "
                + GroupLimits.METADATA_CHARS
                + " characters");
      }
    }
    if (totals.offsets + offsets.size() > GroupLimits.OFFSETS
        || totals.metadataChars + chars > GroupLimits.ALL_METADATA_CHARS) {
      return GroupMachine.busy(
          "groups have "
              + totals.offsets
              + " offsets with "
              + totals.metadataChars
              + " characters of metadata committed together, nearly as many as they may have");
    }
    return null;
  }
}
