package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.FileRange;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Ranges of files in place of batches: rules L1 and L2. */
class StoredRangeTest {
  private static final int LOTS = 1 << 20;

  private final LogWorld world = new LogWorld(LogWorld.CONFIG.withHot(0, 0));

  private PartitionLog.ReadOutcome readForSending(PartitionLog log, long offset, int maxBytes) {
    AtomicReference<PartitionLog.ReadOutcome> found = new AtomicReference<>();
    world.run(() -> log.readForSending(offset, Long.MAX_VALUE, maxBytes, found::set));
    return found.get();
  }

  private static StoredRange range(PartitionLog.ReadOutcome read) {
    StoredRange range = read.range();
    assertNotNull(range, read.toString());
    return range;
  }

  private static ByteBuffer bytes(StoredRange range, FileRange.Lent file) {
    ByteBuffer bytes = ByteBuffer.allocate(range.bytes());
    assertEquals(range.bytes(), file.file().read(bytes, file.position()));
    return bytes.flip();
  }

  private static ByteBuffer joined(List<ByteBuffer> batches) {
    ByteBuffer all = ByteBuffer.allocate(2 * LOTS);
    batches.forEach(batch -> all.put(batch.duplicate()));
    return all.flip();
  }

  private PartitionLog filled(int batches) {
    PartitionLog log = world.openLog(LogWorld.REPLICATED);
    for (int i = 0; i < batches; i++) {
      world.append(log, Batches.plain(1, "v".repeat(10_000) + i, 1_000 + i));
    }
    return log;
  }

  @Test
  void aRangeHasTheBytesThatAReadWouldHaveBrought() {
    long seed = System.nanoTime();
    SeededRandom random = new SeededRandom(seed);
    PartitionLog log = world.openLog(LogWorld.REPLICATED.withSegments(400_000, 3_600_000));
    for (int i = 0; i < 60; i++) {
      // some larger than what is checked at a time
      int length = i % 20 == 7 ? 300_000 : 100 + random.nextInt(30_000);
      world.append(log, Batches.plain(1 + random.nextInt(3), "v".repeat(length), i));
    }
    int end = (int) (long) world.call(log::logEndOffset);
    for (int i = 0; i < 300; i++) {
      String where = "seed " + seed + ", round " + i;
      long offset = random.nextInt(end);
      int maxBytes = 1 + random.nextInt(LOTS);
      PartitionLog.ReadOutcome batches = world.read(log, offset, maxBytes);
      PartitionLog.ReadOutcome sent = readForSending(log, offset, maxBytes);
      assertEquals(batches.bytes(), sent.bytes(), where);
      StoredRange range = sent.range();
      if (range == null) {
        assertTrue(sent.bytes() < 32 << 10 || maxBytes < 32 << 10, where);
        assertEquals(batches.batches(), sent.batches(), where);
      } else {
        try (FileRange.Lent file = range.lend()) {
          assertNotNull(file, where);
          assertEquals(joined(batches.batches()), bytes(range, file), where);
        }
      }
    }
  }

  @Test
  void aRangeEndsBeforeABatchWhoseChecksumIsWrong() {
    PartitionLog log = filled(20);
    String path =
        world.store.list(LogWorld.ORDERS.directoryName()).stream()
            .filter(name -> name.endsWith(".log"))
            .map(name -> LogWorld.ORDERS.directoryName() + "/" + name)
            .findFirst()
            .orElseThrow();
    long size = world.store.sizeBytes(path) / 20;
    try (FileStore.File file = world.store.open(path)) {
      file.write(ByteBuffer.wrap(new byte[] {'x'}), size * 12 + 500);
    }
    PartitionLog.ReadOutcome read = readForSending(log, 2, LOTS);
    assertEquals(12, range(read).nextOffset());
    assertEquals(12, read.corruptAt().orElseThrow());
    assertTrue(readForSending(log, 12, LOTS).isEmpty());
  }

  @Test
  void whatIsOnItsWayKeepsItsBytesWhenTheLogIsCutAndWritesSomethingElse() {
    PartitionLog log = filled(20);
    StoredRange range = range(readForSending(log, 5, LOTS));
    try (FileRange.Lent file = range.lend()) {
      assertNotNull(file);
      ByteBuffer before = bytes(range, file);
      int kept = range.bytes() / 15 * 3;
      world.run(() -> log.truncateTo(8));
      assertFalse(range.current());
      assertNull(range.lend());
      for (int i = 8; i < 20; i++) {
        world.append(log, Batches.plain(1, "w".repeat(10_000) + i, 2_000 + i));
      }
      ByteBuffer after = ByteBuffer.allocate(range.bytes());
      file.file().read(after, file.position());
      after.flip();
      assertTrue(after.remaining() >= kept, "cut to " + after.remaining());
      assertEquals(before.limit(after.remaining()), after, "nothing new under old offsets");
    }
    assertEquals(20, world.readAll(log).size());
    world.store.kill();
    world.restart();
    List<ByteBuffer> all = world.readAll(world.openLog(LogWorld.REPLICATED));
    assertEquals(
        Batches.stamped(Batches.plain(1, "w".repeat(10_000) + 19, 2_019), 19, 0), all.get(19));
  }

  @Test
  void whatIsOnItsWayKeepsItsBytesWhenTheSegmentIsDeleted() {
    PartitionLog log = world.openLog(LogWorld.REPLICATED.withSegments(60_000, 3_600_000));
    for (int i = 0; i < 30; i++) {
      world.append(log, Batches.plain(1, "v".repeat(10_000) + i, 1_000 + i));
    }
    StoredRange range = range(readForSending(log, 1, LOTS));
    StoredRange notAsked = range(readForSending(log, 1, LOTS));
    try (FileRange.Lent file = range.lend()) {
      assertNotNull(file);
      ByteBuffer before = bytes(range, file);
      world.run(() -> log.restartAt(100));
      assertNull(notAsked.lend());
      assertEquals(before, bytes(range, file));
    }
  }

  @Test
  void whatIsGivenBackIsClosedAndNoOtherIs() {
    PartitionLog log = filled(10);
    StoredRange range = range(readForSending(log, 0, LOTS));
    List<FileRange.Lent> lent = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      FileRange.Lent file = range.lend();
      assertNotNull(file);
      lent.add(file);
    }
    world.run(() -> log.truncateTo(4));
    lent.forEach(FileRange.Lent::close);
    lent.forEach(FileRange.Lent::close); // idempotent
    world.append(log, Batches.plain(1, "w", 1));
    assertEquals(5, world.readAll(log).size());
  }
}
