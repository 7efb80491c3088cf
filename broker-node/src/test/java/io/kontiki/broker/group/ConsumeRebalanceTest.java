package io.kontiki.broker.group;

import static io.kontiki.broker.group.ConsumeFixture.subscribe;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.group.ConsumeAction.Release;
import io.kontiki.broker.group.ConsumeEvent.Assigned;
import io.kontiki.broker.group.ConsumeEvent.Committed;
import io.kontiki.broker.group.ConsumeEvent.Records;
import io.kontiki.broker.group.ConsumeEvent.RevokeReason;
import io.kontiki.broker.group.ConsumeEvent.Revoked;
import io.kontiki.broker.group.ConsumeEvent.Revoking;
import io.kontiki.broker.group.ConsumeFixture.TestClient;
import io.kontiki.group.GroupImage;
import io.kontiki.group.MemberState;
import io.kontiki.group.OwnedPartition;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How partitions come and go. */
class ConsumeRebalanceTest {
  private final ConsumeFixture fixture = new ConsumeFixture();

  @BeforeEach
  void topic() {
    fixture.topic("orders", 2);
    fixture.fill("orders", 0, 0, 3);
    fixture.fill("orders", 1, 10, 13);
  }

  private TestClient owner() {
    return fixture.join("g", "orders");
  }

  private static Named moving(TestClient client) {
    Revoking revoking = client.last(Revoking.class);
    assertEquals(1, revoking.partitions().size());
    return revoking.partitions().get(0);
  }

  @Test
  void keptPartitionsGoOnAsIfNothingHappened() {
    TestClient first = owner();
    fixture.join("g", "orders");
    Named kept = new Named("orders", 1 - moving(first).partition());
    fixture.put("orders", kept.partition(), "more");
    fixture.ms(10);
    assertEquals("more", first.values.get(first.values.size() - 1));
    assertEquals(1, first.all(Assigned.class).size());
  }

  @Test
  void aMovingPartitionGoesWhenEverythingDeliveredIsCommitted() {
    TestClient first = owner();
    TestClient second = fixture.join("g", "orders");
    Named moving = moving(first);
    assertEquals(30_000, first.last(Revoking.class).timeLeftMs());
    fixture.put("orders", moving.partition(), "late");
    first.commit("orders", moving.partition(), 2);
    fixture.ms(200);
    assertEquals(0, first.all(Revoked.class).size());
    assertEquals(6, first.values.size(), "no record after revoking");
    assertEquals(0, second.values.size());
    first.commit("orders", moving.partition(), 3);
    fixture.ms(200);
    assertEquals(new Revoked(List.of(moving), RevokeReason.REBALANCE), first.last(Revoked.class));
    assertEquals(List.of("late"), second.values);
    int committed = first.events.lastIndexOf(first.last(Committed.class));
    assertTrue(committed < first.events.indexOf(first.last(Revoked.class)));
    first.commit("orders", moving.partition(), 4);
    fixture.ms(50);
    assertEquals(
        ErrorReason.NOT_ASSIGNED, first.last(Committed.class).failures().get(0).why().reason());
  }

  @Test
  void aPartitionOfWhichNothingIsOpenGoesAtOnce() {
    TestClient first = owner();
    first.commit("orders", 0, 3);
    first.commit("orders", 1, 3);
    fixture.ms(20);
    TestClient second = fixture.join("g", "orders");
    fixture.ms(50);
    assertEquals(1, first.all(Revoked.class).size());
    assertEquals(1, second.last(Assigned.class).partitions().size());
  }

  @Test
  void aReleasedPartitionGoesWithWhatWasNotCommitted() {
    TestClient first = owner();
    TestClient second = fixture.join("g", "orders");
    Named moving = moving(first);
    first.commit("orders", moving.partition(), 1);
    first.send(new Release(List.of(moving, new Named("orders", 1 - moving.partition()))));
    fixture.ms(200);
    assertEquals(List.of(moving), first.last(Revoked.class).partitions());
    assertEquals(1, first.all(Revoked.class).size(), "what need not go stays");
    assertEquals(2, second.values.size(), "from the last commit");
  }

