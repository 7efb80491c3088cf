package io.kontiki.broker.coordinator;

import static io.kontiki.broker.group.ClassicGroups.State.COMPLETING;
import static io.kontiki.broker.group.ClassicGroups.State.EMPTY;
import static io.kontiki.broker.group.ClassicGroups.State.PREPARING;
import static io.kontiki.broker.group.ClassicGroups.State.STABLE;

import io.kontiki.broker.coordinator.ProposalQueue.End;
import io.kontiki.broker.group.ClassicGroups.Join;
import io.kontiki.broker.group.ClassicGroups.Joined;
import io.kontiki.broker.group.ClassicGroups.Leaver;
import io.kontiki.broker.group.ClassicGroups.Offer;
import io.kontiki.broker.group.ClassicGroups.Peer;
import io.kontiki.broker.group.ClassicGroups.Speaker;
import io.kontiki.broker.group.ClassicGroups.State;
import io.kontiki.broker.group.ClassicGroups.Sync;
import io.kontiki.broker.group.ClassicGroups.Synced;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.ClassicState;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupLimits;
import io.kontiki.group.MemberEnd;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.Completion;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A group of Kafka's classic protocol at its coordinator: who waits for whom, and until when. What
 * counts is what was applied; between two proposals of a group nothing else of it is decided: what
 * comes meanwhile waits, in order. Belongs to the control loop.
 */
final class ClassicGroup {
  static final long NEVER = Long.MAX_VALUE;

  /** How long an empty group waits for more members than the first; again for each one. */
  static final long FIRST_JOIN_NANOS = 500_000_000L;

  /** How long a join that was never answered is kept at most, beyond its rebalance. */
  static final long FRESH_NANOS = 300_000_000_000L;

  /** Requests that wait for the end of a proposal. */
  static final int WAITING = 20_000;

  private static final long NANOS_PER_MS = 1_000_000;

  final String name;

  /** The key under which it waits for its time. */
  long dueAt = NEVER;

  private final ClassicGround ground;
  private final TreeMap<String, ClassicSession> members = new TreeMap<>();
  private final TreeMap<String, String> statics = new TreeMap<>();
  private final TreeMap<String, Long> pending = new TreeMap<>();
  private final TreeSet<String> unsynced = new TreeSet<>();
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private State state = EMPTY;
  private int generation;
  private String protocolType = "";
  private String protocol = "";
  private String leader = "";
  private boolean newcomers;
  private long firstJoinsUntil = NEVER;
  private long joinsUntil = NEVER;
  private long syncsUntil = NEVER;
  private long order;
  private boolean proposing;
  private boolean over;

  ClassicGroup(String name, ClassicGround ground) {
    this.name = name;
    this.ground = ground;
    GroupImage image = ground.image(name);
    if (image != null) {
      generation = image.generation();
      load(image.classic());
    }
  }

  /** G3: everybody has a full session from here on. */
  private void load(ClassicState applied) {
    if (applied.members().isEmpty()) {
      return;
    }
    state = applied.assigned() ? STABLE : COMPLETING;
    protocolType = applied.protocolType();
    protocol = applied.protocol();
    leader = applied.leader();
    long now = now();
    for (ClassicMember member : applied.members().values()) {
      ClassicSession session = new ClassicSession(member, order++, protocol);
      session.expiresAt = now + session.sessionMs * NANOS_PER_MS;
      put(session);
      if (state == COMPLETING) {
        unsynced.add(session.id);
      }
    }
    if (state == COMPLETING) {
      syncsUntil = now + rebalanceNanos();
    }
    ground.wake(this, now);
  }

  private long now() {
    return ground.clock().nanoTime();
  }

  // What is asked of it

  State state() {
    return state;
  }

  String protocolType() {
    return protocolType;
  }

  String protocol() {
    return protocol;
  }

  SortedMap<String, ClassicSession> members() {
    return members;
  }

  /** Nothing is known of it that is not in the state. */
  boolean idle() {
    return state == EMPTY
        && members.isEmpty()
        && pending.isEmpty()
        && waiting.isEmpty()
        && !proposing;
  }

  /** Puts off what cannot be decided now; false: it can. */
  private boolean later(Runnable again, Runnable full) {
    if (!proposing) {
      return false;
    }
    if (waiting.size() >= WAITING) {
      full.run();
    } else {
      waiting.add(again);
    }
    return true;
  }

