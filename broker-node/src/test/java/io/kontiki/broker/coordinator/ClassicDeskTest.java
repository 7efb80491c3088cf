package io.kontiki.broker.coordinator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.coordinator.TestShard.Member;
import io.kontiki.broker.group.ClassicGroups.Described;
import io.kontiki.broker.group.ClassicGroups.Join;
import io.kontiki.broker.group.ClassicGroups.Joined;
import io.kontiki.broker.group.ClassicGroups.Line;
import io.kontiki.broker.group.ClassicGroups.Speaker;
import io.kontiki.broker.group.ClassicGroups.State;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Groups of the classic protocol at their coordinators, on virtual time and a Raft in memory. */
class ClassicDeskTest {
  private final TestShard shard = new TestShard();
  private final TopicId orders = shard.metadata.topic("orders", 4, Map.of());
  private final PartitionId first = new PartitionId(orders, 0);
  private final ClassicClient.Book book = new ClassicClient.Book();
  private int leader = 1;

  private ClassicClient client(String name) {
    return new ClassicClient(shard, book, name, first, () -> leader);
  }

  private void lead(int id) {
    leader = id;
    shard.lead(id);
  }

  private ClassicDesk desk() {
    return shard.node(leader).coordinator.classic();
  }

  private void stable(ClassicClient... clients) {
    shard.await(
        "a stable group " + List.of(clients).stream().map(c -> c.refusals).toList(),
        () -> {
          int generation = clients[0].generation;
          for (ClassicClient client : clients) {
            if (client.share <= 0 || client.generation != generation) {
              return false;
            }
          }
          return book.plans.get(generation).size() == clients.length;
        });
  }

  private <T> T answer(List<ClassicReply<T>> replies) {
    shard.await("the answer", () -> !replies.isEmpty());
    return ((ClassicReply.Ok<T>) replies.get(0)).value();
  }

  private Refusal refusal(List<? extends ClassicReply<?>> replies) {
    shard.await("the answer", () -> !replies.isEmpty());
    return ((ClassicReply.No<?>) replies.get(0)).why();
  }

  private List<ClassicReply<GroupAnswer.Committed>> commit(
      String memberId, int generation, long offset) {
    List<ClassicReply<GroupAnswer.Committed>> replies = new ArrayList<>();
    shard.loop.execute(
        () ->
            desk()
                .commit(
                    new Speaker(TestShard.GROUP, memberId, "", generation),
                    List.of(new OffsetCommit(first, offset, -1, "", true)),
                    replies::add));
    return replies;
  }

  /** A group without offsets ends with its last member, and begins anew with generation 1. */
  private void keep() {
    answer(commit("", -1, 0));
  }

  @Test
  void membersThatComeTogetherShareTheFirstGeneration() {
    ClassicClient a = client("").start();
    ClassicClient b = client("").start();
    ClassicClient c = client("").start();
    stable(a, b, c);
    assertEquals(1, a.generation);
    assertEquals(6, a.share + b.share + c.share);
    int entries = shard.entries;
    shard.time.advanceMs(60_000);
    assertEquals(entries, shard.entries, "heartbeats that change nothing are no entries");
    assertEquals(1, a.generation);
  }

  @Test
  void whoComesOrLeavesMakesAllOthersJoinAgain() {
    ClassicClient a = client("").start();
    stable(a);
    ClassicClient b = client("").start();
    stable(a, b);
    assertEquals(2, a.generation);
    b.leave();
    shard.time.advanceMs(1_000);
    stable(a);
    assertEquals(3, a.generation);
    a.leave();
    shard.time.advanceMs(500);
    assertNull(shard.group(), "without members and offsets it is gone");
  }

  @Test
  void whoIsSilentForItsSessionIsOut() {
    ClassicClient a = client("").start();
    ClassicClient b = client("").start();
    stable(a, b);
    b.kill();
    shard.time.advanceMs(2_500);
    assertEquals(1, a.generation);
    shard.time.advanceMs(2_000);
    stable(a);
    assertEquals(2, a.generation);
    assertTrue(shard.node(1).ended.contains(b.memberId), shard.notices::toString);
  }

  @Test
  void whoDiesWithItsCoordinatorIsOutAfterAFullSessionAtTheNextG3() {
    ClassicClient a = client("").start();
    stable(a);
    a.kill();
    shard.time.advanceMs(1_000);
    lead(2);
    shard.time.advanceMs(2_500);
    assertNotNull(shard.group());
    shard.time.advanceMs(1_000);
    assertNull(shard.group(), "nobody but time has asked for it");
  }

  @Test
  void whoDoesNotJoinAgainInTimeIsLeftBehind() {
    ClassicClient a = client("").start();
    ClassicClient b = client("").start();
    stable(a, b);
    // b beats, but never joins again: as a consumer that is busy with a record for too long.
    b.kill();
    ClassicClient c = client("").start();
    for (int i = 0; i < 60; i++) {
      shard.time.advanceMs(100);
      desk().heartbeat(new Speaker(TestShard.GROUP, b.memberId, "", b.generation), end -> {});
    }
    stable(a, c);
    assertEquals(2, a.generation);
  }

