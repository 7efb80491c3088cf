package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.DiskReserve;
import io.kontiki.broker.partition.DiskSpace;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SimulatedTime;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Rules D4, M12, P15. */
class DiskWatchTest {
  private static final int BALLAST = 5_000;

  private final SimulatedTime time = new SimulatedTime();
  private final MemoryFileStore disk = new MemoryFileStore(100_000);
  private final Ballast ballast = new Ballast(disk.child("raft"), BALLAST);
  private final FileStore raft = new BallastedStore(disk.child("raft"), ballast);
  private final AtomicLong appended = new AtomicLong();

  private DiskWatch watch(long reserve) {
    DiskWatch watch =
        new DiskWatch(
            disk,
            new DiskReserve(reserve),
            ballast,
            time.newLoop("timers"),
            time.newWorker("background"),
            appended::get);
    watch.start();
    return watch;
  }

  private static void write(FileStore store, String path, int bytes) {
    try (FileStore.File file = store.openOrCreate(path)) {
      file.write(ByteBuffer.allocate(bytes), file.size());
    }
  }

  private void append(int bytes) {
    write(disk, "log", bytes);
    appended.addAndGet(bytes);
  }

  /** Fills the disk to its last byte. */
  private void fill() {
    write(disk, "filler", (int) disk.usableBytes());
  }

  private boolean ballastThere() {
    return disk.exists("raft/ballast");
  }

  @Test
  void whatIsAppendedBetweenTwoLooksCountsAtOnce() {
    DiskWatch watch = watch(20_000);
    time.advanceMs(150); // the ballast is laid aside after the first look
    append(70_000);
    assertEquals(DiskSpace.ENOUGH, watch.space());
    append(6_000);
    assertEquals(DiskSpace.SCARCE, watch.space(), "before any time has passed");
    append(10_000);
    assertEquals(DiskSpace.EXHAUSTED, watch.space());
    assertTrue(disk.usableBytes() > 0, "the writer was stopped before the disk was full");
    time.advanceMs(150);
    assertEquals(DiskSpace.EXHAUSTED, watch.space(), "as the look says, too");
    disk.delete("log");
    time.advanceMs(150);
    assertEquals(DiskSpace.ENOUGH, watch.space());
  }

  @Test
  void aDiskWithMuchRoomIsLookedAtOftenOnlyWhileSomethingIsAppended() {
    disk.capacity(6L << 30);
    DiskWatch watch = watch(20_000);
    time.advanceMs(1_500); // nothing is appended: the next look is the one after two seconds
    disk.capacity(BALLAST + 10_000);
    time.advanceMs(300);
    assertEquals(DiskSpace.ENOUGH, watch.space());
    time.advanceMs(700);
    assertEquals(DiskSpace.SCARCE, watch.space());
    disk.capacity(6L << 30);
    time.advanceMs(150);
    assertEquals(DiskSpace.ENOUGH, watch.space(), "a disk with little room is looked at often");
    for (int i = 0; i < 30; i++) {
      append(1);
      time.advanceMs(50);
    }
    disk.capacity(BALLAST + 10_050);
    time.advanceMs(150);
    assertEquals(DiskSpace.SCARCE, watch.space());
  }

  @Test
  void withoutAReserveThereIsAlwaysEnough() {
    DiskWatch watch = watch(0);
    append(90_000);
    assertEquals(DiskSpace.ENOUGH, watch.space());
  }

  /** Others filled the disk: no look has come in between. */
  @Test
  void metadataThatFindNoRoomGiveUpTheBallastAtOnceAndAreWrittenWhole() {
    watch(20_000);
    assertTrue(ballastThere());
    write(raft, "segment", 10);
    fill();
    ByteBuffer first = ByteBuffer.wrap(new byte[] {1, 2, 3});
    ByteBuffer second = ByteBuffer.wrap(new byte[] {4, 5, 6, 7});
    try (FileStore.File file = raft.open("segment")) {
      // Three of the seven bytes still fit: behind them it goes on.
      disk.capacity(100_003);
      file.write(List.of(first, second), 10);
      assertEquals(17, file.size());
      ByteBuffer back = ByteBuffer.allocate(7);
      file.read(back, 10);
      assertEquals(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7}), back.flip());
    }
    assertFalse(ballastThere());
    fill();
    StorageException full = assertThrows(StorageException.class, () -> write(raft, "segment", 1));
    assertEquals(StorageException.Kind.NO_SPACE, full.kind(), "it is there once only");
    disk.delete("filler");
    time.advanceMs(150);
    assertTrue(ballastThere(), "and is made again when there is room");
  }
}
