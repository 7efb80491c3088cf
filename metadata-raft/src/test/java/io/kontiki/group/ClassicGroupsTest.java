package io.kontiki.group;

import static io.kontiki.group.Shard.G;
import static io.kontiki.group.Shard.assertRefused;
import static io.kontiki.group.Shard.assertStored;
import static io.kontiki.group.Shard.details;
import static io.kontiki.group.Shard.p;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupCommand.CompleteJoin;
import io.kontiki.group.GroupCommand.DeleteGroup;
import io.kontiki.group.GroupCommand.DeleteOffsets;
import io.kontiki.group.GroupCommand.EndClassic;
import io.kontiki.group.GroupCommand.JoinGroup;
import io.kontiki.group.GroupCommand.ReplaceClassic;
import io.kontiki.group.GroupCommand.ResetOffsets;
import io.kontiki.group.GroupCommand.SyncClassic;
import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.codec.GroupsImageCodec;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Groups of Kafka's classic protocol in the machine: G11, G12. */
class ClassicGroupsTest {
  private final Shard shard = new Shard().withTopic("t", 4);

  private static ClassicMember member(String id, String name) {
    return new ClassicMember(
        id,
        name,
        "client",
        "host",
        10_000,
        60_000,
        List.of("t"),
        Opaque.of(new byte[] {1, 2}),
        Opaque.EMPTY,
        new TreeSet<>());
  }

  private static CompleteJoin complete(int generation, String... ids) {
    return new CompleteJoin(
        1,
        G,
        generation,
        "consumer",
        "range",
        ids[0],
        Arrays.stream(ids).map(id -> member(id, id.startsWith("s") ? "name-" + id : "")).toList());
  }

  private static SyncClassic sync(int generation, String... ids) {
    TreeMap<String, ClassicMember.Assigned> assigned = new TreeMap<>();
    for (int i = 0; i < ids.length; i++) {
      assigned.put(
          ids[i],
          new ClassicMember.Assigned(
              Opaque.of(new byte[] {(byte) i}), new TreeSet<>(Set.of(p("t", i)))));
    }
    return new SyncClassic(1, G, generation, assigned);
  }

  private static EndClassic leave(int generation, String... ids) {
    return new EndClassic(
        1, G, generation, Arrays.asList(ids), new MemberEnd(MemberEnd.Kind.LEFT, ""));
  }

  private void stable(String... ids) {
    int generation = shard.machine.group(G) == null ? 0 : shard.group().generation();
    assertEquals(new Done(), shard.apply(complete(generation, ids)));
    assertEquals(new Done(), shard.apply(sync(generation + 1, ids)));
  }

  @Test
  void aCompletedJoinBeginsAGenerationInWhichItsLeaderAssignsOnce() {
    assertEquals(new Done(), shard.apply(complete(0, "a", "b")));
    assertEquals(1, shard.group().generation());
    assertEquals(Phase.REBALANCING, shard.group().phase());
    assertEquals(Kind.CLASSIC, shard.group().kind());
    assertEquals(new Done(), shard.apply(sync(1, "a", "b")));
    assertEquals(Phase.STABLE, shard.group().phase());
    assertRefused(ErrorReason.GENERATION_FENCED, shard.apply(sync(1, "b", "a")));
    assertEquals(Set.of(p("t", 1)), shard.group().state().members().get("b").owned().keySet());
    assertEquals("range", shard.group().state().assignor());
    // Two coordinators never give one generation to two joins.
    assertRefused(ErrorReason.GENERATION_FENCED, shard.apply(complete(0, "c")));
    assertEquals(new Done(), shard.apply(complete(1, "b", "c")));
    assertEquals(2, shard.group().generation());
    assertEquals(MemberEnd.Kind.EXPIRED, shard.changes.get(0).ended().get("a").kind());
    assertEquals(Opaque.EMPTY, shard.group().classic().members().get("b").assignment());
  }

  @Test
  void aCommitCountsInItsGenerationAloneG12() {
    stable("a", "b");
    assertStored(5, p("t", 0), shard.commit("a", 1, p("t", 0), 5));
    assertRefused(ErrorReason.MEMBER_FENCED, shard.commit("nobody", 1, p("t", 0), 6));
    assertRefused(ErrorReason.GENERATION_FENCED, shard.commit("a", 0, p("t", 0), 6));
    assertRefused(ErrorReason.GROUP_ACTIVE, shard.commit("", 0, p("t", 0), 6));
    shard.apply(complete(1, "a", "b"));
    assertRefused(ErrorReason.GENERATION_FENCED, shard.commit("a", 1, p("t", 0), 6));
    assertRefused(ErrorReason.GENERATION_FENCED, shard.commit("a", 2, p("t", 0), 6));
    shard.apply(sync(2, "a", "b"));
    assertStored(6, p("t", 0), shard.commit("a", 2, p("t", 0), 6));
    shard.forget("t");
    assertRefused(ErrorReason.TOPIC_NOT_FOUND, p("t", 0), shard.commit("a", 2, p("t", 0), 7));
    assertNull(shard.offset(p("t", 0)));
  }

