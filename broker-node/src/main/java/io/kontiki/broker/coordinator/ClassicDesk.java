package io.kontiki.broker.coordinator;

import io.kontiki.broker.coordinator.ProposalQueue.End;
import io.kontiki.broker.group.ClassicGroups.Described;
import io.kontiki.broker.group.ClassicGroups.Join;
import io.kontiki.broker.group.ClassicGroups.Joined;
import io.kontiki.broker.group.ClassicGroups.Leaver;
import io.kontiki.broker.group.ClassicGroups.Line;
import io.kontiki.broker.group.ClassicGroups.Speaker;
import io.kontiki.broker.group.ClassicGroups.State;
import io.kontiki.broker.group.ClassicGroups.Sync;
import io.kontiki.broker.group.ClassicGroups.Synced;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupLimits;
import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.OffsetTable;
import io.kontiki.group.Opaque;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What Kafka clients ask the coordinator of a shard: joins, syncs and heartbeats of classic groups
 * (rules G11, G12), and offsets of groups of both kinds. Belongs to the control loop, as its {@link
 * Coordinator}.
 */
public final class ClassicDesk {
  private static final long MIN_SESSION_MS = 1_000;
  private static final long MAX_SESSION_MS = 30 * 60_000L;
  private static final long MAX_REBALANCE_MS = 24 * 3_600_000L;

  private final Clock clock;
  private final AppliedGroups applied;
  private final Supplier<Optional<Refusal>> closed;
  private final Consumer<Consumer<Boolean>> confirmed;
  private final Runnable awake;
  private final CommitMeter meter;
  private final Ground ground;
  private final TreeMap<String, ClassicGroup> groups = new TreeMap<>();
  private final TreeSet<ClassicGroup> due =
      new TreeSet<>(
          Comparator.<ClassicGroup>comparingLong(group -> group.dueAt)
              .thenComparing(group -> group.name));
  private int members;
  private long held;

  /** Told of the end of a commit and when it came. */
  interface CommitMeter {
    void onEnd(End end, long arrivedNanos);
  }

  /**
   * @param closed why nothing is taken at the moment; empty: it is
   * @param awake told that time has to be looked at from here on
   * @param confirmed runs a task once it is sure that this node leads, or with false (rule G5)
   */
  ClassicDesk(
      Clock clock,
      AppliedGroups applied,
      RandomSource random,
      BiConsumer<GroupCommand, Completion<End>> proposals,
      Supplier<Optional<Refusal>> closed,
      Consumer<Consumer<Boolean>> confirmed,
      Runnable awake,
      CoordinatorEvents events,
      CommitMeter meter) {
    this.clock = clock;
    this.applied = applied;
    this.closed = closed;
    this.confirmed = confirmed;
    this.awake = awake;
    this.meter = meter;
    this.ground = new Ground(random, proposals, events);
  }

  private final class Ground implements ClassicGround {
    private final RandomSource random;
    private final BiConsumer<GroupCommand, Completion<End>> proposals;
    private final CoordinatorEvents events;

    Ground(
        RandomSource random,
        BiConsumer<GroupCommand, Completion<End>> proposals,
        CoordinatorEvents events) {
      this.random = random;
      this.proposals = proposals;
      this.events = events;
    }

    @Override
    public Clock clock() {
      return clock;
    }

    @Override
    public @Nullable GroupImage image(String group) {
      return applied.group(group);
    }

    @Override
    public void propose(GroupCommand command, Completion<End> end) {
      proposals.accept(command, end);
    }

    @Override
    public CoordinatorEvents events() {
      return events;
    }

    @Override
    public Supplier<String> ids() {
      return () -> new Uid(random.nextLong(), random.nextLong()).toString();
    }

    @Override
    public void wake(ClassicGroup group, long at) {
      if (at < group.dueAt) {
        due.remove(group);
        group.dueAt = at;
        due.add(group);
        awake.run();
      }
    }

    @Override
    public void hold(int moreMembers, int bytes) {
      members += moreMembers;
      held += bytes;
    }

    @Override
    public boolean full() {
      return held >= GroupLimits.ALL_CLASSIC_BYTES;
    }

    @Override
    public void forget(ClassicGroup group) {
      due.remove(group);
      group.dueAt = ClassicGroup.NEVER;
      groups.remove(group.name, group);
    }
  }

  // The coordinator

