package io.kontiki.broker.coordinator;

import static io.kontiki.broker.coordinator.TestShard.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.coordinator.TestShard.Member;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.broker.group.MemberListener.Gone;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.OwnedPartition;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Coordinators, links and brokers together, on virtual time and a Raft in memory. */
class CoordinatorTest {
  private final TestShard shard = new TestShard();
  private final TopicId orders = shard.metadata.topic("orders", 4, Map.of());
  private final PartitionId first = new PartitionId(orders, 0);

  @Test
  void aCommitThroughOneBrokerIsReadThroughAnother() {
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    assertEquals(4, member.owned());
    member.commit(first, 12);
    shard.await("the commit", () -> !member.answers.isEmpty());
    assertTrue(
        ok(member.answers.get(0)) instanceof GroupAnswer.Committed done
            && done.stored().get(first).offset() == 12);
    assertEquals(12, shard.offsets(3, first).get(first).offset());
  }

  @Test
  void whoLedOnceDoesNotAnswerWhatIsCommitted() {
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    member.commit(first, 5);
    shard.await("the first commit", () -> member.answers.size() == 1);
    shard.raft.isolate(1); // it believes that it leads
    shard.raft.elect(2);
    member.commit(first, 9);
    shard.await("the second commit", () -> member.answers.size() == 2);
    List<Result<SortedMap<PartitionId, CommittedOffset>>> answers = new ArrayList<>();
    shard
        .node(1)
        .groups
        .offsets(shard.call(), TestShard.GROUP, new TreeSet<>(List.of(first)), answers::add);
    shard.time.advanceMs(1_000);
    assertEquals(List.of(), answers);
    shard.raft.heal(1);
    shard.await("the answer of who leads", () -> !answers.isEmpty());
    assertEquals(9, TestShard.ok(answers.get(0)).get(first).offset());
  }

  @Test
  void whatOneTurnBringsGoesIntoOneEntry() {
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    shard.time.advanceMs(500);
    int before = shard.entries;
    for (int i = 1; i <= 50; i++) {
      member.commit(first, i);
    }
    shard.await("the commits", () -> member.answers.size() == 50);
    // The first call goes out alone, what comes while it is under way follows together.
    assertTrue(shard.entries - before <= 2, "entries " + (shard.entries - before));
    assertEquals(50, shard.offsets(1, first).get(first).offset());
    shard.time.advanceMs(5_000);
    int idle = shard.entries;
    shard.time.advanceMs(20_000);
    assertEquals(idle, shard.entries, "heartbeats never become entries");
  }

  @Test
  void aMemberWhoseStreamBrokeHasItsSessionAndNoMore() {
    Member stays = shard.node(1).join("", "", 5_000, "orders").joined();
    Member goes = shard.node(2).join("", "", 5_000, "orders").joined();
    shard.await("both have their share", () -> stays.owned() == 2 && goes.owned() == 2);
    goes.membership.abandon();
    shard.time.advanceMs(4_900);
    assertEquals(2, stays.owned());
    shard.time.advanceMs(300);
    assertEquals(4, stays.owned());
    assertNull(goes.ended, "it hears nothing more");
  }

  @Test
  void whoComesBackInItsSessionGoesOn() {
    Member before = shard.node(1).join("", "", 5_000, "orders").joined();
    before.membership.abandon();
    shard.time.advanceMs(3_000);
    Member after = shard.node(2).join(before.id(), "", 5_000, "orders").joined();
    assertEquals(before.id(), after.id());
    assertEquals(4, after.owned());
    shard.time.advanceMs(20_000);
    assertNull(after.ended);
    assertEquals(4, after.owned());
  }

  @Test
  void theNewerStreamOfAMemberEndsTheOlderOne() {
    Member before = shard.node(1).join("", "static", 5_000, "orders").joined();
    Member after = shard.node(2).join("", "static", 5_000, "orders").joined();
    shard.await("its end", () -> before.ended != null);
    assertEquals(ErrorReason.MEMBER_REPLACED, assertNotNullOf(before.ended).reason());
    assertEquals(4, after.owned());
    before.commit(first, 3);
    shard.await("its commit", () -> !before.answers.isEmpty());
    assertTrue(before.answers.get(0) instanceof Result.Err<GroupAnswer>);
    assertTrue(shard.offsets(1, first).isEmpty(), "a late commit changes nothing (G4)");
  }

