package io.kontiki.broker.group;

import static io.kontiki.broker.group.ConsumeFixture.subscribe;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.group.ConsumeAction.Pause;
import io.kontiki.broker.group.ConsumeAction.Resume;
import io.kontiki.broker.group.ConsumeAction.Seek;
import io.kontiki.broker.group.ConsumeEvent.Assigned;
import io.kontiki.broker.group.ConsumeEvent.Committed;
import io.kontiki.broker.group.ConsumeEvent.Repositioned;
import io.kontiki.broker.group.ConsumeFixture.TestClient;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where delivery begins and goes on. */
class ConsumePositionTest {
  private static final Named ZERO = new Named("orders", 0);
  private final ConsumeFixture fixture = new ConsumeFixture();

  private PartitionId orders(int records) {
    fixture.topic("orders", 1);
    fixture.fill("orders", 0, 0, records);
    return fixture.id("orders", 0);
  }

  private TestClient from(StartSpec start) {
    return fixture.join(subscribe("g", "orders").with(wish -> wish.startAt = start).build());
  }

  @Test
  void withoutACommitDeliveryBeginsWhereTheClientSays() {
    PartitionId id = orders(3);
    long before = fixture.time.clock().wallMs();
    fixture.ms(100);
    fixture.fill("orders", 0, 3, 5);
    TestClient timed = from(new StartSpec.AtTime(before + 1));
    assertEquals(List.of("v3", "v4"), timed.values);
    TestClient latest =
        fixture.join(
            subscribe("h", "orders").with(wish -> wish.startAt = new StartSpec.Latest()).build());
    assertEquals(5, latest.last(Assigned.class).partitions().get(0).offset());
    timed.commit("orders", 0, 4);
    fixture.ms(20);
    TestClient other =
        fixture.join(
            subscribe("i", "orders")
                .with(wish -> wish.startAt = new StartSpec.CommittedBy("g"))
                .build());
    assertEquals(List.of("v4"), other.values);
    TestClient nobody =
        fixture.join(
            subscribe("j", "orders")
                .with(wish -> wish.startAt = new StartSpec.CommittedBy("nobody"))
                .build());
    assertEquals(5, nobody.values.size(), "nothing committed there: from the log start");
    assertEquals(4, fixture.groups.committed("g", id));
  }

  @Test
  void aStartBehindTheLogStartIsCommittedBeforeAnythingIsDelivered() {
    PartitionId id = orders(3);
    TestClient first = from(new StartSpec.Latest());
    assertEquals(3, fixture.groups.committed("g", id));
    fixture.fill("orders", 0, 3, 5);
    fixture.ms(20);
    assertEquals(List.of("v3", "v4"), first.values);
    first.breaks();
    fixture.ms(1000);
    TestClient second = from(new StartSpec.Latest());
    assertEquals(List.of("v3", "v4"), second.values, "delivered and not committed: again");
  }

  @Test
  void aPartitionThatAppearsLaterStartsAtItsLogStart() {
    orders(3);
    TestClient client = from(new StartSpec.Latest());
    fixture.metadata.apply(
        new MetadataCommand.AddPartitions(
            0, fixture.id("orders", 0).topicId(), 1, List.of(List.of(1))));
    fixture.put("orders", 1, "early");
    fixture.ms(500);
    assertEquals(List.of("early"), client.values);
  }

  @Test
  void seekGoesElsewhereAndRepositionedMarksThePlace() {
    PartitionId id = orders(5);
    TestClient client = from(new StartSpec.Earliest());
    client.commit("orders", 0, 5);
    client.send(new Seek(ZERO, new StartSpec.AtOffset(3)));
    fixture.ms(50);
    assertEquals(
        new Repositioned(new Place(ZERO, 3, -1, ""), false, -1), client.last(Repositioned.class));
    assertEquals(List.of("v0", "v1", "v2", "v3", "v4", "v3", "v4"), client.values);
    client.commit("orders", 0, 4);
    fixture.ms(50);
    assertEquals(4, fixture.groups.committed("g", id), "it went back on purpose (G10)");
    client.commit("orders", 0, 5);
    client.commit("orders", 0, 4);
    fixture.ms(50);
    assertEquals(5, fixture.groups.committed("g", id), "it has caught up: back no more");
    client.send(new Seek(ZERO, new StartSpec.Earliest()));
    fixture.ms(50);
    assertEquals(12, client.values.size());
    client.send(new Seek(ZERO, new StartSpec.Latest()));
    fixture.ms(50);
    assertEquals(5, client.last(Repositioned.class).position().offset());
    client.send(new Seek(new Named("orders", 9), new StartSpec.Latest()));
    client.send(new Seek(ZERO, new StartSpec.CommittedBy("nobody")));
    fixture.ms(50);
    assertEquals(0, client.last(Repositioned.class).position().offset());
    assertNull(client.failure);
  }