  void onLeaderStart() {
    for (GroupImage image : applied.groups()) {
      if (image.kind() == Kind.CLASSIC) {
        groups.put(image.name(), new ClassicGroup(image.name(), ground));
      }
    }
  }

  void onLeaderStop() {
    for (ClassicGroup group : List.copyOf(groups.values())) {
      group.fail(Refusal.NOT_COORDINATOR);
    }
    groups.clear();
    due.clear();
    members = 0;
    held = 0;
  }

  /** Whether something will be due some time. */
  boolean pending() {
    return !due.isEmpty();
  }

  void onTime(long now) {
    List<ClassicGroup> ripe = new ArrayList<>();
    while (!due.isEmpty() && due.first().dueAt <= now) {
      ClassicGroup group = due.first();
      due.remove(group);
      group.dueAt = ClassicGroup.NEVER;
      ripe.add(group);
    }
    for (ClassicGroup group : ripe) {
      group.onTime(now);
      tidy(group);
    }
  }

  private void tidy(ClassicGroup group) {
    if (group.idle()) {
      ground.forget(group);
    }
  }

  /** Of all groups. */
  int members() {
    return members;
  }

  /** What a group does: of a classic one also what was not applied yet. */
  Phase phase(GroupImage image) {
    ClassicGroup group = groups.get(image.name());
    if (group == null || group.state() == State.EMPTY) {
      return image.phase();
    }
    return group.state() == State.STABLE ? Phase.STABLE : Phase.REBALANCING;
  }

  /** When members spoke last, milliseconds since 1970. */
  SortedMap<String, Long> lastSeen(String name) {
    TreeMap<String, Long> seen = new TreeMap<>();
    ClassicGroup group = groups.get(name);
    if (group != null) {
      group
          .members()
          .forEach(
              (id, member) -> {
                if (member.lastSeenMs > 0) {
                  seen.put(id, member.lastSeenMs);
                }
              });
    }
    return seen;
  }

  /** Nothing is taken: who asked is told. */
  private <T> boolean shut(Completion<ClassicReply<T>> answer) {
    Optional<Refusal> why = closed.get();
    why.ifPresent(refusal -> answer.complete(ClassicReply.no(refusal)));
    return why.isPresent();
  }

  // Members

  /** See {@link io.kontiki.broker.group.ClassicGroups#join}. */
  public void join(Join join, Completion<ClassicReply<Joined>> answer) {
    if (shut(answer)) {
      return;
    }
    Refusal bad = bad(join);
    if (bad != null) {
      answer.complete(ClassicReply.no(bad));
      return;
    }
    ClassicGroup group = groups.get(join.group());
    if (group == null) {
      GroupImage image = applied.group(join.group());
      if (image != null && image.kind() == Kind.STREAM) {
        answer.complete(ClassicReply.no(Refusal.OTHER_PROTOCOL));
        return;
      } else if (!join.memberId().isEmpty()
          && (image == null || !image.classic().members().containsKey(join.memberId()))) {
        answer.complete(ClassicReply.no(Refusal.UNKNOWN_MEMBER));
        return;
      } else if (groups.size() >= GroupLimits.GROUPS) {
        answer.complete(ClassicReply.no(Refusal.GROUP_FULL));
        return;
      }
      group = new ClassicGroup(join.group(), ground);
      groups.put(join.group(), group);
    }
    group.join(join, answer, () -> join(join, answer));
    tidy(group);
  }

  private static @Nullable Refusal bad(Join join) {
    if (join.sessionTimeoutMs() < MIN_SESSION_MS || join.sessionTimeoutMs() > MAX_SESSION_MS) {
      return Refusal.INVALID_SESSION;
    }
    if (join.offers().isEmpty() || join.protocolType().isEmpty()) {
      return Refusal.OTHER_PROTOCOL;
    }
    boolean tooLong =
        join.offers().stream().anyMatch(offer -> offer.name().length() > GroupLimits.NAME_CHARS)
            || join.protocolType().length() > GroupLimits.NAME_CHARS
            || join.memberId().length() > GroupLimits.NAME_CHARS
            || join.name().length() > GroupLimits.NAME_CHARS
            || join.rebalanceTimeoutMs() < 0
            || join.rebalanceTimeoutMs() > MAX_REBALANCE_MS;
    return tooLong ? Refusal.INVALID : null;
  }

