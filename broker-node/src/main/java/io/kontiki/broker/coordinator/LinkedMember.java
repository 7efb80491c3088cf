package io.kontiki.broker.coordinator;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.broker.group.MemberListener;
import io.kontiki.broker.group.MemberListener.Gone;
import io.kontiki.broker.group.Membership;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.PartitionLoss;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A member whose stream this broker holds. What it commits and gives up goes out in the order of
 * the calls, one request under way at a time: so a repetition can never overtake what came after
 * it.
 */
final class LinkedMember implements Membership {
  /** Calls that wait; then commits are refused. */
  private static final int WAITING = 10_000;

  private static final int REQUEST_COMMANDS = 200;
  private static final long REQUEST_BYTES = 256 << 10;

  private final CallContext call;
  private final EventLoop control;
  private final Supplier<ClusterImage> image;
  private final String group;
  private final String memberName;
  private final MemberListener listener;

  // Of the call's loop.
  private int toldEpoch;
  private boolean silent;

  /** When the client last spoke; written on the call's loop. */
  private volatile long seenAtMs;

  // Of the control loop, as everything else.
  private final ArrayDeque<Step> steps = new ArrayDeque<>();
  private final TreeSet<PartitionId> released = new TreeSet<>();
  private @Nullable ShardClient shard;
  private String memberId = "";
  private @Nullable MemberState last;
  private @Nullable ApiError ending;
  private boolean sending;
  private boolean over;
  private long seenToldMs;

  /** What the stream asks for, in order. */
  private sealed interface Step {
    record Commit(int epoch, List<OffsetCommit> offsets, Completion<Result<GroupAnswer>> completion)
        implements Step {}

    record Release(List<PartitionId> partitions) implements Step {}

    record Leave(Completion<Result<GroupAnswer>> completion) implements Step {}

    record Abandon() implements Step {}
  }

  LinkedMember(
      CallContext call,
      EventLoop control,
      Supplier<ClusterImage> image,
      String group,
      String memberName,
      MemberListener listener) {
    this.call = call;
    this.control = control;
    this.image = image;
    this.group = group;
    this.memberName = memberName;
    this.listener = listener;
    this.seenAtMs = control.clock().wallMs();
  }

  String group() {
    return group;
  }

  /** Empty until it has joined. */
  String memberId() {
    return memberId;
  }

  /** Whether nobody wants it any more. */
  boolean over() {
    return over;
  }

  @Override
  public void commit(List<OffsetCommit> offsets, Completion<Result<GroupAnswer>> completion) {
    int epoch = toldEpoch;
    List<OffsetCommit> all = List.copyOf(offsets);
    control.execute(() -> add(new Step.Commit(epoch, all, home(completion))));
  }

  @Override
  public void release(List<PartitionId> partitions) {
    List<PartitionId> all = List.copyOf(partitions);
    control.execute(
        () -> {
          released.addAll(all);
          add(new Step.Release(all));
        });
  }

  @Override
  public void seen(long msAgo) {
    seenAtMs = Math.max(seenAtMs, control.clock().wallMs() - msAgo);
  }

  @Override
  public void leave(CallContext leaving, Completion<Result<GroupAnswer>> completion) {
    silent = true;
    Once<Result<GroupAnswer>> once = new Once<>(leaving.home(completion));
    control.execute(
        () -> {
          EventLoop.Timer timer =
              control.schedule(
                  Math.max(0, leaving.leftNanos()),
                  () -> {
                    once.complete(
                        Result.error(
                            ApiError.indefinite(
                                ErrorReason.OUTCOME_UNKNOWN,
                                "the coordinator did not answer in time; the member's session runs")));
                    add(new Step.Abandon());
                  });
          add(
              new Step.Leave(
                  end -> {
                    timer.cancel();
                    once.complete(end);
                  }));
        });
  }

  @Override
  public void abandon() {
    silent = true;
    control.execute(() -> add(new Step.Abandon()));
  }

  private <T> Completion<T> home(Completion<T> completion) {
    return answer -> call.loop().execute(() -> completion.complete(answer));
  }

