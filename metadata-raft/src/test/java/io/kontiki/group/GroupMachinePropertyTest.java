package io.kontiki.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.group.GroupAnswer.Committed;
import io.kontiki.group.GroupAnswer.Rejected;
import io.kontiki.group.GroupCommand.CommitOffsets;
import io.kontiki.group.GroupCommand.DeleteGroup;
import io.kontiki.group.GroupCommand.DeleteOffsets;
import io.kontiki.group.GroupCommand.ForgetTopic;
import io.kontiki.group.GroupCommand.ReleasePartitions;
import io.kontiki.group.GroupCommand.ResetOffsets;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.group.codec.GroupAnswerCodec;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.codec.GroupsImageCodec;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Random commands, good, late and senseless ones; what must hold holds after each. */
class GroupMachinePropertyTest {
  private static final int STEPS = 250;
  private final TreeSet<String> seen = new TreeSet<>();
  private int moves;
  private int revoked;

  @Test
  void whatMustHoldHoldsAfterEveryRandomCommand() throws IOException {
    int seeds = Integer.getInteger("kontiki.seeds", 150);
    for (long seed = 0; seed < seeds; seed++) {
      try {
        run(seed);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    // A loop that never reaches a decision tests nothing.
    assertTrue(
        seen.containsAll(
            List.of(
                "Committed",
                "Done",
                "GENERATION_FENCED",
                "GROUP_ACTIVE",
                "GROUP_NOT_FOUND",
                "Joined",
                "MEMBER_FENCED",
                "NOT_ASSIGNED",
                "TOPIC_NOT_FOUND",
                "from start",
                "replaced",
                "went back")),
        seen::toString);
    assertTrue(moves > 500 && revoked > 500, moves + " moves, " + revoked + " marks");
  }

  /** One seed; for the mutation suite. */
  static void playSeed(long seed) throws IOException {
    new GroupMachinePropertyTest().run(seed);
  }

  private void run(long seed) throws IOException {
    Random random = new Random(seed);
    RandomGroupCommands commands = new RandomGroupCommands(random);
    GroupMachine machine = new GroupMachine();
    GroupMachine replica = new GroupMachine();
    List<GroupCommand> sent = new ArrayList<>();
    List<GroupCommand> batch = new ArrayList<>();
    List<GroupAnswer> expected = new ArrayList<>();
    TreeSet<TopicId> forgotten = new TreeSet<>();
    for (int step = 0; step < STEPS; step++) {
      GroupCommand command =
          !sent.isEmpty() && random.nextInt(10) == 0
              ? sent.get(random.nextInt(sent.size())) // a late copy (M2)
              : commands.next(machine);
      sent.add(command);
      if (command instanceof ForgetTopic forget) {
        forgotten.add(forget.topicId());
      }
      GroupsImage before = machine.image();
      GroupMachine.Applied applied = machine.apply(List.of(command));
      GroupAnswer answer = applied.batch().answers().get(0);
      note(answer);
      String what = "step " + step + ", " + command + " answered " + answer;
      check(before, machine, command, answer, applied, forgotten, what);

      // The same log, in other batches, through the codec, and through snapshots.
      batch.add(command);
      expected.add(answer);
      if (random.nextInt(4) == 0 || step == STEPS - 1) {
        List<GroupAnswer> answers =
            replica
                .apply(GroupCommandCodec.decode(step, GroupCommandCodec.encode(batch)))
                .batch()
                .answers();
        assertEquals(expected, answers, what);
        assertEquals(
            expected,
            GroupAnswerCodec.decode(GroupAnswerCodec.encode(new GroupAnswer.Batch(answers)))
                .answers());
        batch.clear();
        expected.clear();
        assertEquals(machine.image(), replica.image(), what);
        assertEquals(
            GroupsImageCodec.digest(machine.image()),
            GroupsImageCodec.digest(replica.image()),
            what);
        if (random.nextInt(5) == 0) {
          replica = restored(replica);
          assertEquals(machine.image(), replica.image(), what);
        }
      }
    }
    settles(machine);
  }

  private static GroupMachine restored(GroupMachine machine) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    GroupsImageCodec.write(new GroupsImageCodec.Snapshot(5, machine.image()), out);
    return new GroupMachine(
        GroupsImageCodec.read(new ByteArrayInputStream(out.toByteArray())).groups());
  }

  private void note(GroupAnswer answer) {
    seen.add(answer.getClass().getSimpleName());
    if (answer instanceof Rejected rejected) {
      seen.add(rejected.error().reason().name());
    } else if (answer instanceof Committed committed) {
      committed.refused().values().forEach(error -> seen.add(error.reason().name()));
    } else if (answer instanceof GroupAnswer.Joined joined && !joined.replaced().isEmpty()) {
      seen.add("replaced");
    }
  }

  private void check(
      GroupsImage before,
      GroupMachine machine,
      GroupCommand command,
      GroupAnswer answer,
      GroupMachine.Applied applied,
      TreeSet<TopicId> forgotten,
      String what) {
    TreeMap<String, GroupImage> old = new TreeMap<>();
    before.groups().forEach(group -> old.put(group.name(), group));
    TreeMap<String, GroupChange> changes = new TreeMap<>();
    applied.changes().forEach(change -> changes.put(change.group(), change));
    TreeSet<String> names = new TreeSet<>(old.keySet());
    machine.image().groups().forEach(group -> names.add(group.name()));
    for (String name : names) {
      GroupImage was = old.get(name);
      GroupImage now = machine.group(name);
      if (answer instanceof Rejected) {
        assertEquals(was, now, what);
      }
      GroupChange change = changes.get(name);
      assertEquals(!Objects.equals(was, now) || change != null, change != null, what);
      if (now == null) {
        assertTrue(change != null && !change.exists(), what);
        continue;
      }
      assertTrue(!now.members().isEmpty() || now.offsets().size() > 0, what + ": M19");
      owners(now, forgotten, what);
      if (was != null) {
        moves(was, now, command, change, what);
      }
      offsets(was, now, command, answer, forgotten, what);
    }
    changes.values().forEach(change -> seen.add(change.wentBack() > 0 ? "went back" : ""));
  }

  /** P9: no partition has two owners; nothing of deleted topics; nothing lies idle. */
  private void owners(GroupImage group, TreeSet<TopicId> forgotten, String what) {
    TreeMap<PartitionId, String> owners = new TreeMap<>();
    boolean revoking = false;
    for (MemberState member : group.members().values()) {
      int joined = group.joined().getOrDefault(member.id(), -1);
      assertTrue(
          joined >= 1 && joined <= member.epoch() && member.epoch() <= group.generation(), what);
      for (var entry : member.owned().entrySet()) {
        assertEquals(null, owners.put(entry.getKey(), member.id()), what + ": two owners");
        assertTrue(!forgotten.contains(entry.getKey().topicId()), what + ": G8");
        OwnedPartition owned = entry.getValue();
        assertTrue(owned.since() >= joined && owned.since() <= member.epoch(), what);
        revoking |= owned.revoking();
        if (owned.fromStart()) {
          seen.add("from start");
        }
        assertEquals(!member.id().equals(target(group, entry.getKey())), owned.revoking(), what);
      }
    }
    group
        .target()
        .forEach(
            (topic, members) -> {
              for (int p = 0; p < members.size(); p++) {
                PartitionId id = new PartitionId(topic, p);
                assertTrue(members.get(p).isEmpty() || owners.containsKey(id), what + ": idle");
              }
            });
    assertEquals(
        group.members().isEmpty() ? Phase.EMPTY : revoking ? Phase.REBALANCING : Phase.STABLE,
        group.phase(),
        what);
  }

  private static String target(GroupImage group, PartitionId partition) {
    List<String> topic = group.target().get(partition.topicId());
    return topic == null || partition.partition() >= topic.size()
        ? ""
        : topic.get(partition.partition());
  }

  /** G2: who lost a partition released it, was forced, is gone, or its topic is. */
  private void moves(
      GroupImage was,
      GroupImage now,
      GroupCommand command,
      @Nullable GroupChange change,
      String what) {
    boolean sameLife = now.generation() >= was.generation();
    assertTrue(sameLife || was.members().isEmpty() || now.members().isEmpty(), what);
    for (MemberState old : was.members().values()) {
      MemberState member = now.members().get(old.id());
      if (member == null) {
        assertTrue(change != null && change.ended().containsKey(old.id()), what);
        continue;
      }
      assertTrue(member.epoch() >= old.epoch(), what + ": epochs go back");
      boolean again = now.joined().get(old.id()) > was.joined().get(old.id());
      for (var entry : old.owned().entrySet()) {
        OwnedPartition kept = member.owned().get(entry.getKey());
        revoked += kept != null && kept.revoking() && !entry.getValue().revoking() ? 1 : 0;
        if (kept != null && kept.since() == entry.getValue().since()) {
          continue;
        }
        if (kept != null && again) {
          assertEquals(member.epoch(), kept.since(), what);
          continue;
        }
        moves++;
        boolean released =
            command instanceof ReleasePartitions release
                && release.memberId().equals(old.id())
                && release.partitions().contains(entry.getKey())
                && entry.getValue().revoking();
        boolean deleted =
            change != null
                && change.lost().getOrDefault(old.id(), new TreeMap<>()).get(entry.getKey())
                    == PartitionLoss.TOPIC_DELETED;
        assertTrue(released || deleted, what + ": " + old.id() + " lost " + entry);
        assertTrue(member.epoch() > old.epoch(), what);
      }
      if (!member.equals(old)) {
        assertTrue(change != null && change.members().contains(old.id()), what);
      }
    }
  }

  /** G4, G8, G10: offsets change by a commit that was answered so, or go with their topic. */
  private static void offsets(
      @Nullable GroupImage was,
      GroupImage now,
      GroupCommand command,
      GroupAnswer answer,
      TreeSet<TopicId> forgotten,
      String what) {
    Map<PartitionId, CommittedOffset> before =
        was == null ? new TreeMap<>() : was.offsets().toMap();
    Map<PartitionId, CommittedOffset> after = now.offsets().toMap();
    for (var entry : after.entrySet()) {
      assertTrue(!forgotten.contains(entry.getKey().topicId()), what + ": G8");
      CommittedOffset old = before.get(entry.getKey());
      if (entry.getValue().equals(old)) {
        continue;
      }
      assertTrue(
          answer instanceof Committed committed
              && entry.getValue().equals(committed.stored().get(entry.getKey())),
          what);
      if (command instanceof CommitOffsets commit && was != null) {
        boolean back =
            commit.offsets().stream()
                .anyMatch(o -> o.partition().equals(entry.getKey()) && o.back());
        assertTrue(old == null || old.offset() <= entry.getValue().offset() || back, what);
        MemberState member = was.members().get(commit.memberId());
        assertTrue(
            commit.memberId().isEmpty()
                ? was.members().isEmpty()
                : member != null
                    && member.owned().containsKey(entry.getKey())
                    && member.owned().get(entry.getKey()).since() <= commit.memberEpoch()
                    && commit.memberEpoch() <= member.epoch(),
            what + ": G4");
      } else {
        assertTrue(command instanceof CommitOffsets || command instanceof ResetOffsets, what);
      }
    }
    for (PartitionId gone : before.keySet()) {
      if (!after.containsKey(gone)) {
        assertTrue(
            command instanceof DeleteOffsets
                || command instanceof DeleteGroup
                || forgotten.contains(gone.topicId())
                || now.topics().values().stream().noneMatch(t -> t.id().equals(gone.topicId())),
            what + ": " + gone);
      }
    }
  }

  /** When everybody gives up what he should, all is where it should be, evenly. */
  private static void settles(GroupMachine machine) {
    for (GroupImage group : machine.image().groups()) {
      for (MemberState member : group.members().values()) {
        MemberState now = machine.group(group.name()).members().get(member.id());
        machine.apply(
            List.of(
                new ReleasePartitions(
                    1,
                    group.name(),
                    now.id(),
                    now.epoch(),
                    List.copyOf(now.owned().keySet()),
                    false)));
      }
      GroupImage end = machine.group(group.name());
      assertTrue(end.phase() != Phase.REBALANCING, end.toString());
      boolean same =
          end.members().values().stream()
                  .map(m -> List.of(m.details().topics(), m.details().pattern()))
                  .distinct()
                  .count()
              == 1;
      if (same && end.assignor() != Assignor.RANGE) {
        List<Integer> loads =
            end.members().values().stream().map(m -> m.owned().size()).sorted().toList();
        assertTrue(loads.get(loads.size() - 1) - loads.get(0) <= 1, end.toString());
      }
    }
  }
}
