package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.error;
import static io.kontiki.broker.api.RequestPath.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TopicChangeAdminTest {
  private static final TopicCreation.Defaults DEFAULTS =
      new TopicCreation.Defaults(2, 0, Map.of(), 100, 1000);

  private final RequestPath path = new RequestPath(3);
  private final TopicAdmin admin =
      new TopicAdmin(path.metadata, path.partitions, DEFAULTS, 4 << 20, new SeededRandom(3));
  private final TopicChangeAdmin changes =
      new TopicChangeAdmin(path.metadata, DEFAULTS, 4 << 20, new SeededRandom(4));
  private final RecordDeletion deletion = new RecordDeletion(path.metadata, path.partitions);

  @BeforeEach
  void create() {
    ok(
        path.<Result<TopicAdmin.Created>>call(
            (call, done) ->
                admin.create(call, new TopicCreation.Request("orders", 2, null, Map.of()), done)));
  }

  private Result<TopicChangeAdmin.Changed> alter(Map<String, String> set, String... reset) {
    return path.<Result<TopicChangeAdmin.Changed>>call(
        (call, done) -> changes.alter(call, "orders", set, List.of(reset), done));
  }

  private Result<List<OffsetListing.Listed>> delete(List<Integer> partitions, StartSpec before) {
    return path.<Result<List<OffsetListing.Listed>>>call(
        (call, done) -> deletion.delete(call, "orders", partitions, before, done));
  }

  @Test
  void settingsAreSetAndTakenBack() {
    assertEquals(
        Map.of("retention.ms", "7"), ok(alter(Map.of("retention.ms", "7"))).topic().config());
    long index = path.metadata.image().index();
    assertEquals(index, ok(alter(Map.of("retention.ms", "7"))).index(), "nothing to change");
    assertEquals(Map.of(), ok(alter(Map.of(), "retention.ms")).topic().config());
    assertEquals(
        ErrorReason.INVALID_CONFIG,
        error(alter(Map.of("durability", Durability.REPLICATED.configValue()))).reason());
    assertEquals(
        ErrorReason.INVALID_CONFIG, error(alter(Map.of("max.message.bytes", "60000000"))).reason());
    assertEquals(
        ErrorReason.TOPIC_NOT_FOUND,
        error(
                path.<Result<TopicChangeAdmin.Changed>>call(
                    (call, done) -> changes.alter(call, "no", Map.of(), List.of(), done)))
            .reason());
  }

  @Test
  void changesAtTheSameTimeAreBothMade() {
    for (String key : List.of("retention.ms", "segment.ms", "retention.bytes")) {
      path.home.run(
          () ->
              changes.alter(
                  CallContext.within(path.home, 10_000_000_000L),
                  "orders",
                  Map.of(key, "77"),
                  List.of(),
                  changed -> {}));
    }
    path.time.advanceMs(2_000);
    assertEquals(3, path.metadata.image().topic("orders").config().size());
  }

  @Test
  void partitionsGrowAndNeverShrink() {
    assertEquals(5, ok(add(5)).topic().partitions().size());
    assertEquals(5, ok(add(5)).topic().partitions().size());
    assertEquals(ErrorReason.TOO_FEW_PARTITIONS, error(add(4)).reason());
  }

  private Result<TopicChangeAdmin.Changed> add(int total) {
    return path.<Result<TopicChangeAdmin.Changed>>call(
        (call, done) -> changes.addPartitions(call, "orders", total, done));
  }

  @Test
  void recordsAreDeletedPartitionByPartitionUntilOneFails() {
    for (int i = 0; i < 6; i++) {
      path.produce(
          new ProduceRequest(
              "orders",
              0,
              List.of(RequestPath.record(null, "v")),
              io.kontiki.model.Acks.ALL,
              -1,
              0));
    }
    assertEquals(4, ok(delete(List.of(0), new StartSpec.AtOffset(4))).get(0).offset());
    assertEquals(
        ErrorReason.OFFSET_OUT_OF_RANGE,
        error(delete(List.of(), new StartSpec.AtOffset(5))).reason(),
        "partition 1 is empty");
    List<OffsetListing.Listed> all = ok(delete(List.of(), new StartSpec.Latest()));
    assertEquals(List.of(6L, 0L), all.stream().map(OffsetListing.Listed::offset).toList());
    assertEquals(
        ErrorReason.PARTITION_NOT_FOUND,
        error(delete(List.of(9), new StartSpec.Latest())).reason());
    assertEquals(
        ErrorReason.INVALID_FIELD, error(delete(List.of(), new StartSpec.AtOffset(-1))).reason());
  }
}
