package io.kontiki.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class RecordBatchTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 20_000);
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
  private static final int LIMIT = 1 << 20;

  @Test
  void varintsComeBackInTheirSize() {
    List<Long> values = new ArrayList<>();
    for (int bit = 0; bit < 64; bit++) {
      for (int near = -1; near <= 1; near++) {
        values.add((1L << bit) + near);
        values.add(-(1L << bit) + near);
      }
    }
    for (long value : values) {
      byte[] bytes = new byte[Varints.MAX_LONG_BYTES];
      int end = Varints.put(bytes, 0, value);
      assertEquals(Varints.sizeOf(value), end, "size of " + value);
      assertEquals(value, Varints.getLong(ByteBuffer.wrap(bytes, 0, end)));
      if (value == (int) value) {
        assertEquals((int) value, Varints.getInt(ByteBuffer.wrap(bytes, 0, end)));
      } else {
        ByteBuffer tooLong = ByteBuffer.wrap(bytes, 0, end);
        assertThrows(InvalidBatchException.class, () -> Varints.getInt(tooLong), "" + value);
      }
      ByteBuffer cut = ByteBuffer.wrap(bytes, 0, end - 1);
      assertThrows(InvalidBatchException.class, () -> Varints.getLong(cut));
    }
  }

  @Test
  void whatWasWrittenIsReadForEveryCodec() {
    for (long seed = 0; seed < 400; seed++) {
      SeededRandom random = new SeededRandom(seed);
      Compression codec = Compression.values()[random.nextInt(5)];
      List<Record> records = records(random);
      ByteBuffer bytes = batch(codec, records);
      RecordBatch batch = RecordBatch.at(bytes);
      String where = "seed " + seed + " " + codec;
      assertEquals(Optional.empty(), BatchValidator.check(bytes, LIMIT), where);
      assertEquals(Optional.empty(), BatchValidator.checkRecords(batch, LIMIT), where);
      assertEquals(records, RecordReader.readAll(batch, LIMIT), where);
      assertEquals(codec.id(), batch.codecId());
      assertEquals(records.size(), batch.recordCount());
      long max = records.stream().mapToLong(Record::timestampMs).max().orElseThrow();
      assertEquals(max, batch.maxTimestamp());
    }
  }

  @Test
  void headerKeysOfOtherClientsThatAreNotUtf8AreReadAllTheSame() {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    builder.append(1, null, null, List.of(new RecordHeader("a?b", new byte[] {1})));
    ByteBuffer bytes = builder.build();
    for (int i = 0; i < bytes.limit(); i++) {
      if (bytes.get(i) == '?') {
        bytes.put(i, (byte) 0xff);
      }
    }
    RecordBatch batch = RecordBatch.at(bytes);
    assertEquals(Optional.empty(), BatchValidator.checkRecords(batch, LIMIT));
    Record read = RecordReader.readAll(batch, LIMIT).get(0);
    assertEquals("a\ufffdb", read.headers().get(0).key());
  }

  @Test
  void stampsMoveOffsetsAndTimesOfTheRecords() {
    ByteBuffer bytes = batch(Compression.NONE, records(new SeededRandom(5)));
    RecordBatch batch = RecordBatch.at(bytes);
    batch.stamp(1000, 7);
    assertEquals(batch.crc(), batch.computeCrc(), "base offset and epoch are outside the CRC");
    batch.stampAppendTime(99);
    batch.stampProducer(12, (short) 3, 40);
    assertEquals(batch.crc(), batch.computeCrc());
    List<Record> read = RecordReader.readAll(batch, LIMIT);
    for (int i = 0; i < read.size(); i++) {
      assertEquals(1000 + i, read.get(i).offset());
      assertEquals(99, read.get(i).timestampMs());
    }
    assertEquals(12, batch.producerId());
    assertEquals(40 + read.size() - 1, batch.lastSequence());
  }

  @Test
  void sizesAreBoundedBeforeTheRecordIsAppended() {
    for (long seed = 0; seed < 100; seed++) {
      RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
      for (Record record : records(new SeededRandom(seed))) {
        int before = builder.sizeBytes();
        builder.append(record.timestampMs(), record.key(), record.value(), record.headers());
        int bound =
            RecordBatchBuilder.sizeUpperBound(record.key(), record.value(), record.headers());
        assertTrue(builder.sizeBytes() - before <= bound, "seed " + seed);
      }
      assertEquals(builder.sizeBytes(), builder.build().remaining());
    }
    assertThrows(
        IllegalStateException.class, () -> new RecordBatchBuilder(Compression.NONE).build());
  }

  @Test
  void severalBatchesAreReadOneAfterTheOther() {
    ByteBuffer all = ByteBuffer.allocate(LIMIT);
    all.putInt(42);
    int start = all.position();
    for (int i = 0; i < 5; i++) {
      all.put(batch(Compression.values()[i], records(new SeededRandom(i))));
    }
    all.flip().position(start);
    int count = 0;
    for (RecordBatch batch : new RecordBatches(all)) {
      assertEquals(
          records(new SeededRandom(count)), RecordReader.readAll(batch, LIMIT), "batch " + count);
      count++;
    }
    assertEquals(5, count);
    assertEquals(start, all.position());
    all.limit(all.limit() - 1);
    assertThrows(InvalidBatchException.class, () -> new RecordBatches(all).forEach(batch -> {}));
    assertThrows(
        NoSuchElementException.class,
        () -> new RecordBatches(ByteBuffer.allocate(0)).iterator().next());
  }

  @Test
  void aClientsBatchIsRefusedForEachWrongField() {
    refused("magic", batch -> batch.put(16, (byte) 1), false);
    refused("bytes in", batch -> batch.putInt(8, batch.getInt(8) + 1), false);
    refused("bytes in", batch -> batch.putInt(8, Integer.MAX_VALUE), false);
    refused("bytes in", batch -> batch.putInt(8, -1), false);
    refused("behind the batch", batch -> batch.putInt(8, batch.getInt(8) - 1), false);
    refused("CRC-32C", batch -> batch.put(70, (byte) (batch.get(70) ^ 1)), false);
    refused("control", batch -> batch.putShort(21, (short) 0x20), true);
    refused("transactional", batch -> batch.putShort(21, (short) 0x10), true);
    refused("append-time", batch -> batch.putShort(21, (short) 0x08), true);
    refused("without a meaning", batch -> batch.putShort(21, (short) 0x40), true);
    refused("codec 5", batch -> batch.putShort(21, (short) 5), true);
    refused("record count", batch -> batch.putInt(57, 0), true);
    refused("record count", batch -> batch.putInt(57, -5), true);
    refused("last offset delta", batch -> batch.putInt(23, 9), true);
    refused("producer id", batch -> batch.putLong(43, -2), true);
    refused("must not be negative", batch -> batch.putLong(43, 5), true);
    refused("record count", batch -> batch.putInt(57, 1_000_000).putInt(23, 999_999), true);
    refused("behind the last record", batch -> batch.putInt(57, 2).putInt(23, 1), true);
  }

  @Test
  void aBatchAboveTheTopicsLimitIsTooLarge() {
    ByteBuffer bytes = three();
    int size = bytes.remaining();
    ApiError error = BatchValidator.check(bytes, size - 1).orElseThrow();
    assertEquals(ErrorReason.RECORD_TOO_LARGE, error.reason());
    assertEquals(String.valueOf(size), error.metadata().get("sizeBytes"));
    assertEquals(Optional.empty(), BatchValidator.check(bytes, size));
  }

  @Test
  void whateverTheBytesNothingButTheTypedErrorComesOut() {
    Map<Boolean, Integer> outcomes = new HashMap<>();
    for (long seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      Compression codec = Compression.values()[random.nextInt(5)];
      ByteBuffer bytes = batch(codec, records(random));
      int changes = 1 + random.nextInt(4);
      for (int i = 0; i < changes; i++) {
        // Mostly behind the header, where the parsers are.
        int at =
            random.oneIn(8)
                ? random.nextInt(RecordBatch.HEADER_BYTES)
                : RecordBatch.HEADER_BYTES + random.nextInt(bytes.limit() - 61);
        bytes.put(at, (byte) random.nextLong());
      }
      if (random.oneIn(4)) {
        bytes.limit(random.nextInt(bytes.limit() + 1));
      }
      int limit = random.oneIn(2) ? LIMIT : random.nextInt(4_000);
      long allocated = THREADS.getCurrentThreadAllocatedBytes();
      try {
        BatchValidator.check(bytes, LIMIT);
        for (RecordBatch batch : new RecordBatches(bytes)) {
          RecordReader.readAll(batch, limit);
        }
        outcomes.merge(true, 1, Integer::sum);
      } catch (InvalidBatchException e) {
        assertTrue(e.position() >= 0, "seed " + seed + ": " + e.getMessage());
        outcomes.merge(false, 1, Integer::sum);
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + " " + codec, e);
      }
      allocated = THREADS.getCurrentThreadAllocatedBytes() - allocated;
      // What the decompressed records take as objects, at most, and what a codec takes at once.
      assertTrue(
          allocated < (512 << 10) + 64L * bytes.capacity() + 32L * Math.min(limit, 8 << 10),
          "seed " + seed + " " + codec + ": " + allocated + " bytes allocated");
    }
    assertTrue(outcomes.get(true) > 100 && outcomes.get(false) > 10_000, outcomes.toString());
  }

  @Test
  void randomBytesAreNoCompressedRecords() {
    for (long seed = 0; seed < ROUNDS / 4; seed++) {
      SeededRandom random = new SeededRandom(seed);
      byte[] bytes = new byte[random.nextInt(200)];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) random.nextLong();
      }
      for (Compression codec : Compression.values()) {
        try {
          codec.decompress(ByteBuffer.wrap(bytes), LIMIT);
        } catch (InvalidBatchException e) {
          assertFalse(String.valueOf(e.getMessage()).isEmpty());
        } catch (RuntimeException | Error e) {
          throw new AssertionError("seed " + seed + " " + codec, e);
        }
      }
    }
  }

  @Test
  void aBombIsStoppedAtTheLimit() {
    byte[] zeros = new byte[LIMIT + 1];
    for (Compression codec : Compression.values()) {
      byte[] bomb = codec.compress(zeros, 0, zeros.length);
      assertThrows(
          InvalidBatchException.class,
          () -> codec.decompress(ByteBuffer.wrap(bomb), LIMIT),
          codec.name());
      byte[] fits = codec.compress(zeros, 0, LIMIT);
      assertEquals(LIMIT, codec.decompress(ByteBuffer.wrap(fits), LIMIT).remaining(), codec.name());
    }
  }

  @Test
  void everySizeIsCompressedAndDecompressedWhole() {
    for (Compression codec : Compression.values()) {
      for (int size : new int[] {0, 1, 100, 32_767, 32_768, 32_769, 65_536, 65_537, 300_000}) {
        SeededRandom random = new SeededRandom(size);
        byte[] bytes = new byte[size + 6];
        for (int i = 0; i < bytes.length; i++) {
          // Half of it noise, which does not compress.
          bytes[i] = i > size / 2 ? (byte) random.nextLong() : (byte) (i / 100);
        }
        byte[] compressed = codec.compress(bytes, 3, size);
        // Not at the start of its array, and direct: both happen.
        ByteBuffer direct = ByteBuffer.allocateDirect(compressed.length + 2);
        direct.position(2).put(compressed, 0, compressed.length).position(2);
        ByteBuffer back = codec.decompress(direct, 400_000);
        assertEquals(ByteBuffer.wrap(bytes, 3, size), back, codec + " " + size);
        assertEquals(2, direct.position());
      }
    }
  }

  @Test
  void keysGoWhereKafkasJavaClientSendsThem() {
    Map<String, Integer> known =
        Map.of(
            "21", -973932308,
            "foobar", -790332482,
            "a-little-bit-long-string", -985981536,
            "a-little-bit-longer-string", -1486304829,
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971,
            "abc", 479470107);
    known.forEach(
        (key, hash) ->
            assertEquals(hash, Partitioner.murmur2(key.getBytes(StandardCharsets.UTF_8)), key));
    assertEquals(
        (-973932308 & 0x7fffffff) % 7,
        Partitioner.partition("21".getBytes(StandardCharsets.UTF_8), 7));
  }

  private static void refused(String what, Consumer<ByteBuffer> change, boolean fixCrc) {
    ByteBuffer bytes = three();
    change.accept(bytes);
    if (fixCrc) {
      RecordBatch.at(bytes).updateCrc();
    }
    ByteBuffer before = bytes.duplicate();
    Optional<ApiError> error = BatchValidator.check(bytes, LIMIT);
    assertTrue(error.isPresent(), what);
    assertEquals(ErrorReason.INVALID_BATCH, error.get().reason());
    assertTrue(error.get().message().contains(what), error.get().message());
    assertEquals(before, bytes);
  }

  private static ByteBuffer three() {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    for (int i = 0; i < 3; i++) {
      builder.append(1000 + i, null, new byte[] {1, 2, 3, 4, 5}, List.of());
    }
    return builder.build();
  }

  private static ByteBuffer batch(Compression codec, List<Record> records) {
    RecordBatchBuilder builder = new RecordBatchBuilder(codec);
    for (Record record : records) {
      builder.append(record.timestampMs(), record.key(), record.value(), record.headers());
    }
    return builder.build();
  }

  private static List<Record> records(SeededRandom random) {
    List<Record> records = new ArrayList<>();
    int count = 1 + random.nextInt(20);
    for (int i = 0; i < count; i++) {
      List<RecordHeader> headers = new ArrayList<>();
      for (int h = random.nextInt(4); h > 1; h--) {
        headers.add(new RecordHeader("kopf-ä€" + h, bytes(random)));
      }
      long timestamp = random.oneIn(10) ? random.nextLong() >> 8 : 1_700_000_000_000L + i;
      records.add(new Record(i, timestamp, bytes(random), bytes(random), headers));
    }
    return records;
  }

  private static byte[] bytes(SeededRandom random) {
    if (random.oneIn(4)) {
      return null;
    }
    byte[] bytes = new byte[random.oneIn(10) ? random.nextInt(5000) : random.nextInt(40)];
    byte start = (byte) random.nextLong();
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (start + i % 7);
    }
    return bytes;
  }
}
