package io.kontiki.record;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What compaction leaves of a batch keeps its offsets, its producer, and the records that stay. */
class CompactedBatchTest {
  private static final int LIMIT = 1 << 20;

  @Test
  void theRecordsThatAreKeptReadAsBeforeWithOrWithoutADeleteHorizon() {
    for (int seed = 1; seed <= 500; seed++) {
      SeededRandom random = new SeededRandom(seed);
      ByteBuffer bytes = batch(random);
      RecordBatch original = RecordBatch.at(bytes);
      if (random.oneIn(4)) {
        original.stampAppendTime(9_000);
      }
      original.stamp(random.nextInt(1_000), 3);
      long horizon = random.oneIn(2) ? CompactedBatch.NO_HORIZON : random.nextLong() >>> 20;
      CompactedBatch compacted = new CompactedBatch(original, horizon);
      List<Record> kept = new ArrayList<>();
      List<Record> all = RecordReader.readAll(original, LIMIT);
      RecordReader spans = RecordReader.open(original, LIMIT);
      for (Record record : all) {
        RecordReader.Span span = spans.nextSpan();
        assertSame(record, span, "seed " + seed);
        if (random.oneIn(2)) {
          compacted.keep(span);
          kept.add(record);
        }
      }
      RecordBatch rest = RecordBatch.at(compacted.build());
      String where = "seed " + seed;
      assertEquals(original.baseOffset(), rest.baseOffset(), where);
      assertEquals(original.lastOffset(), rest.lastOffset(), where);
      assertEquals(original.leaderEpoch(), rest.leaderEpoch(), where);
      assertEquals(original.producerId(), rest.producerId(), where);
      assertEquals(original.producerEpoch(), rest.producerEpoch(), where);
      assertEquals(original.lastSequence(), rest.lastSequence(), where);
      assertEquals(original.isAppendTime(), rest.isAppendTime(), where);
      assertEquals(horizon != CompactedBatch.NO_HORIZON, rest.hasDeleteHorizon(), where);
      assertEquals(rest.crc(), rest.computeCrc(), where);
      assertEquals(kept.size(), rest.recordCount(), where);
      List<Record> found = RecordReader.readAll(rest, LIMIT);
      for (int i = 0; i < kept.size(); i++) {
        assertEquals(kept.get(i).toString(), found.get(i).toString(), where);
        assertArrayEquals(kept.get(i).key(), found.get(i).key(), where);
        assertArrayEquals(kept.get(i).value(), found.get(i).value(), where);
      }
    }
  }

  @Test
  void anyPartOfAPlaceholderStandsForItsOffsets() {
    RecordBatch all = RecordBatch.at(CompactedBatch.placeholder(10, 99, 4, 777));
    RecordBatch part = RecordBatch.at(CompactedBatch.placeholderFrom(all, 40));
    assertTrue(all.isPlaceholder() && part.isPlaceholder());
    assertEquals(40, part.baseOffset());
    assertEquals(99, part.lastOffset());
    assertEquals(4, part.leaderEpoch());
    assertTrue(part.hasDeleteHorizon());
    assertEquals(777, part.baseTimestamp());
    assertEquals(part.crc(), part.computeCrc());
    assertEquals(List.of(), RecordReader.readAll(part, LIMIT));
  }

  /** Malformed bytes end in the typed error, and in the same place as for a reader of records. */
  @Test
  void spansOfMutatedBatchesAreThoseOfTheRecordsOrATypedError() {
    int wrong = 0;
    for (int seed = 1; seed <= 3_000; seed++) {
      SeededRandom random = new SeededRandom(seed);
      ByteBuffer bytes = batch(random);
      for (int i = random.nextInt(3); i >= 0; i--) {
        bytes.put(
            RecordBatch.HEADER_BYTES - 4 + random.nextInt(bytes.limit() - 57),
            (byte) random.nextInt(256));
      }
      List<Record> records = new ArrayList<>();
      boolean failed = false;
      try {
        RecordReader reader = RecordReader.open(RecordBatch.at(bytes), LIMIT);
        while (reader.hasNext()) {
          records.add(reader.next());
        }
      } catch (InvalidBatchException e) {
        failed = true;
      }
      int at = 0;
      try {
        RecordReader reader = RecordReader.open(RecordBatch.at(bytes), LIMIT);
        while (reader.hasNext()) {
          RecordReader.Span span = reader.nextSpan();
          assertSame(records.get(at++), span, "seed " + seed);
        }
        assertTrue(!failed && at == records.size(), "seed " + seed);
      } catch (InvalidBatchException e) {
        assertTrue(failed && at == records.size(), "seed " + seed);
        wrong++;
      }
    }
    assertTrue(wrong > 500, wrong + " were malformed");
  }

  private static void assertSame(Record record, RecordReader.Span span, String where) {
    byte[] key = record.key();
    assertEquals(record.offset(), span.offset(), where);
    assertEquals(record.timestampMs(), span.timestampMs(), where);
    assertEquals(key == null ? null : ByteBuffer.wrap(key), span.key(), where);
    assertEquals(record.value() != null, span.hasValue(), where);
  }

  private static ByteBuffer batch(SeededRandom random) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.byId(random.nextInt(5)));
    for (int i = random.nextInt(8); i >= 0; i--) {
      builder.append(
          random.nextLong() >>> 20,
          random.oneIn(5) ? null : new byte[random.nextInt(20)],
          random.oneIn(4) ? null : new byte[random.nextInt(200)],
          random.oneIn(3) ? List.of(new RecordHeader("h", null)) : List.of());
    }
    return random.oneIn(2) ? builder.build() : builder.build(7, (short) 1, 12);
  }
}
