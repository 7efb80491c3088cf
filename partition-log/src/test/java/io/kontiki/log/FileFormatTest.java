package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalPosition;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.SealedFile;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.model.Durability;
import io.kontiki.model.Uid;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class FileFormatTest {
  private final MemoryFileStore store = new MemoryFileStore();

  private interface Reader {
    Object read();
  }

  /** Files of every kind with something in them, by path. */
  private TreeMap<String, Reader> files() {
    TreeMap<String, Reader> readers = new TreeMap<>();
    store.createDirectories("d");
    EpochHistory.write(
        store, "d", List.of(new EpochHistory.Entry(1, 0), new EpochHistory.Entry(4, 17)));
    readers.put(
        "d/" + EpochHistory.FILE, () -> EpochHistory.read(store, "d").map(EpochHistory::entries));
    TreeMap<io.kontiki.model.PartitionId, LogCheckpoint.Entry> rows = new TreeMap<>();
    rows.put(
        LogWorld.ORDERS,
        new LogCheckpoint.Entry(true, 3, 9, 5, 0, 700, true, 0, false, Optional.empty()));
    rows.put(
        new io.kontiki.model.PartitionId(LogWorld.ORDERS.topicId(), 7),
        new LogCheckpoint.Entry(
            true,
            3,
            9,
            5,
            0,
            700,
            false,
            0,
            false,
            Optional.of(
                List.of(
                    new io.kontiki.log.epoch.EpochHistory.Entry(1, 0),
                    new io.kontiki.log.epoch.EpochHistory.Entry(4, 6)))));
    new LogCheckpoint(new JournalPosition(2, 40, 1, 33), rows).write(store);
    readers.put(LogCheckpoint.FILE, () -> LogCheckpoint.read(store));
    new CleanMarker(8, java.util.Map.of(LogWorld.ORDERS, 12L)).write(store);
    readers.put(CleanMarker.FILE, () -> CleanMarker.read(store));
    DirectoryMeta.readOrCreate(store, 3, new Uid(5, 6));
    readers.put(DirectoryMeta.FILE, () -> DirectoryMeta.read(store));
    write(
        "d/" + PartitionMeta.FILE,
        new PartitionMeta(LogWorld.ORDERS, Durability.FSYNC, "orders").encode());
    readers.put("d/" + PartitionMeta.FILE, () -> Optional.of(PartitionMeta.read(store, "d")));
    ProducerState producers = new ProducerState();
    producers.onAppended(RecordBatch.at(Batches.of(7, 1, 4, 3, "v")), 1_000);
    write("d/snap", producers.snapshot(3));
    readers.put("d/snap", () -> ProducerState.read(store, "d/snap", 3));
    return readers;
  }

  private void write(String path, ByteBuffer bytes) {
    try (FileStore.File file = store.openOrCreate(path)) {
      file.truncate(0);
      file.write(bytes, 0);
    }
  }

  private ByteBuffer content(String path) {
    try (FileStore.File file = store.open(path)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return bytes.flip();
    }
  }

  @Test
  void mutatedFilesGiveNothingButCorrupt() {
    SeededRandom random = new SeededRandom(77);
    files()
        .forEach(
            (path, reader) -> {
              ByteBuffer good = content(path);
              String expected = String.valueOf(reader.read());
              for (int i = 0; i < Integer.getInteger("kontiki.fuzz.rounds", 3_000); i++) {
                ByteBuffer bad = mutate(good, random);
                boolean sealedAgain = random.nextInt(2) == 0;
                if (sealedAgain) {
                  seal(bad);
                }
                write(path, bad);
                try {
                  Object read = reader.read();
                  // A mutation that changes nothing, or one whose checksum was made to fit.
                  assertTrue(
                      sealedAgain
                          || good.equals(bad)
                          || path.endsWith("snap")
                          || String.valueOf(read).equals(expected),
                      path);
                } catch (StorageException e) {
                  assertEquals(StorageException.Kind.CORRUPT, e.kind(), path);
                  assertTrue(e.position() >= 0, () -> "no position: " + e.getMessage());
                }
              }
            });
  }

  @Test
  void whatOnlyHelpsIsNotBelievedWhenItsBytesChanged() {
    SeededRandom random = new SeededRandom(78);
    CleanMark mark = new CleanMark(7, 5);
    store.createDirectories("d");
    store.createDirectories(LogWorld.ORDERS.directoryName());
    mark.write(store, "d");
    CleanLogs.write(store, 4, List.of(cleanLog()));
    ByteBuffer goodMark = content("d/" + CleanMark.FILE);
    ByteBuffer goodLogs = content(CleanLogs.FILE);
    CleanLogs logs = CleanLogs.read(store, 1);
    assertEquals(1, logs.logs().size());
    CleanMark distrusted = new CleanMark(0, Long.MAX_VALUE);
    for (int i = 0; i < Integer.getInteger("kontiki.fuzz.rounds", 3_000); i++) {
      boolean sealedAgain = random.nextInt(2) == 0;
      ByteBuffer badMark = mutate(goodMark, random);
      ByteBuffer badLogs = mutate(goodLogs, random);
      if (sealedAgain) {
        seal(badMark);
        seal(badLogs);
      }
      write("d/" + CleanMark.FILE, badMark);
      write(CleanLogs.FILE, badLogs);
      CleanMark read = CleanMark.read(store, "d");
      CleanLogs found = CleanLogs.read(store, 1);
      assertTrue(
          sealedAgain || read.equals(distrusted) || badMark.equals(goodMark), read::toString);
      assertTrue(sealedAgain || found.logs().isEmpty() || badLogs.equals(goodLogs));
    }
  }

  private static CleanLog cleanLog() {
    ByteBuffer nothing = ByteBuffer.allocate(0);
    return new CleanLog(
        LogWorld.ORDERS,
        "orders",
        Durability.FSYNC,
        2,
        9,
        5,
        new Segment.Tail(1_000, 8, 40),
        CleanMark.NONE,
        List.of(new LogWalk.Ref(0, 300, 1)),
        List.of(new EpochHistory.Entry(1, 0), new EpochHistory.Entry(4, 6)),
        List.of(9L),
        nothing,
        nothing,
        new ProducerState().snapshot(9));
  }

  private static ByteBuffer mutate(ByteBuffer good, SeededRandom random) {
    int size = random.oneIn(3) ? random.nextInt(good.limit() + 20) : good.limit();
    ByteBuffer bad = ByteBuffer.allocate(size);
    bad.put(good.slice(0, Math.min(size, good.limit()))).clear();
    for (int i = random.nextInt(4); i > 0 && size > 0; i--) {
      bad.put(random.nextInt(size), (byte) random.nextLong());
    }
    return bad;
  }

  private static void seal(ByteBuffer file) {
    if (file.limit() >= SealedFile.HEADER_BYTES) {
      file.putInt(8, file.limit() - SealedFile.HEADER_BYTES);
      CRC32C crc = new CRC32C();
      crc.update(file.duplicate().limit(12));
      crc.update(file.duplicate().position(SealedFile.HEADER_BYTES));
      file.putInt(12, (int) crc.getValue());
    }
  }

  @Test
  void aFileOfTheNextVersionIsRefusedByName() {
    files()
        .forEach(
            (path, reader) -> {
              ByteBuffer next = content(path);
              next.putShort(4, (short) (next.getShort(4) + 1));
              seal(next);
              write(path, next);
              StorageException refused = assertThrows(StorageException.class, reader::read);
              assertTrue(refused.getMessage().contains("version"), refused.getMessage());
            });
  }

  @Test
  void aDirectoryOfAnotherNodeOrClusterIsRefusedByName() {
    DirectoryMeta mine = DirectoryMeta.readOrCreate(store, 3, new Uid(5, 6));
    DirectoryMeta bound = mine.bindTo(store, new Uid(1, 1));
    assertEquals(bound, DirectoryMeta.readOrCreate(store, 3, new Uid(9, 9)));
    assertThrows(StorageException.class, () -> DirectoryMeta.readOrCreate(store, 4, new Uid(9, 9)));
    assertThrows(StorageException.class, () -> bound.bindTo(store, new Uid(2, 2)));
  }

  @Test
  void indexesFindTheLastEntryThatIsNotBehind() {
    for (long seed = 0; seed < 200; seed++) {
      SeededRandom random = new SeededRandom(seed);
      long base = random.nextInt(1_000_000);
      OffsetIndex index = new OffsetIndex(base);
      TimeIndex times = new TimeIndex(base);
      TreeMap<Long, Integer> byOffset = new TreeMap<>();
      TreeMap<Long, Long> byTime = new TreeMap<>();
      long offset = base;
      int position = 0;
      long time = 1_000;
      for (int i = random.nextInt(200); i > 0; i--) {
        offset += 1 + random.nextInt(50);
        position += 61 + random.nextInt(9_000);
        time += 1 + random.nextInt(100);
        index.append(offset, position);
        times.append(time, offset);
        byOffset.put(offset, position);
        byTime.put(time, offset);
      }
      write("i", index.encode(0));
      OffsetIndex again = OffsetIndex.decode(base, content("i"), Long.MAX_VALUE, Integer.MAX_VALUE);
      TimeIndex timesAgain = TimeIndex.decode(base, times.encode(0), Long.MAX_VALUE);
      for (int i = 0; i < 100; i++) {
        long asked = base + random.nextInt((int) (offset - base) + 20);
        var floor = byOffset.floorEntry(asked);
        int expected = floor == null ? 0 : floor.getValue();
        assertEquals(expected, again.before(asked).position(), "seed " + seed);
        try (FileStore.File file = store.open("i")) {
          assertEquals(expected, OffsetIndex.before(file, base, asked).position(), "seed " + seed);
        }
        long askedTime = 900 + random.nextInt((int) (time - 900) + 20);
        var lower = byTime.lowerEntry(askedTime);
        assertEquals(
            lower == null ? null : new TimeIndex.Entry(lower.getKey(), lower.getValue()),
            timesAgain.before(askedTime),
            "seed " + seed);
      }
    }
  }

  @Test
  void aRottenIndexFileNeverMisleadsARead() {
    LogWorld world = new LogWorld(LogWorld.CONFIG.withHot(0, 0));
    PartitionLog log =
        world.openLog(LogWorld.FSYNC.withSegments(2_000, 3_600_000).withIndexInterval(100));
    for (int i = 0; i < 60; i++) {
      world.append(log, Batches.plain(1, "value " + i, i));
    }
    String index = LogWorld.ORDERS.directoryName() + "/00000000000000000000.index";
    SeededRandom random = new SeededRandom(4);
    for (int i = 0; i < 200; i++) {
      world.store.flip(index, random.nextInt(60), 1 << random.nextInt(8));
      long offset = random.nextInt(60);
      ByteBuffer first = world.read(log, offset, 1).batches().get(0);
      assertEquals(offset, RecordBatch.at(first).baseOffset());
    }
  }
}
