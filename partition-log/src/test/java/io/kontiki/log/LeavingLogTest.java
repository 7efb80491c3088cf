package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Logs that leave, come again under the same id, or are lost (rules D2, D3, L6, R3). */
class LeavingLogTest {
  private static final PartitionId OTHER = new PartitionId(new TopicId(7, 2), 1);
  private static final int CRASH_POINTS = 45;

  @Test
  void aLogThatComesAgainIsNotJudgedByTheRecordsOfTheOldOneWhereverTheProcessEnds() {
    int again = 0;
    for (LogSettings settings : List.of(LogWorld.FSYNC, LogWorld.REPLICATED)) {
      for (int checkpointAt = 0; checkpointAt < 12; checkpointAt++) {
        for (int steps = 0; steps < CRASH_POINTS; steps++) {
          for (long commitNanos : new long[] {0, 1_000_000}) {
            again += comeAgain(settings, checkpointAt, steps, commitNanos, true) ? 1 : 0;
            again += comeAgain(settings, checkpointAt, steps, commitNanos, false) ? 1 : 0;
          }
        }
      }
    }
    assertTrue(again > 500, again + " logs came again");
  }

  /**
   * What is on its way to the journal is more than its ring takes, and begins with a cut of the log
   * that is deleted: the ring is free again only when that has been carried out (rules L9, D8).
   */
  @Test
  void aLogThatIsDeletedWithACutOnItsWayDoesNotKeepTheJournalFullForEver() {
    for (LogSettings settings : List.of(LogWorld.FSYNC, LogWorld.REPLICATED)) {
      LogWorld slow = new LogWorld(LogWorld.CONFIG);
      PartitionLog log = slow.openLog(settings);
      PartitionLog other = slow.openLog(OTHER, LogWorld.FSYNC);
      slow.append(log, Batches.plain(1, "kept", 1));
      slow.append(log, Batches.plain(1, "cut", 1));
      boolean[] gone = new boolean[1];
      slow.commit.taskNanos(() -> 1_000_000_000);
      slow.loop.run(() -> other.appendAsLeader(Batches.plain(1, "before", 1), 0, 1));
      slow.loop.run(() -> log.truncateTo(1));
      for (int i = 0; i < 40; i++) {
        ByteBuffer batch = Batches.plain(1, "v".repeat(10_000), i);
        slow.loop.run(() -> other.appendAsLeader(batch, 0, 1));
      }
      slow.loop.run(() -> slow.directory.delete(LogWorld.ORDERS, slow.loop, () -> gone[0] = true));
      slow.commit.taskNanos(() -> 0);
      slow.time.advanceMs(60_000);
      assertEquals(41, slow.call(other::heldEndOffset));
      assertTrue(gone[0], "it is gone");
    }
  }