  @Test
  void commitsCountInTheGenerationOfTheirMemberG12() {
    ClassicClient a = client("").start();
    stable(a);
    assertEquals(7, answer(commit(a.memberId, 1, 7)).stored().get(first).offset());
    assertEquals(Refusal.ILLEGAL_GENERATION, refusal(commit(a.memberId, 0, 8)));
    assertEquals(Refusal.UNKNOWN_MEMBER, refusal(commit("nobody", 1, 8)));
    assertEquals(Refusal.UNKNOWN_MEMBER, refusal(commit("", -1, 8)));
    assertEquals(7, shard.offsets(2, first).get(first).offset(), "read through the other door");
    a.leave();
    shard.time.advanceMs(500);
    assertEquals(3, answer(commit("", -1, 3)).stored().get(first).offset(), "stand-alone");
    List<ClassicReply<SortedMap<PartitionId, CommittedOffset>>> all = new ArrayList<>();
    desk().offsets(TestShard.GROUP, Optional.empty(), all::add);
    assertEquals(3, answer(all).get(first).offset());
    List<ClassicReply<SortedMap<PartitionId, CommittedOffset>>> one = new ArrayList<>();
    desk()
        .offsets(
            TestShard.GROUP,
            Optional.of(new TreeSet<>(List.of(new PartitionId(orders, 3)))),
            one::add);
    assertTrue(answer(one).isEmpty());
  }

  @Test
  void aNewCoordinatorGoesOnWithTheGenerationAndGivesFullSessions() {
    ClassicClient a = client("").start();
    ClassicClient b = client("").start();
    stable(a, b);
    lead(2);
    shard.time.advanceMs(10_000);
    assertEquals(1, a.generation, "nobody had to join again");
    assertEquals(List.of(), a.refusals);
    assertEquals(7, answer(commit(a.memberId, 1, 7)).stored().get(first).offset());
    b.kill();
    lead(3);
    shard.time.advanceMs(2_000);
    assertEquals(1, a.generation);
    shard.time.advanceMs(4_000);
    stable(a);
    List<ClassicReply<Boolean>> beat = new ArrayList<>();
    shard
        .node(1)
        .coordinator
        .classic()
        .heartbeat(new Speaker(TestShard.GROUP, a.memberId, "", 2), beat::add);
    assertEquals(Refusal.NOT_COORDINATOR, refusal(beat));
  }

  @Test
  void aGenerationWhoseLeaderHasNotAssignedGoesOnAtTheNextCoordinator() {
    ClassicClient a = client("").start();
    ClassicClient b = client("").start();
    shard.await("the join", () -> !book.leaders.isEmpty());
    assertTrue(shard.group() != null && !shard.group().classic().assigned());
    lead(2);
    stable(a, b);
  }

  @Test
  void aStaticMemberComesBackToItsAssignmentWithoutARebalance() {
    ClassicClient a = client("one").start();
    ClassicClient b = client("two").start();
    stable(a, b);
    ClassicClient lost = a.leaderNow ? a : b;
    ClassicClient other = a.leaderNow ? b : a;
    String before = lost.memberId;
    lost.kill();
    shard.time.advanceMs(1_000);
    ClassicClient again = client(lost == a ? "one" : "two").start();
    shard.await("its assignment", () -> again.share > 0);
    assertEquals(1, again.generation);
    assertEquals(lost.share, again.share, "it has what it had");
    assertNotEquals(before, again.memberId);
    shard.time.advanceMs(5_000);
    assertEquals(1, other.generation);
    List<ClassicReply<Boolean>> beat = new ArrayList<>();
    desk().heartbeat(new Speaker(TestShard.GROUP, before, lost == a ? "one" : "two", 1), beat::add);
    assertEquals(Refusal.FENCED_INSTANCE, refusal(beat));
  }

  private static Join join(String memberId, String name) {
    return new Join(
        TestShard.GROUP,
        memberId,
        name,
        "client",
        "host",
        "consumer",
        List.of(ClassicClient.offer("range", 1), ClassicClient.offer("sticky", 2)),
        3_000,
        5_000,
        true,
        true);
  }

  @Test
  void whoComesWhileAJoinIsBeingCompletedIsOfTheNextGeneration() {
    ClassicClient a = client("one").start();
    stable(a);
    a.kill();
    List<ClassicReply<Joined>> again = new ArrayList<>();
    List<ClassicReply<Joined>> fresh = new ArrayList<>();
    shard.loop.execute(
        () -> {
          desk().join(join(a.memberId, "one"), again::add);
          desk().join(join("", "two"), fresh::add);
        });
    assertEquals(2, answer(again).generation());
    assertEquals(List.of(), fresh, "it is no member of the generation that was on its way");
    shard.loop.execute(() -> desk().join(join(a.memberId, "one"), ignored -> {}));
    assertEquals(3, answer(fresh).generation());
  }