  // Joining

  /**
   * @param again the same once more, at whatever the group is then
   */
  void join(Join join, Completion<ClassicReply<Joined>> answer, Runnable again) {
    if (later(again, () -> answer.complete(ClassicReply.no(Refusal.LOADING)))) {
      return;
    }
    Refusal refusal = joinRefusal(join);
    if (refusal != null) {
      answer.complete(ClassicReply.no(refusal));
      return;
    }
    if (!join.memberId().isEmpty()) {
      known(join, answer);
    } else if (statics.containsKey(join.name())) {
      replace(join, answer);
    } else if (join.idRequired() && join.name().isEmpty()) {
      String id = newId(join);
      pending.put(id, now() + join.sessionTimeoutMs() * NANOS_PER_MS);
      ground.wake(this, now() + join.sessionTimeoutMs() * NANOS_PER_MS);
      answer.complete(new ClassicReply.No<>(Refusal.MEMBER_ID_REQUIRED, id));
    } else {
      add(newId(join), join, answer);
    }
  }

  private @Nullable Refusal joinRefusal(Join join) {
    boolean isNew = !members.containsKey(join.memberId()) && !statics.containsKey(join.name());
    boolean promised = pending.containsKey(join.memberId());
    if (!join.memberId().isEmpty() && !promised) {
      Refusal unknown = refusal(join.memberId(), join.name());
      if (unknown != null) {
        return unknown;
      }
    }
    if (!compatible(join)) {
      return Refusal.OTHER_PROTOCOL;
    }
    int promises = pending.size() - (promised ? 1 : 0);
    if (isNew && members.size() + promises >= GroupLimits.MEMBERS_PER_GROUP) {
      return Refusal.GROUP_FULL;
    }
    long bytes = new ClassicSession(join.memberId(), order, join).bytes();
    for (ClassicSession member : members.values()) {
      if (!sameMember(member, join)) {
        bytes += member.bytes();
      }
    }
    return bytes > GroupLimits.CLASSIC_BYTES_PER_GROUP || ground.full() ? Refusal.GROUP_FULL : null;
  }

  private boolean compatible(Join join) {
    if (members.isEmpty()) {
      return true;
    }
    if (!protocolType.equals(join.protocolType())) {
      return false;
    }
    return join.offers().stream()
        .anyMatch(
            offer ->
                members.values().stream()
                    .allMatch(member -> sameMember(member, join) || member.supports(offer.name())));
  }

  private static boolean sameMember(ClassicSession member, Join join) {
    return member.id.equals(join.memberId())
        || (!member.name.isEmpty() && member.name.equals(join.name()));
  }

  private String newId(Join join) {
    String prefix = join.name().isEmpty() ? join.clientId() : join.name();
    int room = GroupLimits.NAME_CHARS - 64;
    return (prefix.length() > room ? prefix.substring(0, room) : prefix) + "-" + ground.ids().get();
  }

  private void known(Join join, Completion<ClassicReply<Joined>> answer) {
    if (pending.remove(join.memberId()) != null) {
      add(join.memberId(), join, answer);
      return;
    }
    ClassicSession member = session(join.memberId());
    boolean same = member.same(join.offers(), protocol);
    if (state == COMPLETING && same || state == STABLE && same && !member.id.equals(leader)) {
      // It has missed the answer to the join that was completed: once more.
      member.touch(now(), ground.clock().wallMs());
      answer.complete(ClassicReply.ok(joined(member, member.id.equals(leader))));
      return;
    }
    ground.hold(0, -member.held());
    member.update(join);
    ground.hold(0, member.held());
    member.joining(answer);
    rejoin();
  }

  private void add(String id, Join join, Completion<ClassicReply<Joined>> answer) {
    ClassicSession member = new ClassicSession(id, order++, join);
    member.expiresAt = now() + FRESH_NANOS;
    member.lastSeenMs = ground.clock().wallMs();
    member.joining(answer);
    if (members.isEmpty()) {
      protocolType = join.protocolType();
    }
    put(member);
    newcomers = true;
    ground.wake(this, member.expiresAt);
    rejoin();
  }

  private void put(ClassicSession member) {
    ground.hold(1, member.held());
    members.put(member.id, member);
    if (!member.name.isEmpty()) {
      statics.put(member.name, member.id);
    }
  }

