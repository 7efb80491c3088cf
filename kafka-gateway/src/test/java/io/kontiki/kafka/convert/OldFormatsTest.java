package io.kontiki.kafka.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.record.Compression;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordHeader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;

/** Message sets of old clients, with Apache Kafka's own classes as the other side. */
class OldFormatsTest {
  private static final int LIMIT = 4 << 20;
  private static final int RECORDS = 200;
  private static final List<CompressionType> CODECS =
      List.of(
          CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY, CompressionType.LZ4);

  private static byte[] key(int i) {
    return i % 3 == 0 ? null : ("key" + i).getBytes();
  }

  private static byte[] value(int i) {
    return i % 7 == 0 ? null : "v".repeat(i * 5).getBytes();
  }

  private static long time(int i) {
    return 1_600_000_000_000L + i * 13L;
  }

  private static ByteBuffer oldSet(byte magic, CompressionType codec) {
    MemoryRecordsBuilder builder =
        MemoryRecords.builder(
            ByteBuffer.allocate(64 << 10),
            magic,
            org.apache.kafka.common.compress.Compression.of(codec).build(),
            TimestampType.CREATE_TIME,
            0);
    for (int i = 0; i < RECORDS; i++) {
      builder.append(magic == 0 ? -1 : time(i), key(i), value(i));
    }
    return builder.build().buffer();
  }

  @Test
  void aMessageSetOfAnyOldVersionAndCodecBecomesOneBatchOfTheSameRecords() {
    for (byte magic = 0; magic <= 1; magic++) {
      for (CompressionType codec : CODECS) {
        ByteBuffer batch = MessageSet.toBatch(oldSet(magic, codec), LIMIT);
        assertEquals(codec.id, RecordBatch.at(batch).codecId());
        assertEquals(batch.remaining(), RecordBatch.at(batch).sizeBytes());
        MemoryRecords read = MemoryRecords.readableRecords(batch);
        read.batches().forEach(one -> one.ensureValid());
        int i = 0;
        for (Record record : read.records()) {
          assertSame(record, i, magic == 0 ? -1 : time(i), i);
          i++;
        }
        assertEquals(RECORDS, i);
      }
    }
  }

  private static void assertSame(Record record, int i, long time, long offset) {
    assertEquals(offset, record.offset());
    assertEquals(time, record.timestamp());
    assertArrayEquals(key(i), record.hasKey() ? Utils.toArray(record.key()) : null);
    assertArrayEquals(value(i), record.hasValue() ? Utils.toArray(record.value()) : null);
  }

  private static List<ByteBuffer> stored(long base) {
    List<ByteBuffer> batches = new ArrayList<>();
    int i = 0;
    for (Compression codec : Compression.values()) {
      RecordBatchBuilder builder = new RecordBatchBuilder(codec);
      for (int n = 0; n < RECORDS / 5; n++, i++) {
        builder.append(time(i), key(i), value(i), List.of(new RecordHeader("h", new byte[] {1})));
      }
      ByteBuffer batch = builder.build();
      RecordBatch.at(batch).stamp(base + i - RECORDS / 5, 3);
      batches.add(batch);
    }
    return batches;
  }

  @Test
  void storedBatchesOfAnyCodecBecomeMessagesOfTheirExactSize() {
    for (byte magic = 0; magic <= 1; magic++) {
      OldMessages.Converted all =
          OldMessages.of(stored(1000), magic, 1000, Integer.MAX_VALUE, LIMIT);
      assertEquals(1000 + RECORDS, all.nextOffset());
      int i = 0;
      for (Record record : MemoryRecords.readableRecords(all.records()).records()) {
        record.ensureValid();
        assertTrue(record.hasMagic(magic));
        assertSame(record, i, magic == 0 ? -1 : time(i), 1000 + i);
        i++;
      }
      assertEquals(RECORDS, i);
      assertEquals(
          all.records().remaining(), MemoryRecords.readableRecords(all.records()).validBytes());
    }
  }

  @Test
  void messagesBeginWhereTheClientIsAndEndWhereItHasRoom() {
    OldMessages.Converted some = OldMessages.of(stored(0), (byte) 1, 77, 2000, LIMIT);
    List<Long> offsets = new ArrayList<>();
    MemoryRecords.readableRecords(some.records())
        .records()
        .forEach(record -> offsets.add(record.offset()));
    assertEquals(77, offsets.get(0));
    assertEquals(some.nextOffset(), offsets.get(offsets.size() - 1) + 1);
    assertTrue(some.records().remaining() <= 2000);
    OldMessages.Converted one = OldMessages.of(stored(0), (byte) 0, 150, 1, LIMIT);
    assertEquals(151, one.nextOffset());
    OldMessages.Converted none = OldMessages.of(stored(0), (byte) 0, RECORDS, 100, LIMIT);
    assertEquals(0, none.records().remaining());
  }

  @Test
  void whateverTheBytesAreNothingElseComesOut() {
    long seed = 20261121;
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      ByteBuffer set = oldSet((byte) (round % 2), CODECS.get(random.nextInt(4)));
      byte[] bytes = Utils.toArray(set);
      int changes = 1 + random.nextInt(4);
      for (int c = 0; c < changes; c++) {
        bytes[random.nextInt(Math.min(bytes.length, 200))] = (byte) random.nextInt();
      }
      int length = random.nextInt(5) == 0 ? random.nextInt(bytes.length) : bytes.length;
      try {
        MessageSet.toBatch(ByteBuffer.wrap(bytes, 0, length), LIMIT);
      } catch (InvalidBatchException e) {
        // As it should be.
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + " round " + round, e);
      }
      round += 19;
    }
  }

  @Test
  void aWrapperThatBecomesTooLargeIsRefused() {
    for (CompressionType codec : CODECS.subList(1, 4)) {
      for (byte magic = 0; magic <= 1; magic++) {
        MemoryRecordsBuilder builder =
            MemoryRecords.builder(
                ByteBuffer.allocate(64 << 10),
                magic,
                org.apache.kafka.common.compress.Compression.of(codec).build(),
                TimestampType.CREATE_TIME,
                0);
        builder.append(magic == 0 ? -1 : 1L, null, new byte[2 * LIMIT]);
        ByteBuffer bomb = builder.build().buffer();
        assertTrue(bomb.remaining() < LIMIT);
        assertThrows(InvalidBatchException.class, () -> MessageSet.toBatch(bomb, LIMIT));
      }
    }
  }
}
