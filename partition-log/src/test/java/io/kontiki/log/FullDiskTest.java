package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** A disk without a byte left, in single steps (rules L4, D1, D4, P15). */
class FullDiskTest {
  private final LogWorld world =
      new LogWorld(
          LogConfig.defaults()
              .withJournal(new CommitJournal.Sizes(16 << 10, 4, 1 << 20))
              .withCheckpoints(5_000, 1 << 20));
  private final PartitionLog log =
      world.openLog(LogWorld.FSYNC.withSegments(2_000, 3_600_000).withIndexInterval(300));

  /** The process is dead from here on. */
  private static final class Dead extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private void fill(long bytesLeft) {
    world.store.capacity(world.store.totalBytes() - world.store.usableBytes() + bytesLeft);
  }

  private void room() {
    world.store.capacity(1L << 40);
  }

  private AppendOutcome append(int bytes) {
    return world.append(log, Batches.plain(1, "x".repeat(bytes), 1_000));
  }

  private static boolean isFull(AppendOutcome outcome) {
    return outcome instanceof AppendOutcome.Refused refused
        && refused.error().reason() == ErrorReason.DISK_FULL
        && refused.error().definite();
  }

  /** Without a marker the records of replicated topics would not count (rule R3). */
  @Test
  void aStopOnAFullDiskIsCleanBecauseTheJournalGivesUpItsSpareFiles() {
    for (int i = 0; i < 12; i++) {
      append(900); // beyond half of the first journal file: the next one is made ready
    }
    assertTrue(world.store.list("journal").size() > 1);
    fill(0);
    world.close(7);
    world.store.kill();
    room();
    world.restart();
    assertEquals(7, world.directory.cleanMarker().orElseThrow().brokerEpoch());
  }

  @Test
  void aStopOnAFullDiskWaitsALittleForRoomAndThenEndsWithoutAMarker() {
    append(100);
    fill(0);
    AtomicBoolean done = new AtomicBoolean();
    world.directory.flushAndClose(7, () -> done.set(true));
    world.time.advanceMs(1_000);
    assertFalse(done.get());
    world.time.advanceMs(2_000);
    assertTrue(done.get());
    room();
    world.store.kill();
    world.restart();
    assertEquals(Optional.empty(), world.directory.cleanMarker());
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(1, world.readAll(again).size());
  }

  @Test
  void aStopThatGetsRoomInTimeIsClean() {
    append(100);
    fill(0);
    AtomicBoolean done = new AtomicBoolean();
    world.directory.flushAndClose(7, () -> done.set(true));
    world.time.advanceMs(500);
    room();
    world.time.advanceMs(500);
    assertTrue(done.get());
    world.store.kill();
    world.restart();
    assertTrue(world.directory.cleanMarker().isPresent());
  }

  @Test
  void aStopWhoseDiskFailsWhileItWaitsForRoomEndsToo() {
    append(100);
    fill(0);
    AtomicBoolean done = new AtomicBoolean();
    world.directory.flushAndClose(7, () -> done.set(true));
    world.time.advanceMs(300);
    world.store.faults(
        (operation, path) ->
            operation == Operation.SYNC ? io.kontiki.runtime.StorageException.Kind.IO : null);
    room();
    world.time.advanceMs(3_000);
    assertTrue(done.get());
  }

  /** What a start needs is a checkpoint; the journal goes on in a file that is there (P15). */
  @Test
  void aStartOnAFullDiskServesWhatIsThereAndTakesMoreOnceThereIsRoom() {
    for (int stop = 0; stop < 3; stop++) {
      FullDiskTest t = new FullDiskTest();
      for (int i = 0; i < 12; i++) {
        t.append(900);
      }
      t.world.run(() -> t.log.beginEpoch(3));
      if (stop == 0) {
        t.world.close(7);
      }
      t.world.store.kill();
      // Not enough for another journal file; after a power cut what was not synced is written
      // again.
      t.fill(stop == 2 ? 20_000 : 2_000);
      if (stop == 2) {
        t.world.store.crash(new SeededRandom(4));
      }
      t.world.restart();
      PartitionLog again = t.world.openLog(LogWorld.FSYNC);
      assertEquals(12, t.world.readAll(again).size(), "stop " + stop);
      assertEquals(3, t.world.call(() -> again.epochs().latest()));
      t.fill(0);
      assertTrue(isFull(t.world.append(again, Batches.plain(1, "x".repeat(5_000), 1_000))));
      t.room();
      assertInstanceOf(
          AppendOutcome.Appended.class, t.world.append(again, Batches.plain(1, "x", 1_000)));
      assertEquals(13L, t.world.call(again::heldEndOffset));
      t.world.store.crash(new SeededRandom(5));
      t.world.restart();
      PartitionLog last = t.world.openLog(LogWorld.FSYNC);
      assertEquals(13, t.world.readAll(last).size(), "stop " + stop);
    }
  }

