package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Crew;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import io.kontiki.runtime.system.DiskFileStore;
import io.kontiki.runtime.system.ThreadCrew;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Logs that several threads recover at a time, on a real disk, are what one thread makes of them.
 */
class RecoveryCrewTest {
  private static final int LOGS = 60;
  private static final int STARTS = 6;
  private static final LogSettings SETTINGS = LogWorld.FSYNC.withSegments(700, 3_600_000);
  private static final LogConfig CONFIG =
      LogConfig.defaults()
          .withJournal(new CommitJournal.Sizes(64 << 10, 16, 1 << 20))
          .withOpenFiles(16);

  @TempDir private Path path;

  private SimulatedTime time = new SimulatedTime();
  private VirtualLoop loop = time.newLoop("loop");

  /** After a kill, or for the first time. */
  private LogDirectory start(Crew crew) {
    time = new SimulatedTime();
    loop = time.newLoop("loop");
    VirtualWorker reads = time.newWorker("reads");
    return LogDirectory.open(
        new DiskFileStore(path),
        CONFIG,
        time.clock(),
        time.newWorker("commit"),
        reads,
        List.of(time.newWorker("syncs")),
        reads,
        crew,
        (what, cause) -> {
          throw new AssertionError(what, cause);
        });
  }

  private List<PartitionLog> openAll(LogDirectory directory) {
    List<PartitionLog> logs = new ArrayList<>();
    for (int i = 0; i < LOGS; i++) {
      PartitionId id = new PartitionId(new TopicId(3, i % 5), i);
      logs.add(loop.call(() -> directory.openOrCreate(id, "many", SETTINGS, loop, new Listener())));
    }
    time.runUntilIdle();
    return logs;
  }

  private void change(List<PartitionLog> logs, SeededRandom random, int round) {
    for (PartitionLog log : logs) {
      loop.run(
          () -> {
            if (random.nextInt(8) == 0) {
              log.truncateTo(Math.max(0, log.logEndOffset() - random.nextInt(4)));
            }
          });
      time.runUntilIdle();
      for (int i = random.nextInt(4); i >= 0; i--) {
        ByteBuffer batch = Batches.plain(2, "round " + round + " value " + i, 1_000 + round);
        assertInstanceOf(
            AppendOutcome.Appended.class,
            loop.call(() -> log.appendAsLeader(batch, Math.max(0, log.epochs().latest()), 5_000)));
      }
      time.runUntilIdle();
    }
  }

  private TreeMap<PartitionId, List<ByteBuffer>> contents(List<PartitionLog> logs) {
    TreeMap<PartitionId, List<ByteBuffer>> all = new TreeMap<>();
    for (PartitionLog log : logs) {
      List<ByteBuffer> batches = new ArrayList<>();
      long end = loop.call(log::logEndOffset);
      long offset = loop.call(log::logStartOffset);
      while (offset < end) {
        AtomicReference<PartitionLog.ReadOutcome> read = new AtomicReference<>();
        long from = offset;
        loop.run(() -> log.read(from, Long.MAX_VALUE, 4_000, read::set));
        time.runUntilIdle();
        for (ByteBuffer batch : read.get().batches()) {
          ByteBuffer copy = ByteBuffer.allocate(batch.remaining()).put(batch.duplicate());
          batches.add(copy.flip());
        }
        offset = RecordBatch.at(batches.get(batches.size() - 1)).nextOffset();
      }
      all.put(log.id(), batches);
    }
    return all;
  }

  @Test
  void logsThatSeveralThreadsRecoverAreWhatOneThreadMakesOfThem() {
    SeededRandom random = new SeededRandom(77);
    List<PartitionLog> logs = openAll(start(Crew.ALONE));
    for (int start = 0; start < STARTS; start++) {
      change(logs, random, start);
      TreeMap<PartitionId, List<ByteBuffer>> before = contents(logs);
      LogDirectory directory = start(start % 2 == 0 ? new ThreadCrew("recovery", 4) : Crew.ALONE);
      logs = openAll(directory);
      assertEquals(before, contents(logs), "start " + start);
      assertEquals(List.of(), directory.doubtful());
    }
  }

  private static final class Listener implements PartitionLog.Listener {
    @Override
    public void onHeld(long heldEndOffset) {
      // Whoever reads asks for the end.
    }

    @Override
    public void onDamaged(long offset) {
      throw new AssertionError("damaged at " + offset);
    }

    @Override
    public void onOffline(StorageException cause) {
      throw new AssertionError(cause);
    }
  }
}
