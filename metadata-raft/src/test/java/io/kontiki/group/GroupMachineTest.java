package io.kontiki.group;

import static io.kontiki.group.Shard.G;
import static io.kontiki.group.Shard.assertRefused;
import static io.kontiki.group.Shard.assertStored;
import static io.kontiki.group.Shard.details;
import static io.kontiki.group.Shard.p;
import static io.kontiki.group.Shard.topic;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupAnswer.Joined;
import io.kontiki.group.GroupCommand.CommitOffsets;
import io.kontiki.group.GroupCommand.DeleteGroup;
import io.kontiki.group.GroupCommand.DeleteOffsets;
import io.kontiki.group.GroupCommand.ExpireMember;
import io.kontiki.group.GroupCommand.JoinGroup;
import io.kontiki.group.GroupCommand.LeaveGroup;
import io.kontiki.group.GroupCommand.ReleasePartitions;
import io.kontiki.group.GroupCommand.ResetOffsets;
import io.kontiki.group.GroupCommand.UpdateTopics;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GroupMachineTest {
  private final Shard shard = new Shard().withTopic("t", 4);

  @Test
  void theFirstMemberGetsEverythingAtOnce() {
    String a = shard.join("t");
    assertEquals(
        List.of(p("t", 0), p("t", 1), p("t", 2), p("t", 3)),
        List.copyOf(shard.member(a).owned().keySet()));
    assertEquals(1, shard.member(a).epoch());
    assertEquals(1, shard.group().generation());
    assertEquals(Phase.STABLE, shard.group().phase());
    assertEquals(List.of(a), List.copyOf(shard.changes.get(0).members()));
  }

  @Test
  void aPartitionMovesOnlyWhenItsOwnerReleasedItG2() {
    String a = shard.join("t");
    String b = shard.join("t");
    assertTrue(shard.member(b).owned().isEmpty());
    assertEquals(Phase.REBALANCING, shard.group().phase());
    assertEquals(2, shard.revoking(a).size());
    int epoch = shard.member(a).epoch();
    PartitionId moving = shard.revoking(a).get(0);

    shard.release(a, false, moving, p("t", 0));
    assertEquals(moving, shard.member(b).owned().firstKey());
    assertEquals(1, shard.member(b).owned().size());
    assertTrue(shard.member(a).owned().containsKey(p("t", 0)), "it was not asked for that one");
    assertTrue(shard.member(a).epoch() > epoch);
    assertEquals(shard.member(a).epoch(), shard.member(b).owned().get(moving).since());
    assertEquals(1, shard.member(a).owned().get(p("t", 0)).since(), "kept: never interrupted");
    assertEquals(PartitionLoss.RELEASED, shard.changes.get(0).lost().get(a).get(moving));
    shard.settle();
    assertEquals(Phase.STABLE, shard.group().phase());
  }

  @Test
  void whatIsForcedIsNamedSo() {
    String a = shard.join("t");
    shard.join("t");
    PartitionId moving = shard.revoking(a).get(0);
    shard.release(a, true, moving);
    assertEquals(PartitionLoss.TIMEOUT, shard.changes.get(0).lost().get(a).get(moving));
  }

  @Test
  void aMarkIsTakenBackWhenTheTargetChangesBack() {
    String a = shard.join("t");
    String b = shard.join("t");
    int epoch = shard.member(a).epoch();
    shard.leave(b);
    assertEquals(List.of(), shard.revoking(a));
    assertEquals(Phase.STABLE, shard.group().phase());
    assertEquals(epoch, shard.member(a).epoch());
    assertTrue(shard.member(a).owned().values().stream().allMatch(o -> o.since() == 1));
  }

  @Test
  void whatALeavingMemberHadGoesToTheOthersAtOnce() {
    String a = shard.join("t");
    String b = shard.join("t");
    shard.settle();
    assertEquals(new Done(), shard.leave(a));
    assertEquals(4, shard.member(b).owned().size());
    assertEquals(MemberEnd.Kind.LEFT, shard.changes.get(0).ended().get(a).kind());
  }

  @Test
  void anExpiryHitsOnlyTheStreamThatWasJudgedG3() {
    String a = shard.join("t");
    int judged = shard.member(a).epoch();
    shard.join(a, "", details(Assignor.STICKY, "t"), shard.seen());
    assertRefused(
        ErrorReason.GENERATION_FENCED, shard.apply(new ExpireMember(1, G, a, judged, "silent")));
    assertNotNull(shard.member(a));
    assertRefused(
        ErrorReason.GENERATION_FENCED,
        shard.apply(new ExpireMember(1, G, a, shard.member(a).epoch() + 1, "silent")));
    shard.commit(a, shard.member(a).epoch(), p("t", 0), 3);
    assertEquals(
        new Done(), shard.apply(new ExpireMember(1, G, a, shard.member(a).epoch(), "silent")));
    assertEquals(Phase.EMPTY, shard.group().phase());
    assertEquals(
        new MemberEnd(MemberEnd.Kind.EXPIRED, "silent"), shard.changes.get(0).ended().get(a));
    assertEquals(new Done(), shard.apply(new ExpireMember(1, G, a, 99, "silent")));
  }

  @Test
  void aDetachedMemberIsExpiredAlsoIfItGotMoreMeanwhile() {
    String a = shard.join("t");
    String b = shard.join("t");
    shard.settle();
    int judged = shard.member(a).epoch();
    shard.leave(b);
    assertTrue(shard.member(a).epoch() > judged);
    assertEquals(new Done(), shard.apply(new ExpireMember(1, G, a, judged, "silent")));
    assertNull(shard.machine.group(G));
  }

  @Test
  void aMemberThatIsTakenUpKeepsItsPartitionsAndTheStreamBeforeCannotCommit() {
    String a = shard.join("t");
    int before = shard.member(a).epoch();
    Joined again = shard.join(a, "", details(Assignor.STICKY, "t"), shard.seen());
    assertEquals(a, again.member().id());
    assertEquals("", again.replaced());
    assertEquals(4, again.member().owned().size());
    assertTrue(
        again.member().owned().values().stream()
            .allMatch(o -> o.since() == again.member().epoch()));
    assertRefused(ErrorReason.NOT_ASSIGNED, p("t", 0), shard.commit(a, before, p("t", 0), 5));
    assertRefused(ErrorReason.GENERATION_FENCED, shard.apply(new LeaveGroup(1, G, a, before)));
    assertRefused(
        ErrorReason.GENERATION_FENCED,
        shard.apply(new ReleasePartitions(1, G, a, before, List.of(p("t", 0)), true)));
    assertStored(5, p("t", 0), shard.commit(a, again.member().epoch(), p("t", 0), 5));
  }

  @Test
  void aStaticMemberIsReplacedUnderANewIdAndNothingMoves() {
    Joined a = shard.join("", "left", details(Assignor.RANGE, "t"), shard.seen());
    Joined b = shard.join("", "right", details(Assignor.RANGE, "t"), shard.seen());
    shard.settle();
    MemberState before = shard.member(a.member().id());
    Joined again = shard.join("", "left", details(Assignor.RANGE, "t"), shard.seen());
    assertEquals(before.id(), again.replaced());
    assertNotEquals(before.id(), again.member().id());
    assertEquals(before.owned().keySet(), again.member().owned().keySet());
    assertEquals(List.of(), shard.revoking(again.member().id()));
    assertEquals(List.of(), shard.revoking(b.member().id()));
    assertEquals(
        new MemberEnd(MemberEnd.Kind.REPLACED, again.member().id()),
        shard.changes.get(0).ended().get(before.id()));
    assertRefused(
        ErrorReason.MEMBER_FENCED,
        shard.commit(before.id(), before.epoch(), before.owned().firstKey(), 1));
  }

  @Test
  void theSameJoinOnceMoreChangesNothingM2() {
    JoinGroup join =
        new JoinGroup(1, G, "m", "", "name", details(Assignor.STICKY, "t"), shard.seen());
    GroupAnswer first = shard.apply(join);
    GroupImage before = shard.group();
    assertEquals(first, shard.apply(join));
    assertEquals(before, shard.group());
    assertEquals(List.of(), shard.changes);
  }

  @Test
  void anUnknownMemberIdJoinsAnew() {
    Joined joined = shard.join("gone", "", details(Assignor.STICKY, "t"), shard.seen());
    assertNotEquals("gone", joined.member().id());
    assertEquals("", joined.replaced());
  }

  @Test
  void aMemberThatOnlyGotMoreCommitsOnWithItsOldEpochG4() {
    String a = shard.join("t");
    String b = shard.join("t");
    shard.settle();
    int epoch = shard.member(a).epoch();
    PartitionId kept = shard.member(a).owned().firstKey();
    TreeSet<PartitionId> had = new TreeSet<>(shard.member(a).owned().keySet());
    shard.leave(b);
    assertStored(7, kept, shard.commit(a, epoch, kept, 7));
    PartitionId more =
        shard.member(a).owned().keySet().stream().filter(x -> !had.contains(x)).findFirst().get();
    assertRefused(ErrorReason.NOT_ASSIGNED, more, shard.commit(a, epoch, more, 7));
  }

  @Test
  void whoLostAPartitionAndGotItBackDoesNotCommitForTheTimeBeforeG4() {
    String a = shard.join("t");
    String b = shard.join("t");
    PartitionId moving = shard.revoking(a).get(0);
    int before = shard.member(a).epoch();
    shard.settle();
    shard.leave(b);
    assertTrue(shard.member(a).owned().containsKey(moving));
    assertRefused(ErrorReason.NOT_ASSIGNED, moving, shard.commit(a, before, moving, 7));
    assertStored(8, moving, shard.commit(a, shard.member(a).epoch(), moving, 8));
  }

  @Test
  void aLateReleaseDoesNotHitAPartitionThatCameBackMeanwhileG2() {
    String a = shard.join("t");
    String b = shard.join("t");
    PartitionId moving = shard.revoking(a).get(0);
    ReleasePartitions release =
        new ReleasePartitions(1, G, a, shard.member(a).epoch(), List.of(moving), false);
    shard.apply(release);
    shard.leave(b);
    shard.join("t");
    shard.join("t");
    shard.join("t");
    assertTrue(shard.revoking(a).contains(moving), shard.group()::toString);
    shard.apply(release);
    assertTrue(shard.member(a).owned().containsKey(moving));
  }

  @Test
  void aCommitOfAllIsRefusedWholeAndNamesTheGeneration() {
    String a = shard.join("t");
    GroupAnswer answer =
        shard.apply(
            new CommitOffsets(
                1,
                G,
                a,
                shard.member(a).epoch(),
                List.of(
                    new OffsetCommit(p("t", 0), 1, -1, "", false),
                    new OffsetCommit(p("t", 9), 1, -1, "", false)),
                true));
    assertRefused(ErrorReason.GENERATION_FENCED, answer);
    assertNull(shard.offset(p("t", 0)));
    assertRefused(
        ErrorReason.GENERATION_FENCED, shard.commit(a, shard.member(a).epoch() + 1, p("t", 0), 1));
  }

  @Test
  void aLowerOffsetChangesNothingUnlessTheMemberWentBackOnPurposeG10() {
    String a = shard.join("t");
    int epoch = shard.member(a).epoch();
    shard.commit(a, epoch, p("t", 0), 10);
    assertStored(10, p("t", 0), shard.commit(a, epoch, p("t", 0), 4));
    assertEquals(0, wentBack());
    GroupAnswer back =
        shard.apply(
            new CommitOffsets(
                1, G, a, epoch, List.of(new OffsetCommit(p("t", 0), 4, -1, "", true)), false));
    assertStored(4, p("t", 0), back);
    assertEquals(1, wentBack());
  }

  private int wentBack() {
    return shard.changes.stream().mapToInt(GroupChange::wentBack).sum();
  }

  @Test
  void outsidersCommitOnlyForGroupsWithoutMembers() {
    assertStored(5, p("t", 0), shard.commit("", 0, p("t", 0), 5));
    assertEquals(Phase.EMPTY, shard.group().phase());
    shard.join("t");
    assertRefused(ErrorReason.GROUP_ACTIVE, shard.commit("", 0, p("t", 0), 6));
    assertRefused(
        ErrorReason.GROUP_ACTIVE,
        shard.apply(new ResetOffsets(1, G, List.of(new OffsetCommit(p("t", 0), 1, -1, "", true)))));
    assertRefused(ErrorReason.MEMBER_FENCED, shard.commit("nobody", 1, p("t", 0), 6));
    assertEquals(5, shard.offset(p("t", 0)).offset());
  }

  @Test
  void aDeletedTopicGoesFromMembersOffsetsAndEveryLateCommandG8() {
    shard.withTopic("u", 2);
    String a = shard.join("t", "u");
    int epoch = shard.member(a).epoch();
    shard.commit(a, epoch, p("t", 0), 3);
    TopicsSeen old = shard.seen();
    shard.deleteTopic("t");
    shard.forget("t");
    assertEquals(List.of(p("u", 0), p("u", 1)), List.copyOf(shard.member(a).owned().keySet()));
    assertEquals(PartitionLoss.TOPIC_DELETED, shard.changes.get(0).lost().get(a).get(p("t", 0)));
    assertNull(shard.offset(p("t", 0)));
    assertFalse(shard.group().topics().containsKey("t"));
    // what comes late
    assertRefused(ErrorReason.TOPIC_NOT_FOUND, p("t", 0), shard.commit(a, epoch, p("t", 0), 4));
    shard.apply(new UpdateTopics(1, G, new TopicsSeen(99, old.topics(), old.matches())));
    assertFalse(shard.group().topics().containsKey("t"));
    shard.leave(a);
    assertRefused(ErrorReason.TOPIC_NOT_FOUND, p("t", 0), shard.commit("", 0, p("t", 0), 4));
    assertNull(shard.machine.group(G));
  }

  @Test
  void whatIsMissingInAnImageHasNotBeenDeletedG8() {
    String a = shard.join("t");
    shard.deleteTopic("t");
    shard.update();
    assertEquals(4, shard.member(a).owned().size());
    assertEquals(List.of(), shard.revoking(a));
  }

  @Test
  void aNameThatBelongsToAnotherTopicIsAnotherTopic() {
    String a = shard.join("t");
    shard.commit(a, 1, p("t", 0), 3);
    shard.remake("t", 2);
    shard.update();
    TopicId second = new TopicId("t".hashCode(), 2);
    assertEquals(
        List.of(new PartitionId(second, 0), new PartitionId(second, 1)),
        List.copyOf(shard.member(a).owned().keySet()));
    assertTrue(shard.member(a).owned().values().stream().allMatch(OwnedPartition::fromStart));
    assertEquals(0, shard.group().offsets().size());
  }

  @Test
  void anOlderImageIsIgnoredG7() {
    String a = shard.join("t");
    TopicsSeen old = shard.seen();
    shard.withTopic("t", 6);
    shard.update();
    assertEquals(6, shard.member(a).owned().size());
    shard.apply(new UpdateTopics(1, G, old));
    assertEquals(6, shard.member(a).owned().size());
    assertEquals(shard.seen().metadataIndex(), shard.group().metadataIndex());
  }

  @Test
  void aJoinWithAnOlderImageGetsItsTopicsLaterAndMayStartWhereItLikes() {
    shard.withTopic("u", 1).withTopic("u", 1);
    String a = shard.join("t");
    Joined b = shard.join("", "", details(Assignor.STICKY, "u"), shard.seen(1));
    assertTrue(b.member().owned().isEmpty());
    shard.update();
    assertEquals(List.of(p("u", 0)), List.copyOf(shard.member(b.member().id()).owned().keySet()));
    assertFalse(shard.member(b.member().id()).owned().get(p("u", 0)).fromStart());
    assertEquals(4, shard.member(a).owned().size());
  }

  @Test
  void partitionsThatAppearLaterStartAtTheirBeginningG9() {
    String a = shard.join("", "", Shard.pattern("t.*"), shard.seen()).member().id();
    assertFalse(shard.member(a).owned().get(p("t", 3)).fromStart());
    shard.withTopic("t", 5).withTopic("t2", 1);
    shard.update();
    assertTrue(shard.member(a).owned().get(p("t", 4)).fromStart());
    assertTrue(shard.member(a).owned().get(p("t2", 0)).fromStart());
    assertFalse(shard.member(a).owned().get(p("t", 3)).fromStart());
    // also with another owner, and after the group was without members
    shard.commit(a, shard.member(a).epoch(), p("t", 0), 1);
    shard.leave(a);
    shard.withTopic("t", 6);
    String b = shard.join("t");
    assertTrue(shard.member(b).owned().get(p("t", 4)).fromStart());
    assertTrue(shard.member(b).owned().get(p("t", 5)).fromStart());
    assertFalse(shard.member(b).owned().get(p("t", 3)).fromStart());
  }

  @Test
  void aTopicThatComesWithANewMemberStartsWhereThatOneLikes() {
    shard.withTopic("u", 1);
    shard.join("t");
    String b = shard.join("u");
    assertFalse(shard.member(b).owned().get(p("u", 0)).fromStart());
  }

  @Test
  void whoDoesNotWantATopicAnyMoreGivesItUpInOrder() {
    shard.withTopic("u", 1);
    String a = shard.join("t");
    shard.join(a, "", details(Assignor.STICKY, "u"), shard.seen());
    assertEquals(4, shard.revoking(a).size());
    assertTrue(shard.member(a).owned().containsKey(p("u", 0)));
    shard.settle();
    assertEquals(List.of(p("u", 0)), List.copyOf(shard.member(a).owned().keySet()));
    assertEquals(Phase.STABLE, shard.group().phase());
    shard.update();
    assertEquals(List.of("u"), List.copyOf(shard.group().topics().keySet()));
  }

  @Test
  void offsetsOfTopicsInUseAreNotDeleted() {
    shard.withTopic("u", 1);
    shard.commit("", 0, p("u", 0), 1);
    String a = shard.join("t");
    shard.commit(a, 1, p("t", 0), 1);
    assertRefused(
        ErrorReason.GROUP_ACTIVE,
        shard.apply(new DeleteOffsets(1, G, List.of(p("t", 0)), List.of("t"))));
    assertEquals(
        new Done(), shard.apply(new DeleteOffsets(1, G, List.of(p("u", 0)), List.of("u"))));
    assertNull(shard.offset(p("u", 0)));
    assertRefused(
        ErrorReason.GROUP_NOT_FOUND,
        shard.apply(new DeleteOffsets(1, "other", List.of(p("t", 0)), List.of("t"))));
  }

  @Test
  void aGroupEndsWithItsLastMemberAndOffsetM19() {
    String a = shard.join("t");
    shard.commit(a, 1, p("t", 0), 1);
    assertRefused(ErrorReason.GROUP_ACTIVE, shard.apply(new DeleteGroup(1, G)));
    shard.leave(a);
    assertEquals(Phase.EMPTY, shard.group().phase());
    assertEquals(List.of("t"), List.copyOf(shard.group().topics().keySet()));
    assertEquals(new Done(), shard.apply(new DeleteGroup(1, G)));
    assertNull(shard.machine.group(G));
    assertFalse(shard.changes.get(0).exists());
    assertRefused(ErrorReason.GROUP_NOT_FOUND, shard.apply(new DeleteGroup(1, G)));
    String b = shard.join("t");
    shard.leave(b);
    assertNull(shard.machine.group(G), "no offsets, no members: gone");
    shard.apply(new ResetOffsets(1, G, List.of(new OffsetCommit(p("t", 0), 1, -1, "", true))));
    shard.apply(new DeleteOffsets(1, G, List.of(p("t", 0)), List.of("t")));
    assertNull(shard.machine.group(G));
  }

  @Test
  void whatGrowsIsRefusedAtItsLimitM19() {
    assertRefused(
        ErrorReason.INVALID_FIELD,
        shard.apply(
            new CommitOffsets(
                1,
                G,
                "",
                0,
                List.of(
                    new OffsetCommit(
                        p("t", 0), 1, -1, "x".repeat(GroupLimits.METADATA_CHARS + 1), false)),
                false)));
    assertRefused(ErrorReason.INVALID_FIELD, shard.commit("", 0, p("t", 0), -1));
    assertRefused(
        ErrorReason.INVALID_FIELD,
        shard.commit("", 0, p("t", GroupLimits.PARTITIONS_PER_TOPIC), 1));
    assertRefused(
        ErrorReason.BUSY,
        shard.apply(
            new JoinGroup(
                1,
                G,
                "m",
                "",
                "",
                details(Assignor.STICKY, "t"),
                new TopicsSeen(
                    9,
                    List.of(new KnownTopic(topic("t"), "t", GroupLimits.PARTITIONS_PER_GROUP + 1)),
                    new TreeMap<>()))));
    assertRefused(
        ErrorReason.INVALID_FIELD,
        shard.apply(
            new JoinGroup(
                1,
                "x".repeat(GroupLimits.NAME_CHARS + 1),
                "m",
                "",
                "",
                details(Assignor.STICKY, "t"),
                shard.seen())));
    assertNull(shard.machine.group(G));
    assertEquals(List.of(), shard.machine.image().groups());
  }

  @Test
  void moreMembersThanTheLimitAreRefusedM19() {
    TreeMap<String, MemberState> members = new TreeMap<>();
    TreeMap<String, Integer> joined = new TreeMap<>();
    for (int i = 0; i < GroupLimits.MEMBERS_PER_GROUP; i++) {
      members.put(
          "m" + i, new MemberState("m" + i, "", 1, details(Assignor.STICKY, "t"), new TreeMap<>()));
      joined.put("m" + i, 1);
    }
    GroupImage full =
        new GroupImage(
            G,
            1,
            Assignor.STICKY,
            1,
            members,
            joined,
            new TreeSet<>(),
            new TreeMap<>(),
            new TreeMap<>(),
            new TreeMap<>(),
            new TreeMap<>(),
            OffsetTable.EMPTY,
            ClassicState.NONE);
    GroupMachine machine = new GroupMachine(new GroupsImage(List.of(full), List.of()));
    JoinGroup join =
        new JoinGroup(1, G, "new", "", "", details(Assignor.STICKY, "t"), shard.seen());
    assertRefused(ErrorReason.BUSY, machine.apply(List.of(join)).batch().answers().get(0));
    machine.apply(List.of(new LeaveGroup(1, G, "m0", 1)));
    assertTrue(machine.apply(List.of(join)).batch().answers().get(0) instanceof Joined);
  }

  @Test
  void theAssignorIsTheOneThatMostMembersAskFor() {
    shard.join("", "", details(Assignor.RANGE, "t"), shard.seen());
    assertEquals(Assignor.RANGE, shard.group().assignor());
    shard.join("", "", details(Assignor.UNIFORM, "t"), shard.seen());
    assertEquals(Assignor.UNIFORM, shard.group().assignor());
    shard.join("", "", details(Assignor.RANGE, "t"), shard.seen());
    assertEquals(Assignor.RANGE, shard.group().assignor());
  }

  @Test
  void aGroupThatEndsAndComesBackWithinAnEntryIsANewOne() {
    String a = shard.join("t");
    GroupMachine.Applied applied =
        shard.machine.apply(
            List.of(
                new LeaveGroup(1, G, a, 1),
                new DeleteGroup(1, G),
                new JoinGroup(1, G, "new", "", "", details(Assignor.STICKY, "t"), shard.seen())));
    assertRefused(ErrorReason.GROUP_NOT_FOUND, applied.batch().answers().get(1));
    assertEquals(1, shard.group().generation());
    assertEquals(List.of("new"), List.copyOf(applied.changes().get(0).members()));
    assertTrue(applied.changes().get(0).ended().containsKey(a));
  }
}
