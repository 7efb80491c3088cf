package io.kontiki.broker.group;

import static io.kontiki.broker.group.ConsumeFixture.subscribe;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.group.ConsumeAction.Commit;
import io.kontiki.broker.group.ConsumeEvent.Assigned;
import io.kontiki.broker.group.ConsumeEvent.Committed;
import io.kontiki.broker.group.ConsumeEvent.Heartbeat;
import io.kontiki.broker.group.ConsumeEvent.Reconnect;
import io.kontiki.broker.group.ConsumeEvent.Records;
import io.kontiki.broker.group.ConsumeFixture.TestClient;
import io.kontiki.broker.group.ConsumeFixture.Wish;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The life of a stream: joining, records, commits, leaving, breaking, closing. */
class ConsumeSessionTest {
  private final ConsumeFixture fixture = new ConsumeFixture();

  private ApiError refused(Consumer<Wish> change) {
    Wish wish = subscribe("g", "orders");
    change.accept(wish);
    TestClient client = fixture.join(wish.build());
    assertTrue(client.events.isEmpty(), "nothing before the refusal");
    return client.failure();
  }

  @Test
  void assignedIsTheFirstEventAndRecordsFollowWithTheirPosition() {
    fixture.topic("orders", 1);
    fixture.put("orders", 0, "v0", "v1");
    TestClient client = fixture.join("g", "orders");
    Assigned assigned = assertInstanceOf(Assigned.class, client.events.get(0));
    assertEquals("member-1", assigned.memberId());
    assertTrue(assigned.generation() > 0);
    assertEquals(List.of(new Place(new Named("orders", 0), 0, -1, "")), assigned.partitions());
    Records records = assertInstanceOf(Records.class, client.events.get(1));
    assertEquals("orders", records.topic());
    assertEquals(2, records.chunk().nextOffset());
    assertEquals(0, records.chunk().leaderEpoch());
    assertEquals(2, records.chunk().highWatermark());
    fixture.fill("orders", 0, 2, 4);
    fixture.ms(10);
    assertEquals(List.of("v0", "v1", "v2", "v3"), client.values);
  }

  @Test
  void whoOwnsNothingIsToldSo() {
    fixture.topic("orders", 1);
    fixture.join("g", "orders");
    TestClient second = fixture.join("g", "orders");
    assertEquals(List.of(), second.last(Assigned.class).partitions());
  }

  @Test
  void everyFieldIsChecked() {
    fixture.topic("orders", 1);
    Map<String, Consumer<Wish>> bad =
        Map.ofEntries(
            Map.entry("subscribe.group", wish -> wish.group = ""),
            Map.entry("subscribe.topics", wish -> wish.topics = List.of()),
            Map.entry("subscribe.topics[1]", wish -> wish.topics = List.of("orders", "a b")),
            Map.entry("subscribe.member_name", wish -> wish.memberName = "x".repeat(256)),
            Map.entry("subscribe.member_id", wish -> wish.memberId = "a\nb"),
            Map.entry(
                "subscribe.start_at.offset", wish -> wish.startAt = new StartSpec.AtOffset(3)),
            Map.entry(
                "subscribe.start_at.committed_by",
                wish -> wish.startAt = new StartSpec.CommittedBy("")),
            Map.entry("subscribe.window_bytes", wish -> wish.window = -1),
            Map.entry("subscribe.session_timeout", wish -> wish.sessionMs = 31 * 60_000),
            Map.entry("subscribe.revoke_timeout", wish -> wish.revokeMs = 999),
            Map.entry(
                "subscribe.topic_pattern",
                wish -> {
                  wish.topics = List.of();
                  wish.pattern = "a(";
                }));
    bad.forEach(
        (field, change) -> {
          ApiError error = refused(change);
          assertEquals(ErrorReason.INVALID_FIELD, error.reason(), field);
          assertEquals(field, error.metadata().get("field"));
        });
    assertEquals("subscribe.topics", refused(wish -> wish.pattern = "x").metadata().get("field"));
  }

