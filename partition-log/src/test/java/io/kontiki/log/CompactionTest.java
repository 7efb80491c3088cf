package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordHeader;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Compaction by key in a whole log directory (rule L6). */
class CompactionTest {
  private static final int SEEDS = Integer.getInteger("kontiki.compaction.seeds", 60);
  private static final LogSettings COMPACTED =
      LogWorld.FSYNC
          .withSegments(1_000, 3_600_000)
          .withIndexInterval(200)
          .withCompaction(new LogSettings.Compaction(0, 1_000, 0));

  /** No share of bytes makes it compact these. */
  private static final LogSettings LAZY =
      COMPACTED.withCompaction(new LogSettings.Compaction(0, 60_000, 1_000, 1.0));

  private static LogConfig config(int bufferBytes) {
    return LogWorld.CONFIG
        .withHot(0, 0)
        .withCleaner(new LogConfig.Cleaner(bufferBytes, 1L << 30, 100));
  }

  @Test
  void whatIsLeftOfEachKeyIsItsNewestRecordWhateverTheCodec() {
    for (int seed = 1; seed <= SEEDS; seed++) {
      Load load = new Load(seed);
      try {
        load.run();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
  }

  /** Random records, what a map of them would hold, and the log that compacts them. */
  private static final class Load {
    private final SeededRandom random;
    private final int codec;
    private final boolean roomy;
    private final LogWorld world;
    private final TreeMap<Long, Record> written = new TreeMap<>();
    private final TreeMap<String, Record> newest = new TreeMap<>();
    private final TreeMap<Long, Integer> sequences = new TreeMap<>();
    private final TreeMap<Long, ByteBuffer> lastBatches = new TreeMap<>();
    private LogSettings settings;
    private PartitionLog log;
    private int epoch;

    private Load(int seed) {
      random = new SeededRandom(seed);
      codec = seed % 5;
      roomy = random.nextInt(2) == 0;
      world = new LogWorld(config(roomy ? 1 << 20 : 24 * (4 + random.nextInt(12))));
      settings =
          COMPACTED
              .withSegments(300 + random.nextInt(2_500), 3_600_000)
              .withAppendTime(random.nextInt(4) == 0)
              .withCompaction(new LogSettings.Compaction(0, random.nextInt(3_000), 0));
      log = world.openLog(settings);
    }

    void run() {
      for (int round = 0; round < 4; round++) {
        for (int i = random.nextInt(60); i >= 0; i--) {
          append();
        }
        if (random.oneIn(3)) {
          epoch++;
          world.run(() -> log.beginEpoch(epoch));
        }
        world.run(() -> log.noteHighWatermark(log.logEndOffset()));
        world.time.advanceMs(2_000);
        check();
        if (random.oneIn(2)) {
          if (random.oneIn(2)) {
            world.store.kill();
          } else {
            world.store.crash(random.split());
          }
          world.restart();
          log = world.openLog(settings);
          check();
        }
      }
    }

    private void append() {
      RecordBatchBuilder builder = new RecordBatchBuilder(Compression.byId(codec));
      int count = 1 + random.nextInt(4);
      for (int i = 0; i < count; i++) {
        byte[] key = ("key" + random.nextInt(25)).getBytes(StandardCharsets.UTF_8);
        byte[] value =
            random.oneIn(5)
                ? null
                : ("v" + "x".repeat(random.nextInt(80))).getBytes(StandardCharsets.UTF_8);
        builder.append(
            1_000 + random.nextInt(1_000),
            key,
            value,
            random.oneIn(3) ? List.of(new RecordHeader("h", new byte[] {1})) : List.of());
      }
      long producer = random.nextInt(4);
      ByteBuffer batch =
          producer == 0
              ? builder.build()
              : builder.build(producer, (short) 0, sequences.getOrDefault(producer, 0));
      AppendOutcome outcome =
          world.call(() -> log.appendAsLeader(batch, epoch, 5_000 + random.nextInt(100)));
      assertTrue(outcome instanceof AppendOutcome.Appended, outcome.toString());
      RecordBatch stored = RecordBatch.at(batch);
      if (producer > 0) {
        sequences.merge(producer, count, Integer::sum);
        lastBatches.put(producer, batch.asReadOnlyBuffer());
      }
      for (Record record : RecordReader.readAll(stored, 1 << 20)) {
        written.put(record.offset(), record);
        newest.put(text(record.key()), record);
      }
    }

    private void check() {
      TreeMap<String, Record> found = new TreeMap<>();
      Set<Long> offsets = new HashSet<>();
      List<String> twice = new ArrayList<>();
      long due = world.call(log::logStartOffset);
      long closedEnd = lastBase();
      for (ByteBuffer bytes : world.readAll(log)) {
        RecordBatch batch = RecordBatch.at(bytes);
        assertEquals(due, batch.baseOffset(), "no offset is missing");
        assertEquals(batch.crc(), batch.computeCrc());
        long base = batch.baseOffset();
        assertEquals(batch.leaderEpoch(), world.call(() -> log.epochs().epochOf(base)));
        due = batch.nextOffset();
        for (Record record : RecordReader.readAll(batch, 1 << 20)) {
          Record original = written.get(record.offset());
          assertNotNull(original, "invented " + record);
          assertEquals(text(original.key()), text(record.key()));
          assertEquals(text(original.value()), text(record.value()));
          assertEquals(original.timestampMs(), record.timestampMs());
          assertEquals(original.headers().size(), record.headers().size());
          Record before = found.put(text(record.key()), record);
          if (before != null && record.offset() < closedEnd) {
            twice.add(text(record.key()) + " at " + before.offset() + " and " + record.offset());
          }
          offsets.add(record.offset());
        }
      }
      assertEquals(world.call(log::logEndOffset), due);
      newest.forEach(
          (key, record) -> {
            if (record.value() != null) {
              assertTrue(offsets.contains(record.offset()), key + " lost at " + record.offset());
            } else if (found.containsKey(key)) {
              assertEquals(record.offset(), found.get(key).offset(), key + " came back");
            }
          });
      assertEquals(List.of(), twice, "compacted");
      lastBatches.forEach(
          (producer, batch) -> {
            AppendOutcome again = world.append(log, Batches.copy(batch));
            assertTrue(again instanceof AppendOutcome.Duplicate, producer + ": " + again);
            assertEquals(
                RecordBatch.at(batch).baseOffset(), ((AppendOutcome.Duplicate) again).baseOffset());
          });
    }

    private long lastBase() {
      long last = 0;
      for (String name : world.store.list(LogWorld.ORDERS.directoryName())) {
        last = Math.max(last, SegmentFiles.offsetOf(name, SegmentFiles.LOG).orElse(0));
      }
      return last;
    }
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
  }

  private static ByteBuffer one(String key, String value) {
    return new RecordBatchBuilder(Compression.NONE)
        .append(
            1_000,
            key.getBytes(StandardCharsets.UTF_8),
            value == null ? null : value.getBytes(StandardCharsets.UTF_8),
            List.of())
        .build();
  }

  private static List<Record> records(LogWorld world, PartitionLog log) {
    List<Record> all = new ArrayList<>();
    for (ByteBuffer bytes : world.readAll(log)) {
      all.addAll(RecordReader.readAll(RecordBatch.at(bytes), 1 << 20));
    }
    return all;
  }

  private static void fill(LogWorld world, PartitionLog log, int times) {
    for (int i = 0; i < times; i++) {
      world.append(log, one("filler", "x".repeat(100) + i));
    }
    world.run(() -> log.noteHighWatermark(log.logEndOffset()));
  }

  private static long segments(LogWorld world) {
    return world.store.list(LogWorld.ORDERS.directoryName()).stream()
        .filter(name -> name.endsWith(SegmentFiles.LOG))
        .count();
  }

  /** Also those of which no record is left, and whose sequences have gaps (rules D5, L8, I6). */
  @Test
  void whoCopiesACompactedLogKnowsTheLastFiveBatchesOfAProducer() {
    for (long producer : new long[] {3, ProducerState.FIRST_REQUEST_COUNTING_ID + 3}) {
      LogWorld world = new LogWorld(config(1 << 20));
      PartitionLog log = world.openLog(COMPACTED);
      List<ByteBuffer> sent = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        ByteBuffer batch =
            new RecordBatchBuilder(Compression.NONE)
                .append(1_000, new byte[] {1}, new byte[] {(byte) i}, List.of())
                .build(producer, (short) 0, i);
        sent.add(Batches.copy(batch));
        world.append(log, batch);
      }
      fill(world, log, 20);
      world.time.advanceMs(1_000);
      List<ByteBuffer> left = world.readAll(log);
      assertEquals(
          5, left.stream().filter(each -> RecordBatch.at(each).producerId() == producer).count());
      LogWorld follower = new LogWorld(config(1 << 20));
      PartitionLog copy = follower.openLog(COMPACTED);
      left.forEach(each -> follower.run(() -> copy.appendAsFollower(Batches.copy(each), 0)));
      for (int i = 0; i < 8; i++) {
        AppendOutcome again = follower.append(copy, Batches.copy(sent.get(i)));
        if (i >= 3) {
          assertEquals(
              i, assertInstanceOf(AppendOutcome.Duplicate.class, again, "" + i).baseOffset());
        } else {
          assertEquals(
              ErrorReason.SEQUENCE_TOO_OLD,
              assertInstanceOf(AppendOutcome.Refused.class, again).error().reason());
        }
      }
    }
  }

  @Test
  void aTombstoneStaysForItsTimeAndThenGoes() {
    LogWorld world = new LogWorld(config(1 << 20));
    PartitionLog log = world.openLog(COMPACTED);
    world.append(log, one("a", "1"));
    world.append(log, one("a", null));
    fill(world, log, 20);
    world.time.advanceMs(300);
    List<Record> first = records(world, log);
    assertEquals(1, first.stream().filter(record -> text(record.key()).equals("a")).count());
    assertNull(first.get(0).value(), "the value went, the tombstone stays");
    assertEquals(0, world.call(() -> log.forgottenBelow(Long.MAX_VALUE)));
    fill(world, log, 20);
    world.time.advanceMs(200);
    assertTrue(
        records(world, log).stream().anyMatch(record -> text(record.key()).equals("a")),
        "its time is not over");
    world.time.advanceMs(1_000);
    fill(world, log, 20);
    world.time.advanceMs(300);
    assertTrue(records(world, log).stream().noneMatch(record -> text(record.key()).equals("a")));
    assertEquals(2, world.call(() -> log.forgottenBelow(Long.MAX_VALUE)));
    world.store.crash(new SeededRandom(1));
    world.restart();
    PartitionLog again = world.openLog(COMPACTED);
    assertEquals(
        2,
        world.call(() -> again.forgottenBelow(Long.MAX_VALUE)),
        "what was forgotten is known after a crash");
  }

  @Test
  void withoutAClockToBeTrustedNoTombstoneGoes() {
    LogWorld world = new LogWorld(config(1 << 20));
    world.directory.trustClock(() -> false);
    PartitionLog log = world.openLog(COMPACTED.withCompaction(new LogSettings.Compaction(0, 0, 0)));
    world.append(log, one("a", null));
    for (int i = 0; i < 3; i++) {
      fill(world, log, 20);
      world.time.advanceMs(5_000);
    }
    assertTrue(segments(world) < 5, "it was compacted");
    assertTrue(records(world, log).stream().anyMatch(record -> text(record.key()).equals("a")));
  }

  @Test
  void onlyClosedSegmentsBelowTheHighWatermarkAndOldEnoughAreCompacted() {
    LogWorld world = new LogWorld(config(1 << 20));
    LogSettings lagging = COMPACTED.withCompaction(new LogSettings.Compaction(10_000, 1_000, 0));
    PartitionLog log = world.openLog(COMPACTED);
    for (int i = 0; i < 40; i++) {
      world.append(log, one("filler", "x".repeat(100)));
    }
    long before = segments(world);
    world.time.advanceMs(1_000);
    assertEquals(before, segments(world), "nothing is committed");
    world.run(() -> log.changeSettings(lagging));
    world.run(() -> log.noteHighWatermark(log.logEndOffset()));
    long start = world.time.clock().wallMs();
    ByteBuffer young =
        new RecordBatchBuilder(Compression.NONE)
            .append(start, new byte[] {1}, new byte[300], List.of())
            .build();
    world.append(log, young);
    world.run(() -> log.noteHighWatermark(30));
    world.time.advanceMs(1_000);
    assertTrue(segments(world) < before, "what is old is compacted");
    int left = records(world, log).size();
    assertTrue(left > 10 && left < 40, left + " records are left");
  }

  private static void appendNow(LogWorld world, PartitionLog log, String key, String value) {
    ByteBuffer batch =
        new RecordBatchBuilder(Compression.NONE)
            .append(
                world.time.clock().wallMs(),
                key.getBytes(StandardCharsets.UTF_8),
                value.getBytes(StandardCharsets.UTF_8),
                List.of())
            .build();
    world.append(log, batch);
    world.run(() -> log.noteHighWatermark(log.logEndOffset()));
  }

  private static long count(LogWorld world, PartitionLog log, String key) {
    return records(world, log).stream().filter(record -> text(record.key()).equals(key)).count();
  }

  @Test
  void whatHasWaitedForItsGreatestLagIsCompactedWhateverTheShareAndHoweverFewRecordsCome() {
    LogWorld world = new LogWorld(config(1 << 20));
    PartitionLog log = world.openLog(LAZY);
    for (int i = 0; i < 20; i++) {
      appendNow(world, log, "filler", "x".repeat(100) + i);
    }
    world.time.advanceMs(50_000);
    appendNow(world, log, "a", "1");
    appendNow(world, log, "a", "2");
    world.time.advanceMs(5_000);
    assertEquals(0, world.directory.counters().cleanerRuns(), "no share is above 1.0");
    world.time.advanceMs(6_000);
    assertTrue(world.directory.counters().cleanerRuns() > 0, "the closed segments are overdue");
    assertTrue(count(world, log, "filler") < 15);
    assertEquals(2, count(world, log, "a"), "still in the open segment");
    world.run(log::rollIfOld);
    world.time.advanceMs(40_000);
    assertEquals(2, count(world, log, "a"), "and young enough for it");
    // It is closed at that age, too, although segment.ms is an hour.
    world.time.advanceMs(10_000);
    world.run(log::rollIfOld);
    world.time.advanceMs(1_000);
    assertEquals(1, count(world, log, "a"));
  }

  @Test
  void afterARestartTheTimeOfTheRecordsTellsWhatHasWaitedTooLong() {
    LogWorld world = new LogWorld(config(1 << 20));
    PartitionLog log = world.openLog(LAZY.withCompaction(null));
    for (int i = 0; i < 20; i++) {
      appendNow(world, log, "filler", "x".repeat(100) + i);
    }
    world.time.advanceMs(50_000);
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(LAZY);
    world.run(() -> again.noteHighWatermark(again.logEndOffset()));
    world.time.advanceMs(9_000);
    assertEquals(0, world.directory.counters().cleanerRuns());
    world.time.advanceMs(2_000);
    assertTrue(world.directory.counters().cleanerRuns() > 0);
  }

  @Test
  void smallNeighboursBecomeOneSegmentAndNoOffsetIsMissing() {
    LogWorld world = new LogWorld(config(1 << 20));
    PartitionLog log = world.openLog(COMPACTED);
    fill(world, log, 200);
    long before = segments(world);
    world.time.advanceMs(20_000);
    assertTrue(before > 20 && segments(world) <= 3, before + " became " + segments(world));
    List<Record> left = records(world, log);
    assertTrue(left.size() < 12, left.size() + " records");
    assertEquals(199, left.get(left.size() - 1).offset());
    // From inside an empty batch a follower is given the rest of it.
    PartitionLog.ReadOutcome inside = world.read(log, 57, 10_000);
    RecordBatch rest = RecordBatch.at(inside.batches().get(0));
    assertEquals(57, rest.baseOffset());
    assertTrue(rest.isPlaceholder());
    assertEquals(rest.crc(), rest.computeCrc());
    assertFalse(world.directory.counters().cleanerRuns() == 0);
  }
}
