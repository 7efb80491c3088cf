package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.error;
import static io.kontiki.broker.api.RequestPath.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TopicAdminTest {
  private final RequestPath path = new RequestPath(3);
  private final TopicAdmin admin =
      new TopicAdmin(
          path.metadata,
          path.partitions,
          new TopicCreation.Defaults(2, 0, Map.of("retention.ms", "1000"), 100, 1000),
          4 << 20,
          new SeededRandom(3));

  private Result<TopicAdmin.Created> create(
      String name,
      @Nullable Integer partitions,
      @Nullable Integer replicas,
      Map<String, String> config) {
    return path.<Result<TopicAdmin.Created>>call(
        (call, done) ->
            admin.create(
                call, new TopicCreation.Request(name, partitions, replicas, config), done));
  }

  private Result<TopicAdmin.Page> list(int size, String token, @Nullable Long minIndex) {
    return path.<Result<TopicAdmin.Page>>call(
        (call, done) -> admin.list(call, size, token, minIndex, done));
  }

  private Result<Long> delete(String name, String id) {
    return path.<Result<Long>>call((call, done) -> admin.delete(call, name, id, done));
  }

  @Test
  void aNewTopicHasTheDefaultsAndAllLeadersServe() {
    TopicAdmin.Created created = ok(create("orders", null, null, Map.of()));
    assertEquals(2, created.topic().partitions().size());
    assertEquals(3, created.topic().partitions().get(0).replicas().size());
    assertEquals(Map.of("retention.ms", "1000"), created.topic().config());
    assertEquals(List.of(), created.notReady());
    assertEquals(path.metadata.image().index(), created.index());
  }

  @Test
  void theAnswerWaitsUntilTheLastLeaderServes() {
    List<Result<TopicAdmin.Created>> answers = new ArrayList<>();
    // The id follows from the seed: the same admin call elsewhere shows it.
    SeededRandom same = new SeededRandom(3);
    PartitionId slow = new PartitionId(TopicId.random(same.nextLong(), same.nextLong()), 1);
    path.partitions.serving(slow, false);
    path.home.run(
        () ->
            admin.create(
                CallContext.within(path.home, 10_000_000_000L),
                new TopicCreation.Request("orders", 2, 1, Map.of()),
                answers::add));
    path.time.advanceMs(3000);
    assertEquals(List.of(), answers);
    path.partitions.serving(slow, true);
    path.time.advanceMs(200);
    assertEquals(List.of(), ok(answers.get(0)).notReady());
  }

  @Test
  void nearTheDeadlineItSaysWhoDoesNotServeYetInsteadOfFailing() {
    SeededRandom same = new SeededRandom(3);
    PartitionId slow = new PartitionId(TopicId.random(same.nextLong(), same.nextLong()), 1);
    path.partitions.serving(slow, false);
    TopicAdmin.Created created = ok(create("orders", 3, 1, Map.of()));
    assertEquals(List.of(1), created.notReady());
    assertTrue(path.time.clock().nanoTime() <= 9_500_000_000L, "M21: in time");
  }

  @Test
  void whatCannotBeCreatedIsRefusedForItsReason() {
    ok(create("orders", 1, 1, Map.of()));
    assertEquals(ErrorReason.TOPIC_EXISTS, error(create("orders", 1, 1, Map.of())).reason());
    assertEquals("name", error(create("or ders", 1, 1, Map.of())).metadata().get("field"));
    assertEquals("partitions", error(create("a", 0, 1, Map.of())).metadata().get("field"));
    assertEquals("partitions", error(create("a", 10_001, 1, Map.of())).metadata().get("field"));
    assertEquals(ErrorReason.TOO_FEW_BROKERS, error(create("a", 1, 4, Map.of())).reason());
    assertEquals(
        "retention.mss",
        error(create("a", 1, 1, Map.of("retention.mss", "1"))).metadata().get("key"));
    assertEquals(
        ErrorReason.INVALID_CONFIG,
        error(create("a", 1, 1, Map.of("max.message.bytes", "5000000"))).reason());
    path.metadata.fence(2);
    path.metadata.fence(3);
    assertEquals(ErrorReason.NOT_ENOUGH_REPLICAS, error(create("a", 1, 3, Map.of())).reason());
  }

  @Test
  void withoutQuorumNothingIsCreatedAndALostAnswerIsUnknown() {
    path.metadata.quorum(false);
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, error(create("a", 1, 1, Map.of())).reason());
    path.metadata.quorum(true);
    path.metadata.losesAnswers(true);
    assertFalse(error(create("a", 1, 1, Map.of())).definite());
  }

  @Test
  void pagesListEachTopicOnceThoughOthersComeAndGo() {
    for (int i = 0; i < 5; i++) {
      path.metadata.topic("t" + i, 1, Map.of());
    }
    TopicAdmin.Page first = ok(list(2, "", null));
    assertEquals(List.of("t0", "t1"), names(first));
    path.metadata.topic("a", 1, Map.of());
    ok(delete("t1", ""));
    TopicAdmin.Page second = ok(list(2, first.nextToken(), null));
    assertEquals(List.of("t2", "t3"), names(second));
    TopicAdmin.Page third = ok(list(2, second.nextToken(), null));
    assertEquals(List.of("t4"), names(third));
    assertEquals("", third.nextToken());
    assertEquals("page_size", error(list(-1, "", null)).metadata().get("field"));
    assertEquals("page_token", error(list(1, "%%", null)).metadata().get("field"));
  }

  private static List<String> names(TopicAdmin.Page page) {
    return page.topics().stream().map(topic -> topic.name()).toList();
  }

  @Test
  void theOwnCopyAnswersWithoutAQuorumOnceItHasReachedTheIndex() {
    path.metadata.topic("orders", 1, Map.of());
    path.metadata.quorum(false);
    long index = path.metadata.image().index();
    assertEquals(1, ok(list(0, "", 0L)).topics().size());
    assertEquals(index, ok(list(0, "", index)).index());
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, error(list(0, "", null)).reason());
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, error(list(0, "", index + 1)).reason());
    assertEquals("min_metadata_index", error(list(0, "", -1L)).metadata().get("field"));
  }

  @Test
  void descriptionsCarryTheOffsetsOfThoseLeadersThatAnswer() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    path.produce(
        new ProduceRequest(
            "orders", 0, List.of(RequestPath.record("k", "v")), io.kontiki.model.Acks.ALL, -1, 0));
    path.partitions.serving(new PartitionId(topic, 1), false);
    TopicAdmin.Described described =
        ok(
            path.<Result<TopicAdmin.Described>>call(
                (call, done) -> admin.describe(call, "orders", null, done)));
    assertTrue(described.offsets().get(0).known());
    assertEquals(1, described.offsets().get(0).highWatermark());
    assertFalse(described.offsets().get(1).known());
    Result<TopicAdmin.Described> missing =
        path.call((call, done) -> admin.describe(call, "nothing", null, done));
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, error(missing).reason());
  }

  @Test
  void deletingByIdSparesATopicThatWasMadeAgain() {
    TopicId old = path.metadata.topic("orders", 1, Map.of());
    ok(delete("orders", ""));
    TopicId again = path.metadata.topic("orders", 2, Map.of());
    assertNotEquals(old, again);
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, error(delete("orders", old.toString())).reason());
    assertEquals("topic_id", error(delete("orders", "short")).metadata().get("field"));
    long index = ok(delete("orders", again.toString()));
    assertEquals(path.metadata.image().index(), index);
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, error(delete("orders", "")).reason());
  }
}
