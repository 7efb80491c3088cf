package io.kontiki.group;

import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupAnswer.Joined;
import io.kontiki.group.GroupAnswer.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Who is in a group, and what a member gives up (G1 to G3). */
final class MemberCommands {
  private MemberCommands() {}

  static GroupAnswer join(
      GroupDraft group,
      GroupCommand.JoinGroup command,
      SortedSet<TopicId> forgotten,
      GroupDraft.Totals totals) {
    MemberState late = group.member(command.newMemberId());
    if (late != null) {
      // The same command once more (M2).
      return new Joined(late, "");
    }
    MemberState old = takenUp(group, command);
    if (!group.classic().members().isEmpty()) {
      return ClassicCommands.mismatch(
          group.name(), "its members are Kafka clients with the classic protocol");
    }
    Rejected refused = refuse(group, command, old, totals);
    if (refused != null) {
      return refused;
    }
    boolean told = TopicNews.take(group, command.topics(), forgotten);
    group.flush();
    if (old != null) {
      old = group.member(old.id());
    }
    int epoch = group.raise();
    String id =
        old != null && old.id().equals(command.memberId()) ? old.id() : command.newMemberId();
    String replaced = "";
    TreeMap<PartitionId, OwnedPartition> owned = new TreeMap<>();
    String name = command.memberName();
    if (old != null) {
      name = old.name();
      // What the stream before still commits is refused from here on.
      old.owned()
          .forEach(
              (partition, was) ->
                  owned.put(partition, new OwnedPartition(epoch, was.revoking(), was.fromStart())));
      if (!old.id().equals(id)) {
        replaced = old.id();
        group.removeMember(old.id(), new MemberEnd(MemberEnd.Kind.REPLACED, id));
      }
    }
    group.putMember(new MemberState(id, name, epoch, command.details(), owned), epoch);
    if (!told) {
      group.addUntold(id);
    }
    Rebalance.run(group);
    return new Joined(Objects.requireNonNull(group.member(id)), replaced);
  }

  /** The membership that the stream goes on with; null: none. */
  private static @Nullable MemberState takenUp(GroupDraft group, GroupCommand.JoinGroup command) {
    MemberState byId = command.memberId().isEmpty() ? null : group.member(command.memberId());
    if (byId != null
        && (command.memberName().isEmpty() || command.memberName().equals(byId.name()))) {
      return byId;
    }
    if (!command.memberName().isEmpty()) {
      for (MemberState member : group.members().values()) {
        if (command.memberName().equals(member.name())) {
          return member;
        }
      }
    }
    return null;
  }

  private static @Nullable Rejected refuse(
      GroupDraft group,
      GroupCommand.JoinGroup command,
      @Nullable MemberState old,
      GroupDraft.Totals totals) {
    MemberDetails details = command.details();
    if (command.newMemberId().isEmpty()
        || tooLong(command.newMemberId())
        || tooLong(command.memberName())
        || tooLong(details.clientId())
        || tooLong(details.host())
        || details.topics().stream().anyMatch(MemberCommands::tooLong)
        || details.topics().size() > GroupLimits.TOPICS_PER_MEMBER
        || details.pattern().length() > GroupLimits.PATTERN_CHARS
        || details.topics().isEmpty() == details.pattern().isEmpty()) {
      return GroupMachine.rejected(
          ErrorReason.INVALID_FIELD,
          "a member needs an id, 1 to "
              + GroupLimits.TOPICS_PER_MEMBER
              + " topics or a pattern of at most "
              + GroupLimits.PATTERN_CHARS
              + " characters, and names of at most "
              + GroupLimits.NAME_CHARS
              + " characters");
    }
    if (TopicNews.tooMuch(command.topics())) {
      return tooManyPartitions(group);
    }
    if (old == null && group.members().size() >= GroupLimits.MEMBERS_PER_GROUP) {
      return GroupMachine.busy(
          "group "
              + group.name()
              + " has "
              + group.members().size()
              + " members, as many as it may have");
    }
    if (old == null && totals.members >= GroupLimits.MEMBERS) {
      return GroupMachine.busy(
          "groups have " + totals.members + " members together, as many as they may have");
    }
    return null;
  }