  @Test
  void aTopicMustExistAfterTheQuorumWasAsked() {
    ApiError error = refused(wish -> wish.topics = List.of("orders"));
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, error.reason());
    assertEquals("orders", error.metadata().get("topic"));
    fixture.metadata.lagging(true);
    fixture.topic("fresh", 1);
    TestClient client = fixture.join("g", "fresh");
    assertEquals(1, client.last(Assigned.class).partitions().size());
  }

  @Test
  void aPatternMayMatchNothingAndPicksUpWhatAppears() {
    TestClient client = fixture.join(subscribe("g").with(wish -> wish.pattern = "order.*").build());
    assertEquals(List.of(), client.last(Assigned.class).partitions());
    fixture.topic("orders", 1);
    fixture.topic("reorders", 1);
    fixture.fill("orders", 0, 0, 1);
    fixture.ms(200);
    assertEquals("orders", client.last(Assigned.class).partitions().get(0).partition().topic());
    assertEquals(2, client.all(Assigned.class).size(), "the whole name must match");
    assertEquals(List.of("v0"), client.values);
  }

  @Test
  void onlySubscribeOpensAStreamAndOnlyOnce() {
    fixture.topic("orders", 1);
    TestClient client = fixture.open();
    client.commit("orders", 0, 1);
    fixture.ms(10);
    assertEquals("subscribe", client.failure().metadata().get("field"));
    TestClient twice = fixture.join("g", "orders");
    twice.send(new ConsumeAction.Subscribe(subscribe("g", "orders").build()));
    fixture.ms(10);
    assertEquals(ErrorReason.INVALID_FIELD, twice.failure().reason());
    TestClient strange = fixture.open();
    strange.send(new ConsumeAction.Bad(ApiError.definite(ErrorReason.UNKNOWN_ACTION, "none")));
    fixture.ms(10);
    assertEquals(ErrorReason.UNKNOWN_ACTION, strange.failure().reason());
    TestClient silent = fixture.open();
    silent.halfClose();
    fixture.ms(10);
    assertEquals("subscribe", silent.failure().metadata().get("field"));
  }

  @Test
  void committedNamesWhatIsStoredAndTheNextStreamGoesOnThere() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 5);
    TestClient client = fixture.join("g", "orders");
    client.send(new Commit(List.of(new Place(new Named("orders", 0), 3, 7, "note"))));
    fixture.ms(20);
    assertEquals(
        new Committed(List.of(new Place(new Named("orders", 0), 3, 0, "note")), List.of()),
        client.last(Committed.class),
        "the broker knows the epoch better than the client");
    client.breaks();
    fixture.ms(1000);
    TestClient next = fixture.join("g", "orders");
    assertEquals(
        List.of(new Place(new Named("orders", 0), 3, 0, "")),
        next.last(Assigned.class).partitions());
    assertEquals(List.of("v3", "v4"), next.values);
  }

  @Test
  void aCommitBeyondWhatWasDeliveredEndsTheStream() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 2);
    TestClient client = fixture.join("g", "orders");
    client.commit("orders", 0, 2);
    client.commit("orders", 0, 3);
    fixture.ms(20);
    ApiError error = client.failure();
    assertEquals(ErrorReason.OFFSET_NOT_DELIVERED, error.reason());
    assertEquals(
        Map.of("topic", "orders", "partition", "0", "offset", "3", "position", "2"),
        error.metadata());
    assertEquals(2, fixture.groups.committed("g", fixture.id("orders", 0)));
    fixture.ms(1000);
    assertFalse(fixture.groups.attached("g", "member-1"));
  }

  @Test
  void commitsThatCannotBeEndTheStream() {
    fixture.topic("orders", 1);
    TestClient negative = fixture.join("g", "orders");
    negative.commit("orders", 0, -1);
    fixture.ms(10);
    assertEquals("commit.offsets[0].offset", negative.failure().metadata().get("field"));
    TestClient chatty = fixture.join("h", "orders");
    chatty.send(new Commit(List.of(new Place(new Named("orders", 0), 0, -1, "x".repeat(4097)))));
    fixture.ms(10);
    assertEquals("commit.offsets[0].metadata", chatty.failure().metadata().get("field"));
  }

  @Test
  void aCommitBelowWhatIsStoredChangesNothing() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 5);
    TestClient client = fixture.join("g", "orders");
    client.commit("orders", 0, 4);
    client.commit("orders", 0, 2);
    fixture.ms(20);
    assertEquals(4, client.last(Committed.class).offsets().get(0).offset());
  }

  @Test
  void aCommitOfAnothersPartitionIsReportedAndTheStreamGoesOn() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 2);
    TestClient client = fixture.join("g", "orders");
    client.send(
        new Commit(
            List.of(
                new Place(new Named("orders", 0), 1, -1, ""),
                new Place(new Named("orders", 7), 5, -1, ""))));
    fixture.ms(20);
    Committed committed = client.last(Committed.class);
    assertEquals(1, committed.offsets().get(0).offset());
    assertEquals(new Named("orders", 7), committed.failures().get(0).offset().partition());
    assertEquals(ErrorReason.NOT_ASSIGNED, committed.failures().get(0).why().reason());
    client.commit("else", 0, 5);
    fixture.ms(20);
    assertEquals(
        ErrorReason.NOT_ASSIGNED, client.last(Committed.class).failures().get(0).why().reason());
    assertNull(client.failure);
  }

  @Test
  void halfCloseAnswersTheCommitsLeavesAndEndsWithOk() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 5);
    TestClient client = fixture.join("g", "orders");
    client.commit("orders", 0, 5);
    client.halfClose();
    fixture.ms(50);
    assertEquals(1, client.ends);
    assertEquals(5, client.last(Committed.class).offsets().get(0).offset());
    assertTrue(fixture.groups.group("g").members().isEmpty());
  }

  @Test
  void halfCloseRightAfterSubscribeJoinsAndLeaves() {
    fixture.topic("orders", 1);
    TestClient client = fixture.open();
    client.send(new ConsumeAction.Subscribe(subscribe("g", "orders").build()));
    client.halfClose();
    fixture.ms(100);
    assertEquals(1, client.ends);
    assertInstanceOf(Assigned.class, client.events.get(0));
  }

  @Test
  void halfCloseEndsAlsoWhenTheCoordinatorStaysAway() {
    fixture.topic("orders", 1);
    TestClient idle = fixture.join("g", "orders");
    fixture.groups.unavailable =
        ApiError.retriable(ErrorReason.COORDINATOR_UNAVAILABLE, "it moves", 100);
    idle.halfClose();
    fixture.ms(40_000);
    assertEquals(1, idle.ends, "nothing was open: its session ends what is left");
    TestClient late = fixture.join("g", "orders");
    fixture.ms(40_000);
    assertEquals(ErrorReason.COORDINATOR_UNAVAILABLE, late.failure().reason());
  }

  @Test
  void aCommitThatCannotBeAnsweredBeforeLeavingIsSaid() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 1);
    TestClient client = fixture.join("g", "orders");
    fixture.groups.away(true);
    fixture.groups.unavailable =
        ApiError.retriable(ErrorReason.COORDINATOR_UNAVAILABLE, "it moves", 100);
    client.commit("orders", 0, 1);
    client.halfClose();
    fixture.ms(40_000);
    assertEquals(ErrorReason.COORDINATOR_UNAVAILABLE, client.failure().reason());
  }

  @Test
  void commitsWaitWhileTheCoordinatorMovesAndTheirNumberIsBounded() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 200);
    TestClient client = fixture.join("g", "orders");
    fixture.groups.away(true);
    for (int i = 1; i <= 200; i++) {
      client.commit("orders", 0, i);
    }
    fixture.ms(60_000);
    assertEquals(200 - Commits.MAX_UNANSWERED, client.untaken());
    assertTrue(client.all(Committed.class).isEmpty());
    fixture.home.run(() -> fixture.groups.away(false));
    fixture.ms(1000);
    assertEquals(0, client.untaken());
    assertEquals(200, client.last(Committed.class).offsets().get(0).offset());
  }

  @Test
  void eventsForAClientThatTakesNothingAreFewAndTheRestIsNotRead() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 1);
    TestClient client = fixture.join("g", "orders");
    client.ready(false);
    for (int i = 0; i < 5000; i++) {
      client.commit("orders", 0, 1);
    }
    fixture.ms(20_000);
    assertEquals(0, client.untaken(), "answers of the same partitions become one");
    int before = client.events.size();
    for (int i = 0; i < 11_000; i++) {
      client.send(new ConsumeAction.Seek(new Named("orders", 0), new StartSpec.AtOffset(0)));
    }
    fixture.ms(20_000);
    assertTrue(client.untaken() > 0, "a client must take what it asked for");
    assertEquals(before, client.events.size());
    client.ready(true);
    fixture.ms(1000);
    assertEquals(0, client.untaken());
  }

  @Test
  void aBrokenStreamKeepsItsPartitionsForTheSession() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 1);
    TestClient first =
        fixture.join(subscribe("g", "orders").with(wish -> wish.sessionMs = 5000).build());
    first.breaks();
    fixture.ms(1000);
    TestClient second = fixture.join("g", "orders");
    fixture.ms(3000);
    assertEquals(List.of(), second.values);
    fixture.ms(2000);
    assertEquals(List.of("v0"), second.values);
  }

  @Test
  void aStreamWithTheIdOfAnEarlierOneTakesItsPartitionsOver() {
    fixture.topic("orders", 2);
    fixture.fill("orders", 0, 0, 1);
    TestClient first =
        fixture.join(subscribe("g", "orders").with(wish -> wish.sessionMs = 5000).build());
    first.breaks();
    TestClient second =
        fixture.join(subscribe("g", "orders").with(wish -> wish.memberId = "member-1").build());
    assertEquals("member-1", second.last(Assigned.class).memberId());
    assertEquals(2, second.last(Assigned.class).partitions().size());
    assertEquals(List.of("v0"), second.values);
  }

  @Test
  void aSecondStreamWithTheSameNameEndsTheFirst() {
    fixture.topic("orders", 1);
    Wish named = subscribe("g", "orders").with(wish -> wish.memberName = "reader");
    TestClient first = fixture.join(named.build());
    TestClient second = fixture.join(named.build());
    assertEquals(ErrorReason.MEMBER_REPLACED, first.failure().reason());
    assertEquals(1, second.last(Assigned.class).partitions().size());
  }

  @Test
  void aFencedMemberIsTold() {
    fixture.topic("orders", 1);
    TestClient client = fixture.join("g", "orders");
    int epoch = fixture.groups.group("g").members().get("member-1").epoch();
    fixture.groups.apply(
        new io.kontiki.group.GroupCommand.ExpireMember(0, "g", "member-1", epoch, "test"));
    fixture.ms(10);
    assertEquals(ErrorReason.MEMBER_FENCED, client.failure().reason());
  }

  @Test
  void silenceIsBrokenByHeartbeats() {
    fixture.topic("orders", 1);
    TestClient client = fixture.join("g", "orders");
    fixture.ms(9_000);
    assertEquals(0, client.all(Heartbeat.class).size());
    fixture.ms(1_100);
    assertEquals(1, client.all(Heartbeat.class).size());
    fixture.ms(5_000);
    fixture.fill("orders", 0, 0, 1);
    fixture.ms(9_900);
    assertEquals(1, client.all(Heartbeat.class).size(), "records are no silence");
    client.breaks();
    fixture.ms(60_000);
    assertEquals(1, client.all(Heartbeat.class).size());
  }

  @Test
  void aPlannedStopWaitsForWhatIsOpenAndLeavesTheSession() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 2);
    TestClient client =
        fixture.join(subscribe("g", "orders").with(wish -> wish.sessionMs = 5000).build());
    fixture.home.run(() -> client.session.closing(3000));
    assertEquals(3000, client.last(Reconnect.class).timeLeftMs());
    fixture.fill("orders", 0, 2, 3);
    fixture.ms(500);
    assertEquals(List.of("v0", "v1"), client.values, "no more records");
    client.commit("orders", 0, 1);
    fixture.ms(500);
    assertEquals(0, client.ends);
    client.commit("orders", 0, 2);
    fixture.ms(50);
    assertEquals(1, client.ends);
    assertEquals(2, client.last(Committed.class).offsets().get(0).offset());
    assertEquals(1, fixture.groups.group("g").members().size());
    TestClient next =
        fixture.join(subscribe("g", "orders").with(wish -> wish.memberId = "member-1").build());
    assertEquals(List.of("v2"), next.values);
  }

  @Test
  void aPlannedStopEndsWithTheTimeOrTheHalfClose() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 2);
    TestClient slow = fixture.join("g", "orders");
    TestClient idle = fixture.join("g", "orders");
    TestClient leaving = fixture.join("h", "orders");
    TestClient joining = fixture.open();
    fixture.home.run(
        () -> {
          slow.session.closing(3000);
          idle.session.closing(3000);
          leaving.session.closing(3000);
          joining.session.closing(3000);
        });
    assertEquals(ErrorReason.BROKER_STOPPING, joining.failure().reason());
    assertEquals(1, idle.ends, "nothing is open");
    leaving.halfClose();
    fixture.ms(1000);
    assertEquals(1, leaving.ends);
    assertEquals(0, slow.ends);
    fixture.ms(2000);
    assertEquals(1, slow.ends);
  }

  @Test
  void aTopicDeletedAndMadeAgainIsPickedUp() {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, 1);
    TestClient client = fixture.join("g", "orders");
    PartitionId old = fixture.id("orders", 0);
    fixture.metadata.apply(new MetadataCommand.DeleteTopic(0, old.topicId()));
    fixture.ms(200);
    assertEquals(
        new ConsumeEvent.Revoked(
            List.of(new Named("orders", 0)), ConsumeEvent.RevokeReason.TOPIC_DELETED),
        client.last(ConsumeEvent.Revoked.class));
    client.commit("orders", 0, 1);
    fixture.ms(50);
    assertEquals(
        ErrorReason.TOPIC_NOT_FOUND, client.last(Committed.class).failures().get(0).why().reason());
    fixture.topic("orders", 2);
    fixture.put("orders", 0, "again");
    fixture.ms(500);
    assertEquals(2, client.last(Assigned.class).partitions().size());
    assertEquals(List.of("v0", "again"), client.values);
    client.commit("orders", 0, 1);
    fixture.ms(50);
    assertEquals(1, client.last(Committed.class).offsets().size());
  }
}