  @Test
  void aGroupIsOfOneKindWhileItHasMembersG11() {
    stable("a");
    JoinGroup stream =
        new JoinGroup(1, G, "m", "", "", details(Assignor.STICKY, "t"), shard.seen());
    assertRefused(ErrorReason.GROUP_PROTOCOL_MISMATCH, shard.apply(stream));
    shard.commit("a", 1, p("t", 0), 5);
    assertEquals(new Done(), shard.apply(leave(1, "a")));
    assertEquals(Kind.NONE, shard.group().kind());
    assertEquals(2, shard.group().generation());
    assertTrue(shard.apply(stream) instanceof GroupAnswer.Joined);
    assertEquals(5, shard.offset(p("t", 0)).offset());
    assertRefused(
        ErrorReason.GROUP_PROTOCOL_MISMATCH,
        shard.apply(complete(shard.group().generation(), "b")));
    shard.leave("m");
    assertEquals(new Done(), shard.apply(complete(shard.group().generation(), "b")));
  }

  @Test
  void aStaticMemberThatStartsAnewKeepsItsPlaceAndItsLeadership() {
    stable("s1", "s2");
    ClassicMember again = member("s1-again", "name-s1");
    assertEquals(new Done(), shard.apply(new ReplaceClassic(1, G, 1, "s1", again)));
    ClassicState now = shard.group().classic();
    assertEquals("s1-again", now.leader());
    assertEquals(1, shard.group().generation());
    assertEquals(Set.of(p("t", 0)), now.members().get("s1-again").owned());
    assertRefused(ErrorReason.MEMBER_FENCED, shard.commit("s1", 1, p("t", 0), 5));
    assertStored(5, p("t", 0), shard.commit("s1-again", 1, p("t", 0), 5));
    assertRefused(ErrorReason.MEMBER_FENCED, shard.apply(new ReplaceClassic(1, G, 1, "s1", again)));
  }

  @Test
  void administrationKnowsBothKinds() {
    stable("a");
    shard.commit("a", 1, p("t", 0), 5);
    assertRefused(ErrorReason.GROUP_ACTIVE, shard.apply(new DeleteGroup(1, G)));
    assertRefused(
        ErrorReason.GROUP_ACTIVE,
        shard.apply(new ResetOffsets(1, G, List.of(new OffsetCommit(p("t", 0), 1, -1, "", true)))));
    assertRefused(
        ErrorReason.GROUP_ACTIVE,
        shard.apply(new DeleteOffsets(1, G, List.of(p("t", 0)), List.of("t"))));
    assertEquals(
        new Done(), shard.apply(new DeleteOffsets(1, G, List.of(p("u", 0)), List.of("u"))));
    shard.apply(leave(1, "a"));
    assertEquals(new Done(), shard.apply(new DeleteGroup(1, G)));
    assertNull(shard.machine.group(G));
  }

  @Test
  void whatClientsMakeAGroupKeepIsBoundedM19() {
    ClassicMember big =
        new ClassicMember(
            "big",
            "",
            "c",
            "h",
            1,
            1,
            List.of(),
            Opaque.of(new byte[GroupLimits.CLASSIC_BYTES_PER_GROUP + 1]),
            Opaque.EMPTY,
            new TreeSet<>());
    assertRefused(
        ErrorReason.BUSY,
        shard.apply(new CompleteJoin(1, G, 0, "consumer", "range", "big", List.of(big))));
    assertNull(shard.machine.group(G), "nothing is left of it");
    assertRefused(
        ErrorReason.INVALID_FIELD,
        shard.apply(
            new CompleteJoin(1, G, 0, "consumer", "range", "nobody", List.of(member("a", "")))));
  }