  @Test
  void aPartitionGoesWhenTheTimeIsUp() {
    TestClient first =
        fixture.join(subscribe("g", "orders").with(wish -> wish.revokeMs = 2000).build());
    TestClient second = fixture.join("g", "orders");
    Named moving = moving(first);
    fixture.ms(1500);
    assertEquals(0, first.all(Revoked.class).size());
    fixture.ms(1000);
    assertEquals(new Revoked(List.of(moving), RevokeReason.TIMEOUT), first.last(Revoked.class));
    assertEquals(3, second.values.size());
    assertNull(first.failure);
  }

  @Test
  void aPausedPartitionIsRevokedLikeAnyOther() {
    TestClient first = owner();
    first.send(new ConsumeAction.Pause(List.of(new Named("orders", 0), new Named("orders", 1))));
    TestClient second = fixture.join("g", "orders");
    Named moving = moving(first);
    first.send(new ConsumeAction.Resume(List.of(moving)));
    fixture.put("orders", moving.partition(), "late");
    fixture.ms(200);
    assertFalse(first.values.contains("late"), "a draining partition is not resumed");
    first.commit("orders", moving.partition(), 3);
    fixture.ms(200);
    assertEquals(List.of("late"), second.values);
  }

  @Test
  void aPartitionThatNeedNotGoAfterAllGoesAndComesAgain() {
    TestClient first = owner();
    TestClient second = fixture.join("g", "orders");
    Named moving = moving(first);
    second.halfClose();
    fixture.ms(100);
    fixture.put("orders", moving.partition(), "late");
    fixture.ms(100);
    assertFalse(first.values.contains("late"), "no record after revoking");
    first.commit("orders", moving.partition(), 3);
    fixture.ms(300);
    assertEquals(new Revoked(List.of(moving), RevokeReason.REBALANCE), first.last(Revoked.class));
    assertEquals(3, first.last(Assigned.class).partitions().get(0).offset());
    assertEquals("late", first.values.get(first.values.size() - 1));
    assertEquals(7, first.values.size(), "nothing twice");
  }

  @Test
  void aPartitionThatNeedNotGoAfterAllComesAgainWhenReleasedOrLate() {
    for (boolean released : new boolean[] {true, false}) {
      TestClient first =
          fixture.join(
              subscribe("g" + released, "orders").with(wish -> wish.revokeMs = 2000).build());
      TestClient second = fixture.join("g" + released, "orders");
      Named moving = moving(first);
      second.halfClose();
      fixture.ms(100);
      if (released) {
        first.send(new Release(List.of(moving)));
      }
      fixture.ms(released ? 300 : 2500);
      assertEquals(
          released ? RevokeReason.REBALANCE : RevokeReason.TIMEOUT,
          first.last(Revoked.class).reason());
      assertEquals(9, first.values.size(), "from the last commit");
    }
  }

  @Test
  void aPartitionComesAgainFromTheCommitsThatWereUnderWay() {
    for (String how : List.of("drained", "released", "late", "released and revoked once more")) {
      TestClient first =
          fixture.join(subscribe(how, "orders").with(wish -> wish.revokeMs = 2000).build());
      TestClient second = fixture.join(how, "orders");
      Named moving = moving(first);
      int offset = how.equals("drained") ? 3 : 2;
      fixture.groups.lagNanos = () -> how.equals("late") ? 4_000_000_000L : 600_000_000L;
      first.commit("orders", moving.partition(), offset);
      fixture.ms(20);
      fixture.groups.lagNanos = () -> 0;
      second.halfClose();
      fixture.ms(100);
      if (how.startsWith("released")) {
        first.send(new Release(List.of(moving)));
        fixture.ms(50);
      }
      if (how.endsWith("once more")) {
        TestClient third = fixture.join(how, "orders");
        third.halfClose();
      }
      fixture.ms(5_000);
      Assigned again = first.last(Assigned.class);
      assertEquals(
          List.of(new Place(moving, offset, 0, "")),
          again.partitions(),
          () -> how + ": " + first.events);
      int committed = first.events.indexOf(first.all(Committed.class).get(0));
      assertTrue(committed < first.events.indexOf(again), () -> how + ": " + first.events);
    }
  }

