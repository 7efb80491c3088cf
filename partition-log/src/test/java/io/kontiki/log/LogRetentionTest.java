package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Rules L6, D5, I1, P17. */
class LogRetentionTest {
  private static final long HOUR = 3_600_000;
  private static final LogSettings SMALL = LogWorld.FSYNC.withSegments(400, 24 * HOUR);

  private final MemoryFileStore store = new MemoryFileStore();
  private final LogWorld world = new LogWorld(store, LogWorld.CONFIG);

  /** Ten records of a size, one each, three to a segment. */
  private PartitionLog filled(LogSettings settings, long timestampMs) {
    PartitionLog log = world.openLog(settings);
    for (int i = 0; i < 10; i++) {
      world.append(log, Batches.plain(1, "v".repeat(50), timestampMs + i));
    }
    return log;
  }

  private long retained(PartitionLog log, long limit, boolean byTime) {
    AtomicReference<Long> start = new AtomicReference<>(-1L);
    world.run(() -> log.retainedStart(limit, byTime, start::set));
    return start.get();
  }

  private long now() {
    return world.time.clock().wallMs();
  }

  private List<String> segmentFiles() {
    List<String> found = new ArrayList<>();
    for (String name : store.list(LogWorld.ORDERS.directoryName())) {
      if (name.endsWith(".log")) {
        found.add(name);
      }
    }
    return found;
  }

  @Test
  void withoutBoundsNothingGoes() {
    PartitionLog log = filled(SMALL, 1);
    assertEquals(0, retained(log, 10, true));
  }

  @Test
  void theOldestSegmentsGoWhileTheRestIsLargeEnough() {
    PartitionLog log = filled(SMALL.withRetention(-1, 0), now());
    long all = world.call(log::sizeBytes);
    assertEquals(10, retained(log, 10, true));
    long segment = all * 3 / 10;
    world.run(() -> log.changeSettings(SMALL.withRetention(-1, all - segment)));
    assertEquals(3, retained(log, 10, true));
    world.run(() -> log.changeSettings(SMALL.withRetention(-1, all - segment + 1)));
    assertEquals(0, retained(log, 10, true));
  }

  @Test
  void nothingAtOrBehindTheHighWatermarkGoes() {
    PartitionLog log = filled(SMALL.withRetention(0, 0), 1);
    world.time.advanceMs(HOUR);
    assertEquals(6, retained(log, 8, true));
    assertEquals(6, retained(log, 6, true));
    assertEquals(3, retained(log, 5, true));
    assertEquals(0, retained(log, 0, true));
  }

  @Test
  void segmentsGoByTheAgeOfTheirNewestRecord() {
    PartitionLog log = world.openLog(SMALL.withRetention(HOUR, -1));
    for (int i = 0; i < 10; i++) {
      world.append(log, Batches.plain(1, "v".repeat(50), now()));
      world.time.advanceMs(HOUR / 10);
    }
    assertEquals(0, retained(log, 10, true));
    world.time.advanceMs(HOUR / 4);
    assertEquals(3, retained(log, 10, true));
    assertEquals(0, retained(log, 10, false), "by time although the clock cannot be trusted");
    world.time.advanceMs(HOUR);
    assertEquals(10, retained(log, 10, true));
  }

  @Test
  void aTimestampInTheFutureCountsAsTheTimeOfItsAppend() {
    store.clock(world.time.clock());
    PartitionLog log = filled(SMALL.withRetention(HOUR, -1), now() + 10_000 * HOUR);
    assertEquals(0, retained(log, 10, true));
    world.time.advanceMs(HOUR + 1);
    assertEquals(10, retained(log, 10, true));
  }

  @Test
  void whatWasWrittenWhileTheClockWasInThePastIsNotOlderThanItsRecordsP17() {
    store.clock(world.time.clock());
    long records = now() + 5 * HOUR; // by clocks that are right
    PartitionLog log = filled(SMALL.withRetention(HOUR, -1), records);
    world.time.advanceMs(5 * HOUR);
    assertEquals(0, retained(log, 10, true), "by what was noted at the append");
    world.checkpoint();
    store.kill();
    world.restart();
    PartitionLog again = world.openLog(SMALL.withRetention(HOUR, -1));
    assertEquals(0, retained(again, 10, true), "by the time of the files");
    world.time.advanceMs(HOUR + 1_000);
    assertEquals(10, retained(again, 10, true));
  }

