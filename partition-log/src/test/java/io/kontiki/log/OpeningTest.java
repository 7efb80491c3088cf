package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * Opening after a clean stop and after a crash: what is read and synced, which journal stays, and
 * what a second crash finds (rules L3, L9, D10).
 */
class OpeningTest {
  private static final int LOGS = 8;
  private static final LogSettings SETTINGS = LogWorld.FSYNC.withSegments(600, 3_600_000);

  private final LogWorld world =
      new LogWorld(LogWorld.CONFIG.withJournal(new CommitJournal.Sizes(6_000, 8, 1 << 20)));
  private final List<PartitionLog> logs = new ArrayList<>();
  private long sequence;

  /** The process is dead from here on. */
  private static final class Dead extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static PartitionId id(int number) {
    return new PartitionId(new TopicId(9, number), number);
  }

  private void openAll() {
    logs.clear();
    for (int i = 0; i < LOGS; i++) {
      logs.add(world.openLog(id(i), SETTINGS));
    }
  }

  private void appendToAll() {
    sequence++;
    for (PartitionLog log : logs) {
      ByteBuffer batch = Batches.plain(2, "value " + sequence + " ", 1_000 + sequence);
      assertInstanceOf(AppendOutcome.Appended.class, world.append(log, batch));
    }
  }

  private void checkAll(long batches) {
    for (PartitionLog log : logs) {
      assertEquals(batches, world.readAll(log).size());
      assertEquals(2 * batches, world.call(log::heldEndOffset));
    }
  }

  private List<Long> generations() {
    List<Long> found = new ArrayList<>();
    LogCheckpoint.read(world.store)
        .orElseThrow()
        .positions()
        .forEach(position -> found.add(position.generation()));
    return found;
  }

  private void kill() {
    world.store.kill();
    world.restart();
  }

  @Test
  void anOpenAfterAKillSyncsNoFileOfALog() {
    openAll();
    for (int i = 0; i < 3; i++) {
      appendToAll();
    }
    List<String> synced = new ArrayList<>();
    world.store.faults(
        (operation, path) -> {
          if (operation == Operation.SYNC || operation == Operation.SYNC_DIRECTORY) {
            synced.add(path);
          }
          return null;
        });
    kill();
    world.store.faults(null);
    assertTrue(synced.stream().noneMatch(path -> path.startsWith("AAA")), synced.toString());
    openAll();
    checkAll(3);
  }

  private boolean epochFiles() {
    return logs.stream()
        .anyMatch(
            log ->
                world.store.exists(world.call(log::id).directoryName() + "/" + EpochHistory.FILE));
  }

  private void checkEpochs(int latest) {
    for (PartitionLog log : logs) {
      assertEquals(latest, world.call(() -> log.epochs().latest()));
      assertEquals(0, world.call(() -> log.epochs().epochOf(0)));
    }
  }

  @Test
  void leadersThatChangeInAllLogsWriteAndSyncNoFileOfALogForIt() {
    openAll();
    appendToAll();
    world.checkpoint();
    List<String> changed = new ArrayList<>();
    world.store.faults(
        (operation, path) -> {
          if (path.startsWith("AAA")) {
            changed.add(operation + " " + path);
          }
          return null;
        });
    for (PartitionLog log : logs) {
      world.run(() -> log.beginEpoch(5));
    }
    world.checkpoint();
    world.store.faults(null);
    assertEquals(List.of(), changed);
    assertFalse(epochFiles());

    world.store.crash(new SeededRandom(3));
    world.restart();
    openAll();
    checkEpochs(5);
    appendToAll();
    world.close(1);
    world.restart();
    openAll();
    checkEpochs(5);
    for (PartitionLog log : logs) {
      world.run(() -> log.beginEpoch(6));
    }
    world.checkpoint();
    kill();
    openAll();
    checkEpochs(6);
    checkAll(2);
  }

  @Test
  void aLongHistoryOfEpochsGoesIntoItsFile() {
    openAll();
    for (int epoch = 0; epoch < 12; epoch++) {
      int begun = epoch;
      appendToAll();
      for (PartitionLog log : logs) {
        world.run(() -> log.beginEpoch(begun + 1));
      }
      world.checkpoint();
      assertEquals(epoch + 2 > 8, epochFiles(), "epoch " + epoch);
      if (epoch % 2 == 0) {
        world.store.crash(new SeededRandom(epoch));
        world.restart();
        openAll();
      }
      checkEpochs(epoch + 1);
    }
  }

