package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import io.kontiki.record.RecordBatchBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchRequestData.FetchPartition;
import org.apache.kafka.common.message.FetchRequestData.FetchTopic;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsPartition;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsTopic;
import org.apache.kafka.common.message.ListOffsetsResponseData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every version of Produce, Fetch, ListOffsets and Metadata writes and reads the same records. */
class OldClientsTest {
  @TempDir static Path dir;
  private static RealNodes nodes;

  @BeforeAll
  static void start() throws IOException {
    nodes =
        new RealNodes(
            dir, 1, "topic.default.durability=replicated", "kafka.auto.create.topics=true");
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  private static void create(RawClient client, String topic) throws IOException {
    CreateTopicsRequestData request = new CreateTopicsRequestData().setTimeoutMs(20_000);
    request
        .topics()
        .add(
            new CreatableTopic()
                .setName(topic)
                .setNumPartitions(1)
                .setReplicationFactor((short) 1));
    CreateTopicsResponseData made =
        client.call(ApiKeys.CREATE_TOPICS, 0, request, CreateTopicsResponseData.class);
    assertEquals(Errors.NONE.code(), made.topics().find(topic).errorCode());
  }

  private static MemoryRecords records(int version, int n) {
    byte magic = (byte) (version < 2 ? 0 : version < 3 ? 1 : 2);
    if (magic == 2) {
      ByteBuffer batch =
          new RecordBatchBuilder(io.kontiki.record.Compression.LZ4)
              .append(n, null, value(n), List.of())
              .append(n, null, value(n + 1), List.of())
              .build();
      return MemoryRecords.readableRecords(batch);
    }
    MemoryRecordsBuilder builder =
        MemoryRecords.builder(
            ByteBuffer.allocate(4096),
            magic,
            org.apache.kafka.common.compress.Compression.gzip().build(),
            TimestampType.CREATE_TIME,
            0);
    builder.append(magic == 0 ? -1 : n, null, value(n));
    builder.append(magic == 0 ? -1 : n, null, value(n + 1));
    return builder.build();
  }

  private static byte[] value(int n) {
    return ("record " + n).getBytes();
  }

  @Test
  void whatEachVersionWritesEachVersionReads() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      create(client, "all-versions");
      int sent = 0;
      for (short version : ApiKeys.PRODUCE.allVersions()) {
        ProduceRequestData request = new ProduceRequestData().setAcks((short) -1);
        request.setTimeoutMs(20_000);
        request
            .topicData()
            .add(
                new TopicProduceData()
                    .setName("all-versions")
                    .setPartitionData(
                        List.of(
                            new PartitionProduceData()
                                .setIndex(0)
                                .setRecords(records(version, sent)))));
        ProduceResponseData answer =
            client.call(ApiKeys.PRODUCE, version, request, ProduceResponseData.class);
        var told = answer.responses().find("all-versions").partitionResponses().get(0);
        assertEquals(Errors.NONE.code(), told.errorCode(), "Produce " + version);
        assertEquals(sent, told.baseOffset());
        sent += 2;
      }
      MetadataResponseData.MetadataResponseTopic topic = metadata(client);
      for (short version : ApiKeys.FETCH.allVersions()) {
        int next = 0;
        while (next < sent) {
          FetchRequestData request =
              new FetchRequestData().setMaxWaitMs(1000).setMinBytes(1).setMaxBytes(1 << 20);
          request.setTopics(
              List.of(
                  new FetchTopic()
                      .setTopic(version < 13 ? "all-versions" : "")
                      .setTopicId(
                          version < 13 ? org.apache.kafka.common.Uuid.ZERO_UUID : topic.topicId())
                      .setPartitions(
                          List.of(
                              new FetchPartition()
                                  .setPartition(0)
                                  .setFetchOffset(next)
                                  .setPartitionMaxBytes(version % 2 == 0 ? 1 << 20 : 200)))));
          if (version < 3) {
            request.setMaxBytes(Integer.MAX_VALUE);
          }
          if (version >= 7) {
            request.setSessionEpoch(-1);
          }
          FetchResponseData answer =
              client.call(ApiKeys.FETCH, version, request, FetchResponseData.class);
          assertEquals(Errors.NONE.code(), answer.errorCode(), "Fetch " + version);
          var told = answer.responses().get(0).partitions().get(0);
          assertEquals(Errors.NONE.code(), told.errorCode(), "Fetch " + version);
          assertEquals(sent, told.highWatermark());
          MemoryRecords read = (MemoryRecords) told.records();
          assertEquals(read.sizeInBytes(), read.validBytes(), "Fetch " + version);
          int before = next;
          for (Record record : read.records()) {
            if (record.offset() >= next) {
              assertEquals(next, record.offset());
              assertArrayEquals(value(next), Utils.toArray(record.value()));
              next++;
            }
          }
          assertTrue(next > before, "Fetch " + version + " stands still at " + next);
        }
      }
      for (short version : ApiKeys.LIST_OFFSETS.allVersions()) {
        assertEquals(sent, offset(client, version, -1), "ListOffsets " + version);
        assertEquals(0, offset(client, version, -2), "ListOffsets " + version);
      }
    }
  }

  private static long offset(RawClient client, short version, long time) throws IOException {
    ListOffsetsPartition wanted =
        new ListOffsetsPartition().setPartitionIndex(0).setTimestamp(time);
    if (version == 0) {
      wanted.setMaxNumOffsets(1);
    }
    var told =
        client
            .call(
                ApiKeys.LIST_OFFSETS,
                version,
                new ListOffsetsRequestData()
                    .setReplicaId(-1)
                    .setTopics(
                        List.of(
                            new ListOffsetsTopic()
                                .setName("all-versions")
                                .setPartitions(List.of(wanted)))),
                ListOffsetsResponseData.class)
            .topics()
            .get(0)
            .partitions()
            .get(0);
    assertEquals(Errors.NONE.code(), told.errorCode());
    return version == 0 ? told.oldStyleOffsets().get(0) : told.offset();
  }

  private static MetadataResponseData.MetadataResponseTopic metadata(RawClient client)
      throws IOException {
    MetadataResponseData.MetadataResponseTopic last = null;
    for (short version : ApiKeys.METADATA.allVersions()) {
      MetadataResponseData told =
          client.call(
              ApiKeys.METADATA,
              version,
              new MetadataRequestData()
                  .setTopics(List.of(new MetadataRequestTopic().setName("all-versions"))),
              MetadataResponseData.class);
      last = told.topics().find("all-versions");
      assertEquals(Errors.NONE.code(), last.errorCode(), "Metadata " + version);
      assertEquals(1, last.partitions().size());
      assertEquals(nodes.kafka(1).port(), told.brokers().find(1).port());
    }
    return last;
  }

  @Test
  void aTopicIsMadeByWhoAsksForItUnlessItSaysNo() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      for (short version : ApiKeys.METADATA.allVersions()) {
        boolean allow = version < 4 || version % 2 == 0;
        String name = "made-by-" + version;
        MetadataRequestData request =
            new MetadataRequestData()
                .setTopics(List.of(new MetadataRequestTopic().setName(name)))
                .setAllowAutoTopicCreation(allow);
        MetadataResponseData told =
            client.call(ApiKeys.METADATA, version, request, MetadataResponseData.class);
        assertEquals(
            (allow ? Errors.NONE : Errors.UNKNOWN_TOPIC_OR_PARTITION).code(),
            told.topics().find(name).errorCode(),
            name);
      }
    }
  }

  @Test
  void aMessageSetThatIsDamagedIsRefusedAndTheConnectionGoesOn() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      create(client, "damaged");
      for (short version = 0; version <= 3; version++) {
        ByteBuffer bytes = records(version, 0).buffer();
        bytes.put(bytes.limit() - 1, (byte) (bytes.get(bytes.limit() - 1) + 1));
        ProduceRequestData request = new ProduceRequestData().setAcks((short) 1);
        request.setTimeoutMs(20_000);
        request
            .topicData()
            .add(
                new TopicProduceData()
                    .setName("damaged")
                    .setPartitionData(
                        List.of(
                            new PartitionProduceData()
                                .setIndex(0)
                                .setRecords(MemoryRecords.readableRecords(bytes)))));
        ProduceResponseData answer =
            client.call(ApiKeys.PRODUCE, version, request, ProduceResponseData.class);
        assertEquals(
            Errors.CORRUPT_MESSAGE.code(),
            answer.responses().find("damaged").partitionResponses().get(0).errorCode());
      }
    }
  }
}