  @Test
  void ageIsFoundInTheFilesAfterARestart() {
    store.clock(world.time.clock());
    filled(SMALL.withRetention(HOUR, -1), now() - 2 * HOUR);
    world.checkpoint();
    store.kill();
    world.restart();
    PartitionLog again = world.openLog(SMALL.withRetention(HOUR, -1));
    assertEquals(10, retained(again, 10, true));
    // Without time indexes the headers of the batches tell.
    store.kill();
    for (String name : List.copyOf(store.list(LogWorld.ORDERS.directoryName()))) {
      if (name.endsWith(".timeindex")) {
        store.delete(LogWorld.ORDERS.directoryName() + "/" + name);
      }
    }
    world.restart();
    PartitionLog third = world.openLog(SMALL.withRetention(HOUR, -1));
    assertEquals(10, retained(third, 10, true));
    world.run(() -> third.changeSettings(SMALL.withRetention(3 * HOUR, -1)));
    assertEquals(0, retained(third, 10, true));
  }

  @Test
  void anOldActiveSegmentIsClosedWithoutAnAppend() {
    PartitionLog log = world.openLog(LogWorld.FSYNC.withSegments(1 << 20, HOUR));
    world.append(log, Batches.plain(1, "a", now()));
    world.run(log::rollIfOld);
    assertEquals(1, segmentFiles().size());
    world.time.advanceMs(HOUR + 1);
    world.run(log::rollIfOld);
    world.run(log::rollIfOld);
    assertEquals(2, segmentFiles().size());
    world.append(log, Batches.plain(1, "b", now()));
    assertEquals(2, segmentFiles().size());
    assertEquals(2, world.readAll(log).size());
    store.crash(new SeededRandom(5));
    world.restart();
    assertEquals(2, world.readAll(world.openLog(LogWorld.FSYNC)).size());
  }

  @Test
  void aLogThatLostAllItsRecordsGivesBackItsSpaceAndGoesOn() {
    PartitionLog log = filled(SMALL, 1);
    world.run(() -> log.advanceLogStart(10));
    world.checkpoint();
    assertEquals(0, world.call(log::sizeBytes));
    assertEquals(1, segmentFiles().size());
    for (long seed = 1; seed < 20; seed++) {
      store.crash(new SeededRandom(seed));
      world.restart();
      PartitionLog again = world.openLog(SMALL);
      assertEquals(10 + seed - 1, world.call(again::logEndOffset));
      assertEquals(10, world.call(again::logStartOffset));
      world.append(again, Batches.plain(1, "w", 1));
    }
  }

  @Test
  void aProducerWhoseRecordsWereDeletedGoesOnAfterACrash() {
    for (int seed = 1; seed <= 20; seed++) {
      boolean checkpoint = seed % 2 == 0;
      MemoryFileStore disk = new MemoryFileStore();
      LogWorld own = new LogWorld(disk, LogWorld.CONFIG);
      PartitionLog log = own.openLog(SMALL);
      own.append(log, Batches.of(9, 0, 0, 1, "v".repeat(50)));
      own.checkpoint();
      for (int i = 1; i < 10; i++) {
        own.append(log, Batches.of(9, 0, i, 1, "v".repeat(50)));
      }
      own.run(() -> log.advanceLogStart(10));
      if (checkpoint) {
        own.checkpoint();
      }
      disk.crash(new SeededRandom(seed));
      own.restart();
      PartitionLog again = own.openLog(SMALL);
      assertInstanceOf(
          AppendOutcome.Duplicate.class, own.append(again, Batches.of(9, 0, 9, 1, "v")));
      assertInstanceOf(
          AppendOutcome.Appended.class, own.append(again, Batches.of(9, 0, 10, 1, "v")));
    }
  }

  @Test
  void aReadUnderWayEndsQuietlyWhenItsSegmentGoes() {
    LogWorld cold = new LogWorld(store, LogWorld.CONFIG.withHot(0, 0));
    PartitionLog log = cold.openLog(SMALL);
    for (int i = 0; i < 10; i++) {
      cold.append(log, Batches.plain(1, "v".repeat(50), 1));
    }
    AtomicReference<PartitionLog.ReadOutcome> read = new AtomicReference<>();
    AtomicReference<PartitionLog.TimeLookup> found = new AtomicReference<>();
    cold.loop.run(
        () -> {
          log.read(0, 10, 1_000, read::set);
          log.offsetForTime(0, 10, found::set);
          log.advanceLogStart(7);
        });
    cold.checkpoint();
    assertTrue(read.get().batches().isEmpty());
    assertEquals(7, found.get().offset().orElseThrow());
    assertTrue(cold.offline.isEmpty());
  }
}