  /** A static member has started anew: it goes on where it was, if nothing else has changed. */
  private void replace(Join join, Completion<ClassicReply<Joined>> answer) {
    ClassicSession old = session(String.valueOf(statics.get(join.name())));
    old.refuseJoin(Refusal.FENCED_INSTANCE);
    old.refuseSync(Refusal.FENCED_INSTANCE);
    ClassicSession fresh = new ClassicSession(newId(join), old.order, join);
    fresh.assigned = old.assigned;
    fresh.touch(now(), ground.clock().wallMs());
    boolean wasLeader = old.id.equals(leader);
    String leaderBefore = leader;
    members.remove(old.id);
    ground.hold(-1, -old.held());
    put(fresh);
    if (wasLeader) {
      leader = fresh.id;
    }
    if (unsynced.remove(old.id)) {
      unsynced.add(fresh.id);
    }
    boolean unchanged =
        state == STABLE
            && choose().equals(protocol)
            && fresh.offer(protocol).topics().equals(old.offer(protocol).topics());
    fresh.joining(answer);
    if (!unchanged) {
      rejoin();
      return;
    }
    propose(
        new GroupCommand.ReplaceClassic(
            ground.clock().wallMs(),
            name,
            generation,
            old.id,
            fresh.member(protocol, fresh.assigned)),
        () -> {
          boolean leads = wasLeader && fresh.skips;
          fresh.joined(
              new Joined(
                  generation,
                  protocolType,
                  protocol,
                  // Told of its own leadership, a client that cannot skip would assign anew.
                  fresh.skips ? leader : leaderBefore,
                  fresh.id,
                  leads,
                  leads ? peers() : List.of()));
        });
  }

  private void rejoin() {
    if (state != PREPARING) {
      prepare();
    }
    tryComplete();
  }

  /** A join begins: everybody is told by the answers to heartbeats. */
  private void prepare() {
    long now = now();
    unsynced.clear();
    syncsUntil = NEVER;
    members.values().forEach(member -> member.refuseSync(Refusal.REBALANCING));
    joinsUntil = now + rebalanceNanos();
    ground.wake(this, joinsUntil);
    if (state == EMPTY) {
      newcomers = false;
      firstJoinsUntil = Math.min(joinsUntil, now + FIRST_JOIN_NANOS);
      ground.wake(this, firstJoinsUntil);
    }
    state = PREPARING;
  }

  private long rebalanceNanos() {
    long longest = 0;
    for (ClassicSession member : members.values()) {
      longest = Math.max(longest, member.rebalanceMs);
    }
    return longest * NANOS_PER_MS;
  }

  private void tryComplete() {
    if (state == PREPARING
        && !proposing
        && firstJoinsUntil == NEVER
        && pending.isEmpty()
        && members.values().stream().allMatch(ClassicSession::joining)) {
      complete();
    }
  }

  /** All have joined, or the time of those who have not is up. */
  private void complete() {
    firstJoinsUntil = NEVER;
    List<String> late = new ArrayList<>();
    boolean anybody = false;
    for (ClassicSession member : members.values()) {
      anybody |= member.joining();
      if (!member.joining() && member.name.isEmpty()) {
        late.add(member.id);
      }
    }
    if (!anybody && late.size() < members.size()) {
      // Static members alone: their places wait as long as their sessions.
      joinsUntil = now() + rebalanceNanos();
      ground.wake(this, joinsUntil);
      return;
    }
    if (!anybody) {
      end(late, new MemberEnd(MemberEnd.Kind.EXPIRED, "it did not join again in time"), () -> {});
      return;
    }
    late.forEach(this::remove);
    ClassicSession old = members.get(leader);
    if (old == null || !old.joining()) {
      leader =
          members.values().stream()
              .filter(ClassicSession::joining)
              .min(Comparator.comparingLong(member -> member.order))
              .map(member -> member.id)
              .orElseThrow();
    }
    String chosen = choose();
    List<ClassicMember> all = new ArrayList<>();
    for (ClassicSession member : members.values()) {
      all.add(member.member(chosen, ClassicMember.Assigned.NOTHING));
    }
    joinsUntil = NEVER;
    propose(
        new GroupCommand.CompleteJoin(
            ground.clock().wallMs(), name, generation, protocolType, chosen, leader, all),
        () -> completed(chosen));
  }

