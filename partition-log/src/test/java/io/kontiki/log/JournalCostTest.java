package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What an acknowledgement costs in writes and syncs (rules L5, L9). */
class JournalCostTest {
  private static final int PARTITIONS = 50;
  // No checkpoint comes in between.
  private static final LogConfig CONFIG =
      LogConfig.defaults()
          .withJournal(new CommitJournal.Sizes(1 << 20, 4, 1 << 20))
          .withCheckpoints(1_000_000, 1 << 20);

  private final LogWorld world = new LogWorld(CONFIG);
  private final TreeMap<String, Integer> operations = new TreeMap<>();

  private List<PartitionLog> logs(int count) {
    List<PartitionLog> logs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      logs.add(world.openLog(new PartitionId(new TopicId(7, 1), i), LogWorld.FSYNC));
    }
    return logs;
  }

  private void count() {
    operations.clear();
    world.store.faults(
        (operation, path) -> {
          String where = path.startsWith("journal") ? "journal" : "elsewhere";
          operations.merge(operation + " " + where, 1, Integer::sum);
          return null;
        });
  }

  private int counted(Operation operation, String where) {
    return operations.getOrDefault(operation + " " + where, 0);
  }

  @Test
  void aCommitSyncsTheJournalOnceWhateverTheNumberOfPartitionsAndNothingElse() {
    List<PartitionLog> logs = logs(PARTITIONS);
    world.held.clear();
    count();
    // The first appends make directories and segments, the second do not.
    for (int round = 0; round < 2; round++) {
      operations.clear();
      world.run(
          () ->
              logs.forEach(log -> log.appendAsLeader(Batches.plain(1, "value", 1_000), 0, 1_000)));
      assertEquals(1, counted(Operation.SYNC, "journal"));
      assertEquals(0, counted(Operation.SYNC, "elsewhere"));
      assertEquals(0, counted(Operation.SYNC_DIRECTORY, "elsewhere"));
      assertEquals(1, counted(Operation.WRITE, "journal"));
    }
    assertEquals(PARTITIONS, counted(Operation.WRITE, "elsewhere"));
    assertEquals(2 * PARTITIONS, world.held.size());
  }

  @Test
  void aBatchIsWrittenTwiceOnceIntoItsSegmentAndOnceIntoTheJournal() {
    PartitionLog log = logs(1).get(0);
    world.append(log, Batches.plain(1, "value", 1_000));
    count();
    int batches = 20;
    for (int i = 0; i < batches; i++) {
      world.append(log, Batches.plain(1, "value", 1_000));
    }
    assertEquals(batches, counted(Operation.WRITE, "elsewhere"));
    assertEquals(batches, counted(Operation.WRITE, "journal"));
    assertEquals(batches, counted(Operation.SYNC, "journal"));
  }

  @Test
  void aLargeRoundOfOnePartitionGoesPastTheJournal() {
    LogWorld small =
        new LogWorld(CONFIG.withJournal(new CommitJournal.Sizes(1 << 20, 4, 1 << 20, 10_000)));
    PartitionLog large = small.openLog(new PartitionId(new TopicId(7, 2), 0), LogWorld.FSYNC);
    PartitionLog other = small.openLog(new PartitionId(new TopicId(7, 2), 1), LogWorld.FSYNC);
    small.append(large, Batches.plain(1, "value", 1_000));
    long before = small.directory.counters().journalBytes();
    List<String> synced = new ArrayList<>();
    small.store.faults(
        (operation, path) -> {
          if (operation == Operation.SYNC) {
            synced.add(path);
          }
          return null;
        });
    small.held.clear();
    small.run(
        () -> {
          for (int i = 0; i < 4; i++) {
            large.appendAsLeader(Batches.plain(1, "x".repeat(5_000), 1_000), 0, 1_000);
          }
          other.appendAsLeader(Batches.plain(1, "value", 1_000), 0, 1_000);
        });
    assertEquals(List.of(5L, 1L), small.held);
    assertEquals(1, small.directory.counters().journalBypasses());
    assertTrue(small.directory.counters().journalBytes() - before < 1_000);
    assertEquals(2, synced.size(), synced.toString());
    assertTrue(synced.get(0).endsWith("-0/00000000000000000000.log"), synced.toString());
    assertTrue(synced.get(1).startsWith("journal/"), synced.toString());
    small.store.faults(null);
    // The power goes: the journal does not have the bytes, the segment does.
    small.store.crash(new io.kontiki.runtime.memory.SeededRandom(1));
    small.restart();
    PartitionLog again = small.openLog(new PartitionId(new TopicId(7, 2), 0), LogWorld.FSYNC);
    assertEquals(5L, small.call(again::logEndOffset));
    assertEquals(5, small.readAll(again).size());
  }

  @Test
  void theRingIsFreedLongBeforeItIsFullAndNoCommitWaits() {
    LogWorld busy =
        new LogWorld(
            LogConfig.defaults()
                .withJournal(new CommitJournal.Sizes(16 << 10, 8, 1 << 20))
                .withCheckpoints(1_000_000, 1 << 20));
    PartitionLog log = busy.openLog(LogWorld.FSYNC);
    for (int i = 0; i < 1_000; i++) {
      busy.append(log, Batches.plain(1, "x".repeat(1_000), 1_000));
    }
    assertEquals(0, busy.directory.counters().journalStalls());
    assertTrue(busy.directory.counters().checkpoints() > 15);
    // Two full files ask for a checkpoint; what comes meanwhile may take one more, and one is
    // ready.
    assertTrue(busy.store.list("journal").size() <= 5, busy.store.list("journal").toString());
    Map<PartitionId, Boolean> found = new TreeMap<>();
    busy.directory.partitions().forEach(id -> found.put(id, true));
    assertEquals(1, found.size());
  }
}