  /** The group, if it has members that it knows of; null: who asked has been told. */
  private <T> @Nullable ClassicGroup known(String name, Completion<ClassicReply<T>> answer) {
    if (shut(answer)) {
      return null;
    }
    ClassicGroup group = groups.get(name);
    if (group == null) {
      GroupImage image = applied.group(name);
      if (image == null || image.kind() != Kind.CLASSIC) {
        answer.complete(ClassicReply.no(Refusal.UNKNOWN_MEMBER));
        return null;
      }
      group = new ClassicGroup(name, ground); // its last proposal failed
      groups.put(name, group);
    }
    return group;
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#sync}. */
  public void sync(Sync sync, Completion<ClassicReply<Synced>> answer) {
    ClassicGroup group = known(sync.who().group(), answer);
    if (group != null) {
      group.sync(sync, answer, () -> sync(sync, answer));
      tidy(group);
    }
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#heartbeat}. */
  public void heartbeat(Speaker who, Completion<ClassicReply<Boolean>> answer) {
    ClassicGroup group = known(who.group(), answer);
    if (group != null) {
      answer.complete(group.heartbeat(who));
    }
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#leave}. */
  public void leave(
      String name, List<Leaver> leavers, Completion<ClassicReply<List<Optional<Refusal>>>> answer) {
    if (shut(answer)) {
      return;
    }
    ClassicGroup group = groups.get(name);
    GroupImage image = applied.group(name);
    if (group == null && (image == null || image.kind() != Kind.CLASSIC)) {
      answer.complete(
          ClassicReply.ok(
              leavers.stream().map(one -> Optional.of(Refusal.UNKNOWN_MEMBER)).toList()));
      return;
    }
    ClassicGroup found = known(name, answer);
    if (found != null) {
      found.leave(leavers, answer, () -> leave(name, leavers, answer));
      tidy(found);
    }
  }

  // Offsets

  /** See {@link io.kontiki.broker.group.ClassicGroups#commit}. */
  public void commit(
      Speaker who,
      List<OffsetCommit> offsets,
      Completion<ClassicReply<GroupAnswer.Committed>> answer) {
    if (shut(answer)) {
      return;
    }
    GroupImage image = applied.group(who.group());
    ClassicGroup group = groups.get(who.group());
    if (group != null && group.members().isEmpty()) {
      group = null; // ids were promised, no more
    }
    Refusal refusal = null;
    if (group != null) {
      refusal = group.commitRefusal(who);
    } else if (who.generation() >= 0 && (image == null || image.kind() == Kind.NONE)) {
      refusal = image == null ? Refusal.ILLEGAL_GENERATION : Refusal.UNKNOWN_MEMBER;
    }
    if (refusal != null) {
      answer.complete(ClassicReply.no(refusal));
      return;
    }
    boolean outside = group == null && who.generation() < 0;
    long arrived = clock.nanoTime();
    ground.propose(
        new GroupCommand.CommitOffsets(
            clock.wallMs(),
            who.group(),
            outside ? "" : who.memberId(),
            outside ? 0 : who.generation(),
            offsets,
            false),
        end -> {
          meter.onEnd(end, arrived);
          answer.complete(
              reply(
                  end,
                  Refusal.UNKNOWN_MEMBER,
                  done -> done instanceof GroupAnswer.Committed committed ? committed : null));
        });
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#offsets}. */
  public void offsets(
      String name,
      Optional<SortedSet<PartitionId>> partitions,
      Completion<ClassicReply<SortedMap<PartitionId, CommittedOffset>>> answer) {
    if (!shut(answer)) {
      confirmed.accept(
          sure ->
              answer.complete(
                  sure
                      ? ClassicReply.ok(offsets(applied.group(name), partitions))
                      : ClassicReply.no(Refusal.NOT_COORDINATOR)));
    }
  }

  private static SortedMap<PartitionId, CommittedOffset> offsets(
      @Nullable GroupImage image, Optional<SortedSet<PartitionId>> partitions) {
    OffsetTable all = image == null ? OffsetTable.EMPTY : image.offsets();
    return partitions.map(all::pick).orElseGet(all::toMap);
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#deleteOffsets}. */
  public void deleteOffsets(
      String name,
      String topic,
      List<PartitionId> partitions,
      Completion<ClassicReply<Boolean>> answer) {
    if (!shut(answer)) {
      ground.propose(
          new GroupCommand.DeleteOffsets(clock.wallMs(), name, partitions, List.of(topic)),
          end -> answer.complete(reply(end, Refusal.SUBSCRIBED, done -> true)));
    }
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#delete}. */
  public void delete(String name, Completion<ClassicReply<Boolean>> answer) {
    if (shut(answer)) {
      return;
    }
    ClassicGroup group = groups.get(name);
    if (group != null && !group.members().isEmpty()) {
      answer.complete(ClassicReply.no(Refusal.ACTIVE)); // they are about to have joined
      return;
    }
    ground.propose(
        new GroupCommand.DeleteGroup(clock.wallMs(), name),
        end -> answer.complete(reply(end, Refusal.ACTIVE, done -> true)));
  }

  /** Null of an answer: it is none to this. */
  private interface Reading<T> {
    @Nullable T of(GroupAnswer answer);
  }

  /**
   * The end of a command.
   *
   * @param active what a group with members means to who asked
   */
  private static <T> ClassicReply<T> reply(End end, Refusal active, Reading<T> reading) {
    if (end instanceof End.Answered answered) {
      if (answered.answer() instanceof GroupAnswer.Rejected rejected) {
        return ClassicReply.no(refusal(rejected.error().reason(), active));
      }
      T value = reading.of(answered.answer());
      return value == null ? ClassicReply.no(Refusal.INVALID) : ClassicReply.ok(value);
    }
    return ClassicReply.no(
        end instanceof End.Unknown ? Refusal.OUTCOME_UNKNOWN : Refusal.NOT_COORDINATOR);
  }

  private static Refusal refusal(ErrorReason reason, Refusal active) {
    return switch (reason) {
      case GROUP_ACTIVE -> active;
      case GROUP_NOT_FOUND -> Refusal.NOT_FOUND;
      case MEMBER_FENCED -> Refusal.UNKNOWN_MEMBER;
      case GENERATION_FENCED -> Refusal.ILLEGAL_GENERATION;
      case BUSY -> Refusal.TOO_MANY_OFFSETS;
      default -> Refusal.INVALID;
    };
  }

  // Descriptions

  /** See {@link io.kontiki.broker.group.ClassicGroups#describe}. */
  public void describe(String name, Completion<ClassicReply<Described>> answer) {
    if (!shut(answer)) {
      confirmed.accept(
          sure -> {
            Described found = sure ? described(name) : null;
            answer.complete(
                found != null
                    ? ClassicReply.ok(found)
                    : ClassicReply.no(sure ? Refusal.NOT_FOUND : Refusal.NOT_COORDINATOR));
          });
    }
  }

  private @Nullable Described described(String name) {
    ClassicGroup group = groups.get(name);
    GroupImage image = applied.group(name);
    List<ClassicMember> members = new ArrayList<>();
    if (group != null) {
      for (ClassicSession member : group.members().values()) {
        members.add(member.member(group.protocol(), member.assigned));
      }
      return new Described(line(name, group), group.protocol(), members);
    }
    if (image == null) {
      return null;
    }
    for (MemberState member : image.members().values()) {
      members.add(
          new ClassicMember(
              member.id(),
              member.name(),
              member.details().clientId(),
              member.details().host(),
              member.details().sessionTimeoutMs(),
              member.details().revokeTimeoutMs(),
              member.details().topics(),
              Opaque.EMPTY,
              Opaque.EMPTY,
              new TreeSet<>(member.owned().keySet())));
    }
    return new Described(line(image), image.state().assignor(), members);
  }

  private static Line line(String name, ClassicGroup group) {
    return new Line(name, Kind.CLASSIC, group.protocolType(), group.state());
  }

  private static Line line(GroupImage image) {
    State state =
        switch (image.phase()) {
          case EMPTY -> State.EMPTY;
          case STABLE -> State.STABLE;
          case REBALANCING -> State.PREPARING;
        };
    return new Line(image.name(), image.kind(), image.classic().protocolType(), state);
  }

  /** See {@link io.kontiki.broker.group.ClassicGroups#list}. */
  public void list(Completion<ClassicReply<List<Line>>> answer) {
    if (!shut(answer)) {
      confirmed.accept(
          sure ->
              answer.complete(
                  sure ? ClassicReply.ok(lines()) : ClassicReply.no(Refusal.NOT_COORDINATOR)));
    }
  }

  private List<Line> lines() {
    TreeMap<String, Line> lines = new TreeMap<>();
    for (GroupImage image : applied.groups()) {
      lines.put(image.name(), line(image));
    }
    groups.forEach(
        (name, group) -> {
          if (group.state() != State.EMPTY) {
            lines.put(name, line(name, group));
          }
        });
    return List.copyOf(lines.values());
  }
}