  /** The one that most members prefer, of those that all support; the leader's order decides. */
  private String choose() {
    ClassicSession first = members.getOrDefault(leader, members.firstEntry().getValue());
    List<String> candidates = new ArrayList<>();
    for (Offer offer : first.offers) {
      if (members.values().stream().allMatch(member -> member.supports(offer.name()))) {
        candidates.add(offer.name());
      }
    }
    TreeMap<String, Integer> votes = new TreeMap<>();
    for (ClassicSession member : members.values()) {
      for (Offer offer : member.offers) {
        if (candidates.contains(offer.name())) {
          votes.merge(offer.name(), 1, Integer::sum);
          break;
        }
      }
    }
    String best = "";
    int most = 0;
    for (String candidate : candidates) {
      int count = votes.getOrDefault(candidate, 0);
      if (count > most) {
        most = count;
        best = candidate;
      }
    }
    return best;
  }

  private void completed(String chosen) {
    state = COMPLETING;
    protocol = chosen;
    long now = now();
    long wallMs = ground.clock().wallMs();
    unsynced.clear();
    unsynced.addAll(members.keySet());
    syncsUntil = now + rebalanceNanos();
    ground.wake(this, syncsUntil);
    for (ClassicSession member : List.copyOf(members.values())) {
      member.assigned = ClassicMember.Assigned.NOTHING;
      if (member.joining()) {
        if (member.fresh) {
          ground
              .events()
              .onJoined(
                  name,
                  member.id,
                  "Kafka client " + member.clientId + " at " + member.host + ", classic protocol");
        }
        member.touch(now, wallMs);
        ground.wake(this, member.expiresAt);
        member.joined(joined(member, member.id.equals(leader)));
      }
    }
  }

  private Joined joined(ClassicSession member, boolean withMembers) {
    List<Peer> told = withMembers ? peers() : List.of();
    return new Joined(generation, protocolType, protocol, leader, member.id, false, told);
  }

  private List<Peer> peers() {
    return members.values().stream()
        .map(peer -> new Peer(peer.id, peer.name, peer.offer(protocol).metadata()))
        .toList();
  }

  // Assigning

  void sync(Sync sync, Completion<ClassicReply<Synced>> answer, Runnable again) {
    if (later(again, () -> answer.complete(ClassicReply.no(Refusal.LOADING)))) {
      return;
    }
    Speaker who = sync.who();
    Refusal refusal = refusal(who);
    if (refusal == null
        && (differs(sync.protocolType(), protocolType) || differs(sync.protocol(), protocol))) {
      refusal = Refusal.OTHER_PROTOCOL;
    }
    if (refusal == null && state == PREPARING) {
      refusal = Refusal.REBALANCING;
    }
    if (refusal != null) {
      answer.complete(ClassicReply.no(refusal));
      return;
    }
    ClassicSession member = session(who.memberId());
    member.touch(now(), ground.clock().wallMs());
    unsynced.remove(member.id);
    if (state == STABLE) {
      answer.complete(ClassicReply.ok(synced(member)));
      return;
    }
    member.syncing(answer);
    if (member.id.equals(leader)) {
      assign(sync.assignments());
    }
  }

  private static boolean differs(String told, String known) {
    return !told.isEmpty() && !told.equals(known);
  }

  private void assign(SortedMap<String, ClassicMember.Assigned> told) {
    TreeMap<String, ClassicMember.Assigned> assignments = new TreeMap<>(told);
    assignments.keySet().retainAll(members.keySet());
    long bytes = 0;
    for (ClassicSession member : members.values()) {
      bytes +=
          member
              .member(protocol, assignments.getOrDefault(member.id, ClassicMember.Assigned.NOTHING))
              .bytes();
    }
    if (bytes > GroupLimits.CLASSIC_BYTES_PER_GROUP) {
      session(leader).refuseSync(Refusal.GROUP_FULL);
      return;
    }
    int owned = assignments.values().stream().mapToInt(one -> one.owned().size()).sum();
    if (owned > GroupLimits.CLASSIC_OWNED_PER_GROUP) {
      assignments.replaceAll(
          (id, one) ->
              new ClassicMember.Assigned(one.assignment(), ClassicMember.Assigned.NOTHING.owned()));
    }
    propose(
        new GroupCommand.SyncClassic(ground.clock().wallMs(), name, generation, assignments),
        () -> {
          state = STABLE;
          long now = now();
          for (ClassicSession member : List.copyOf(members.values())) {
            member.assigned = assignments.getOrDefault(member.id, ClassicMember.Assigned.NOTHING);
            if (member.syncing()) {
              member.touch(now, ground.clock().wallMs());
              member.synced(synced(member));
            }
          }
        });
  }