  // On the control loop

  private void add(Step step) {
    if (over) {
      fail(step, fencedHere());
    } else if (step instanceof Step.Commit && steps.size() >= WAITING) {
      fail(
          step,
          ApiError.retriable(
              ErrorReason.BUSY, "member " + memberId + " has too many commits that wait", 100));
    } else {
      steps.add(step);
      next();
    }
  }

  private ApiError fencedHere() {
    return ending != null ? ending : Coordinator.fenced(memberId, "its stream has ended");
  }

  private static void fail(Step step, ApiError error) {
    if (step instanceof Step.Commit commit) {
      commit.completion().complete(Result.error(error));
    } else if (step instanceof Step.Leave leave) {
      leave.completion().complete(Result.ok(new GroupAnswer.Done()));
    }
  }

  /** It has joined, and is told so. */
  void joined(ShardClient client, MemberState member) {
    shard = client;
    memberId = member.id();
    client.register(this);
    changed(member, new TreeMap<>());
    next();
  }

  /** It is now so; epochs never go back. */
  void changed(MemberState now, SortedMap<PartitionId, PartitionLoss> lost) {
    MemberState before = last;
    if (over || ending != null || (before != null && now.epoch() < before.epoch())) {
      return;
    }
    last = now;
    TreeMap<PartitionId, Gone> gone = new TreeMap<>();
    if (before != null) {
      for (PartitionId partition : before.owned().keySet()) {
        if (!now.owned().containsKey(partition)) {
          gone.put(partition, why(partition, lost.get(partition)));
        }
      }
      if (gone.isEmpty() && now.equals(before)) {
        return; // told again by a new coordinator
      }
    }
    released.removeAll(gone.keySet());
    call.loop()
        .execute(
            () -> {
              if (!silent) {
                toldEpoch = now.epoch();
                listener.changed(now, gone);
              }
            });
  }

  /**
   * What the coordinator does not say, because it is a new one, follows from what is known here.
   */
  private Gone why(PartitionId partition, @Nullable PartitionLoss loss) {
    if (loss != null) {
      return switch (loss) {
        case RELEASED -> Gone.RELEASED;
        case TIMEOUT -> Gone.TIMEOUT;
        case TOPIC_DELETED -> Gone.TOPIC_DELETED;
      };
    } else if (released.contains(partition)) {
      return Gone.RELEASED;
    }
    return image.get().topics().containsKey(partition.topicId())
        ? Gone.TIMEOUT
        : Gone.TOPIC_DELETED;
  }

  /** The coordinator says that it is no more; what is under way is answered first. */
  void ended(ApiError why) {
    if (!over && ending == null) {
      ending = why;
      if (!sending) {
        end(why);
      }
    }
  }

  /** The end, told once. */
  void end(ApiError why) {
    if (over) {
      return;
    }
    ending = why;
    finish();
    call.loop()
        .execute(
            () -> {
              if (!silent) {
                silent = true;
                listener.ended(why);
              }
            });
  }

  private void finish() {
    over = true;
    if (shard != null) {
      shard.forget(this);
    }
    List<Step> rest = List.copyOf(steps);
    steps.clear();
    rest.forEach(step -> fail(step, fencedHere()));
  }

  /** When the client spoke, if that is news; else 0. */
  long takeSeen() {
    long seen = seenAtMs;
    if (seen <= seenToldMs) {
      return 0;
    }
    seenToldMs = seen;
    return seen;
  }

