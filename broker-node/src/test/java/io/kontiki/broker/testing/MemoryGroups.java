package io.kontiki.broker.testing;

import com.google.re2j.Pattern;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.broker.group.Groups;
import io.kontiki.broker.group.MemberListener;
import io.kontiki.broker.group.Membership;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupMachine;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberEnd;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.OwnedPartition;
import io.kontiki.group.PartitionLoss;
import io.kontiki.group.TopicsSeen;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Groups without brokers in between: the real machine on one loop, and a coordinator that is away
 * when a test says so. Everything takes as long as {@link #delayNanos} says, in order.
 */
public final class MemoryGroups implements Groups {
  private final EventLoop control;
  private final Metadata metadata;
  private final GroupMachine machine = new GroupMachine();
  private final TreeMap<String, Member> attached = new TreeMap<>();
  private final TreeMap<TopicId, Integer> known = new TreeMap<>();
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private final List<GroupChange> changes = new ArrayList<>();

  /** Of the next step. */
  public LongSupplier delayNanos = () -> 1_000_000;

  /**
   * So long the next commit, release or leave of a member is on its way to the coordinator; it
   * holds up what the same member asks for later, and nothing else.
   */
  public LongSupplier lagNanos = () -> 0;

  /** Look-ups of committed offsets fail while it says so. */
  public @Nullable ApiError offsetsFail;

  /** Join and leave are refused with it while it is there. */
  public @Nullable ApiError unavailable;

  private boolean away;
  private long dueNanos;
  private int ids;

  public MemoryGroups(EventLoop control, Metadata metadata) {
    this.control = control;
    this.metadata = metadata;
    metadata.listen(this::onImage);
  }

  /** While the coordinator is away everything waits. */
  public void away(boolean isAway) {
    away = isAway;
    while (!away && !waiting.isEmpty()) {
      enqueue(waiting.remove());
    }
  }

  /** The group as it is, or null. */
  public @Nullable GroupImage group(String name) {
    return machine.group(name);
  }

  /** What a group has committed for a partition; -1: nothing. */
  public long committed(String group, PartitionId partition) {
    GroupImage image = machine.group(group);
    CommittedOffset offset = image == null ? null : image.offsets().toMap().get(partition);
    return offset == null ? -1 : offset.offset();
  }

  /** Everything that changed, in order. */
  public List<GroupChange> changes() {
    return changes;
  }

  /** Whether the member's stream is held by somebody. */
  public boolean attached(String group, String memberId) {
    return attached.containsKey(key(group, memberId));
  }

  /** Applies a command as soon as everything before it is applied. */
  public void apply(GroupCommand command) {
    step(() -> applyNow(command));
  }

  private void step(Runnable task) {
    control.execute(
        () -> {
          if (away) {
            waiting.add(task);
          } else {
            enqueue(task);
          }
        });
  }

  /** In order: nothing overtakes. */
  private void enqueue(Runnable task) {
    long now = control.clock().nanoTime();
    dueNanos = Math.max(dueNanos, now + delayNanos.getAsLong());
    control.schedule(
        dueNanos - now,
        () -> {
          if (away) {
            waiting.add(task);
          } else {
            task.run();
          }
        });
  }

  private static String key(String group, String memberId) {
    return group + "/" + memberId;
  }

  private GroupAnswer applyNow(GroupCommand command) {
    GroupMachine.Applied applied = machine.apply(List.of(command));
    for (GroupChange change : applied.changes()) {
      changes.add(change);
      onChange(change);
    }
    return applied.batch().answers().get(0);
  }

  private void onChange(GroupChange change) {
    change
        .ended()
        .forEach(
            (id, end) -> {
              Member member = attached.remove(key(change.group(), id));
              if (member != null) {
                member.end(end);
              }
            });
    GroupImage image = machine.group(change.group());
    for (String id : change.members()) {
      MemberState state = image == null ? null : image.members().get(id);
      if (state == null) {
        continue;
      }
      watch(change.group(), state);
      Member member = attached.get(key(change.group(), id));
      if (member != null) {
        member.tell(state, change.lost().getOrDefault(id, new TreeMap<>()));
      }
    }
  }

  /** The revoke timeout of what is being revoked. */
  private void watch(String group, MemberState state) {
    for (var entry : state.owned().entrySet()) {
      OwnedPartition owned = entry.getValue();
      if (!owned.revoking()) {
        continue;
      }
      control.schedule(
          state.details().revokeTimeoutMs() * 1_000_000L,
          () -> {
            GroupImage image = machine.group(group);
            MemberState now = image == null ? null : image.members().get(state.id());
            OwnedPartition still = now == null ? null : now.owned().get(entry.getKey());
            if (now != null && still != null && still.equals(owned)) {
              apply(
                  new GroupCommand.ReleasePartitions(
                      wallMs(), group, state.id(), now.epoch(), List.of(entry.getKey()), true));
            }
          });
    }
  }

  private long wallMs() {
    return control.clock().wallMs();
  }

  private void onImage(ClusterImage image) {
    List<TopicId> gone = new ArrayList<>();
    known.keySet().stream().filter(id -> !image.topics().containsKey(id)).forEach(gone::add);
    image.topics().forEach((id, topic) -> known.put(id, topic.partitions().size()));
    gone.forEach(known::remove);
    gone.forEach(id -> apply(new GroupCommand.ForgetTopic(wallMs(), id)));
    step(
        () -> {
          for (GroupImage group : machine.image().groups()) {
            if (!group.members().isEmpty()) {
              applyNow(
                  new GroupCommand.UpdateTopics(
                      wallMs(), group.name(), seen(image, group, List.of())));
            }
          }
        });
  }

  private static TopicsSeen seen(
      ClusterImage image, @Nullable GroupImage group, List<MemberDetails> more) {
    List<MemberDetails> all = new ArrayList<>(more);
    if (group != null) {
      group.members().values().forEach(member -> all.add(member.details()));
    }
    TreeSet<String> names = new TreeSet<>();
    TreeMap<String, List<String>> matches = new TreeMap<>();
    for (MemberDetails details : all) {
      names.addAll(details.topics());
      if (!details.pattern().isEmpty()) {
        Pattern pattern = Pattern.compile(details.pattern());
        List<String> matching = new ArrayList<>();
        for (String name : image.topicNames().keySet()) {
          if (pattern.matches(name)) {
            matching.add(name);
          }
        }
        names.addAll(matching);
        matches.put(details.pattern(), matching);
      }
    }
    List<KnownTopic> topics = new ArrayList<>();
    for (String name : names) {
      TopicImage topic = image.topic(name);
      if (topic != null) {
        topics.add(new KnownTopic(topic.id(), name, topic.partitions().size()));
      }
    }
    return new TopicsSeen(image.index(), topics, matches);
  }

  @Override
  public Membership join(
      CallContext call,
      String group,
      String memberId,
      String memberName,
      MemberDetails details,
      MemberListener listener) {
    Member member = new Member(call.loop(), group, listener);
    String newId = "member-" + ++ids;
    ApiError refused = unavailable;
    if (refused != null) {
      control.schedule(
          Math.max(0, call.leftNanos()), () -> member.onLoop(() -> listener.ended(refused)));
      return member;
    }
    step(
        () -> {
          if (member.over) {
            return;
          }
          GroupAnswer answer =
              applyNow(
                  new GroupCommand.JoinGroup(
                      wallMs(),
                      group,
                      newId,
                      memberId,
                      memberName,
                      details,
                      seen(metadata.image(), machine.group(group), List.of(details))));
          if (answer instanceof GroupAnswer.Joined joined) {
            member.joined(joined.member());
          } else {
            ApiError why = ((GroupAnswer.Rejected) answer).error();
            member.over = true;
            member.onLoop(() -> listener.ended(why));
          }
        });
    return member;
  }

  @Override
  public void submit(
      CallContext call, GroupCommand command, Completion<Result<GroupAnswer>> completion) {
    step(
        () -> {
          GroupAnswer answer = applyNow(command);
          CallContext.onLoop(call.loop(), () -> completion.complete(Result.ok(answer)));
        });
  }

  @Override
  public void offsets(
      CallContext call,
      String group,
      SortedSet<PartitionId> partitions,
      Completion<Result<SortedMap<PartitionId, CommittedOffset>>> completion) {
    step(
        () -> {
          ApiError failed = offsetsFail;
          SortedMap<PartitionId, CommittedOffset> found = new TreeMap<>();
          GroupImage image = machine.group(group);
          if (image != null) {
            image
                .offsets()
                .toMap()
                .forEach(
                    (id, offset) -> {
                      if (partitions.contains(id)) {
                        found.put(id, offset);
                      }
                    });
          }
          call.loop()
              .execute(
                  () ->
                      completion.complete(
                          failed == null ? Result.ok(found) : Result.error(failed)));
        });
  }

  @Override
  public void describe(CallContext call, String group, Completion<Result<GroupReport>> completion) {
    step(
        () -> {
          GroupImage image = machine.group(group);
          call.loop()
              .execute(
                  () ->
                      completion.complete(
                          image == null
                              ? Result.error(
                                  ApiError.definite(
                                      ErrorReason.GROUP_NOT_FOUND, "there is no group " + group))
                              : Result.ok(
                                  new GroupReport(
                                      image.state(), 1, new TreeMap<>(), new TreeMap<>()))));
        });
  }

  @Override
  public void list(CallContext call, Completion<Result<List<GroupLine>>> completion) {
    step(
        () -> {
          List<GroupLine> lines = new ArrayList<>();
          machine
              .image()
              .groups()
              .forEach(
                  group ->
                      lines.add(
                          new GroupLine(
                              group.name(), group.phase(), group.kind(), group.memberCount())));
          call.loop().execute(() -> completion.complete(Result.ok(lines)));
        });
  }

  /** A stream's membership. */
  private final class Member implements Membership {
    private final EventLoop loop;
    private final String group;
    private final MemberListener listener;
    private String id = "";

    /** Told last; of the loop of the join. */
    private int toldEpoch;

    /** Nobody listens any more. */
    private boolean over;

    private boolean left;

    // Of the control loop.
    private long arrivesNanos;
    private int onTheWay;

    private Member(EventLoop loop, String group, MemberListener listener) {
      this.loop = loop;
      this.group = group;
      this.listener = listener;
    }

    private void onLoop(Runnable task) {
      loop.execute(task);
    }

    /** As {@link #step}, after what this member sent before. */
    private void send(Runnable task) {
      long lag = lagNanos.getAsLong();
      control.execute(
          () -> {
            if (lag == 0 && onTheWay == 0) {
              step(task);
              return;
            }
            long now = control.clock().nanoTime();
            arrivesNanos = Math.max(arrivesNanos, now + lag);
            onTheWay++;
            control.schedule(
                arrivesNanos - now,
                () -> {
                  onTheWay--;
                  step(task);
                });
          });
    }

    private void joined(MemberState state) {
      id = state.id();
      Member before = attached.put(key(group, id), this);
      if (before != null) {
        before.end(new MemberEnd(MemberEnd.Kind.REPLACED, id));
      }
      tell(state, new TreeMap<>());
    }

    private void tell(MemberState state, SortedMap<PartitionId, PartitionLoss> lost) {
      SortedMap<PartitionId, MemberListener.Gone> gone = new TreeMap<>();
      lost.forEach((p, why) -> gone.put(p, MemberListener.Gone.valueOf(why.name())));
      onLoop(
          () -> {
            if (!over) {
              toldEpoch = state.epoch();
              listener.changed(state, gone);
            }
          });
    }

    private void end(MemberEnd end) {
      onLoop(
          () -> {
            if (!over) {
              over = true;
              boolean replaced = end.kind() == MemberEnd.Kind.REPLACED;
              listener.ended(
                  ApiError.definite(
                      replaced ? ErrorReason.MEMBER_REPLACED : ErrorReason.MEMBER_FENCED,
                      "the member is no more: " + end));
            }
          });
    }

    @Override
    public void commit(List<OffsetCommit> offsets, Completion<Result<GroupAnswer>> completion) {
      int epoch = toldEpoch;
      send(
          () -> {
            GroupAnswer answer =
                applyNow(
                    new GroupCommand.CommitOffsets(wallMs(), group, id, epoch, offsets, false));
            onLoop(
                () ->
                    completion.complete(
                        answer instanceof GroupAnswer.Rejected rejected
                            ? Result.error(rejected.error())
                            : Result.ok(answer)));
          });
    }

    @Override
    public void release(List<PartitionId> partitions) {
      int epoch = toldEpoch;
      send(
          () ->
              applyNow(
                  new GroupCommand.ReleasePartitions(
                      wallMs(), group, id, epoch, partitions, false)));
    }

    @Override
    public void seen(long msAgo) {}

    @Override
    public void leave(CallContext call, Completion<Result<GroupAnswer>> completion) {
      over = true;
      left = true;
      ApiError refused = unavailable;
      if (refused != null) {
        control.schedule(
            Math.max(0, call.leftNanos()),
            () -> onLoop(() -> completion.complete(Result.error(refused))));
        return;
      }
      int epoch = toldEpoch;
      send(
          () -> {
            GroupImage image = machine.group(group);
            MemberState state = image == null ? null : image.members().get(id);
            GroupAnswer answer = new GroupAnswer.Done();
            if (state != null && !state.name().isEmpty()) {
              expireLater(); // a static member stays for its session
            } else {
              answer = applyNow(new GroupCommand.LeaveGroup(wallMs(), group, id, epoch));
              attached.remove(key(group, id), this);
            }
            GroupAnswer told = answer;
            onLoop(() -> completion.complete(Result.ok(told)));
          });
    }

    @Override
    public void abandon() {
      if (over && !left) {
        return;
      }
      over = true;
      send(this::expireLater);
    }

    private void expireLater() {
      if (id.isEmpty() || !attached.remove(key(group, id), this)) {
        return;
      }
      GroupImage image = machine.group(group);
      MemberState state = image == null ? null : image.members().get(id);
      if (state != null) {
        control.schedule(
            state.details().sessionTimeoutMs() * 1_000_000L,
            () -> {
              if (!attached.containsKey(key(group, id))) {
                apply(
                    new GroupCommand.ExpireMember(
                        wallMs(), group, id, state.epoch(), "its session passed"));
              }
            });
      }
    }
  }
}