  private Synced synced(ClassicSession member) {
    return new Synced(protocolType, protocol, member.assigned.assignment());
  }

  // Living and leaving

  ClassicReply<Boolean> heartbeat(Speaker who) {
    Refusal refusal = refusal(who);
    if (refusal != null) {
      return ClassicReply.no(refusal);
    }
    ClassicSession member = session(who.memberId());
    member.touch(now(), ground.clock().wallMs());
    return state == PREPARING ? ClassicReply.no(Refusal.REBALANCING) : ClassicReply.ok(true);
  }

  void leave(
      List<Leaver> leavers,
      Completion<ClassicReply<List<Optional<Refusal>>>> answer,
      Runnable again) {
    if (later(again, () -> answer.complete(ClassicReply.no(Refusal.LOADING)))) {
      return;
    }
    List<Optional<Refusal>> answers = new ArrayList<>();
    LinkedHashSet<String> gone = new LinkedHashSet<>();
    for (Leaver leaver : leavers) {
      if (pending.remove(leaver.memberId()) != null) {
        answers.add(Optional.empty());
        continue;
      }
      String id =
          leaver.memberId().isEmpty() ? statics.getOrDefault(leaver.name(), "") : leaver.memberId();
      Refusal refusal = refusal(id, leaver.name());
      answers.add(Optional.ofNullable(refusal));
      if (refusal == null) {
        gone.add(id);
      }
    }
    end(
        List.copyOf(gone),
        new MemberEnd(MemberEnd.Kind.LEFT, ""),
        () -> answer.complete(ClassicReply.ok(answers)));
  }

  /** Members end; then the others join again. */
  private void end(List<String> ids, MemberEnd how, Runnable then) {
    GroupImage image = ground.image(name);
    boolean applied = false;
    for (String id : ids) {
      applied |= image != null && image.classic().members().containsKey(id);
      remove(id);
    }
    Runnable rest =
        () -> {
          then.run();
          ended(!ids.isEmpty());
        };
    if (!applied) {
      rest.run();
      return;
    }
    propose(new GroupCommand.EndClassic(ground.clock().wallMs(), name, generation, ids, how), rest);
  }

  private void ended(boolean somebody) {
    if (members.isEmpty()) {
      state = EMPTY;
      protocolType = "";
      protocol = "";
      leader = "";
      firstJoinsUntil = NEVER;
      joinsUntil = NEVER;
      syncsUntil = NEVER;
      unsynced.clear();
    } else if (somebody && state != PREPARING) {
      prepare();
    }
    tryComplete();
  }

  private void remove(String id) {
    ClassicSession member = members.remove(id);
    if (member != null) {
      ground.hold(-1, -member.held());
      unsynced.remove(id);
      statics.remove(member.name, id);
      member.refuseJoin(Refusal.UNKNOWN_MEMBER);
      member.refuseSync(Refusal.UNKNOWN_MEMBER);
    }
  }

  // Who speaks

  /** Why a commit of a member is refused before it is proposed; null: it may count. */
  @Nullable Refusal commitRefusal(Speaker who) {
    if (members.isEmpty()) {
      return Refusal.UNKNOWN_MEMBER;
    }
    Refusal refusal = refusal(who);
    if (refusal == null) {
      session(who.memberId()).touch(now(), ground.clock().wallMs());
    }
    return refusal != null ? refusal : state == COMPLETING ? Refusal.REBALANCING : null;
  }

  private @Nullable Refusal refusal(Speaker who) {
    Refusal refusal = refusal(who.memberId(), who.name());
    if (refusal != null) {
      return refusal;
    }
    return who.generation() == generation && !session(who.memberId()).fresh
        ? null
        : Refusal.ILLEGAL_GENERATION;
  }