  @Test
  void whileTheDirectoryIsOfflineNothingLeavesItAndWhatIsKnownCanStillBeAskedL4() {
    LogWorld world = new LogWorld(LogWorld.CONFIG);
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.plain(2, "a", 1));
    boolean[] gone = new boolean[1];
    world.loop.run(
        () -> {
          log.appendAsLeader(Batches.plain(1, "b", 1), 0, 1);
          world.store.failNext(MemoryFileStore.Operation.WRITE, StorageException.Kind.IO);
          assertThrows(
              StorageException.class, () -> log.appendAsLeader(Batches.plain(1, "c", 1), 0, 1));
          // The loop hears of it in a later turn; a task that throws until then halts the broker.
          assertEquals(3, log.logEndOffset());
          assertEquals(2, log.heldEndOffset());
          assertEquals(0, log.logStartOffset());
          assertEquals(0, log.forgottenBelow(3));
          log.noteHighWatermark(2);
          world.directory.delete(LogWorld.ORDERS, world.loop, () -> gone[0] = true);
        });
    world.time.advanceMs(100);
    assertFalse(gone[0], "it is still there, and the next start finds it");
    world.store.kill();
    world.restart();
    assertEquals(List.of(LogWorld.ORDERS), world.directory.partitions());
  }

  private static boolean comeAgain(
      LogSettings settings, int checkpointAt, int steps, long commitNanos, boolean kill) {
    LogWorld world = new LogWorld(LogWorld.CONFIG);
    PartitionLog old = world.openLog(settings);
    for (int i = 0; i < 5; i++) {
      world.append(old, Batches.plain(2, "old", 1));
    }
    world.run(() -> old.advanceLogStart(4));
    world.checkpoint();
    world.append(old, Batches.plain(1, "old", 1));
    world.held.clear();
    world.commit.taskNanos(() -> commitNanos);
    world.loop.run(
        () ->
            world.directory.delete(
                LogWorld.ORDERS,
                world.loop,
                () ->
                    world
                        .directory
                        .openOrCreate(
                            LogWorld.ORDERS, "orders", settings, world.loop, world.new Recording())
                        .appendAsLeader(Batches.plain(3, "new", 1), 0, 1)));
    for (int step = 0; step < steps; step++) {
      if (step == checkpointAt) {
        world.directory.checkpoint();
      }
      world.time.step();
    }
    boolean held = world.held.contains(3L);
    if (kill) {
      world.store.kill();
    } else {
      world.store.crash(new SeededRandom(steps));
    }
    world.restart();
    String where =
        "%s, checkpoint at step %d, end at step %d, commits of %d ns, kill %s"
            .formatted(settings.durability(), checkpointAt, steps, commitNanos, kill);
    assertEquals(List.of(), world.directory.doubtful(), where);
    if (held && (kill || settings == LogWorld.FSYNC)) {
      assertEquals(List.of(LogWorld.ORDERS), world.directory.partitions(), where);
      PartitionLog log = world.openLog(settings);
      assertEquals(0, world.call(log::logStartOffset), where);
      assertEquals(3, world.call(log::logEndOffset), where);
      assertEquals(1, world.readAll(log).size(), where);
    }
    return held;
  }

  @Test
  void aLogThatLeavesWithACutOnItsWayDoesNotKeepTheJournal() {
    LogWorld world = new LogWorld(LogWorld.CONFIG);
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    PartitionLog other = world.openLog(OTHER, LogWorld.FSYNC);
    world.append(log, Batches.plain(2, "x", 1));
    world.append(log, Batches.plain(2, "x", 1));
    world.run(
        () -> {
          log.truncateTo(2);
          world.directory.delete(LogWorld.ORDERS, world.loop, () -> {});
        });
    for (int i = 0; i < 100; i++) {
      world.append(other, Batches.plain(1, "y".repeat(10_000), 1));
      assertEquals(i + 1, world.call(other::heldEndOffset));
    }
  }

  @Test
  void aLogWhoseDirectoryIsLostIsDamagedAndDoubtfulUntilItIsFetchedAgain() {
    LogWorld world = new LogWorld(LogWorld.CONFIG);
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    world.append(log, Batches.plain(4, "x", 1));
    world.checkpoint();
    world.store.kill();
    world.store.deleteRecursively(LogWorld.ORDERS.directoryName());
    for (int start = 0; start < 3; start++) {
      world.restart();
      assertEquals(List.of(LogWorld.ORDERS), world.directory.doubtful(), "start " + start);
      world.store.kill();
    }
    world.restart();
    PartitionLog lost = world.openLog(LogWorld.FSYNC);
    assertTrue(lost.doubtful());
    assertEquals(0, lost.damage().orElseThrow().offset());
    assertInstanceOf(
        PartitionLog.AppendOutcome.Refused.class, world.append(lost, Batches.plain(1, "x", 1)));
    world.run(() -> lost.truncateTo(0));
    ByteBuffer fetched = Batches.stamped(Batches.plain(4, "x", 1), 0, 0);
    assertEquals("", world.call(() -> lost.appendAsFollower(fetched, 0)).fault());
    world.run(lost::clearDoubt);
    world.checkpoint();
    world.store.crash(new SeededRandom(3));
    world.restart();
    assertEquals(List.of(), world.directory.doubtful());
    assertEquals(1, world.readAll(world.openLog(LogWorld.FSYNC)).size());
  }

  @Test
  void aLogWithoutSyncedRecordsWhoseDirectoryIsLostIsDoubtfulToo() {
    LogWorld world = new LogWorld(LogWorld.CONFIG);
    PartitionLog log = world.openLog(LogWorld.REPLICATED);
    world.checkpoint();
    world.append(log, Batches.plain(4, "x", 1));
    world.store.kill();
    world.store.deleteRecursively(LogWorld.ORDERS.directoryName());
    world.restart();
    assertEquals(List.of(LogWorld.ORDERS), world.directory.doubtful());
    assertTrue(world.openLog(LogWorld.REPLICATED).doubtful());
  }

  @Test
  void aCutOfAReplicatedLogIsDurableBeforeItTakesRecordsAgain() {
    for (int seed = 0; seed < 40; seed++) {
      LogWorld world = new LogWorld(LogWorld.CONFIG);
      PartitionLog log =
          world.openLog(LogWorld.REPLICATED.withSegments(seed % 2 == 0 ? 300 : 9_000, 3_600_000));
      for (int i = 0; i < 8; i++) {
        world.append(log, Batches.plain(1, "old", 1));
      }
      world.checkpoint();
      int cut = seed % 5;
      world.run(() -> log.truncateTo(cut));
      assertEquals(cut, world.call(log::logEndOffset));
      world.store.crash(new SeededRandom(seed));
      world.restart();
      PartitionLog found = world.openLog(LogWorld.REPLICATED);
      assertEquals(cut, world.call(found::logEndOffset), "seed " + seed);
      assertFalse(found.doubtful(), "seed " + seed);
    }
  }

  @Test
  void aTornTailThatAKilledStartCutDoesNotComeBackBehindALaterSegment() {
    for (int seed = 0; seed < 40; seed++) {
      LogSettings settings = LogWorld.REPLICATED.withSegments(400, 3_600_000);
      LogWorld world = new LogWorld(LogWorld.CONFIG);
      PartitionLog log = world.openLog(settings);
      world.append(log, Batches.plain(1, "x".repeat(100), 1));
      world.checkpoint();
      long good = world.call(log::sizeBytes);
      world.append(log, Batches.plain(1, "y".repeat(100), 1));
      world.run(() -> log.whenDurable(() -> {}));
      String segment = LogWorld.ORDERS.directoryName() + "/00000000000000000000.log";
      world.store.flip(segment, good + 16, 0x40);
      world.store.kill();
      dieAtFirstSync(world, segment);
      world.store.kill();
      world.restart();
      PartitionLog again = world.openLog(settings);
      assertEquals(1, world.call(again::logEndOffset));
      world.append(again, Batches.plain(1, "z".repeat(300), 1));
      world.checkpoint();
      world.store.crash(new SeededRandom(seed));
      world.restart();
      assertEquals(2, world.readAll(world.openLog(settings)).size(), "seed " + seed);
      assertEquals(List.of(), world.damaged, "seed " + seed);
    }
  }

  private static void dieAtFirstSync(LogWorld world, String path) {
    world.store.faults(
        (operation, at) -> {
          if (operation == io.kontiki.runtime.memory.MemoryFileStore.Operation.SYNC
              && at.equals(path)) {
            throw new IllegalStateException("dead");
          }
          return null;
        });
    try {
      world.restart();
    } catch (IllegalStateException dead) {
      assertEquals("dead", dead.getMessage());
    } finally {
      world.store.faults(null);
    }
  }
}
