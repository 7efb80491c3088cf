package io.kontiki.record;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;

/** Apache Kafka's own classes read what we write, and write what we read. */
class KafkaOracleTest {
  private static final int LIMIT = 1 << 24;
  private static final int RECORDS = 3000;

  @Test
  void kafkaReadsOurBatches() {
    for (Compression codec : Compression.values()) {
      RecordBatchBuilder builder = new RecordBatchBuilder(codec);
      for (int i = 0; i < RECORDS; i++) {
        builder.append(time(i), key(i), value(i), headers(i));
      }
      ByteBuffer bytes = builder.build(77, (short) 3, 5);
      RecordBatch.at(bytes).stamp(1000, 9);

      MutableRecordBatch batch = MemoryRecords.readableRecords(bytes).batches().iterator().next();
      batch.ensureValid();
      assertEquals(codec.id(), batch.compressionType().id);
      assertEquals(1000 + RECORDS - 1, batch.lastOffset());
      assertEquals(77, batch.producerId());
      assertEquals(3, batch.producerEpoch());
      assertEquals(5 + RECORDS - 1, batch.lastSequence());
      assertEquals(9, batch.partitionLeaderEpoch());
      int i = 0;
      for (org.apache.kafka.common.record.Record record : batch) {
        assertEquals(1000 + i, record.offset());
        assertEquals(time(i), record.timestamp());
        assertArrayEquals(key(i), record.hasKey() ? Utils.toArray(record.key()) : null);
        assertArrayEquals(value(i), record.hasValue() ? Utils.toArray(record.value()) : null);
        Header[] headers = record.headers();
        assertEquals(headers(i).size(), headers.length);
        for (int h = 0; h < headers.length; h++) {
          assertEquals(headers(i).get(h), new RecordHeader(headers[h].key(), headers[h].value()));
        }
        i++;
      }
      assertEquals(RECORDS, i, codec.name());
    }
  }

  @Test
  void weReadKafkasBatches() {
    for (CompressionType type : CompressionType.values()) {
      MemoryRecordsBuilder builder =
          MemoryRecords.builder(
              ByteBuffer.allocate(1024),
              RecordBatch.MAGIC,
              org.apache.kafka.common.compress.Compression.of(type).build(),
              TimestampType.CREATE_TIME,
              0);
      for (int i = 0; i < RECORDS; i++) {
        RecordHeaders headers = new RecordHeaders();
        headers(i).forEach(header -> headers.add(header.key(), header.value()));
        builder.append(time(i), key(i), value(i), headers.toArray());
      }
      ByteBuffer bytes = builder.build().buffer();

      assertEquals(Optional.empty(), BatchValidator.check(bytes, LIMIT), type.name);
      RecordBatch batch = RecordBatch.at(bytes);
      assertEquals(Optional.empty(), BatchValidator.checkRecords(batch, LIMIT), type.name);
      List<Record> read = RecordReader.readAll(batch, LIMIT);
      assertEquals(RECORDS, read.size());
      for (int i = 0; i < RECORDS; i++) {
        assertEquals(new Record(i, time(i), key(i), value(i), headers(i)), read.get(i), type.name);
      }
    }
  }

  @Test
  void severalBatchesHaveTheSameBorders() {
    ByteBuffer all = ByteBuffer.allocate(LIMIT);
    for (int i = 1; i <= 5; i++) {
      RecordBatchBuilder builder = new RecordBatchBuilder(Compression.LZ4);
      builder.append(time(i), key(i), value(i), List.of());
      ByteBuffer bytes = builder.build();
      RecordBatch.at(bytes).stamp(i, 1);
      all.put(bytes);
    }
    all.flip();
    List<Long> kafkas =
        StreamSupport.stream(MemoryRecords.readableRecords(all).batches().spliterator(), false)
            .map(MutableRecordBatch::baseOffset)
            .toList();
    List<Long> ours =
        StreamSupport.stream(new RecordBatches(all).spliterator(), false)
            .map(RecordBatch::baseOffset)
            .toList();
    assertEquals(kafkas, ours);
    assertEquals(5, ours.size());
  }

  @Test
  void keysGoToTheSamePartitions() {
    for (int i = 0; i < 1000; i++) {
      byte[] key = ("key-" + i + "x".repeat(i % 9)).getBytes(StandardCharsets.UTF_8);
      assertEquals(Utils.murmur2(key), Partitioner.murmur2(key));
      assertTrue(Partitioner.partition(key, 7) < 7);
    }
  }

  private static long time(int i) {
    return 1_700_000_000_000L + (i * 37 % 100) * 1000L;
  }

  private static byte[] key(int i) {
    return i % 5 == 0 ? null : ("key " + i).getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] value(int i) {
    return i % 11 == 0
        ? null
        : ("value " + i * 7919L).repeat(i % 7).getBytes(StandardCharsets.UTF_8);
  }

  private static List<RecordHeader> headers(int i) {
    return i % 3 != 0
        ? List.of()
        : List.of(new RecordHeader("trace", key(i)), new RecordHeader("größe", value(i)));
  }
}