  @Test
  void aSecondCrashRightAfterAnOpenFindsAllOnceMore() {
    openAll();
    appendToAll();
    for (int round = 1; round < 12; round++) {
      kill();
      world.store.crash(new SeededRandom(round));
      world.restart();
      openAll();
      checkAll(round);
      appendToAll();
    }
  }

  @Test
  void theOldJournalStaysUntilACheckpointIsThroughAndNoLonger() {
    openAll();
    appendToAll();
    world.checkpoint();
    appendToAll();
    kill();
    assertEquals(2, generations().size());
    openAll();
    appendToAll();
    kill();
    assertEquals(3, generations().size());
    openAll();
    world.checkpoint();
    assertEquals(1, generations().size());
    world.store.crash(new SeededRandom(1));
    world.restart();
    openAll();
    checkAll(3);
  }

  @Test
  void aNodeThatCrashesAgainAndAgainDoesNotRunOutOfJournal() {
    openAll();
    for (int round = 1; round < 30; round++) {
      appendToAll();
      kill();
      assertTrue(generations().size() <= 7, generations().toString());
      openAll();
      checkAll(round);
    }
  }

  @Test
  void aCrashAtAnyPointOfAnOpenAndOfWhatFollowsLosesNothing() {
    for (int seed = 0; seed < 150; seed++) {
      crashOften(seed);
    }
  }

