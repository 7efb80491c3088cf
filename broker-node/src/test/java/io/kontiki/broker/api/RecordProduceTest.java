package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.error;
import static io.kontiki.broker.api.RequestPath.ok;
import static io.kontiki.broker.api.RequestPath.record;
import static io.kontiki.broker.api.RequestPath.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.ProduceAnswer.Position;
import io.kontiki.broker.api.ProduceAnswer.Produced;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.record.Partitioner;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordHeader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RecordProduceTest {
  private final RequestPath path = new RequestPath(3);

  private static ProduceRequest idempotent(long id, int sequence, Record... records) {
    return new ProduceRequest("orders", -1, List.of(records), Acks.ALL, id, sequence);
  }

  @Test
  void keysChooseThePartitionAsKafkaDoesAndOrderIsKept() {
    TopicId topic = path.metadata.topic("orders", 5, Map.of());
    ProduceAnswer answer =
        path.produce(
            request(
                "orders", record("a", "1"), record("b", "2"), record("a", "3"), record("", "4")));
    List<Position> positions = ((Produced) answer).positions();
    int a = Partitioner.partition("a".getBytes(StandardCharsets.UTF_8), 5);
    int empty = Partitioner.partition(new byte[0], 5);
    assertEquals(a, positions.get(0).partition());
    assertEquals(a, positions.get(2).partition());
    assertEquals(positions.get(0).offset() + 1, positions.get(2).offset());
    assertEquals(empty, positions.get(3).partition());
    List<Record> stored = path.partitions.records(new PartitionId(topic, a));
    assertEquals("1", RequestPath.text(stored.get(0).value()));
    assertEquals(1_767_225_600_000L, stored.get(0).timestampMs(), "the broker's clock");
  }

  @Test
  void recordsWithoutKeyGoTogetherToOnePartition() {
    path.metadata.topic("orders", 7, Map.of());
    Set<Integer> all = new HashSet<>();
    for (int i = 0; i < 50; i++) {
      ProduceAnswer answer =
          path.produce(request("orders", record(null, "x"), record(null, "y"), record(null, "z")));
      Set<Integer> one = new HashSet<>();
      ((Produced) answer).positions().forEach(position -> one.add(position.partition()));
      assertEquals(1, one.size());
      all.addAll(one);
    }
    assertTrue(all.size() > 3, "different requests spread: " + all);
  }

  @Test
  void aTopicIsUnknownOnlyAfterTheQuorumSaidSo() {
    path.metadata.lagging(true);
    path.metadata.topic("orders", 1, Map.of());
    assertTrue(path.metadata.image().topic("orders") == null, "this broker's copy lags");
    assertTrue(path.produce(request("orders", record("k", "v"))) instanceof Produced);
    ApiError missing = error(path.produce(request("nothing", record("k", "v"))));
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, missing.reason());
    assertEquals("nothing", missing.metadata().get("topic"));
    assertTrue(missing.definite());
  }

  @Test
  void withoutQuorumAnUnknownNameIsAnUnavailableLeaderInTime() {
    path.metadata.quorum(false);
    ApiError error = error(path.produce(request("orders", record("k", "v"))));
    assertEquals(ErrorReason.LEADER_UNAVAILABLE, error.reason());
    assertTrue(error.definite());
    // 10 s minus the half second in which the answer must travel.
    assertEquals(9_500_000_000L, path.time.clock().nanoTime());
  }

  @Test
  void aPartitionBeyondTheTopicIsRefusedWithTheCount() {
    path.metadata.topic("orders", 2, Map.of());
    ApiError error =
        error(
            path.produce(
                new ProduceRequest("orders", 2, List.of(record("k", "v")), Acks.ALL, -1, 0)));
    assertEquals(ErrorReason.PARTITION_NOT_FOUND, error.reason());
    assertEquals("2", error.metadata().get("partitionCount"));
    assertEquals("2", error.metadata().get("partition"));
  }

  @Test
  void whatCannotBeIsRefusedWithItsField() {
    path.metadata.topic("orders", 1, Map.of());
    assertEquals("records", error(path.produce(request("orders"))).metadata().get("field"));
    assertEquals(
        "topic", error(path.produce(request("a b", record("k", "v")))).metadata().get("field"));
    List<RecordHeader> tooMany = Collections.nCopies(1001, new RecordHeader("h", new byte[] {1}));
    ApiError headers =
        error(
            path.produce(
                request("orders", record("k", "v"), new Record(0, 1, null, null, tooMany))));
    assertEquals("records[1].headers", headers.metadata().get("field"));
    ApiError negative = error(path.produce(idempotent(1L << 52, -1, record("k", "v"))));
    assertEquals("sequence", negative.metadata().get("field"));
    ApiError lost =
        error(
            path.produce(
                new ProduceRequest("orders", -1, List.of(record("k", "v")), Acks.ALL, -1, 3)));
    assertEquals("sequence", lost.metadata().get("field"), "the producer id was dropped");
  }

  @Test
  void aBatchBeyondTheTopicsLimitNamesTheRecordAndNothingIsAppended() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of("max.message.bytes", "300"));
    String big = "x".repeat(100);
    ApiError error =
        error(
            path.produce(request("orders", record("k", big), record("k", big), record("k", big))));
    assertEquals(ErrorReason.RECORD_TOO_LARGE, error.reason());
    assertEquals("2", error.metadata().get("index"));
    assertEquals("300", error.metadata().get("limitBytes"));
    assertTrue(Integer.parseInt(error.metadata().get("sizeBytes")) > 300);
    assertTrue(error.definite());
    assertEquals(List.of(), path.partitions.batches(new PartitionId(topic, 0)));
  }

  @Test
  void aThinProducersBatchCarriesIdEpochAndTheRequestsNumber() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    long id = ok(path.<Result<Long>>call(path.thinIds::next));
    assertEquals(1L << 52, id);
    assertTrue(
        path.produce(idempotent(id, 17, record("k", "1"), record("k", "2"))) instanceof Produced);
    RecordBatch batch = path.partitions.batches(new PartitionId(topic, 0)).get(0);
    assertEquals(id, batch.producerId());
    assertEquals(0, batch.producerEpoch());
    assertEquals(17, batch.baseSequence());
  }

  @Test
  void aRepeatedRequestFindsItsNullKeysAgain() {
    path.metadata.topic("orders", 9, Map.of());
    long id = ok(path.<Result<Long>>call(path.thinIds::next));
    Set<Integer> used = new HashSet<>();
    for (int sequence = 0; sequence < 20; sequence++) {
      ProduceAnswer first = path.produce(idempotent(id, sequence, record(null, "v")));
      ProduceAnswer again = path.produce(idempotent(id, sequence, record(null, "v")));
      assertEquals(first, again, "answered as the first time");
      used.add(((Produced) first).positions().get(0).partition());
    }
    assertTrue(used.size() > 3, "spread: " + used);
  }

  @Test
  void anIdThatNobodyWasGivenIsRefused() {
    path.metadata.topic("orders", 1, Map.of());
    for (long id : new long[] {5, (1L << 52) + 4711}) {
      ApiError error = error(path.produce(idempotent(id, 0, record("k", "v"))));
      assertEquals(ErrorReason.UNKNOWN_PRODUCER_ID, error.reason());
      assertTrue(error.definite());
    }
  }

  @Test
  void anIdThatAnotherBrokerGaveIsFoundThoughThisCopyLags() {
    path.metadata.topic("orders", 1, Map.of());
    path.metadata.lagging(true);
    path.metadata.apply(new io.kontiki.metadata.MetadataCommand.AllocateProducerIds(0, true, 10));
    assertTrue(path.produce(idempotent(1L << 52, 0, record("k", "v"))) instanceof Produced);
  }

  @Test
  void oneOfTwoPartitionsFailingIsPartlyAppendedAndNeverDefinite() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    String zero = key(0, 2);
    String one = key(1, 2);
    path.partitions.failing(
        new PartitionId(topic, 1),
        () -> ApiError.retriable(ErrorReason.NOT_ENOUGH_REPLICAS, "isr 1", 100));
    ApiError error =
        error(
            path.produce(
                request("orders", record(zero, "1"), record(one, "2"), record(zero, "3"))));
    assertEquals(ErrorReason.PARTIALLY_APPENDED, error.reason());
    assertEquals("2", error.metadata().get("appended"));
    assertFalse(error.definite(), "P4: two records are readable");
  }

  @Test
  void aDefiniteRefusalOfAllPartitionsStaysDefinite() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    for (int i = 0; i < 2; i++) {
      path.partitions.failing(
          new PartitionId(topic, i),
          () -> ApiError.retriable(ErrorReason.NOT_ENOUGH_REPLICAS, "isr 1", 100));
    }
    ApiError error =
        error(path.produce(request("orders", record(key(0, 2), "1"), record(key(1, 2), "2"))));
    assertEquals(ErrorReason.NOT_ENOUGH_REPLICAS, error.reason());
    assertTrue(error.definite());
  }

  @Test
  void oneUnknownAmongDefiniteRefusalsMakesTheWholeUnknown() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    path.partitions.failing(
        new PartitionId(topic, 0), () -> ApiError.definite(ErrorReason.DISK_FULL, "full"));
    path.partitions.failing(
        new PartitionId(topic, 1),
        () -> ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "deadline"));
    ApiError error =
        error(path.produce(request("orders", record(key(0, 2), "1"), record(key(1, 2), "2"))));
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, error.reason());
    assertFalse(error.definite());
  }

  @Test
  void everyReasonOfThePartitionArrivesAsItIs() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    List<ApiError> errors = new ArrayList<>();
    errors.add(ApiError.retriable(ErrorReason.LEADER_UNAVAILABLE, "no leader", 100));
    errors.add(ApiError.definite(ErrorReason.DISK_FULL, "full").with("brokerId", 1));
    errors.add(ApiError.definite(ErrorReason.SEQUENCE_OUT_OF_ORDER, "gap"));
    errors.add(ApiError.indefinite(ErrorReason.SEQUENCE_TOO_OLD, "old"));
    errors.add(ApiError.indefinite(ErrorReason.NOT_ENOUGH_REPLICAS_AFTER_APPEND, "isr"));
    for (ApiError wanted : errors) {
      path.partitions.failing(new PartitionId(topic, 0), () -> wanted);
      ApiError got = error(path.produce(request("orders", record("k", "v"))));
      assertEquals(wanted.reason(), got.reason());
      assertEquals(wanted.definite(), got.definite());
      assertEquals("orders", got.metadata().get("topic"));
    }
  }

  @Test
  void acksNoneAnswersWithoutOffsets() {
    path.metadata.topic("orders", 1, Map.of());
    ProduceAnswer answer =
        path.produce(new ProduceRequest("orders", -1, List.of(record("k", "v")), Acks.NONE, -1, 0));
    assertEquals(List.of(new Position(0, -1)), ((Produced) answer).positions());
  }

  private static String key(int partition, int count) {
    for (int i = 0; ; i++) {
      if (Partitioner.partition(("k" + i).getBytes(StandardCharsets.UTF_8), count) == partition) {
        return "k" + i;
      }
    }
  }
}