  @Test
  void commandsAndSnapshotsAreReadAsTheyWereWritten() throws IOException {
    List<GroupCommand> all =
        List.of(
            complete(0, "s1", "b"),
            sync(1, "s1", "b"),
            new ReplaceClassic(1, G, 1, "s1", member("s2", "name-s1")),
            new EndClassic(1, G, 1, List.of("b"), new MemberEnd(MemberEnd.Kind.EXPIRED, "silent")),
            new DeleteOffsets(1, G, List.of(p("t", 1)), List.of("t")));
    assertEquals(all, GroupCommandCodec.decode(1, GroupCommandCodec.encode(all)));
    GroupMachine machine = new GroupMachine();
    machine.apply(all);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    GroupsImageCodec.write(new GroupsImageCodec.Snapshot(7, machine.image()), out);
    GroupsImageCodec.Snapshot read =
        GroupsImageCodec.read(new ByteArrayInputStream(out.toByteArray()));
    assertEquals(
        machine.image().groups().get(0).classic(), read.groups().groups().get(0).classic());
    assertEquals("s2", read.groups().groups().get(0).classic().leader());
  }

  /** Commands of all kinds in any order, good ones and late ones. */
  @Test
  void whateverComesKindsStayApartAndGenerationsGrow() {
    for (int seed = 0; seed < 300; seed++) {
      try {
        play(new Random(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static void play(Random random) {
    Shard shard = new Shard().withTopic("t", 4);
    GroupMachine together = new GroupMachine();
    List<GroupCommand> batch = new ArrayList<>();
    for (int step = 0; step < 60; step++) {
      GroupImage was = shard.machine.group(G);
      GroupCommand command = next(random, shard, was, step);
      GroupAnswer answer = shard.apply(command);
      batch.add(command);
      check(was, shard.machine.group(G), command, answer);
      if (random.nextInt(5) == 0) {
        together.apply(batch);
        batch = new ArrayList<>();
        assertEquals(
            GroupsImageCodec.digest(shard.machine.image()),
            GroupsImageCodec.digest(together.image()),
            "in one entry or in several");
      }
    }
  }

  private static GroupCommand next(Random random, Shard shard, GroupImage was, int step) {
    int generation = was == null ? 0 : was.generation() - (random.nextInt(5) == 0 ? 1 : 0);
    List<String> ids = new ArrayList<>();
    if (was != null) {
      ids.addAll(was.classic().members().keySet());
      ids.addAll(was.members().keySet());
    }
    String one = ids.isEmpty() ? "nobody" : ids.get(random.nextInt(ids.size()));
    PartitionId partition = p("t", random.nextInt(4));
    return switch (random.nextInt(9)) {
      case 0, 1 -> {
        TreeSet<String> joining = new TreeSet<>(Set.of("m" + random.nextInt(6)));
        joining.add("s" + random.nextInt(3));
        yield complete(generation, joining.toArray(String[]::new));
      }
      case 2, 3 -> sync(generation, one);
      case 4 -> leave(generation, one);
      case 5 ->
          new JoinGroup(1, G, "new" + step, "", "", details(Assignor.STICKY, "t"), shard.seen());
      case 6 -> new GroupCommand.LeaveGroup(1, G, one, generation);
      case 7 ->
          new ReplaceClassic(1, G, generation, one, member("s" + random.nextInt(9), "name-s1"));
      default ->
          new GroupCommand.CommitOffsets(
              step,
              G,
              random.nextInt(4) == 0 ? "" : one,
              generation,
              List.of(new OffsetCommit(partition, random.nextInt(50), 1, "", true)),
              true);
    };
  }

  private static void check(
      GroupImage was, GroupImage now, GroupCommand command, GroupAnswer answer) {
    boolean refused = answer instanceof GroupAnswer.Rejected;
    if (now != null) {
      assertTrue(now.members().isEmpty() || now.classic().members().isEmpty(), "G11");
      assertTrue(now.memberCount() > 0 || now.offsets().size() > 0, "M19");
      assertTrue(
          now.classic().members().isEmpty()
              || now.classic().members().containsKey(now.classic().leader())
              || refused
              || !(command instanceof CompleteJoin),
          "a join has a leader");
    }
    if (was != null && now != null) {
      assertTrue(now.generation() >= was.generation(), "generations grow");
      if (command instanceof CompleteJoin && !refused) {
        assertEquals(was.generation() + 1, now.generation());
      }
      if (refused) {
        assertEquals(was.classic(), now.classic(), "what is refused changes nothing");
      }
    }
    if (command instanceof GroupCommand.CommitOffsets commit
        && was != null
        && was.kind() == Kind.CLASSIC) {
      boolean counts =
          was.classic().members().containsKey(commit.memberId())
              && was.classic().assigned()
              && commit.memberEpoch() == was.generation();
      assertEquals(counts, !refused, "G12: " + commit + " " + answer);
    }
  }
}
