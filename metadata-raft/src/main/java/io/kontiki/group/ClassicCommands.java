package io.kontiki.group;

import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupAnswer.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Groups of Kafka's classic protocol (G11, G12): a completed join begins a generation, its leader
 * assigns once in it, members end. Everything is a compare-and-set on the generation, so that two
 * coordinators never give one generation to two joins.
 */
final class ClassicCommands {
  private ClassicCommands() {}

  static GroupAnswer complete(
      GroupDraft group, GroupCommand.CompleteJoin command, GroupDraft.Totals totals) {
    if (!group.members().isEmpty()) {
      return mismatch(
          group.name(), "its members consume by streams, the classic protocol is another kind");
    }
    Rejected late = stale(group, command.generation());
    if (late == null) {
      late = refuse(group, command, totals);
    }
    if (late != null) {
      return late;
    }
    TreeMap<String, ClassicMember> members = new TreeMap<>();
    command.members().forEach(member -> members.put(member.id(), member));
    for (String id : group.classic().members().keySet()) {
      if (!members.containsKey(id)) {
        group.noteEnd(id, new MemberEnd(MemberEnd.Kind.EXPIRED, "it did not join again in time"));
      }
    }
    group.raise();
    group.classic(
        new ClassicState(
            command.protocolType(), command.protocol(), command.leader(), false, members));
    return new Done();
  }

  private static @Nullable Rejected refuse(
      GroupDraft group, GroupCommand.CompleteJoin command, GroupDraft.Totals totals) {
    TreeSet<String> ids = new TreeSet<>();
    long bytes = 0;
    for (ClassicMember member : command.members()) {
      ids.add(member.id());
      bytes += member.bytes();
      if (member.id().isEmpty()) {
        return GroupMachine.rejected(
            ErrorReason.INVALID_FIELD, "a member of a classic group needs an id");
      }
    }
    if (ids.size() != command.members().size() || !ids.contains(command.leader())) {
      return GroupMachine.rejected(
          ErrorReason.INVALID_FIELD,
          "a classic group needs members with different ids, one of them its leader");
    }
    ClassicState old = group.classic();
    long more = (long) ids.size() - old.members().size();
    if (ids.size() > GroupLimits.MEMBERS_PER_GROUP
        || bytes > GroupLimits.CLASSIC_BYTES_PER_GROUP
        || totals.members + more > GroupLimits.MEMBERS
        || totals.classicBytes + bytes - old.bytes() > GroupLimits.ALL_CLASSIC_BYTES) {
      return GroupMachine.busy(
          "group "
              + group.name()
              + " would have "
              + ids.size()
              + " members with "
              + bytes
              + " bytes; one group may have "
              + GroupLimits.MEMBERS_PER_GROUP
              + " with "
              + GroupLimits.CLASSIC_BYTES_PER_GROUP
              + ", all together "
              + GroupLimits.MEMBERS
              + " with "
              + GroupLimits.ALL_CLASSIC_BYTES);
    }
    return null;
  }

  static GroupAnswer sync(
      GroupDraft group, GroupCommand.SyncClassic command, GroupDraft.Totals totals) {
    Rejected late = stale(group, command.generation());
    ClassicState old = group.classic();
    if (late != null || old.members().isEmpty() || old.assigned()) {
      return late != null ? late : fenced(group, command.generation());
    }
    TreeMap<String, ClassicMember> members = new TreeMap<>();
    for (ClassicMember member : old.members().values()) {
      members.put(
          member.id(),
          member.with(
              command.assignments().getOrDefault(member.id(), ClassicMember.Assigned.NOTHING)));
    }
    ClassicState now =
        new ClassicState(old.protocolType(), old.protocol(), old.leader(), true, members);
    if (now.bytes() > GroupLimits.CLASSIC_BYTES_PER_GROUP
        || totals.classicBytes + now.bytes() - old.bytes() > GroupLimits.ALL_CLASSIC_BYTES) {
      return GroupMachine.busy(
          "group "
              + group.name()
              + " would have "
              + now.bytes()
              + " bytes; "
              + GroupLimits.CLASSIC_BYTES_PER_GROUP
              + " are allowed, all groups "
              + GroupLimits.ALL_CLASSIC_BYTES);
    }
    group.classic(now);
    return new Done();
  }

  /** Those that are not there any more are passed over. */
  static GroupAnswer end(GroupDraft group, GroupCommand.EndClassic command) {
    Rejected late = stale(group, command.generation());
    if (late != null) {
      return late;
    }
    ClassicState old = group.classic();
    TreeMap<String, ClassicMember> members = new TreeMap<>(old.members());
    for (String id : command.memberIds()) {
      if (members.remove(id) != null) {
        group.noteEnd(id, command.how());
      }
    }
    if (members.size() == old.members().size()) {
      return new Done();
    }
    if (members.isEmpty()) {
      group.raise();
      group.classic(ClassicState.NONE);
    } else {
      group.classic(
          new ClassicState(
              old.protocolType(), old.protocol(), old.leader(), old.assigned(), members));
    }
    return new Done();
  }

  /** A static member that has started anew has another id, and what it had. */
  static GroupAnswer replace(GroupDraft group, GroupCommand.ReplaceClassic command) {
    Rejected late = stale(group, command.generation());
    if (late != null) {
      return late;
    }
    ClassicState state = group.classic();
    ClassicMember old = state.members().get(command.memberId());
    ClassicMember now = command.member();
    if (old == null || state.members().containsKey(now.id()) || old.name().isEmpty()) {
      return MemberCommands.fenced(group.name(), command.memberId());
    }
    TreeMap<String, ClassicMember> members = new TreeMap<>(state.members());
    members.remove(old.id());
    members.put(now.id(), now.with(new ClassicMember.Assigned(old.assignment(), old.owned())));
    ClassicState next =
        new ClassicState(
            state.protocolType(),
            state.protocol(),
            state.leader().equals(old.id()) ? now.id() : state.leader(),
            state.assigned(),
            members);
    if (next.bytes() > GroupLimits.CLASSIC_BYTES_PER_GROUP) {
      return GroupMachine.busy("group " + group.name() + " would have " + next.bytes() + " bytes");
    }
    group.noteEnd(old.id(), new MemberEnd(MemberEnd.Kind.REPLACED, now.id()));
    group.classic(next);
    return new Done();
  }

  private static @Nullable Rejected stale(GroupDraft group, int generation) {
    return generation == group.generation() ? null : fenced(group, generation);
  }

  private static Rejected fenced(GroupDraft group, int generation) {
    return new Rejected(
        ApiError.definite(
                ErrorReason.GENERATION_FENCED,
                "group "
                    + group.name()
                    + " is in generation "
                    + group.generation()
                    + "; what was sent in generation "
                    + generation
                    + " is too late")
            .with("group", group.name())
            .with("generation", group.generation()));
  }

  /** Whether a commit of a member counts (G12); null: it does. */
  static @Nullable Rejected commitRefused(GroupDraft group, String memberId, int generation) {
    ClassicState state = group.classic();
    if (memberId.isEmpty()) {
      return GroupMachine.active(group.name(), group.memberCount());
    }
    if (!state.members().containsKey(memberId)) {
      return MemberCommands.fenced(group.name(), memberId);
    }
    return generation == group.generation() && state.assigned() ? null : fenced(group, generation);
  }

  /** A group is of one kind while it has members (G11). */
  static Rejected mismatch(String group, String why) {
    return new Rejected(
        ApiError.definite(
                ErrorReason.GROUP_PROTOCOL_MISMATCH,
                "group " + group + " cannot be joined this way: " + why)
            .with("group", group));
  }
}
