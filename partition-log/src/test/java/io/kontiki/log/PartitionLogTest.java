package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class PartitionLogTest {
  private final LogWorld world = new LogWorld(LogWorld.CONFIG);

  private static ErrorReason reason(AppendOutcome outcome) {
    return assertInstanceOf(AppendOutcome.Refused.class, outcome).error().reason();
  }

  @Test
  void anFsyncLogHoldsARecordOnlyAfterTheCommit() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.loop.run(
        () -> {
          log.beginEpoch(0);
          log.appendAsLeader(Batches.plain(3, "a", 1), 0, 1);
          assertEquals(3, log.logEndOffset());
          assertEquals(0, log.heldEndOffset());
        });
    world.loop.run(() -> assertEquals(0, log.heldEndOffset()));
    world.time.runUntilIdle();
    assertEquals(3, world.call(log::heldEndOffset));
    assertEquals(List.of(3L), world.held);
  }

  @Test
  void aReplicatedLogHoldsARecordAtOnce() {
    PartitionLog log = world.openLog(LogWorld.REPLICATED);
    world.loop.run(
        () -> {
          log.appendAsLeader(Batches.plain(3, "a", 1), 0, 1);
          assertEquals(3, log.heldEndOffset());
        });
    assertEquals(List.of(3L), world.held);
  }

  @Test
  void whatWasAppendedIsReadBackFromMemoryAndFromFiles() {
    LogWorld small = new LogWorld(LogWorld.CONFIG.withHot(0, 0));
    for (LogWorld each : List.of(world, small)) {
      PartitionLog log = each.openLog(LogWorld.FSYNC.withSegments(400, 3_600_000));
      for (int i = 0; i < 20; i++) {
        each.append(log, Batches.plain(2, "record " + i + " ", 100 + i));
      }
      List<ByteBuffer> all = each.readAll(log);
      assertEquals(20, all.size());
      assertEquals(1, each.read(log, 5, 1).batches().size());
      assertEquals(Batches.stamped(Batches.plain(2, "record 2 ", 102), 4, 0), all.get(2));
    }
    assertTrue(small.directory.counters().coldReads() > 0);
    assertEquals(0, world.directory.counters().coldReads());
  }

  @Test
  void aDuplicateGetsItsFirstAnswerAlsoAfterARestart() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    for (int i = 0; i < 8; i++) {
      world.append(log, Batches.of(9, 0, i * 2, 2, "v"));
    }
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    AppendOutcome.Duplicate duplicate =
        assertInstanceOf(
            AppendOutcome.Duplicate.class, world.append(again, Batches.of(9, 0, 8, 2, "v")));
    assertEquals(8, duplicate.baseOffset());
    assertEquals(9, duplicate.lastOffset());
    assertEquals(
        ErrorReason.SEQUENCE_OUT_OF_ORDER,
        reason(world.append(again, Batches.of(9, 0, 18, 1, "v"))));
    assertEquals(
        ErrorReason.SEQUENCE_TOO_OLD, reason(world.append(again, Batches.of(9, 0, 2, 2, "v"))));
  }

  @Test
  void aFollowerKeepsWhatIsBeforeTheFirstBadBatch() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    ByteBuffer first = Batches.stamped(Batches.plain(2, "a", 1), 0, 3);
    ByteBuffer second = Batches.stamped(Batches.plain(2, "b", 1), 2, 4);
    second.put(70, (byte) (second.get(70) ^ 1));
    ByteBuffer both = ByteBuffer.allocate(1000).put(first).put(second).flip();
    PartitionLog.FollowerAppend outcome = world.call(() -> log.appendAsFollower(both, 4));
    assertEquals(2, outcome.endOffset());
    assertTrue(outcome.fault().contains("checksum"), outcome.fault());
    assertEquals(3, world.call(() -> log.epochs().latest()));
    ByteBuffer older = Batches.stamped(Batches.plain(1, "c", 1), 2, 2);
    assertFalse(world.call(() -> log.appendAsFollower(older, 4)).complete());
  }

  @Test
  void aTruncationIsDurableBeforeAppendsGoOn() {
    PartitionLog log = world.openLog(LogWorld.FSYNC.withSegments(400, 3_600_000));
    for (int i = 0; i < 10; i++) {
      world.append(log, Batches.of(9, 0, i, 1, "value " + i));
    }
    AtomicReference<Boolean> durable = new AtomicReference<>(false);
    world.loop.run(
        () -> {
          log.truncateTo(4);
          log.whenDurable(() -> durable.set(true));
          assertEquals(4, log.logEndOffset());
          assertEquals(
              ErrorReason.BUSY, reason(log.appendAsLeader(Batches.of(9, 0, 4, 1, "other"), 0, 1)));
        });
    assertFalse(durable.get());
    world.time.runUntilIdle();
    assertTrue(durable.get());
    // Rule I1: sequence 9 was cut away, so it is no duplicate but out of order.
    assertEquals(
        ErrorReason.SEQUENCE_OUT_OF_ORDER,
        reason(world.append(log, Batches.of(9, 0, 9, 1, "value 9"))));
    assertInstanceOf(
        AppendOutcome.Appended.class, world.append(log, Batches.of(9, 0, 4, 1, "other")));
    assertEquals(5, world.readAll(log).size());
    world.store.kill();
    world.restart();
    assertEquals(5, world.readAll(world.openLog(LogWorld.FSYNC)).size());
  }

  @Test
  void truncatingAtTheLogEndDropsEmptyEpochs() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.run(() -> log.beginEpoch(1));
    world.append(log, Batches.plain(1, "a", 1));
    world.run(() -> log.beginEpoch(5));
    assertEquals(5, world.call(() -> log.epochs().latest()));
    world.run(() -> log.truncateTo(1));
    assertEquals(1, world.call(() -> log.epochs().latest()));
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(1, world.call(() -> again.epochs().latest()));
    assertEquals(new LeaderEpochs.EpochEnd(1, 1), world.call(() -> again.epochs().endOf(9)));
  }

  @Test
  void anEmptyLogRemembersItsEpochAfterACrash() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.run(() -> log.beginEpoch(7));
    world.store.crash(new io.kontiki.runtime.memory.SeededRandom(1));
    world.restart();
    assertEquals(List.of(LogWorld.ORDERS), world.directory.partitions());
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(7, world.call(() -> again.epochs().latest()));
  }

  @Test
  void oneTurnIsOneCommitWithOneSync() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    long commits = world.directory.counters().journalCommits();
    long syncs = world.directory.counters().journalSyncs();
    world.loop.run(
        () -> {
          for (int i = 0; i < 50; i++) {
            log.appendAsLeader(Batches.plain(1, "x" + i, 1), 0, 1);
          }
        });
    world.time.runUntilIdle();
    assertEquals(1, world.directory.counters().journalCommits() - commits);
    assertEquals(1, world.directory.counters().journalSyncs() - syncs);
    assertEquals(50, world.call(log::heldEndOffset));
  }

  @Test
  void whatArrivesDuringACommitIsInTheNextOne() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.commit.taskNanos(() -> 1_000_000);
    long commits = world.directory.counters().journalCommits();
    for (int i = 0; i < 40; i++) {
      world.loop.run(() -> log.appendAsLeader(Batches.plain(1, "x", 1), 0, 1));
      world.time.advance(100_000);
    }
    world.time.advanceMs(10);
    // 40 turns in 4 ms, 1 ms for each commit.
    assertEquals(4, world.directory.counters().journalCommits() - commits);
    assertEquals(40, world.call(log::heldEndOffset));
  }

  @Test
  void theRingIsFreedByCheckpointsAndNothingIsOverwrittenBefore() {
    PartitionLog log = world.openLog(LogWorld.FSYNC.withSegments(50_000, 3_600_000));
    String value = "v".repeat(2_000);
    for (int i = 0; i < 400; i++) {
      world.append(log, Batches.plain(1, value, i));
    }
    assertEquals(400, world.call(log::heldEndOffset));
    assertTrue(world.directory.counters().checkpoints() > 0);
    world.store.crash(new io.kontiki.runtime.memory.SeededRandom(3));
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(400, world.call(again::logEndOffset));
    assertFalse(again.doubtful());
  }

  @Test
  void appendsAreRefusedWhileTheJournalIsCrowded() {
    LogWorld tight =
        new LogWorld(
            LogWorld.CONFIG.withJournal(
                new io.kontiki.log.journal.CommitJournal.Sizes(64 << 10, 2, 10_000)));
    PartitionLog log = tight.openLog(LogWorld.FSYNC);
    AppendOutcome last =
        tight.loop.call(
            () -> {
              log.appendAsLeader(Batches.plain(1, "v".repeat(12_000), 1), 0, 1);
              return log.appendAsLeader(Batches.plain(1, "v", 1), 0, 1);
            });
    assertInstanceOf(AppendOutcome.Appended.class, last);
    AppendOutcome refused =
        tight.loop.call(() -> log.appendAsLeader(Batches.plain(1, "v", 1), 0, 1));
    assertEquals(ErrorReason.BUSY, reason(refused));
    tight.time.runUntilIdle();
    assertInstanceOf(AppendOutcome.Appended.class, tight.append(log, Batches.plain(1, "v", 1)));
  }

  @Test
  void aFailedSyncTakesAllLogsOffline() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.store.failNext(Operation.SYNC, Kind.IO);
    world.append(log, Batches.plain(1, "x", 1));
    assertEquals(1, world.offline.size());
    assertTrue(world.held.isEmpty());
    assertThrows(
        StorageException.class,
        () -> world.run(() -> log.appendAsLeader(Batches.plain(1, "y", 1), 0, 1)));
    assertEquals(1, world.call(log::logEndOffset), "what needs no file is still known");
  }

  @Test
  void whatWasHeldAfterAStartBehindAFailedSyncOutlivesAPowerCutD1() {
    for (long seed = 0; seed < 200; seed++) {
      LogWorld after = new LogWorld(LogWorld.CONFIG);
      PartitionLog log = after.openLog(LogWorld.FSYNC);
      after.append(log, Batches.plain(2, "a".repeat(300), 1));
      PartitionLog failing = log;
      after.run(
          () -> {
            failing.appendAsLeader(Batches.plain(3, "b".repeat(700), 1), 0, 1);
            after.store.failNext(Operation.SYNC, Kind.IO);
          });
      after.time.runUntilIdle();
      after.store.kill();
      after.restart();
      log = after.openLog(LogWorld.FSYNC);
      after.append(log, Batches.plain(1, "c", 1));
      long held = after.call(log::heldEndOffset);
      after.store.crash(new SeededRandom(seed));
      after.restart();
      log = after.openLog(LogWorld.FSYNC);
      long end = after.call(log::logEndOffset);
      assertTrue(end >= held, "seed " + seed + ": held was " + held + ", the log ends at " + end);
    }
  }

  @Test
  void aFullDiskRefusesTheAppendAndLeavesNoTrace() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.plain(1, "before", 1));
    world.store.failNext(Operation.WRITE, Kind.NO_SPACE);
    AppendOutcome outcome = world.append(log, Batches.plain(1, "x".repeat(500), 1));
    assertEquals(ErrorReason.DISK_FULL, reason(outcome));
    assertTrue(world.offline.isEmpty());
    assertInstanceOf(AppendOutcome.Appended.class, world.append(log, Batches.plain(1, "after", 1)));
    assertEquals(2, world.readAll(log).size());
    world.store.kill();
    world.restart();
    assertEquals(2, world.readAll(world.openLog(LogWorld.FSYNC)).size());
  }

  @Test
  void theFirstRecordOfATimeIsFoundAcrossSegments() {
    PartitionLog log =
        world.openLog(LogWorld.FSYNC.withSegments(400, 3_600_000).withIndexInterval(50));
    for (int i = 0; i < 30; i++) {
      world.append(log, Batches.plain(3, "t", 1_000 + i * 10));
    }
    for (int i = 0; i < 30; i++) {
      int place = i;
      AtomicReference<PartitionLog.TimeLookup> found = new AtomicReference<>();
      world.run(() -> log.offsetForTime(1_001 + place * 10, Long.MAX_VALUE, found::set));
      assertEquals(OptionalLong.of(i * 3 + 1), found.get().offset());
      assertEquals(1_001 + i * 10, found.get().timestampMs());
    }
    AtomicReference<PartitionLog.TimeLookup> none = new AtomicReference<>();
    world.run(() -> log.offsetForTime(99_999, Long.MAX_VALUE, none::set));
    assertTrue(none.get().offset().isEmpty());
  }

  @Test
  void aCleanStopLeavesAMarkerThatTheNextStartTakesAway() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.plain(2, "x", 1));
    world.run(() -> log.noteHighWatermark(2));
    world.close(42);
    world.store.crash(new io.kontiki.runtime.memory.SeededRandom(5));
    world.restart();
    assertEquals(42, world.directory.cleanMarker().orElseThrow().brokerEpoch());
    assertFalse(world.store.exists(CleanMarker.FILE));
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(2, world.call(again::logEndOffset));
    assertEquals(2, again.checkpointedHighWatermark());
    world.store.kill();
    world.restart();
    assertTrue(world.directory.cleanMarker().isEmpty());
  }

  @Test
  void aDeletedLogIsGoneAfterACrashAndCanBeMadeAgain() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.plain(2, "x", 1));
    AtomicReference<Boolean> done = new AtomicReference<>(false);
    world.run(() -> world.directory.delete(LogWorld.ORDERS, world.loop, () -> done.set(true)));
    assertTrue(done.get());
    assertThrows(StorageException.class, () -> world.call(log::logEndOffset));
    world.store.crash(new io.kontiki.runtime.memory.SeededRandom(5));
    world.restart();
    assertEquals(List.of(), world.directory.partitions());
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(0, world.call(again::logEndOffset));
  }

  @Test
  void aQuarantinedLogKeepsItsBytes() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.plain(2, "x", 1));
    world.run(() -> world.directory.quarantine(LogWorld.ORDERS, world.loop, () -> {}));
    assertTrue(world.store.exists(LogWorld.ORDERS.directoryName() + ".0.quarantine"));
    world.store.kill();
    world.restart();
    assertEquals(List.of(), world.directory.partitions());
  }

  @Test
  void theBytesBehindAnOffsetFollowTheSegmentsAndNotTheMeanRecord() {
    PartitionLog log = world.openLog(LogWorld.FSYNC.withSegments(40_000, 3_600_000));
    for (int i = 0; i < 100; i++) {
      world.append(log, Batches.plain(1, "small", 1));
    }
    for (int i = 0; i < 100; i++) {
      world.append(log, Batches.plain(1, "x".repeat(10_000), 1));
    }
    long all = world.call(log::sizeBytes);
    assertEquals(all, world.call(() -> log.bytesFrom(0)), 100);
    assertEquals(0, (long) world.call(() -> log.bytesFrom(200)));
    assertEquals(1_006_000, world.call(() -> log.bytesFrom(100)), 45_000);
    assertEquals(503_000, world.call(() -> log.bytesFrom(150)), 45_000);
    assertEquals(10_060, world.call(() -> log.bytesFrom(199)), 20_200);
  }

  @Test
  void advancingTheLogStartRemovesWholeSegmentsAndSurvivesACrash() {
    PartitionLog log = world.openLog(LogWorld.FSYNC.withSegments(400, 3_600_000));
    for (int i = 0; i < 20; i++) {
      world.append(log, Batches.plain(2, "record " + i, 1));
    }
    long before = world.call(log::sizeBytes);
    world.run(() -> log.advanceLogStart(21));
    assertEquals(before, world.call(log::sizeBytes), "removed before a checkpoint passed");
    world.checkpoint();
    assertTrue(world.call(log::sizeBytes) < before);
    world.store.crash(new io.kontiki.runtime.memory.SeededRandom(11));
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(21, world.call(again::logStartOffset));
    assertEquals(40, world.call(again::logEndOffset));
    assertFalse(again.doubtful());
  }

  @Test
  void aRestartedLogBeginsEmptyAtItsOffset() {
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.of(9, 0, 0, 2, "x"));
    world.run(() -> log.restartAt(500));
    assertEquals(500, world.call(log::logStartOffset));
    assertEquals(0, world.call(log::producerCount));
    ByteBuffer next = Batches.stamped(Batches.plain(1, "n", 1), 500, 2);
    assertTrue(world.call(() -> log.appendAsFollower(next, 2)).complete());
    world.store.crash(new io.kontiki.runtime.memory.SeededRandom(2));
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(500, world.call(again::logStartOffset));
    assertEquals(501, world.call(again::logEndOffset));
  }

  /** After an unclean election, of a leader that had missed a deletion (R19). */
  @Test
  void aLogThatBeginsAnewFurtherDownDoesNotSayThatMoreIsDeletedD5() {
    for (LogSettings settings : List.of(LogWorld.FSYNC, LogWorld.REPLICATED)) {
      LogWorld node = new LogWorld(LogWorld.CONFIG);
      PartitionLog log = node.openLog(settings);
      node.append(log, Batches.plain(9, "x", 1));
      node.run(() -> log.advanceLogStart(7));
      assertEquals(7, node.call(log::durableLogStart));
      node.run(() -> log.restartAt(0));
      assertEquals(0, node.call(log::durableLogStart));
      node.append(log, Batches.plain(9, "y", 1));
      assertEquals(0, node.call(log::durableLogStart));
      node.run(() -> log.advanceLogStart(3));
      assertEquals(3, node.call(log::durableLogStart));
    }
  }

  @Test
  void anEmptyLogBeginsWithTheBatchInWhichItsStartLiesR32() {
    for (LogSettings settings : List.of(LogWorld.FSYNC, LogWorld.REPLICATED)) {
      for (boolean power : List.of(false, true)) {
        LogWorld node = new LogWorld(LogWorld.CONFIG);
        PartitionLog log = node.openLog(settings);
        node.append(log, Batches.plain(3, "x", 1));
        node.run(() -> log.restartAt(500));
        ByteBuffer before = Batches.stamped(Batches.plain(4, "n", 1), 496, 2);
        assertFalse(node.call(() -> log.appendAsFollower(before, 2)).complete(), "ends at 500");
        ByteBuffer first = Batches.stamped(Batches.plain(6, "n", 1), 498, 2);
        assertTrue(node.call(() -> log.appendAsFollower(first.duplicate(), 2)).complete());
        ByteBuffer again = Batches.stamped(Batches.plain(9, "n", 1), 498, 2);
        assertFalse(node.call(() -> log.appendAsFollower(again, 2)).complete(), "not empty");
        assertEquals(500, node.call(log::logStartOffset));
        assertEquals(504, node.call(log::logEndOffset));
        assertEquals(504, node.call(log::heldEndOffset));
        assertEquals(500, node.call(log::durableLogStart));
        assertEquals(2, node.call(() -> log.epochs().endOf(9)).epoch());
        assertEquals(List.of(first), node.read(log, 500, 1_000).batches());
        if (power && settings == LogWorld.FSYNC) {
          node.store.crash(new io.kontiki.runtime.memory.SeededRandom(2));
        } else {
          node.store.kill();
        }
        node.restart();
        PartitionLog later = node.openLog(settings);
        assertEquals(500, node.call(later::logStartOffset));
        assertEquals(504, node.call(later::logEndOffset));
        assertEquals(List.of(first), node.read(later, 501, 1_000).batches());
      }
    }
  }

  /** Also in the eyes of those who look at it when it is offline (rules R31, L4). */
  @Test
  void aLogThatCouldNotBeginWithTheBatchInWhichItsStartLiesIsEmptyAsBeforeR32() {
    for (LogSettings settings : List.of(LogWorld.FSYNC, LogWorld.REPLICATED)) {
      for (Kind kind : List.of(Kind.NO_SPACE, Kind.IO)) {
        LogWorld node = new LogWorld(LogWorld.CONFIG);
        PartitionLog log = node.openLog(settings);
        node.append(log, Batches.plain(3, "x", 1));
        node.run(() -> log.restartAt(500));
        ByteBuffer first = Batches.stamped(Batches.plain(6, "n", 1), 498, 2);
        node.store.faults(
            (operation, path) ->
                operation == Operation.WRITE && path.endsWith("498.log") ? kind : null);
        if (kind == Kind.IO) {
          assertThrows(
              StorageException.class,
              () -> node.call(() -> log.appendAsFollower(first.duplicate(), 2)));
          node.time.runUntilIdle();
          assertEquals(1, node.offline.size());
        } else {
          assertTrue(node.call(() -> log.appendAsFollower(first.duplicate(), 2)).diskFull());
          assertEquals(List.of(), node.offline);
        }
        assertEquals(500, node.call(log::logStartOffset));
        assertEquals(500, node.call(log::logEndOffset));
        assertEquals(500, node.call(log::heldEndOffset));
        node.store.faults(null);
        node.store.kill();
        node.restart();
        PartitionLog later = node.openLog(settings);
        assertEquals(500, node.call(later::logStartOffset));
        assertEquals(500, node.call(later::logEndOffset));
        assertTrue(node.call(() -> later.appendAsFollower(first.duplicate(), 2)).complete());
        assertEquals(List.of(first), node.read(later, 500, 1_000).batches());
      }
    }
  }

  @Test
  void rotBelowTheRecoveryPointIsNeverServedAndNeverCut() {
    LogWorld cold = new LogWorld(LogWorld.CONFIG.withHot(0, 0));
    PartitionLog log = cold.openLog(LogWorld.FSYNC);
    for (int i = 0; i < 5; i++) {
      cold.append(log, Batches.plain(1, "record", 1));
    }
    cold.store.flip(LogWorld.ORDERS.directoryName() + "/00000000000000000000.log", 2 * 75 + 70, 1);
    PartitionLog.ReadOutcome read = cold.read(log, 0, 10_000);
    assertEquals(OptionalLong.of(2), read.corruptAt());
    assertEquals(2, read.batches().size());
    assertTrue(log.doubtful());
    assertEquals(5, cold.call(log::logEndOffset));
  }

  @Test
  void tenThousandQuietLogsNeedNoFileBeforeACheckpoint() {
    LogWorld quiet = new LogWorld(LogConfig.defaults());
    int before = quiet.store.list("").size();
    quiet.run(
        () -> {
          for (int i = 0; i < 10_000; i++) {
            quiet
                .directory
                .openOrCreate(
                    new io.kontiki.model.PartitionId(new io.kontiki.model.TopicId(1, 1), i),
                    "many",
                    LogWorld.FSYNC,
                    quiet.loop,
                    new PartitionLog.Listener() {
                      @Override
                      public void onHeld(long end) {}

                      @Override
                      public void onDamaged(long offset) {}

                      @Override
                      public void onOffline(StorageException cause) {}
                    })
                .beginEpoch(1);
          }
        });
    assertEquals(before, quiet.store.list("").size());
  }
}