  private static boolean tooLong(String text) {
    return text.length() > GroupLimits.NAME_CHARS;
  }

  private static Rejected tooManyPartitions(GroupDraft group) {
    return GroupMachine.busy(
        "the topics of group "
            + group.name()
            + " have more than "
            + GroupLimits.PARTITIONS_PER_GROUP
            + " partitions together");
  }

  static GroupAnswer leave(GroupDraft group, GroupCommand.LeaveGroup command) {
    return end(
        group, command.memberId(), command.memberEpoch(), new MemberEnd(MemberEnd.Kind.LEFT, ""));
  }

  /** G3: whoever came back since it was judged stays. */
  static GroupAnswer expire(GroupDraft group, GroupCommand.ExpireMember command) {
    return end(
        group,
        command.memberId(),
        command.memberEpoch(),
        new MemberEnd(MemberEnd.Kind.EXPIRED, command.reason()));
  }

  private static GroupAnswer end(GroupDraft group, String id, int epoch, MemberEnd how) {
    MemberState member = group.member(id);
    if (member == null) {
      return new Done();
    }
    Rejected late = stale(group, member, epoch);
    if (late != null) {
      return late;
    }
    if (!member.owned().isEmpty()) {
      group.raise();
    }
    group.removeMember(id, how);
    Rebalance.run(group);
    return new Done();
  }

  static GroupAnswer release(GroupDraft group, GroupCommand.ReleasePartitions command) {
    MemberState member = group.member(command.memberId());
    if (member == null) {
      return fenced(group.name(), command.memberId());
    }
    Rejected late = stale(group, member, command.memberEpoch());
    if (late != null) {
      return late;
    }
    List<PartitionId> free = new ArrayList<>();
    for (PartitionId partition : command.partitions()) {
      OwnedPartition owned = group.owned(member.id()).get(partition);
      if (owned != null && owned.revoking() && owned.since() <= command.memberEpoch()) {
        group.take(
            member.id(),
            partition,
            command.forced() ? PartitionLoss.TIMEOUT : PartitionLoss.RELEASED);
        free.add(partition);
      }
    }
    Rebalance.deliver(group, free);
    return new Done();
  }

  static GroupAnswer update(
      GroupDraft group, GroupCommand.UpdateTopics command, SortedSet<TopicId> forgotten) {
    if (TopicNews.tooMuch(command.topics())) {
      return tooManyPartitions(group);
    }
    if (TopicNews.take(group, command.topics(), forgotten)) {
      Rebalance.run(group);
    }
    return new Done();
  }

  /**
   * A word for the member's present stream: the epoch may be older than the member's, if it only
   * got more or less since, but not older than the stream.
   */
  private static @Nullable Rejected stale(GroupDraft group, MemberState member, int epoch) {
    return epoch >= group.joined(member.id()) && epoch <= member.epoch()
        ? null
        : generationFenced(group, member, epoch);
  }

  static Rejected generationFenced(GroupDraft group, MemberState member, int epoch) {
    return new Rejected(
        ApiError.definite(
                ErrorReason.GENERATION_FENCED,
                "member "
                    + member.id()
                    + " of group "
                    + group.name()
                    + " is in generation "
                    + member.epoch()
                    + "; what was sent in generation "
                    + epoch
                    + " is too late")
            .with("group", group.name())
            .with("generation", member.epoch()));
  }

  static Rejected fenced(String group, String member) {
    return new Rejected(
        ApiError.definite(
                ErrorReason.MEMBER_FENCED,
                "group " + group + " has no member " + member + "; it must join again")
            .with("group", group));
  }
}
