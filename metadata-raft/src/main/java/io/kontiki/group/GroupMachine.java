package io.kontiki.group;

import io.kontiki.group.GroupAnswer.Batch;
import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupAnswer.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The groups of one shard as a deterministic state machine: the same entries in the same order give
 * equal states and answers on every node (rules G1, M1). Total (rule M17): every command gives an
 * answer; an exception is a bug. It makes no difference whether commands come in one entry or in
 * several.
 *
 * <p>Not thread-safe: it belongs to whoever applies. {@link #group} and {@link #image} give
 * immutable pictures.
 *
 * <p>Where to read on: {@link MemberCommands} (who is in, who goes; G1, G3), {@link Rebalance} (who
 * owns what; G2), {@link TopicNews} (G7 to G9), {@link OffsetCommands} (G4, G10), {@link
 * ClassicCommands} (G11, G12).
 */
public final class GroupMachine {
  private final TreeMap<String, GroupImage> groups = new TreeMap<>();
  private final GroupDraft.Totals totals = new GroupDraft.Totals();
  private final ArrayDeque<TopicId> forgottenInOrder = new ArrayDeque<>();
  private final TreeSet<TopicId> forgotten = new TreeSet<>();
  // While an entry is applied: the groups it looked at; null: one that ended or was not there.
  private final TreeMap<String, @Nullable GroupDraft> drafts = new TreeMap<>();
  private final TreeMap<String, GroupDraft.Notes> notes = new TreeMap<>();

  /**
   * What applying an entry gave.
   *
   * @param changes of every group of which anything changed, also only an offset; by name
   */
  public record Applied(Batch batch, List<GroupChange> changes) {
    public Applied {
      changes = List.copyOf(changes);
    }
  }

  /** Without groups. */
  public GroupMachine() {
    this(GroupsImage.EMPTY);
  }

  /** As another one was. */
  public GroupMachine(GroupsImage image) {
    for (GroupImage group : image.groups()) {
      groups.put(group.name(), group);
      totals.members += group.memberCount();
      totals.classicBytes += group.classic().bytes();
      totals.offsets += group.offsets().size();
      totals.metadataChars += group.offsets().metadataChars();
    }
    totals.groups = groups.size();
    image.forgotten().forEach(this::remember);
  }

  /** The group, or null. */
  public @Nullable GroupImage group(String name) {
    return groups.get(name);
  }

  /** The whole state: as many references as there are groups. */
  public GroupsImage image() {
    return new GroupsImage(new ArrayList<>(groups.values()), new ArrayList<>(forgottenInOrder));
  }

  /** Applies the commands of one entry, in order. */
  public Applied apply(List<GroupCommand> commands) {
    List<GroupAnswer> answers = new ArrayList<>(commands.size());
    for (GroupCommand command : commands) {
      answers.add(decide(command));
    }
    List<GroupChange> changes = new ArrayList<>();
    for (Map.Entry<String, GroupDraft.Notes> entry : notes.entrySet()) {
      if (entry.getValue().touched) {
        changes.add(close(entry.getKey(), entry.getValue()));
      }
    }
    drafts.clear();
    notes.clear();
    return new Applied(new Batch(answers), changes);
  }

  private GroupChange close(String name, GroupDraft.Notes note) {
    GroupDraft draft = drafts.get(name);
    if (draft == null) {
      groups.remove(name);
    } else {
      groups.put(name, draft.build());
    }
    return new GroupChange(name, draft != null, note.members, note.lost, note.ended, note.wentBack);
  }

  private GroupAnswer decide(GroupCommand command) {
    if (command instanceof GroupCommand.CommitOffsets c) {
      GroupDraft group = find(c.group());
      if (group == null && !c.memberId().isEmpty()) {
        return MemberCommands.fenced(c.group(), c.memberId());
      }
      return c.group().isEmpty()
          ? named(group, "", draft -> OffsetCommands.commit(draft, c, forgotten, totals))
          : orNew(group, c.group(), draft -> OffsetCommands.commit(draft, c, forgotten, totals));
    } else if (command instanceof GroupCommand.JoinGroup c) {
      return orNew(
          find(c.group()), c.group(), draft -> MemberCommands.join(draft, c, forgotten, totals));
    } else if (command instanceof GroupCommand.ResetOffsets c) {
      return orNew(
          find(c.group()), c.group(), draft -> OffsetCommands.reset(draft, c, forgotten, totals));
    } else if (command instanceof GroupCommand.ForgetTopic c) {
      return forget(c.topicId());
    } else if (command instanceof GroupCommand.LeaveGroup c) {
      return of(c.group(), new Done(), draft -> MemberCommands.leave(draft, c));
    } else if (command instanceof GroupCommand.ExpireMember c) {
      return of(c.group(), new Done(), draft -> MemberCommands.expire(draft, c));
    } else if (command instanceof GroupCommand.ReleasePartitions c) {
      return of(
          c.group(),
          MemberCommands.fenced(c.group(), c.memberId()),
          draft -> MemberCommands.release(draft, c));
    } else if (command instanceof GroupCommand.DeleteOffsets c) {
      return of(c.group(), missing(c.group()), draft -> OffsetCommands.delete(draft, c));
    } else if (command instanceof GroupCommand.DeleteGroup c) {
      return of(c.group(), missing(c.group()), OffsetCommands::deleteGroup);
    } else if (command instanceof GroupCommand.UpdateTopics c) {
      return of(c.group(), missing(c.group()), draft -> MemberCommands.update(draft, c, forgotten));
    }
    return decideClassic(command);
  }

  private GroupAnswer decideClassic(GroupCommand command) {
    if (command instanceof GroupCommand.CompleteJoin c) {
      return orNew(find(c.group()), c.group(), draft -> ClassicCommands.complete(draft, c, totals));
    } else if (command instanceof GroupCommand.SyncClassic c) {
      return of(c.group(), missing(c.group()), draft -> ClassicCommands.sync(draft, c, totals));
    } else if (command instanceof GroupCommand.EndClassic c) {
      return of(c.group(), new Done(), draft -> ClassicCommands.end(draft, c));
    } else if (command instanceof GroupCommand.ReplaceClassic c) {
      return of(c.group(), missing(c.group()), draft -> ClassicCommands.replace(draft, c));
    }
    throw new IllegalStateException("no decision for " + command.getClass().getSimpleName());
  }

  /** Decides about a group that is there, or gives the answer for one that is not. */
  private GroupAnswer of(String name, GroupAnswer missing, Function<GroupDraft, GroupAnswer> how) {
    GroupDraft group = find(name);
    return group == null ? missing : run(group, how);
  }

  /** Decides about a group that comes into being if it is not there. */
  private GroupAnswer orNew(
      @Nullable GroupDraft group, String name, Function<GroupDraft, GroupAnswer> how) {
    return group == null && (name.isEmpty() || name.length() > GroupLimits.NAME_CHARS)
        ? rejected(
            ErrorReason.INVALID_FIELD,
            "a group's name has 1 to "
                + GroupLimits.NAME_CHARS
                + " characters, not "
                + name.length())
        : named(group, name, how);
  }

  /** The same with a name that is not looked at: old Kafka clients commit to the empty one. */
  private GroupAnswer named(
      @Nullable GroupDraft group, String name, Function<GroupDraft, GroupAnswer> how) {
    GroupDraft draft = group;
    if (draft == null) {
      if (totals.groups >= GroupLimits.GROUPS) {
        return busy("there are " + totals.groups + " groups, as many as there may be");
      }
      totals.groups++;
      draft = new GroupDraft(GroupImage.empty(name), totals, note(name));
      drafts.put(name, draft);
    }
    return run(draft, how);
  }

  private GroupAnswer run(GroupDraft draft, Function<GroupDraft, GroupAnswer> how) {
    draft.begin();
    GroupAnswer answer = how.apply(draft);
    draft.flush();
    if (draft.isEmpty()) {
      totals.groups--;
      drafts.put(draft.name(), null);
    }
    return answer;
  }

  private @Nullable GroupDraft find(String name) {
    if (drafts.containsKey(name)) {
      return drafts.get(name);
    }
    GroupImage group = groups.get(name);
    GroupDraft draft = group == null ? null : new GroupDraft(group, totals, note(name));
    drafts.put(name, draft);
    return draft;
  }

  private GroupDraft.Notes note(String name) {
    return notes.computeIfAbsent(name, n -> new GroupDraft.Notes());
  }

  /** G8: in every group, and for all time that late commands may take. */
  private GroupAnswer forget(TopicId topic) {
    remember(topic);
    TreeSet<String> names = new TreeSet<>(groups.keySet());
    names.addAll(drafts.keySet());
    for (String name : names) {
      GroupImage image = groups.get(name);
      if (drafts.containsKey(name)
          || (image != null
              && (image.startFrom().containsKey(topic) || image.offsets().has(topic)))) {
        of(
            name,
            new Done(),
            draft -> {
              TopicNews.forget(draft, topic);
              return new Done();
            });
      }
    }
    return new Done();
  }

  private void remember(TopicId topic) {
    if (forgotten.add(topic)) {
      forgottenInOrder.add(topic);
      if (forgottenInOrder.size() > GroupLimits.FORGOTTEN_TOPICS) {
        forgotten.remove(forgottenInOrder.remove());
      }
    }
  }

  private static Rejected missing(String group) {
    return new Rejected(
        ApiError.definite(ErrorReason.GROUP_NOT_FOUND, "there is no group " + group)
            .with("group", group));
  }

  static Rejected rejected(ErrorReason reason, String message) {
    return new Rejected(ApiError.definite(reason, message));
  }

  static Rejected busy(String message) {
    return new Rejected(ApiError.retriable(ErrorReason.BUSY, message, 1_000));
  }

  static Rejected active(String group, int members) {
    return new Rejected(
        ApiError.definite(
                ErrorReason.GROUP_ACTIVE,
                "group " + group + " has " + members + " members; they must leave first")
            .with("group", group));
  }
}
