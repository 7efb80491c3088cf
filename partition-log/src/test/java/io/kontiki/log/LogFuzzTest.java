package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Whatever lies in the files, a read ends, with what was written or with a typed error, and takes
 * no memory that the files do not justify. More rounds with {@code -Dkontiki.fuzz.rounds=N}.
 */
class LogFuzzTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 2_000);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final String SEGMENT = "d/00000000000000000000.log";

  private final MemoryFileStore store = new MemoryFileStore();

  /** A few good batches, then some of: changed bytes, a cut, noise, a part again. */
  private static ByteBuffer segment(SeededRandom random) {
    ByteBuffer bytes = ByteBuffer.allocate(8 << 10);
    long offset = 0;
    for (int i = random.nextInt(12); i > 0; i--) {
      int records = 1 + random.nextInt(4);
      bytes.put(
          Batches.stamped(Batches.plain(records, "x".repeat(random.nextInt(40)), i), offset, 1));
      offset += records;
    }
    if (random.oneIn(3)) {
      for (int i = random.nextInt(200); i > 0; i--) {
        bytes.put((byte) random.nextLong());
      }
    }
    if (random.oneIn(4) && bytes.position() > 0) {
      int from = random.nextInt(bytes.position());
      bytes.put(bytes.duplicate().flip().position(from));
    }
    bytes.flip();
    if (random.oneIn(3)) {
      bytes.limit(random.nextInt(bytes.limit() + 1));
    }
    for (int i = random.nextInt(5); i > 0 && bytes.hasRemaining(); i--) {
      int at = random.nextInt(bytes.limit());
      // Sizes near the greatest int, negative ones and such.
      if (random.oneIn(4) && at + 4 <= bytes.limit()) {
        bytes.putInt(at, (int) (Integer.MAX_VALUE + (long) random.nextInt(100) - 50));
      } else {
        bytes.put(at, (byte) random.nextLong());
      }
    }
    return bytes;
  }

  private void write(String path, ByteBuffer bytes) {
    try (FileStore.File file = store.openOrCreate(path)) {
      file.truncate(0);
      file.write(bytes.duplicate(), 0);
    }
  }

  private static long allocated() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }

  @Test
  void aWalkOverAnyBytesEndsWithAFaultAtMost() {
    store.createDirectories("d");
    for (int seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      ByteBuffer bytes = segment(random);
      write(SEGMENT, bytes);
      long before = allocated();
      try (FileStore.File file = store.open(SEGMENT)) {
        for (boolean verify : new boolean[] {false, true}) {
          BatchWalker walker = new BatchWalker(file, 0, bytes.limit());
          int steps = 0;
          long position = -1;
          while (walker.next(0, 0, verify)) {
            assertTrue(walker.position() > position, "seed " + seed);
            position = walker.position();
            steps++;
          }
          assertTrue(steps <= bytes.limit() / RecordBatch.HEADER_BYTES, "seed " + seed);
          assertTrue(
              walker.fault().isEmpty()
                  ? walker.position() == bytes.limit()
                  : walker.position() < bytes.limit(),
              "seed " + seed);
        }
      }
      long after = allocated();
      assertTrue(after - before < (1 << 20) + 8L * bytes.limit(), "seed " + seed);
    }
  }

  @Test
  void aReadOfAnyBytesGivesWholeBatchesThatAreRightOrSaysWhereTheDamageIs() {
    store.createDirectories("d");
    OpenFiles files = new OpenFiles(store, 10);
    SegmentReader reader = new SegmentReader(files);
    for (int seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      ByteBuffer bytes = segment(random);
      write(SEGMENT, bytes);
      ByteBuffer index = ByteBuffer.allocate(random.nextInt(60));
      while (index.hasRemaining()) {
        index.put((byte) (random.oneIn(2) ? 0 : random.nextLong()));
      }
      write("d/00000000000000000000.index", index.flip());
      SegmentReader.View view =
          new SegmentReader.View(
              "d",
              0,
              random.nextInt(40),
              bytes.limit(),
              random.oneIn(2)
                  ? null
                  : new OffsetIndex.Anchor(random.nextInt(40), random.nextInt(bytes.limit() + 1)),
              offset -> 1,
              true);
      int maxBytes = random.nextInt(4_000);
      long before = allocated();
      try {
        long offset = random.nextInt(20);
        SegmentReader.Slice slice = reader.read(view, offset, Long.MAX_VALUE, maxBytes);
        long due = -1;
        for (ByteBuffer each : slice.batches()) {
          RecordBatch batch = RecordBatch.at(each);
          assertEquals(batch.crc(), batch.computeCrc(), "seed " + seed);
          assertTrue(batch.nextOffset() > offset, "seed " + seed);
          assertEquals(1, batch.leaderEpoch(), "seed " + seed);
          assertTrue(due < 0 || batch.baseOffset() == due, "seed " + seed);
          due = batch.nextOffset();
        }
        reader.find(view, offset);
      } catch (StorageException e) {
        assertEquals(StorageException.Kind.CORRUPT, e.kind(), "seed " + seed);
        assertTrue(e.position() >= 0, "seed " + seed);
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
      long limit = (1 << 20) + 16L * bytes.limit();
      assertTrue(allocated() - before < limit, "seed " + seed);
    }
  }

  @Test
  void indexesOfAnyBytesAreReadAsFarAsTheyMakeSense() {
    store.createDirectories("d");
    for (int seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      ByteBuffer bytes = ByteBuffer.allocate(random.nextInt(200));
      while (bytes.hasRemaining()) {
        bytes.put((byte) (random.oneIn(3) ? random.nextLong() : 0));
      }
      write("d/i", bytes.flip());
      long before = allocated();
      OffsetIndex offsets = OffsetIndex.decode(5, bytes.duplicate(), 1L << 40, 1L << 40);
      int last = -1;
      for (int offset = 0; offset < 1_000; offset++) {
        int position = offsets.before(offset).position();
        assertTrue(position >= last, "seed " + seed);
        last = position;
      }
      TimeIndex times = TimeIndex.decode(5, bytes.duplicate(), 1L << 40);
      assertTrue(times.count() <= bytes.limit() / TimeIndex.ENTRY_BYTES);
      try (FileStore.File file = store.open("d/i")) {
        TimeIndex.Entry found = TimeIndex.read(file, 5).before(random.nextLong());
        assertTrue(found == null || found.offset() >= 5, "seed " + seed);
        OffsetIndex.before(file, 5, random.nextInt(1_000));
      }
      assertTrue(allocated() - before < (1 << 20) + 64L * bytes.limit(), "seed " + seed);
    }
  }

  /** One file of a directory changes while the process is down: any of them, in any way. */
  @Test
  void aDirectoryWithAnyFileChangedGivesBackOnlyWhatWasAppended() {
    int rounds = Math.max(100, ROUNDS / 10);
    int opened = 0;
    for (int seed = 0; seed < rounds; seed++) {
      SeededRandom random = new SeededRandom(seed);
      LogWorld world = new LogWorld(LogWorld.CONFIG.withHot(0, 0).withCheckpoints(5_000, 2_000));
      Set<ByteBuffer> written = new HashSet<>();
      PartitionLog log = world.openLog(LogWorld.FSYNC.withSegments(1_500, 3_600_000));
      for (int i = 0; i < 30; i++) {
        long end = world.call(log::logEndOffset);
        ByteBuffer batch = Batches.of(9, 0, i, 1, "v".repeat(random.nextInt(90)));
        written.add(Batches.stamped(batch, end, 0));
        world.append(log, batch);
        if (random.oneIn(15)) {
          world.run(world.directory::checkpoint);
        }
      }
      if (random.oneIn(3)) {
        world.close(1);
      }
      world.store.kill();
      String changed = change(world.store, random);
      try {
        world.restart();
        PartitionLog again = world.openLog(LogWorld.FSYNC.withSegments(1_500, 3_600_000));
        opened++;
        long offset = world.call(again::logStartOffset);
        long end = world.call(again::logEndOffset);
        while (offset < end) {
          PartitionLog.ReadOutcome read = world.read(again, offset, 2_000);
          if (read.batches().isEmpty()) {
            assertTrue(
                world.call(again::doubtful),
                "seed "
                    + seed
                    + ": nothing at "
                    + offset
                    + " of "
                    + end
                    + " with a changed "
                    + changed);
            break;
          }
          for (ByteBuffer each : read.batches()) {
            assertTrue(written.contains(each), "seed " + seed + ": invented at " + offset);
            offset = RecordBatch.at(each).nextOffset();
          }
        }
      } catch (StorageException e) {
        assertEquals(StorageException.Kind.CORRUPT, e.kind(), "seed " + seed + ": " + e);
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    assertTrue(opened > rounds / 2, opened + " of " + rounds + " opened");
  }

  private static String change(MemoryFileStore store, SeededRandom random) {
    List<String> paths = new ArrayList<>();
    for (String directory : List.of("", "journal", LogWorld.ORDERS.directoryName())) {
      for (String name : store.list(directory)) {
        if (!name.equals("journal") && !name.equals(LogWorld.ORDERS.directoryName())) {
          paths.add(directory.isEmpty() ? name : directory + "/" + name);
        }
      }
    }
    String path = paths.get(random.nextInt(paths.size()));
    try (FileStore.File file = store.open(path)) {
      long size = file.size();
      if (random.oneIn(5)) {
        file.truncate(random.nextInt((int) size + 1));
      }
      for (int i = 1 + random.nextInt(6); i > 0 && size > 0; i--) {
        // Most of the journal is zeros: near its start are the records.
        int at = random.nextInt((int) Math.min(size, 6_000));
        file.write(ByteBuffer.wrap(new byte[] {(byte) random.nextLong()}), at);
      }
    }
    return path;
  }
}
