package io.kontiki.broker.coordinator;

import io.kontiki.group.ClassicMember;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.Opaque;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The commands of a coordinator on their way into the Raft log: all that a turn of the loop brings
 * go into one entry, bounded in count and bytes, and several entries are under way in their order.
 */
final class ProposalQueue {
  /** Commands in one entry. */
  static final int ENTRY_COMMANDS = 2_000;

  /** Bytes of one entry, as estimated; far below what Raft takes (4 MiB). */
  static final int ENTRY_BYTES = 1 << 20;

  /** Entries under way. */
  static final int ENTRIES = 8;

  /** Commands that wait; then more are refused. */
  static final int COMMANDS = 50_000;

  /** Bytes of commands that wait, as estimated. */
  static final long BYTES = 32L << 20;

  private static final int COMMAND_BYTES = 256;
  private static final int PARTITION_BYTES = 40;
  private static final int NAME_BYTES = 3;

  private final EventLoop loop;
  private final RaftGroup group;
  private final Function<List<GroupCommand>, ByteBuffer> encoder;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private int underWay;
  private boolean flushing;
  private long term = -1;

  /** The end of a command. */
  sealed interface End {
    /** It was applied, with this answer. */
    record Answered(GroupAnswer answer) implements End {}

    /** It certainly was not and will not be. */
    record NotProposed(String why) implements End {}

    /** Nobody knows (rule M3). */
    record Unknown(String why) implements End {}
  }

  private record Waiting(GroupCommand command, long bytes, Completion<End> completion) {}

  ProposalQueue(EventLoop loop, RaftGroup group, Function<List<GroupCommand>, ByteBuffer> encoder) {
    this.loop = loop;
    this.group = group;
    this.encoder = encoder;
  }

  /** This node leads from here on. */
  void onLeaderStart(long ledTerm) {
    term = ledTerm;
  }

  /** It leads no more: what was not proposed never will be; what was ends by itself. */
  void onLeaderStop() {
    term = -1;
    List<Waiting> rest = List.copyOf(waiting);
    waiting.clear();
    waitingBytes = 0;
    rest.forEach(one -> one.completion().complete(new End.NotProposed("this node leads no more")));
  }

  /** Whether there is room for more. */
  boolean full() {
    return waiting.size() >= COMMANDS || waitingBytes >= BYTES;
  }

  /**
   * Takes a command, which goes out at the end of the turn or when its turn comes.
   *
   * @param completion on the loop
   */
  void add(GroupCommand command, Completion<End> completion) {
    if (term < 0) {
      completion.complete(new End.NotProposed("this node does not lead"));
      return;
    }
    long bytes = bytes(command);
    ApiError tooLarge = bytes <= ENTRY_BYTES ? null : tooLarge(command);
    if (tooLarge != null) {
      completion.complete(new End.Answered(new GroupAnswer.Rejected(tooLarge)));
      return;
    }
    waiting.add(new Waiting(command, bytes, completion));
    waitingBytes += bytes;
    if (!flushing) {
      flushing = true;
      loop.atTurnEnd(this::flush);
    }
  }

  /** One that no entry can hold would be tried again and again. */
  private @Nullable ApiError tooLarge(GroupCommand command) {
    int size = encoder.apply(List.of(command)).remaining();
    if (size <= RaftGroup.MAX_COMMAND_BYTES) {
      return null;
    }
    String what =
        command instanceof GroupCommand.JoinGroup || command instanceof GroupCommand.UpdateTopics
            ? "the topics of the group's members"
            : "the request";
    return ApiError.definite(
        ErrorReason.INVALID_FIELD,
        what
            + " would take "
            + size
            + " bytes in the group's log; at most "
            + RaftGroup.MAX_COMMAND_BYTES
            + " are allowed");
  }

  private void flush() {
    flushing = false;
    while (term >= 0 && underWay < ENTRIES && !waiting.isEmpty()) {
      List<Waiting> entry = new ArrayList<>();
      long bytes = 0;
      while (!waiting.isEmpty()
          && entry.size() < ENTRY_COMMANDS
          && (entry.isEmpty() || bytes + waiting.element().bytes() <= ENTRY_BYTES)) {
        Waiting next = waiting.remove();
        bytes += next.bytes();
        entry.add(next);
      }
      waitingBytes -= bytes;
      underWay++;
      group.propose(
          encoder.apply(entry.stream().map(Waiting::command).toList()),
          term,
          end -> loop.execute(() -> ended(entry, end)));
    }
  }

  private void ended(List<Waiting> entry, Proposal end) {
    underWay--;
    if (end instanceof Proposal.Applied applied) {
      List<GroupAnswer> answers = ((GroupAnswer.Batch) applied.answer()).answers();
      for (int i = 0; i < entry.size(); i++) {
        entry.get(i).completion().complete(new End.Answered(answers.get(i)));
      }
    } else {
      End how =
          end instanceof Proposal.NotAppended not
              ? new End.NotProposed(not.why())
              : new End.Unknown(((Proposal.Unknown) end).why());
      entry.forEach(one -> one.completion().complete(how));
    }
    flush();
  }

  /** A bound from above of what the command takes in an entry, roughly. */
  static long bytes(GroupCommand command) {
    long bytes = COMMAND_BYTES;
    if (command instanceof GroupCommand.CommitOffsets commit) {
      bytes += bytes(commit.offsets());
    } else if (command instanceof GroupCommand.ResetOffsets reset) {
      bytes += bytes(reset.offsets());
    } else if (command instanceof GroupCommand.DeleteOffsets delete) {
      bytes += (long) PARTITION_BYTES * delete.partitions().size();
    } else if (command instanceof GroupCommand.ReleasePartitions release) {
      bytes += (long) PARTITION_BYTES * release.partitions().size();
    } else if (command instanceof GroupCommand.JoinGroup join) {
      for (String topic : join.details().topics()) {
        bytes += (long) NAME_BYTES * topic.length();
      }
      bytes += TopicWatch.bytes(join.topics());
    } else if (command instanceof GroupCommand.UpdateTopics update) {
      bytes += TopicWatch.bytes(update.topics());
    } else if (command instanceof GroupCommand.CompleteJoin join) {
      for (ClassicMember member : join.members()) {
        bytes += bytes(member);
      }
    } else if (command instanceof GroupCommand.ReplaceClassic replace) {
      bytes += bytes(replace.member());
    } else if (command instanceof GroupCommand.SyncClassic sync) {
      for (ClassicMember.Assigned one : sync.assignments().values()) {
        bytes += COMMAND_BYTES + bytes(one.assignment(), one.owned().size());
      }
    } else if (command instanceof GroupCommand.EndClassic end) {
      bytes += (long) COMMAND_BYTES * end.memberIds().size();
    }
    return bytes;
  }

  private static long bytes(ClassicMember member) {
    return COMMAND_BYTES + member.bytes() + (long) PARTITION_BYTES * member.owned().size();
  }

  private static long bytes(Opaque assignment, int owned) {
    return assignment.size() + (long) PARTITION_BYTES * owned;
  }

  private static long bytes(List<OffsetCommit> offsets) {
    long bytes = 0;
    for (OffsetCommit offset : offsets) {
      bytes += 2L * PARTITION_BYTES + (long) NAME_BYTES * offset.metadata().length();
    }
    return bytes;
  }
}