  private static void crashOften(int seed) {
    OpeningTest test = new OpeningTest();
    SeededRandom random = new SeededRandom(seed);
    test.openAll();
    test.appendToAll();
    long held = test.sequence;
    for (int crash = 0; crash < 6; crash++) {
      int[] left = {random.nextInt(160)};
      test.world.store.kill();
      test.world.store.faults(
          (operation, path) -> {
            if (--left[0] < 0) {
              throw new Dead();
            }
            return null;
          });
      try {
        test.world.restart();
        test.openAll();
        test.world.time.advanceMs(random.nextInt(8_000));
      } catch (Dead dead) {
        // The next start begins with what it left.
      } catch (AssertionError e) {
        // Or on a worker.
        assertInstanceOf(Dead.class, e.getCause());
      }
      test.world.store.faults(null);
      if (random.nextInt(3) > 0) {
        test.world.store.crash(random.split());
      } else {
        test.world.store.kill();
      }
    }
    test.world.restart();
    test.openAll();
    try {
      test.checkAll(held);
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  @Test
  void bytesThatNoCommitHadAreCutAndDoNotComeBack() {
    openAll();
    appendToAll();
    // Into the files, and the process dies before the journal's commit.
    world.loop.run(
        () ->
            logs.forEach(
                log -> log.appendAsLeader(Batches.plain(2, "never held", 1_500), 0, 5_000)));
    kill();
    openAll();
    checkAll(1);
    appendToAll();
    world.store.crash(new SeededRandom(3));
    world.restart();
    openAll();
    checkAll(2);
  }

  @Test
  void anOpenAfterACleanStopTouchesNoFileOfALog() {
    openAll();
    for (int i = 0; i < 5; i++) {
      appendToAll();
    }
    world.close(4);
    List<String> touched = new ArrayList<>();
    world.store.faults(
        (operation, path) -> {
          touched.add(path);
          return null;
        });
    kill();
    world.store.faults(null);
    assertEquals(4, world.directory.cleanMarker().orElseThrow().brokerEpoch());
    assertTrue(touched.stream().noneMatch(path -> path.startsWith("AAA")), touched.toString());
    assertFalse(world.store.exists(CleanLogs.FILE));
    openAll();
    checkAll(5);
    AtomicReference<PartitionLog.TimeLookup> found = new AtomicReference<>();
    world.run(() -> logs.get(0).offsetForTime(1_006, Long.MAX_VALUE, found::set));
    assertEquals(9, found.get().offset().orElseThrow());
    appendToAll();
    checkAll(6);
  }

  @Test
  void aDirectoryThatChangedSinceACleanStopIsRead() {
    openAll();
    for (int i = 0; i < 5; i++) {
      appendToAll();
    }
    world.close(4);
    String lost = world.store.list(id(0).directoryName()).get(0);
    assertTrue(lost.endsWith(".index"), lost);
    List<String> segments = new ArrayList<>(world.store.list(id(0).directoryName()));
    segments.removeIf(name -> !name.endsWith(".log"));
    world.store.delete(id(0).directoryName() + "/" + segments.get(segments.size() - 1));
    kill();
    assertEquals(List.of(id(0)), world.directory.doubtful());
  }

  @Test
  void aReplayThatIsRepeatedWritesNoIndexFileAgain() {
    LogWorld large =
        new LogWorld(LogWorld.CONFIG.withJournal(new CommitJournal.Sizes(1 << 20, 8, 1 << 20)));
    LogSettings settings = LogWorld.FSYNC.withSegments(10 << 10, 3_600_000);
    PartitionLog log = large.openLog(settings);
    for (int i = 0; i < 25; i++) {
      large.append(log, Batches.plain(1, "x".repeat(1_000), 1_000 + i));
    }
    TreeMap<String, ByteBuffer> before = indexFiles(large);
    assertEquals(4, before.size(), before.keySet().toString());
    List<String> written = new ArrayList<>();
    large.store.faults(
        (operation, path) -> {
          if (path.endsWith("index")
              && operation != Operation.OPEN
              && operation != Operation.READ) {
            written.add(operation + " " + path);
          }
          return null;
        });
    for (int start = 0; start < 3; start++) {
      large.store.kill();
      large.restart();
      assertEquals(List.of(), written, "start " + start);
      log = large.openLog(settings);
      assertEquals(25, large.readAll(log).size());
    }
    // What was left as it is, is durable with the checkpoint all the same (rules D3, D10).
    large.checkpoint();
    assertEquals(4, written.size(), written.toString());
    large.store.faults(null);
    large.store.crash(new SeededRandom(3));
    assertEquals(before, indexFiles(large));
    large.restart();
    assertEquals(25, large.readAll(large.openLog(settings)).size());
  }

  private static TreeMap<String, ByteBuffer> indexFiles(LogWorld world) {
    TreeMap<String, ByteBuffer> found = new TreeMap<>();
    for (String name : world.store.list(LogWorld.ORDERS.directoryName())) {
      if (name.endsWith("index")) {
        try (FileStore.File file = world.store.open(LogWorld.ORDERS.directoryName() + "/" + name)) {
          ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
          file.read(bytes, 0);
          found.put(name, bytes.flip());
        }
      }
    }
    return found;
  }

  @Test
  void rowsOfCleanLogsThatCannotBeTrueGiveWayToTheFilesOfTheirLogs() {
    int believed = 0;
    for (int seed = 0; seed < 400; seed++) {
      OpeningTest test = new OpeningTest();
      SeededRandom random = new SeededRandom(seed);
      test.openAll();
      for (int i = 0; i < 5; i++) {
        test.appendToAll();
      }
      test.world.close(4);
      test.changeCleanLogs(random);
      test.world.store.kill();
      try {
        test.world.restart();
        test.openAll();
        for (PartitionLog log : test.logs) {
          long end = test.world.call(log::logEndOffset);
          assertTrue(end == 10 && test.world.call(log::logStartOffset) == 0, "ends at " + end);
          long committed = test.world.call(log::checkpointedHighWatermark);
          assertTrue(committed >= 0 && committed <= end, "committed to " + committed);
        }
        believed += test.world.directory.cleanMarker().isPresent() ? 1 : 0;
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    assertTrue(believed > 300, believed + " clean stops were believed");
  }

  /** Some bytes of one row, or noise for all of it, under a checksum that is right. */
  private void changeCleanLogs(SeededRandom random) {
    SealedFile format = SealedFile.of("KCLO", 1, 1 << 20);
    ByteBuffer payload =
        format.readExisting(
            world.store,
            CleanLogs.FILE,
            bytes -> {
              ByteBuffer copy = ByteBuffer.allocate(bytes.remaining()).put(bytes).flip();
              return copy;
            });
    int rowBytes = (payload.limit() - 12) / LOGS;
    int row = 12 + random.nextInt(LOGS) * rowBytes;
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      // Not when the directory was changed: that alone makes the row void.
      int at = row + 8 + random.nextInt(rowBytes - 8);
      switch (random.nextInt(3)) {
        case 0 -> payload.put(at, (byte) random.nextLong());
        case 1 -> payload.put(at, (byte) (payload.get(at) ^ 1));
        default -> {
          for (int j = at; j < Math.min(at + 8, row + rowBytes); j++) {
            payload.put(j, (byte) 0xff);
          }
        }
      }
    }
    format.write(world.store, CleanLogs.FILE, payload);
  }

  @Test
  void aFileOfCleanLogsThatCannotBeBelievedIsNotMissed() {
    openAll();
    appendToAll();
    world.close(4);
    world.store.flip(CleanLogs.FILE, 40, 1);
    kill();
    assertTrue(world.directory.cleanMarker().isPresent());
    openAll();
    checkAll(1);
  }
}