  @Test
  void aPartitionThatWentAndCameBackUnseenIsShownToComeAgain() {
    TestClient first = owner();
    first.commit("orders", 0, 1);
    fixture.ms(50);
    GroupImage group = Objects.requireNonNull(fixture.groups.group("g"));
    MemberState now = group.members().values().iterator().next();
    int later = now.epoch() + 2;
    TreeMap<PartitionId, OwnedPartition> owned = new TreeMap<>(now.owned());
    owned.put(fixture.id("orders", 0), new OwnedPartition(later, false, false));
    MemberState then = new MemberState(now.id(), now.name(), later, now.details(), owned);
    fixture.home.execute(() -> first.session.changed(then, new TreeMap<>()));
    fixture.ms(100);
    assertEquals(List.of(new Named("orders", 0)), first.last(Revoked.class).partitions());
    assertEquals(1, first.last(Assigned.class).partitions().get(0).offset());
    assertEquals(8, first.values.size(), "what was not committed comes again");
  }

  @Test
  void assignmentsOnlyBringsNoRecordsAndWaitsForTheRelease() {
    TestClient first =
        fixture.join(subscribe("g", "orders").with(wish -> wish.assignmentsOnly = true).build());
    assertEquals(2, first.last(Assigned.class).partitions().size());
    first.commit("orders", 0, 2);
    fixture.ms(100);
    assertEquals(2, first.last(Committed.class).offsets().get(0).offset());
    TestClient second = fixture.join("g", "orders");
    Named moving = moving(first);
    fixture.ms(1000);
    assertEquals(0, first.all(Revoked.class).size());
    first.send(new Release(List.of(moving)));
    fixture.ms(200);
    assertEquals(1, first.all(Revoked.class).size());
    assertEquals(moving.partition() == 0 ? 1 : 3, second.values.size());
    assertEquals(0, first.all(Records.class).size());
    first.send(
        new ConsumeAction.Commit(
            List.of(new Place(new Named("orders", 1 - moving.partition()), 1, 9, ""))));
    fixture.ms(50);
    assertEquals("commit.offsets[0].leader_epoch", first.failure().metadata().get("field"));
  }

  @Test
  void aStartThatIsNotKnownIsAskedForAgainAndIsNeverZero() {
    fixture.join("g", "orders").halfClose();
    TestClient before = owner();
    before.commit("orders", 0, 2);
    before.halfClose();
    fixture.ms(100);
    fixture.groups.offsetsFail =
        io.kontiki.model.ApiError.retriable(ErrorReason.COORDINATOR_UNAVAILABLE, "moves", 100);
    TestClient client = owner();
    fixture.ms(3000);
    assertEquals(List.of(), client.last(Assigned.class).partitions());
    assertEquals(List.of(), client.values);
    fixture.groups.offsetsFail = null;
    fixture.ms(300);
    assertEquals(2, client.last(Assigned.class).partitions().get(0).offset());
    assertEquals(
        List.of("v2", "v10", "v11", "v12"),
        client.values.stream().sorted(java.util.Comparator.comparingInt(String::length)).toList());
  }

  @Test
  void aPartitionWhoseLeaderIsAwayComesLaterThanTheOthers() {
    PartitionId away = fixture.id("orders", 0);
    fixture.partitions.failing(
        away,
        () ->
            io.kontiki.model.ApiError.retriable(ErrorReason.LEADER_UNAVAILABLE, "no leader", 100));
    TestClient client = owner();
    fixture.ms(3000);
    assertEquals(List.of("v10", "v11", "v12"), client.values);
    assertEquals(1, client.last(Assigned.class).partitions().size());
    fixture.partitions.failing(away, () -> null);
    fixture.ms(500);
    assertEquals(6, client.values.size());
  }

  @Test
  void aCoordinatorThatIsAwayDoesNotStopTheRecords() {
    TestClient client = owner();
    fixture.groups.away(true);
    fixture.put("orders", 0, "more");
    fixture.ms(1000);
    assertTrue(client.values.contains("more"));
    assertNull(client.failure);
  }
}