  private @Nullable Refusal refusal(String memberId, String memberName) {
    if (!memberName.isEmpty()) {
      String id = statics.get(memberName);
      if (id == null) {
        return Refusal.UNKNOWN_MEMBER;
      }
      return id.equals(memberId) ? null : Refusal.FENCED_INSTANCE;
    }
    return members.containsKey(memberId) ? null : Refusal.UNKNOWN_MEMBER;
  }

  private ClassicSession session(String id) {
    ClassicSession found = members.get(id);
    if (found == null) {
      throw new IllegalStateException("group " + name + " has no member " + id);
    }
    return found;
  }

  // Time

  /** Does what is due, and says when the next is. */
  void onTime(long now) {
    if (!proposing) {
      pending.values().removeIf(until -> until <= now);
      expire(now);
    }
    if (!proposing && state == PREPARING) {
      onJoinTime(now);
    }
    if (!proposing && syncsUntil <= now) {
      syncsUntil = NEVER;
      List<String> late = List.copyOf(unsynced);
      unsynced.clear();
      end(
          late,
          new MemberEnd(MemberEnd.Kind.EXPIRED, "it did not fetch its assignment in time"),
          () -> {});
    }
    tryComplete();
    ground.wake(this, due());
  }

  private void expire(long now) {
    List<String> silent = new ArrayList<>();
    for (ClassicSession member : members.values()) {
      if (member.expired(now)) {
        silent.add(member.id);
      }
    }
    if (!silent.isEmpty()) {
      end(silent, new MemberEnd(MemberEnd.Kind.EXPIRED, "it has been silent too long"), () -> {});
    }
  }

  private void onJoinTime(long now) {
    if (firstJoinsUntil <= now && newcomers && now < joinsUntil) {
      newcomers = false;
      firstJoinsUntil = Math.min(joinsUntil, now + FIRST_JOIN_NANOS);
    } else if (firstJoinsUntil <= now || joinsUntil <= now) {
      complete();
    }
  }

  private long due() {
    if (proposing || over) {
      return NEVER; // its end wakes
    }
    long due = Math.min(syncsUntil, Math.min(joinsUntil, firstJoinsUntil));
    for (long until : pending.values()) {
      due = Math.min(due, until);
    }
    for (ClassicSession member : members.values()) {
      if (member.fresh || (!member.joining() && !member.syncing())) {
        due = Math.min(due, member.expiresAt);
      }
    }
    return due;
  }

  // Proposals

  private void propose(GroupCommand command, Runnable done) {
    proposing = true;
    ground.propose(command, end -> proposed(end, done));
  }

  private void proposed(End end, Runnable done) {
    if (over) {
      return;
    }
    proposing = false;
    if (end instanceof End.Answered answered && answered.answer() instanceof GroupAnswer.Done) {
      GroupImage image = ground.image(name);
      generation = image == null ? 0 : image.generation();
      done.run();
      while (!proposing && !over && !waiting.isEmpty()) {
        waiting.remove().run();
      }
      ground.wake(this, now());
    } else {
      fail(refusal(end));
    }
  }

  private static Refusal refusal(End end) {
    if (end instanceof End.Answered answered
        && answered.answer() instanceof GroupAnswer.Rejected rejected) {
      ErrorReason reason = rejected.error().reason();
      if (reason == ErrorReason.GROUP_PROTOCOL_MISMATCH) {
        return Refusal.OTHER_PROTOCOL;
      } else if (reason == ErrorReason.BUSY) {
        return Refusal.GROUP_FULL;
      } else if (reason == ErrorReason.INVALID_FIELD) {
        return Refusal.INVALID;
      }
    }
    return Refusal.NOT_COORDINATOR;
  }

  /** Whoever waits is refused; what comes next finds the group as the state has it. */
  void fail(Refusal why) {
    if (over) {
      return;
    }
    over = true;
    ground.forget(this);
    for (ClassicSession member : List.copyOf(members.values())) {
      ground.hold(-1, -member.held());
      member.refuseJoin(why);
      member.refuseSync(why);
    }
    List<Runnable> rest = new ArrayList<>(waiting);
    waiting.clear();
    rest.forEach(Runnable::run);
  }

  @Override
  public String toString() {
    Map<String, Boolean> who = new TreeMap<>();
    members.forEach((id, member) -> who.put(id, member.joining()));
    return name + " " + state + " generation " + generation + " " + who;
  }
}