  /** Sends what waits, unless something is under way. */
  private void next() {
    ShardClient client = shard;
    if (client == null || sending || over || steps.isEmpty()) {
      if (client == null && steps.peekFirst() instanceof Step.Abandon) {
        finish(); // it has not joined yet: whoever asked for that sees that nobody wants it
      }
      return;
    }
    if (steps.element() instanceof Step.Abandon
        || (steps.element() instanceof Step.Leave && !memberName.isEmpty())) {
      // A static member stays for its session, whoever ends its stream.
      client.abandon(group, memberId);
      finish();
      return;
    }
    List<Step> batch = new ArrayList<>();
    List<GroupCommand> commands = new ArrayList<>();
    long bytes = 0;
    while (!steps.isEmpty() && commands.size() < REQUEST_COMMANDS && bytes < REQUEST_BYTES) {
      Step step = steps.element();
      if (step instanceof Step.Abandon || (step instanceof Step.Leave && !memberName.isEmpty())) {
        break;
      }
      GroupCommand command = command(step);
      bytes += ProposalQueue.bytes(command);
      commands.add(command);
      batch.add(steps.remove());
    }
    sending = true;
    if (!client.add(new Steps(batch, commands))) {
      sending = false;
      for (int i = batch.size() - 1; i >= 0; i--) {
        steps.addFirst(batch.get(i));
      }
      control.schedule(RETRY_NANOS, this::next);
    }
  }

  private static final long RETRY_NANOS = 50_000_000;

  private GroupCommand command(Step step) {
    long ms = control.clock().wallMs();
    int epoch = last == null ? 0 : last.epoch();
    if (step instanceof Step.Commit commit) {
      return new GroupCommand.CommitOffsets(
          ms, group, memberId, commit.epoch(), commit.offsets(), false);
    } else if (step instanceof Step.Release release) {
      return new GroupCommand.ReleasePartitions(
          ms, group, memberId, epoch, release.partitions(), false);
    }
    return new GroupCommand.LeaveGroup(ms, group, memberId, epoch);
  }

  /** Steps under way. */
  private final class Steps extends LinkCall {
    private final List<Step> batch;
    private final List<GroupCommand> commands;

    Steps(List<Step> batch, List<GroupCommand> commands) {
      this.batch = batch;
      this.commands = commands;
    }

    @Override
    LinkRequest request(long id) {
      return new LinkRequest.Submit(id, commands);
    }

    /** A member that is no more has nothing to repeat. */
    @Override
    boolean again() {
      if (over) {
        return false;
      }
      ApiError why = ending;
      if (why != null) {
        over = true;
        sending = false;
        batch.forEach(step -> fail(step, why));
        end(why);
        return false;
      }
      return true;
    }

    @Override
    void answered(Reply reply) {
      over = true;
      sending = false;
      ApiError fenced = null;
      boolean left = false;
      for (int i = 0; i < batch.size(); i++) {
        Step step = batch.get(i);
        Result<GroupAnswer> result = result(reply, i);
        ApiError error = result.fold(ok -> null, refused -> refused);
        if (step instanceof Step.Commit commit) {
          commit.completion().complete(result);
        } else if (step instanceof Step.Leave leave) {
          left = true;
          boolean gone = error != null && error.reason() == ErrorReason.MEMBER_FENCED;
          leave.completion().complete(gone ? Result.ok(new GroupAnswer.Done()) : result);
        }
        if (error != null && error.reason() == ErrorReason.MEMBER_FENCED) {
          fenced = error;
        }
      }
      if (ending != null) {
        end(ending);
      } else if (fenced != null) {
        end(fenced);
      } else if (left) {
        finish();
      } else {
        next();
      }
    }
  }

  /** The answer to one of a request's commands; a rejection is an error. */
  static Result<GroupAnswer> result(Reply reply, int at) {
    if (reply instanceof Reply.Failed failed) {
      return Result.error(failed.error());
    } else if (reply instanceof Reply.Answers answers && at < answers.answers().size()) {
      GroupAnswer answer = answers.answers().get(at);
      return answer instanceof GroupAnswer.Rejected rejected
          ? Result.error(rejected.error())
          : Result.ok(answer);
    }
    return Result.error(
        ApiError.indefinite(ErrorReason.INTERNAL, "the coordinator's answer is not one to this"));
  }

  /** Completes once. */
  private static final class Once<T> implements Completion<T> {
    private @Nullable Completion<T> completion;

    Once(Completion<T> completion) {
      this.completion = completion;
    }

    @Override
    public void complete(T answer) {
      Completion<T> first = completion;
      completion = null;
      if (first != null) {
        first.complete(answer);
      }
    }
  }
}