  @Test
  void aCommitOfWhatWasDeliveredBeforeASeekBackIsAllowed() {
    orders(5);
    TestClient client = from(new StartSpec.Earliest());
    client.send(new Seek(ZERO, new StartSpec.AtOffset(1)));
    client.commit("orders", 0, 5);
    fixture.ms(50);
    assertEquals(5, client.last(Committed.class).offsets().get(0).offset());
    assertNull(client.failure);
  }

  @Test
  void oneMayCommitWhereOneSoughtTo() {
    orders(5);
    TestClient client =
        fixture.join(subscribe("g", "orders").with(wish -> wish.window = 2).build());
    assertEquals(List.of("v0"), client.values);
    client.send(new Seek(ZERO, new StartSpec.AtOffset(4)));
    client.commit("orders", 0, 4);
    fixture.ms(50);
    assertEquals(List.of("v0", "v4"), client.values);
    client.commit("orders", 0, 6);
    fixture.ms(50);
    assertEquals(ErrorReason.OFFSET_NOT_DELIVERED, client.failure().reason());
  }

  @Test
  void pauseStopsDeliveryAndResumeGoesOnWhereItStopped() {
    orders(2);
    TestClient client = from(new StartSpec.Earliest());
    client.send(new Pause(List.of(ZERO, new Named("orders", 5))));
    fixture.fill("orders", 0, 2, 4);
    fixture.ms(7000);
    assertEquals(List.of("v0", "v1"), client.values);
    client.send(new Seek(ZERO, new StartSpec.AtOffset(1)));
    fixture.ms(50);
    assertEquals(2, client.values.size(), "it stays paused");
    client.send(new Resume(List.of(ZERO, new Named("orders", 5))));
    fixture.ms(50);
    assertEquals(List.of("v0", "v1", "v1", "v2", "v3"), client.values);
  }

  private TestClient lost(Subscription.OutOfRange policy) {
    PartitionId id = orders(5);
    TestClient client =
        fixture.join(
            subscribe("g", "orders")
                .with(
                    wish -> {
                      wish.outOfRange = policy;
                      wish.window = 2;
                    })
                .build());
    client.send(new Pause(List.of(ZERO))); // and with it what was read ahead
    fixture.ms(10);
    fixture.partitions.startAt(id, 3);
    client.send(new Resume(List.of(ZERO)));
    client.commit("orders", 0, 1);
    fixture.ms(300);
    return client;
  }

  @Test
  void whatRetentionRemovedIsSaid() {
    TestClient client = lost(Subscription.OutOfRange.EARLIEST);
    Repositioned moved = client.last(Repositioned.class);
    assertTrue(moved.outOfRange());
    assertEquals(3, moved.position().offset());
    assertEquals("v3", client.values.get(client.values.size() - 1));
  }

  @Test
  void theEndIsAnotherPolicyAndAnErrorTheThird() {
    TestClient client = lost(Subscription.OutOfRange.LATEST);
    assertEquals(5, client.last(Repositioned.class).position().offset());
    fixture.fill("orders", 0, 5, 6);
    fixture.ms(50);
    assertEquals("v5", client.values.get(client.values.size() - 1));
  }

  @Test
  void thePolicyErrorEndsTheStream() {
    TestClient client = lost(Subscription.OutOfRange.ERROR);
    ApiError error = client.failure();
    assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, error.reason());
    assertEquals("orders", error.metadata().get("topic"));
    assertEquals("0", error.metadata().get("partition"));
    assertEquals("3", error.metadata().get("startOffset"));
  }

  @Test
  void onlyAProofMovesDeliveryWhateverElseFails() {
    PartitionId id = orders(2);
    TestClient client = from(new StartSpec.Earliest());
    for (ErrorReason reason :
        List.of(
            ErrorReason.OFFSET_NOT_AVAILABLE,
            ErrorReason.LEADER_UNAVAILABLE,
            ErrorReason.UNKNOWN_LEADER_EPOCH,
            ErrorReason.CORRUPT_LOG,
            ErrorReason.INTERNAL)) {
      fixture.partitions.failing(id, () -> ApiError.indefinite(reason, "test"));
      fixture.put("orders", 0, "during " + reason);
      fixture.ms(3000);
      fixture.partitions.failing(id, () -> null);
      fixture.ms(2000);
      assertEquals("during " + reason, client.values.get(client.values.size() - 1));
    }
    assertEquals(7, client.values.size());
    assertTrue(client.all(Repositioned.class).isEmpty());
  }

  @Test
  void aTruncatedLogMovesDeliveryByThePolicyAndCommitsMayGoBack() {
    PartitionId id = orders(5);
    TestClient client = from(new StartSpec.Earliest());
    client.commit("orders", 0, 5);
    fixture.ms(20);
    fixture.partitions.failing(
        id, () -> ApiError.definite(ErrorReason.LOG_TRUNCATED, "it parts at 2"));
    fixture.ms(5100);
    fixture.partitions.failing(id, () -> null);
    fixture.ms(500);
    assertEquals(0, client.last(Repositioned.class).position().offset());
    assertEquals(5, client.last(Repositioned.class).previousOffset());
    client.commit("orders", 0, 2);
    fixture.ms(50);
    assertEquals(2, fixture.groups.committed("g", id));
  }
}