  @Test
  void aMemberThatIsTakenUpThroughAnotherBrokerEndsWhereItWas() {
    Member before = shard.node(2).join("", "", 5_000, "orders").joined();
    Member after = shard.node(3).join(before.id(), "", 5_000, "orders").joined();
    assertEquals(before.id(), after.id());
    shard.await("its end", () -> before.ended != null);
    assertEquals(ErrorReason.MEMBER_REPLACED, assertNotNullOf(before.ended).reason());
    shard.time.advanceMs(20_000);
    assertNull(after.ended);
    assertEquals(4, after.owned());
  }

  @Test
  void aLinkThatDiesWithoutAWordIsReplacedAndNoCommitIsLost() {
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    shard.node(2).muteLinks();
    member.commit(first, 4);
    shard.time.advanceMs(1_000);
    assertTrue(member.answers.isEmpty());
    shard.time.advanceMs(1_500);
    assertEquals(1, member.answers.size());
    ok(member.answers.get(0));
    shard.time.advanceMs(20_000);
    assertNull(member.ended);
  }

  @Test
  void aFenceOfTheBrokerEndsItsMembersAtOnce() {
    Member stays = shard.node(1).join("", "", 30_000, "orders").joined();
    Member goes = shard.node(3).join("", "", 30_000, "orders").joined();
    shard.await("both have their share", () -> stays.owned() == 2 && goes.owned() == 2);
    shard.node(3).frozen = true;
    shard.metadata.fence(3);
    shard.time.advanceMs(200);
    assertEquals(4, stays.owned(), "not after 1.5 s and a session (G3)");
  }

  @Test
  void aStreamThatEndedBeforeTheFenceOfItsBrokerKeepsItsWholeSession() {
    Member stays = shard.node(1).join("", "", 5_000, "orders").joined();
    Member goes = shard.node(3).join("", "static", 5_000, "orders").joined();
    shard.await("both have their share", () -> stays.owned() == 2 && goes.owned() == 2);
    goes.membership.abandon();
    shard.time.advanceMs(100);
    shard.metadata.fence(3);
    shard.node(3).frozen = true;
    shard.time.advanceMs(4_500);
    assertEquals(2, stays.owned(), "as after any other end of a stream");
    shard.time.advanceMs(1_000);
    assertEquals(4, stays.owned(), "and not longer (G3)");
  }

  @Test
  void aMemberThatCameBackAfterItsStreamEndedGoesWithItsBroker() {
    Member stays = shard.node(1).join("", "", 30_000, "orders").joined();
    Member first = shard.node(3).join("", "static", 30_000, "orders").joined();
    shard.await("both have their share", () -> stays.owned() == 2 && first.owned() == 2);
    first.membership.abandon();
    shard.time.advanceMs(100);
    Member again = shard.node(3).join("", "static", 30_000, "orders").joined();
    shard.await("its share", () -> again.owned() == 2);
    shard.node(3).frozen = true;
    shard.metadata.fence(3);
    shard.time.advanceMs(200);
    assertEquals(4, stays.owned(), "its stream broke with the broker (G3)");
  }

  @Test
  void nothingTicksWhileThereAreNoMembers() {
    shard.offsets(2, first); // a link for a question
    shard.await("the end of links that nobody needs", () -> shard.openLinks() == 0);
    shard.time.advanceMs(100); // and the last tick
    assertEquals(0, shard.eventsWithin(10_000), "neither at brokers nor at the coordinator");
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    assertEquals(1, shard.openLinks());
    assertTrue(shard.eventsWithin(1_000) > 0);
    List<Result<GroupAnswer>> left = new ArrayList<>();
    member.membership.leave(shard.call(), left::add);
    shard.await("its end", () -> !left.isEmpty());
    shard.time.advanceMs(10_000);
    assertEquals(0, shard.openLinks());
    assertEquals(0, shard.eventsWithin(10_000), "again");
  }