  @Test
  void protocolsThatNotAllKnowAreNotChosen() {
    ClassicClient a = client("").start();
    stable(a);
    ClassicClient b = client("");
    b.offers = List.of(ClassicClient.offer("sticky", 2));
    b.start();
    stable(a, b);
    assertEquals("sticky", Objects.requireNonNull(shard.group()).classic().protocol());
    ClassicClient stranger = client("");
    stranger.offers = List.of(ClassicClient.offer("other", 2));
    stranger.start();
    shard.time.advanceMs(1_000);
    assertEquals(Refusal.OTHER_PROTOCOL, stranger.lastRefusal());
  }

  @Test
  void oneKindAtATimeWhicheverCameFirstG11() {
    keep();
    ClassicClient a = client("").start();
    stable(a);
    Member stream = shard.node(2).join("", "", 5_000, "orders");
    shard.await("the refusal", () -> stream.ended != null);
    assertEquals(
        ErrorReason.GROUP_PROTOCOL_MISMATCH, Objects.requireNonNull(stream.ended).reason());
    a.leave();
    shard.time.advanceMs(500);
    Member later = shard.node(2).join("", "", 5_000, "orders").joined();
    ClassicClient b = client("").start();
    shard.time.advanceMs(2_000);
    assertEquals(Refusal.OTHER_PROTOCOL, b.lastRefusal());
    later.membership.leave(shard.call(), ignored -> {});
    shard.time.advanceMs(500);
    ClassicClient c = client("").start();
    stable(c);
  }

  @Test
  void bothDoorsShowTheGroup() {
    ClassicClient a = client("one").start();
    stable(a);
    List<Result<GroupReport>> reports = new ArrayList<>();
    shard.node(3).groups.describe(shard.call(), TestShard.GROUP, reports::add);
    shard.await("the report", () -> !reports.isEmpty());
    GroupReport report = TestShard.ok(reports.get(0));
    assertEquals(Kind.CLASSIC, report.state().kind());
    assertEquals(Phase.STABLE, report.state().phase());
    assertEquals("range", report.state().assignor());
    assertEquals("one", report.state().members().get(a.memberId).name());
    assertNotNull(report.lastSeenMs().get(a.memberId));
    List<ClassicReply<Described>> described = new ArrayList<>();
    desk().describe(TestShard.GROUP, described::add);
    assertEquals(State.STABLE, answer(described).line().state());
    assertEquals(1, answer(described).members().get(0).assignment().size());
    List<ClassicReply<List<Line>>> lines = new ArrayList<>();
    desk().list(lines::add);
    assertEquals(
        List.of(new Line(TestShard.GROUP, Kind.CLASSIC, "consumer", State.STABLE)), answer(lines));
    List<ClassicReply<Boolean>> deleted = new ArrayList<>();
    desk().delete(TestShard.GROUP, deleted::add);
    assertEquals(Refusal.ACTIVE, refusal(deleted));
  }

  /**
   * Members come, leave and die, coordinators change, also in the middle of joins: no generation
   * has two leaders or two assignments, no commit of an old generation counts behind a newer one,
   * and when all is quiet everybody has its share.
   */
  @Test
  void generationsHaveOneLeaderAndOneAssignmentWhateverHappens() {
    long base = Long.getLong("kontiki.seed", 1);
    int commits = 0;
    for (long seed = base; seed < base + 150; seed++) {
      try {
        commits += new Play(seed).run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("-Dkontiki.seed=" + seed, e);
      }
    }
    assertTrue(commits > 1_000, "commits that counted: " + commits);
  }

  private static final class Play {
    private final ClassicDeskTest test = new ClassicDeskTest();
    private final Random random;
    private final List<ClassicClient> alive = new ArrayList<>();
    private int names;

    Play(long seed) {
      random = new Random(seed);
    }

    int run() {
      test.keep();
      for (int step = 0; step < 60; step++) {
        switch (random.nextInt(10)) {
          case 0, 1 -> {
            if (alive.size() < 5) {
              ClassicClient fresh = test.client(random.nextInt(4) == 0 ? "s" + names++ : "");
              fresh.supported = random.nextBoolean();
              alive.add(fresh.start());
            }
          }
          case 2 -> pick().ifPresent(this::end);
          case 3 -> test.lead(1 + random.nextInt(3));
          default ->
              alive.forEach(
                  client -> {
                    client.commit(random.nextInt(1_000));
                  });
        }
        test.shard.time.advanceMs(random.nextInt(random.nextInt(4) == 0 ? 3_000 : 300));
      }
      if (alive.isEmpty()) {
        alive.add(test.client("").start());
      }
      test.stable(alive.toArray(ClassicClient[]::new));
      return test.book.commits;
    }

    private Optional<ClassicClient> pick() {
      return alive.isEmpty()
          ? Optional.empty()
          : Optional.of(alive.get(random.nextInt(alive.size())));
    }

    private void end(ClassicClient client) {
      alive.remove(client);
      if (random.nextBoolean()) {
        client.leave();
      } else {
        client.kill();
      }
    }
  }
}
