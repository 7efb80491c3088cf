package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.record;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.RequestPath.Reading;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecordReadTest {
  private final RequestPath path = new RequestPath(1);
  private final Reading reading = new Reading();

  private void fill(int partition, int from, int to) {
    for (int i = from; i < to; i++) {
      path.produce(
          new ProduceRequest("orders", partition, List.of(record("k", "v" + i)), Acks.ALL, -1, 0));
    }
  }

  private ReadSession open(int partition, StartSpec start, boolean follow, long max) {
    ReadSession session =
        path.home.call(
            () ->
                path.read.open(
                    path.home, new ReadRequest("orders", partition, start, follow, max), reading));
    path.time.runUntilIdle();
    return session;
  }

  private ApiError failure() {
    assertNotNull(reading.failure);
    return reading.failure;
  }

  @Test
  void readsToTheHighWatermarkOfTheMomentOfTheCall() {
    path.metadata.topic("orders", 1, Map.of());
    fill(0, 0, 5);
    reading.onChunk = chunk -> path.home.execute(() -> {});
    open(-1, new StartSpec.Earliest(), false, 0);
    assertEquals(List.of("v0", "v1", "v2", "v3", "v4"), reading.values);
    assertEquals(1, reading.ends);
    RecordChunk last = reading.chunks.get(reading.chunks.size() - 1);
    assertEquals(5, last.nextOffset());
    assertEquals(5, last.highWatermark());
    assertEquals(0, last.leaderEpoch());
  }

  @Test
  void aClientThatIsReadyBeforeTheStartIsKnownDoesNotEndTheRead() {
    path.metadata.topic("orders", 1, Map.of());
    fill(0, 0, 2);
    path.home.run(
        () -> {
          ReadSession session =
              path.read.open(
                  path.home,
                  new ReadRequest("orders", 0, new StartSpec.Earliest(), false, 0),
                  reading);
          session.onReady();
        });
    path.time.runUntilIdle();
    assertEquals(List.of("v0", "v1"), reading.values);
    assertEquals(1, reading.ends);
  }

  @Test
  void anEmptyTopicEndsAtOnce() {
    path.metadata.topic("orders", 3, Map.of());
    open(-1, new StartSpec.Earliest(), false, 0);
    assertEquals(1, reading.ends);
    assertEquals(0, reading.heartbeats);
  }

  @Test
  void followingGoesOnWithWhatComesAndBeatsWhenSilent() {
    path.metadata.topic("orders", 2, Map.of());
    fill(0, 0, 1);
    ReadSession session = open(-1, new StartSpec.Earliest(), true, 0);
    fill(1, 1, 2);
    path.time.advanceMs(100);
    assertEquals(List.of("v0", "v1"), reading.values);
    path.time.advanceMs(10_000);
    assertEquals(1, reading.heartbeats);
    path.time.advanceMs(10_000);
    assertEquals(2, reading.heartbeats);
    assertEquals(0, reading.ends);
    session.cancel();
    path.time.advanceMs(60_000);
    assertEquals(2, reading.heartbeats, "nothing comes after the end");
  }

  @Test
  void everyStartIsWhereItShouldBe() {
    path.metadata.topic("orders", 1, Map.of());
    fill(0, 0, 3);
    long before = path.time.clock().wallMs();
    path.time.advanceMs(50);
    fill(0, 3, 5);
    open(0, new StartSpec.AtOffset(2), false, 0);
    open(0, new StartSpec.AtTime(before + 1), false, 0);
    open(0, new StartSpec.Latest(), false, 0);
    assertEquals(List.of("v2", "v3", "v4", "v3", "v4"), reading.values);
    assertEquals(3, reading.ends);
  }

  @Test
  void aStartOutsideTheLogIsRefusedOnBothSides() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    fill(0, 0, 3);
    open(0, new StartSpec.AtOffset(4), false, 0);
    assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, failure().reason());
    assertEquals("3", failure().metadata().get("endOffset"));
    reading.failure = null;
    path.partitions.startAt(new PartitionId(topic, 0), 2);
    open(0, new StartSpec.AtOffset(1), false, 0);
    assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, failure().reason());
    assertEquals("2", failure().metadata().get("startOffset"));
    assertEquals("orders", failure().metadata().get("topic"));
    reading.failure = null;
    open(0, new StartSpec.AtOffset(9), true, 0);
    assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, failure().reason());
  }

  @Test
  void endsAfterAsManyRecordsAsWereAskedFor() {
    path.metadata.topic("orders", 1, Map.of());
    path.produce(
        new ProduceRequest(
            "orders",
            0,
            List.of(record("k", "a"), record("k", "b"), record("k", "c")),
            Acks.ALL,
            -1,
            0));
    open(0, new StartSpec.Earliest(), true, 2);
    assertEquals(List.of("a", "b"), reading.values);
    assertEquals(2, reading.chunks.get(0).nextOffset());
    assertEquals(1, reading.ends);
  }

  @Test
  void aSlowClientStopsTheFetching() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    PartitionId partition = new PartitionId(topic, 0);
    String big = "x".repeat(400_000);
    for (int i = 0; i < 30; i++) {
      path.produce(new ProduceRequest("orders", 0, List.of(record("k", big)), Acks.ALL, -1, 0));
    }
    reading.onChunk = chunk -> reading.ready = false;
    ReadSession session = open(0, new StartSpec.Earliest(), false, 0);
    path.time.advanceMs(1000);
    assertEquals(1, reading.chunks.size());
    assertEquals(1, path.partitions.fetches(partition));
    for (int i = 0; i < 200 && reading.ends == 0; i++) {
      reading.ready = true;
      path.home.run(session::onReady);
      path.time.advanceMs(1);
    }
    assertEquals(30, reading.values.size());
    assertEquals(1, reading.ends);
    for (RecordChunk chunk : reading.chunks) {
      assertTrue(chunk.sizeBytes() <= 1 << 20, "a response stays below 1 MiB");
    }
  }

  @Test
  void compressedBatchesAreTakenApartByTheWorkerAlone() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    for (Compression compression : Compression.values()) {
      path.partitions.put(new PartitionId(topic, 0), batch(compression, 200));
    }
    path.decoder.taskNanos(() -> 5_000_000);
    open(0, new StartSpec.AtOffset(100), false, 0);
    int inPlace = reading.values.size();
    path.time.advanceMs(1000);
    assertEquals(200 * Compression.values().length - 100, reading.values.size());
    assertTrue(inPlace < reading.values.size(), "the worker takes its time");
    assertEquals(1, reading.ends);
  }

  private static ByteBuffer batch(Compression compression, int records) {
    RecordBatchBuilder builder = new RecordBatchBuilder(compression);
    for (int i = 0; i < records; i++) {
      builder.append(i, null, ("value " + i).getBytes(), List.of());
    }
    return builder.build();
  }

  @Test
  void aBombIsDamageAndWhatLiesBeforeItIsDelivered() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    fill(0, 0, 2);
    RecordBatchBuilder bomb = new RecordBatchBuilder(Compression.GZIP);
    bomb.append(0, null, new byte[70 << 20], List.of());
    path.partitions.put(new PartitionId(topic, 0), bomb.build());
    open(0, new StartSpec.Earliest(), false, 0);
    path.time.advanceMs(1000);
    assertEquals(List.of("v0", "v1"), reading.values);
    assertEquals(ErrorReason.CORRUPT_LOG, failure().reason());
    assertEquals("2", failure().metadata().get("offset"));
  }

  @Test
  void aHugeBatchIsDeliveredInPiecesOfOneMebibyte() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.ZSTD);
    for (int i = 0; i < 200; i++) {
      builder.append(i, null, new byte[100_000], List.of());
    }
    path.partitions.put(new PartitionId(topic, 0), builder.build());
    open(0, new StartSpec.AtOffset(3), false, 0);
    path.time.advanceMs(1000);
    assertEquals(197, reading.values.size());
    long next = 3;
    for (RecordChunk chunk : reading.chunks) {
      assertTrue(chunk.sizeBytes() <= 1 << 20);
      assertEquals(next, chunk.records().get(0).offset(), "none twice, none left out");
      next = chunk.nextOffset();
    }
    assertEquals(1, reading.ends);
  }

  @Test
  void aMissingLeaderIsAPauseAndAfterHalfAMinuteTheEnd() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    PartitionId partition = new PartitionId(topic, 0);
    fill(0, 0, 1);
    open(0, new StartSpec.AtOffset(0), true, 0);
    ApiError away = ApiError.retriable(ErrorReason.LEADER_UNAVAILABLE, "no leader", 100);
    path.partitions.failing(partition, () -> away);
    path.time.advanceMs(20_000);
    assertNull(reading.failure);
    path.partitions.failing(partition, () -> null);
    fill(0, 1, 2);
    path.time.advanceMs(1000);
    assertEquals(List.of("v0", "v1"), reading.values);
    path.partitions.failing(partition, () -> away);
    path.time.advanceMs(40_000);
    assertEquals(ErrorReason.LEADER_UNAVAILABLE, failure().reason());
  }

  @Test
  void manyPartitionsAreReadSomeAtATime() {
    path.metadata.topic("orders", 100, Map.of());
    for (int p = 0; p < 100; p++) {
      fill(p, p, p + 1);
    }
    open(-1, new StartSpec.Earliest(), true, 0);
    path.time.advanceMs(1000);
    assertEquals(100, reading.values.size());
    fill(77, 100, 101);
    path.time.advanceMs(1000);
    assertEquals("v100", reading.values.get(100));
  }

  @Test
  void whatIsNotThereIsSaid() {
    path.metadata.topic("orders", 1, Map.of());
    open(1, new StartSpec.Earliest(), false, 0);
    assertEquals(ErrorReason.PARTITION_NOT_FOUND, failure().reason());
    reading.failure = null;
    open(0, new StartSpec.CommittedBy("g"), false, 0);
    assertEquals(ErrorReason.NO_COMMITTED_OFFSET, failure().reason());
    assertEquals("g", failure().metadata().get("group"));
    reading.failure = null;
    open(0, new StartSpec.Earliest(), false, -1);
    assertEquals("max_records", failure().metadata().get("field"));
  }

  @Test
  void aReadBeginsWhereAGroupHasCommitted() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    fill(0, 0, 3);
    fill(1, 10, 13);
    path.commits.put("g", Map.of(new PartitionId(topic, 0), 2L, new PartitionId(topic, 1), 1L));
    open(-1, new StartSpec.CommittedBy("g"), false, 0);
    assertEquals(List.of("v11", "v12", "v2"), reading.values.stream().sorted().toList());
    path.commits.put("g", Map.of(new PartitionId(topic, 0), 2L));
    open(-1, new StartSpec.CommittedBy("g"), false, 0);
    assertEquals(ErrorReason.NO_COMMITTED_OFFSET, failure().reason());
    assertEquals("1", failure().metadata().get("partition"));
  }

  @Test
  void aDeletedTopicEndsTheRead() {
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    open(0, new StartSpec.Earliest(), true, 0);
    path.metadata.apply(new io.kontiki.metadata.MetadataCommand.DeleteTopic(0, topic));
    path.time.advanceMs(20_000);
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, failure().reason());
  }
}