  @Test
  void aBrokerThatIsSilentLosesItsMembersAfterTheLinkAndTheSession() {
    Member stays = shard.node(1).join("", "", 5_000, "orders").joined();
    shard.node(3).join("", "", 5_000, "orders").joined();
    shard.await("its share", () -> stays.owned() == 2);
    shard.node(3).frozen = true;
    shard.time.advanceMs(5_900);
    assertEquals(2, stays.owned());
    shard.time.advanceMs(1_000);
    assertEquals(4, stays.owned());
  }

  @Test
  void aCoordinatorThatMovesLosesNoCommitAndNoMember() {
    List<Member> members = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      members.add(shard.node(id).join("", "", 5_000, "orders").joined());
    }
    shard.await("shares", () -> members.stream().allMatch(member -> member.owned() >= 1));
    shard.time.advanceMs(500);
    int sent = 0;
    for (int round = 0; round < 60; round++) {
      for (Member member : members) {
        member.commit(member.now().owned().firstKey(), round);
      }
      sent++;
      shard.time.advanceMs(7);
      if (round % 10 == 5) {
        shard.raft.elect(1 + round / 10 % 3);
      }
    }
    int rounds = sent;
    for (Member member : members) {
      shard.await("all answers", () -> member.answers.size() == rounds);
      member.answers.forEach(TestShard::ok);
      assertNull(member.ended);
      PartitionId own = member.now().owned().firstKey();
      assertEquals(rounds - 1, shard.offsets(2, own).get(own).offset());
    }
    shard.time.advanceMs(20_000);
    members.forEach(member -> assertNull(member.ended));
    assertEquals(4, members.stream().mapToInt(Member::owned).sum());
  }

  @Test
  void aNewCoordinatorGivesEveryMemberAFullSession() {
    Member stays = shard.node(1).join("", "", 5_000, "orders").joined();
    shard.node(3).join("", "", 5_000, "orders").joined();
    shard.await("its share", () -> stays.owned() == 2);
    shard.node(3).frozen = true;
    shard.time.advanceMs(6_000);
    shard.lead(2);
    shard.time.advanceMs(6_000);
    assertEquals(2, stays.owned(), "what the one before had counted is forgotten (G3)");
    shard.time.advanceMs(1_000);
    assertEquals(4, stays.owned());
  }

  @Test
  void aCoordinatorThatWasPausedExpiresNobody() {
    Member member = shard.node(2).join("", "", 1_000, "orders").joined();
    shard.loop.pause();
    shard.time.advanceMs(30_000);
    shard.loop.resume();
    shard.time.advanceMs(20_000);
    assertNull(member.ended, "as M6");
    assertEquals(4, member.owned());
  }

  @Test
  void aMemberThatDoesNotReleaseIsMadeTo() {
    Member slow = shard.node(1).join("", "", 5_000, "orders").joined();
    slow.releases = false;
    Member other = shard.node(2).join("", "", 5_000, "orders").joined();
    shard.time.advanceMs(2_500);
    assertEquals(0, other.owned(), "a partition goes over only when it was given up (G2)");
    shard.time.advanceMs(1_000);
    assertEquals(2, other.owned());
    assertEquals(List.of(Gone.TIMEOUT, Gone.TIMEOUT), List.copyOf(slow.gone.values()));
  }

  @Test
  void aDeletedTopicIsTakenFromItsOwnersAlsoIfNobodySawItsTombstone() {
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    member.commit(first, 5);
    shard.await("the commit", () -> !member.answers.isEmpty());
    shard.metadata.apply(new MetadataCommand.DeleteTopic(0, orders));
    shard.time.advanceMs(200);
    assertEquals(0, member.owned());
    assertEquals(4, member.gone.values().stream().filter(Gone.TOPIC_DELETED::equals).count());
    assertTrue(shard.offsets(1, first).isEmpty(), "its offsets go with it (G5)");
  }

  @Test
  void aTopicThatAppearsAndMatchesIsReadFromItsStart() {
    Member member = shard.node(2).joinPattern("new-.*").joined();
    assertEquals(0, member.owned());
    shard.time.advanceMs(2_000);
    TopicId fresh = shard.metadata.topic("new-one", 2, Map.of());
    shard.metadata.topic("not-new-one", 2, Map.of());
    shard.time.advanceMs(200);
    assertEquals(2, member.owned());
    for (OwnedPartition owned : member.now().owned().values()) {
      assertTrue(owned.fromStart(), "G9");
    }
    assertEquals(fresh, member.now().owned().firstKey().topicId());
  }

  @Test
  void aJoinThatNoEntryCanHoldIsRefusedForGood() {
    String prefix = "t".repeat(240);
    for (int i = 0; i < 500; i++) {
      shard.metadata.topic(prefix + i, 1, Map.of());
    }
    shard.time.advanceMs(100);
    // What each pattern matches is in the entry.
    Member member = shard.node(2).joinPattern("t.*").joined();
    int joined = 1;
    while (member.ended == null && joined < 100) {
      member = shard.node(2).joinPattern("t.{" + joined + "}.*");
      Member last = member;
      shard.await("an answer", () -> last.ended != null || last.state != null);
      joined++;
    }
    ApiError why = assertNotNullOf(member.ended);
    assertEquals(ErrorReason.INVALID_FIELD, why.reason());
    assertTrue(why.definite());
    assertTrue(why.message().contains("4194304"), why.message());
    assertTrue(joined > 20, joined + " joined");
    Member other = shard.node(2).join("", "", 5_000, "orders").joined();
    assertEquals(4, other.owned(), "a smaller one may");
  }

  @Test
  void aClientThatOnlyAnswersPingsHasBeenSeen() {
    Member member = shard.node(2).join("", "", 5_000, "orders").joined();
    long joinedAt = shard.time.clock().wallMs();
    shard.time.advanceMs(60_000);
    assertTrue(lastSeen(member) <= joinedAt + 100);
    member.membership.seen(30_000);
    shard.time.advanceMs(1_000);
    assertEquals(shard.time.clock().wallMs() - 31_000, lastSeen(member));
    member.membership.seen(0);
    member.membership.seen(30_000);
    shard.time.advanceMs(1_000);
    assertEquals(shard.time.clock().wallMs() - 1_000, lastSeen(member), "it does not go back");
  }

  private long lastSeen(Member member) {
    List<Result<GroupReport>> answers = new ArrayList<>();
    shard.node(1).groups.describe(shard.call(), TestShard.GROUP, answers::add);
    shard.await("the report", () -> !answers.isEmpty());
    return ok(answers.get(0)).lastSeenMs().getOrDefault(member.id(), 0L);
  }

  @Test
  void withoutALeaseNobodyCoordinates() {
    Member member = shard.node(2).join("", "", 60_000, "orders").joined();
    shard.node(1).lease = false;
    List<Result<GroupAnswer>> answers = new ArrayList<>();
    shard
        .node(2)
        .groups
        .submit(shard.call(), new GroupCommand.DeleteGroup(0, TestShard.GROUP), answers::add);
    member.commit(first, 9);
    shard.await("the call's end", () -> !answers.isEmpty());
    assertTrue(
        answers.get(0) instanceof Result.Err<GroupAnswer> err
            && err.error().reason() == ErrorReason.COORDINATOR_UNAVAILABLE,
        answers.toString());
    assertTrue(member.answers.isEmpty(), "a commit waits, however long (R5)");
    shard.node(1).lease = true;
    shard.await("the commit", () -> !member.answers.isEmpty());
    ok(member.answers.get(0));
  }

  @Test
  void whoLeavesIsGoneAtOnceAfterItsCommits() {
    Member stays = shard.node(1).join("", "", 5_000, "orders").joined();
    Member goes = shard.node(2).join("", "", 5_000, "orders").joined();
    shard.await("its share", () -> goes.owned() == 2);
    PartitionId own = goes.now().owned().firstKey();
    goes.commit(own, 8);
    List<Result<GroupAnswer>> left = new ArrayList<>();
    goes.membership.leave(shard.call(), left::add);
    shard.await("its leave", () -> !left.isEmpty());
    ok(left.get(0));
    ok(goes.answers.get(0));
    shard.time.advanceMs(50);
    assertEquals(4, stays.owned());
    assertEquals(8, shard.offsets(3, own).get(own).offset());
  }

  private static <T> T assertNotNullOf(@Nullable T value) {
    assertNotNull(value);
    return Objects.requireNonNull(value);
  }
}