  @Test
  void aStartOnAFullDiskGivesUpTheSpareFilesOfTheJournalAndNoneThatAReplayReads() {
    for (boolean clean : new boolean[] {true, false}) {
      FullDiskTest t = new FullDiskTest();
      for (int i = 0; i < 12; i++) {
        t.append(900); // beyond half of the first journal file: the next one is made ready
      }
      if (clean) {
        t.world.close(7);
      }
      assertEquals(2, t.world.store.list("journal").size());
      t.world.store.kill();
      t.fill(0);
      // Half-way through it the process dies: what a replay reads must still be there.
      t.world.store.faults(
          (operation, path) -> {
            if (operation == Operation.RENAME && path.contains("checkpoint")) {
              throw new Dead();
            }
            return null;
          });
      assertThrows(Dead.class, t.world::restart);
      assertEquals(1, t.world.store.list("journal").size());
      t.world.store.faults(null);
      t.world.store.kill();
      t.world.restart();
      assertEquals(List.of(), t.world.directory.doubtful());
      PartitionLog again = t.world.openLog(LogWorld.FSYNC);
      assertEquals(12, t.world.readAll(again).size());
    }
  }

  /** Half of a batch is in the file when the disk says no: nothing of it is ever seen. */
  @Test
  void aBatchThatDoesNotFitIsRefusedDefinitelyAndLeavesNothing() {
    append(100);
    fill(50);
    assertTrue(isFull(append(900)));
    assertEquals(1L, world.call(log::logEndOffset));
    room();
    assertInstanceOf(AppendOutcome.Appended.class, append(900));
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(2, world.readAll(again).size());
  }

  /**
   * A recovery reads no segment that a producer snapshot covers, and believes its time index: a
   * segment that could not complete it must not be closed.
   */
  @Test
  void aSegmentWhoseIndexesFoundNoRoomIsNotClosedAndItsTimesAreFoundAfterARestart() {
    world.append(log, Batches.plain(1, "x".repeat(1_400), 1_000));
    world.append(log, Batches.plain(1, "x", 2_000));
    world.append(log, Batches.plain(1, "x", 9_000));
    // A snapshot of 29 bytes, an index of 8, and one and a half of two time entries.
    fill(29 + 8 + 18);
    assertTrue(isFull(append(1_500)));
    room();
    assertInstanceOf(AppendOutcome.Appended.class, append(1_500));
    append(1_500);
    world.close(1);
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    AtomicReference<PartitionLog.TimeLookup> found = new AtomicReference<>();
    world.run(() -> again.offsetForTime(9_000, Long.MAX_VALUE, found::set));
    assertEquals(2, found.get().offset().orElseThrow());
  }

  @Test
  void damageIsMendedOnAFullDiskAndTheDirectoryStaysOnline() {
    LogWorld cold = new LogWorld(LogWorld.CONFIG.withHot(0, 0));
    PartitionLog cut = cold.openLog(LogWorld.FSYNC);
    ByteBuffer good = Batches.plain(2, "value", 1_000);
    cold.append(cut, good);
    ByteBuffer stored = Batches.copy(cold.readAll(cut).get(0));
    cold.store.flip(LogWorld.ORDERS.directoryName() + "/00000000000000000000.log", 70, 1);
    cold.read(cut, 0, 1_000);
    assertEquals(List.of(0L), cold.damaged);
    cold.store.capacity(cold.store.totalBytes() - cold.store.usableBytes());
    AtomicReference<Optional<PartitionLog.Damage>> left = new AtomicReference<>();
    cold.run(() -> cut.mend(List.of(stored), left::set));
    assertEquals(Optional.empty(), left.get());
    assertEquals(List.of(), cold.offline);
    assertEquals(1, cold.readAll(cut).size());
  }
}
