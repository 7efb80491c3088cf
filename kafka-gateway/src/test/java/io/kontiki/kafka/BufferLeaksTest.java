package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchRequestData.FetchPartition;
import org.apache.kafka.common.message.FetchRequestData.FetchTopic;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.MemoryRecords;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker that serves does not look for buffers that nobody released: this does, for all. */
class BufferLeaksTest {
  private static final int VERSION = 8;

  /** Made of whole requests, and then cut at any byte. */
  private static final int CONNECTIONS = 150;

  @TempDir Path dir;

  private final Random random = new Random(20261122);

  private ProduceRequestData produce() {
    byte[] value = new byte[1 + random.nextInt(40_000)];
    ByteBuffer batch =
        new RecordBatchBuilder(Compression.NONE).append(1, null, value, List.of()).build();
    if (random.nextInt(4) == 0) {
      batch.put(17, (byte) ~batch.get(17)); // of the checksum
    }
    ProduceRequestData request =
        new ProduceRequestData().setAcks((short) (random.nextInt(3) - 1)).setTimeoutMs(20_000);
    request
        .topicData()
        .add(
            new TopicProduceData()
                .setName("t")
                .setPartitionData(
                    List.of(
                        new PartitionProduceData()
                            .setIndex(random.nextInt(3)) // of two
                            .setRecords(MemoryRecords.readableRecords(batch)))));
    return request;
  }

  private static FetchRequestData fetch() {
    return new FetchRequestData()
        .setMaxBytes(4 << 20)
        .setMinBytes(1)
        .setMaxWaitMs(100)
        .setTopics(
            List.of(
                new FetchTopic()
                    .setTopic("t")
                    .setPartitions(List.of(new FetchPartition().setPartitionMaxBytes(4 << 20)))));
  }

  private byte[] requests() {
    ByteBuffer all = ByteBuffer.allocate(1 << 20);
    for (int i = 1 + random.nextInt(12); i > 0; i--) {
      byte[] frame =
          random.nextInt(3) == 0
              ? RawClient.frame(ApiKeys.FETCH, (short) VERSION, i, fetch())
              : RawClient.frame(ApiKeys.PRODUCE, (short) VERSION, i, produce());
      if (random.nextInt(30) == 0) {
        frame[0] = 0x7f; // no such API
      }
      all.putInt(frame.length).put(frame);
    }
    return Arrays.copyOf(all.array(), random.nextInt(all.position() + 1));
  }

  @Test
  void whateverAConnectionEndsWithNoBufferIsLost() throws IOException {
    ConcurrentLinkedQueue<String> lost = new ConcurrentLinkedQueue<>();
    ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    ByteBufUtil.setLeakListener((type, records) -> lost.add(type + records));
    try {
      try (RealNodes nodes =
              new RealNodes(dir, 1, "topic.default.durability=replicated", "hot.bytes=1048576");
          RawClient witness = new RawClient(nodes.kafka(1))) {
        CreateTopicsRequestData make = new CreateTopicsRequestData().setTimeoutMs(20_000);
        make.topics()
            .add(
                new CreatableTopic()
                    .setName("t")
                    .setNumPartitions(2)
                    .setReplicationFactor((short) 1));
        CreateTopicsResponseData made =
            witness.call(ApiKeys.CREATE_TOPICS, 0, make, CreateTopicsResponseData.class);
        assertEquals(Errors.NONE.code(), made.topics().find("t").errorCode());
        List<RawClient> open = new ArrayList<>(); // without taking what they are sent
        for (int i = 0; i < CONNECTIONS; i++) {
          RawClient client = new RawClient(nodes.kafka(1));
          open.add(client);
          try {
            client.write(requests());
          } catch (IOException e) {
            // closed by the broker while it was written to
          }
          if (open.size() > 5) {
            open.remove(random.nextInt(open.size())).close();
          }
        }
        for (RawClient client : open) {
          client.close();
        }
        witness.call(
            ApiKeys.API_VERSIONS, 0, new ApiVersionsRequestData(), ApiVersionsResponseData.class);
      }
      // A lost buffer is found when it was collected and another one is made.
      assertEquals(List.of(), List.copyOf(lost));
      ByteBufAllocator.DEFAULT.directBuffer(16).touch("lost on purpose");
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> {
                System.gc();
                ByteBufAllocator.DEFAULT.directBuffer(16).release();
                return lost.stream().anyMatch(one -> one.contains("lost on purpose"));
              });
      assertTrue(
          lost.stream().allMatch(one -> one.contains("lost on purpose")), () -> lost.toString());
    } finally {
      ByteBufUtil.setLeakListener(null);
      ResourceLeakDetector.setLevel(before);
    }
  }
}
