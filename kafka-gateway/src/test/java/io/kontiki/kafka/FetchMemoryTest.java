package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchRequestData.FetchPartition;
import org.apache.kafka.common.message.FetchRequestData.FetchTopic;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.FetchResponseData.PartitionData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.Record;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What answers to fetches are made of: ranges of files, or memory of which there is so much. */
class FetchMemoryTest {
  private static final int PARTITIONS = 8;
  private static final int VERSION = 11;
  private static final int LOTS = 64 << 20;

  @TempDir Path dir;

  private static void create(RawClient client, int partitions) throws IOException {
    CreateTopicsRequestData request = new CreateTopicsRequestData().setTimeoutMs(20_000);
    request
        .topics()
        .add(
            new CreatableTopic()
                .setName("t")
                .setNumPartitions(partitions)
                .setReplicationFactor((short) 1));
    CreateTopicsResponseData made =
        client.call(ApiKeys.CREATE_TOPICS, 0, request, CreateTopicsResponseData.class);
    assertEquals(Errors.NONE.code(), made.topics().find("t").errorCode());
  }

  private static void produce(RawClient client, int partition, byte[] value) throws IOException {
    ByteBuffer batch =
        new RecordBatchBuilder(Compression.NONE).append(1, null, value, List.of()).build();
    ProduceRequestData request = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(20_000);
    request
        .topicData()
        .add(
            new TopicProduceData()
                .setName("t")
                .setPartitionData(
                    List.of(
                        new PartitionProduceData()
                            .setIndex(partition)
                            .setRecords(MemoryRecords.readableRecords(batch)))));
    ProduceResponseData answer =
        client.call(ApiKeys.PRODUCE, 8, request, ProduceResponseData.class);
    assertEquals(
        Errors.NONE.code(), answer.responses().find("t").partitionResponses().get(0).errorCode());
  }

  private static FetchRequestData fetch(long[] offsets, int minBytes, int waitMs) {
    List<FetchPartition> partitions = new ArrayList<>();
    for (int i = 0; i < offsets.length; i++) {
      partitions.add(
          new FetchPartition()
              .setPartition(i)
              .setFetchOffset(offsets[i])
              .setPartitionMaxBytes(LOTS));
    }
    return new FetchRequestData()
        .setMaxBytes(LOTS)
        .setMinBytes(minBytes)
        .setMaxWaitMs(waitMs)
        .setTopics(List.of(new FetchTopic().setTopic("t").setPartitions(partitions)));
  }

  private static int bytes(FetchResponseData answer) {
    int sum = 0;
    for (PartitionData data : answer.responses().get(0).partitions()) {
      sum += data.records().sizeInBytes();
    }
    return sum;
  }

  /** Adds the values, in order, and moves the offsets behind them. */
  private static void take(FetchResponseData answer, long[] offsets, List<List<byte[]>> values) {
    for (PartitionData data : answer.responses().get(0).partitions()) {
      assertEquals(Errors.NONE.code(), data.errorCode());
      for (Record record : ((MemoryRecords) data.records()).records()) {
        record.ensureValid();
        int partition = data.partitionIndex();
        assertEquals(offsets[partition], record.offset());
        offsets[partition]++;
        byte[] value = new byte[record.valueSize()];
        record.value().get(value);
        values.get(partition).add(value);
      }
    }
  }

  @Test
  void whatLiesInFilesComesByteForByteAlsoToAClientThatIsSlowToTakeIt() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (RealNodes nodes =
            new RealNodes(dir, 1, "topic.default.durability=replicated", "hot.bytes=1048576");
        RawClient client = new RawClient(nodes.kafka(1))) {
      create(client, PARTITIONS);
      List<List<byte[]>> sent = new ArrayList<>();
      for (int partition = 0; partition < PARTITIONS; partition++) {
        sent.add(new ArrayList<>());
        for (int i = 0; i < 20; i++) {
          byte[] value = new byte[1 + random.nextInt(partition < 6 ? 150_000 : 300)];
          random.nextBytes(value);
          produce(client, partition, value);
          sent.get(partition).add(value);
        }
      }
      List<List<byte[]>> got = new ArrayList<>();
      for (int partition = 0; partition < PARTITIONS; partition++) {
        got.add(new ArrayList<>());
      }
      long[] offsets = new long[PARTITIONS];
      for (int round = 0; round < 100 && !isComplete(offsets); round++) {
        // Twelve under way that nobody reads: more than sockets hold.
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
          ids.add(client.send(ApiKeys.FETCH, VERSION, fetch(offsets.clone(), 1, 100)));
        }
        FetchResponseData first = null;
        for (int id : ids) {
          FetchResponseData answer =
              client.read(ApiKeys.FETCH, VERSION, id, FetchResponseData.class);
          first = first == null ? answer : first;
          assertEquals(bytes(first), bytes(answer), "seed " + seed);
        }
        take(first, offsets, got);
      }
      for (int partition = 0; partition < PARTITIONS; partition++) {
        assertEquals(20, got.get(partition).size(), "seed " + seed);
        for (int i = 0; i < 20; i++) {
          assertTrue(
              java.util.Arrays.equals(sent.get(partition).get(i), got.get(partition).get(i)),
              "seed " + seed + ", partition " + partition + ", offset " + i);
        }
      }
    }
  }

  private static boolean isComplete(long[] offsets) {
    for (long offset : offsets) {
      if (offset < 20) {
        return false;
      }
    }
    return true;
  }

  @Test
  void whatWaitsInMemoryIsBoundedInAllAndIsFreedWhenAConnectionEnds() throws IOException {
    try (RealNodes nodes =
            new RealNodes(
                dir, 1, "topic.default.durability=replicated", "request.memory.bytes=8388608");
        RawClient client = new RawClient(nodes.kafka(1))) {
      create(client, PARTITIONS);
      for (int partition = 0; partition < PARTITIONS; partition++) {
        for (int i = 0; i < 10; i++) {
          produce(client, partition, new byte[103_000]);
        }
      }
      FetchRequestData some = fetch(new long[PARTITIONS], 1, 300);
      FetchRequestData wait = fetch(new long[PARTITIONS], LOTS, 60_000);
      int all = bytes(client.call(ApiKeys.FETCH, VERSION, some, FetchResponseData.class));
      assertTrue(all > 8_200_000, "bytes: " + all);
      try (RawClient waiting = new RawClient(nodes.kafka(1))) {
        waiting.send(ApiKeys.FETCH, VERSION, wait);
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .untilAsserted(
                () ->
                    assertEquals(
                        0,
                        bytes(client.call(ApiKeys.FETCH, VERSION, some, FetchResponseData.class)),
                        "the other one holds what there is"));
      }
      FetchRequestData again = fetch(new long[PARTITIONS], 1, 20_000);
      assertEquals(all, bytes(client.call(ApiKeys.FETCH, VERSION, again, FetchResponseData.class)));
    }
  }
}
