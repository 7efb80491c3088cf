package io.kontiki.broker.partition;

import io.kontiki.broker.partition.TestDisk.Entry;
import io.kontiki.log.LogConfig;
import io.kontiki.log.LogDirectory;
import io.kontiki.log.LogSettings;
import io.kontiki.log.PartitionLog;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatches;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/** The disk of one broker, over its lives. */
interface TestStorage {
  /** A process begins; what is there has been recovered. */
  PartitionLogs start(VirtualLoop loop);

  /** The process dies, or the machine loses power. */
  void die(boolean power, SeededRandom random);

  /** What the log holds now, batch by batch. */
  List<Entry> entries(PartitionId id);

  /** A log whose replica is gone. */
  void delete(PartitionId id);

  /** Logs that keep everything on the heap. */
  final class Simple implements TestStorage {
    final TreeMap<PartitionId, TestLog> logs = new TreeMap<>();
    private final TreeMap<PartitionId, TestDisk> disks = new TreeMap<>();
    private final Durability durability;
    private final LongSupplier syncNanos;

    Simple(Durability durability, LongSupplier syncNanos) {
      this.durability = durability;
      this.syncNanos = syncNanos;
    }

    @Override
    public PartitionLogs start(VirtualLoop loop) {
      logs.clear();
      return (assignment, listener, completion) -> {
        TestDisk disk = disks.computeIfAbsent(assignment.id(), unused -> new TestDisk());
        TestLog log = new TestLog(assignment.id(), durability, disk, loop, syncNanos, listener);
        logs.put(assignment.id(), log);
        completion.complete(log);
      };
    }

    @Override
    public void die(boolean power, SeededRandom random) {
      for (TestDisk disk : disks.values()) {
        if (power) {
          disk.powerLost(random);
        } else {
          disk.processDied();
        }
      }
    }

    @Override
    public List<Entry> entries(PartitionId id) {
      return disks.get(id).cached.entries();
    }

    @Override
    public void delete(PartitionId id) {
      logs.remove(id);
      disks.remove(id);
    }
  }

  /** The storage engine on a disk in memory that loses what was not synced. */
  final class Engine implements TestStorage {
    static final LogConfig CONFIG =
        LogConfig.defaults().withJournal(new CommitJournal.Sizes(64 << 10, 4, 1 << 20));

    final MemoryFileStore store = new MemoryFileStore();

    /** Of the processes that start from now on. */
    LogConfig config = CONFIG;

    LogSettings settings;
    private final SimulatedTime time;
    private final LongSupplier syncNanos;
    private final TreeMap<PartitionId, PartitionLog> logs = new TreeMap<>();
    private LogDirectory directory;
    private VirtualLoop loop;
    private VirtualWorker commit;
    private VirtualWorker reads;

    Engine(Durability durability, SimulatedTime time, LongSupplier syncNanos) {
      this.settings = LogSettings.defaults(durability).withSegments(1 << 20, 3_600_000);
      this.time = time;
      this.syncNanos = syncNanos;
    }

    @Override
    public PartitionLogs start(VirtualLoop newLoop) {
      loop = newLoop;
      commit = time.newWorker("commit");
      commit.taskNanos(syncNanos);
      reads = time.newWorker("reads");
      logs.clear();
      directory =
          LogDirectory.open(
              store,
              config,
              time.clock(),
              commit,
              reads,
              List.of(reads),
              (what, cause) -> {
                throw new AssertionError(what, cause);
              });
      LogDirectory own = directory;
      return (assignment, listener, completion) -> {
        PartitionLog log =
            own.openOrCreate(assignment.id(), assignment.topic(), settings, loop, listener);
        logs.put(assignment.id(), log);
        completion.complete(log);
      };
    }

    @Override
    public void die(boolean power, SeededRandom random) {
      commit.stop();
      reads.stop();
      if (power) {
        store.crash(random);
      } else {
        store.kill();
      }
    }

    @Override
    public void delete(PartitionId id) {
      logs.remove(id);
      loop.run(() -> directory.delete(id, loop, () -> {}));
    }

    /** As the segment files have it: reading the log might take time. */
    @Override
    public List<Entry> entries(PartitionId id) {
      List<Entry> entries = new ArrayList<>();
      PartitionLog log = logs.get(id);
      long start = loop.call(log::logStartOffset);
      long end = loop.call(log::logEndOffset);
      for (String name : store.list(id.directoryName())) {
        if (name.endsWith(".log")) {
          for (RecordBatch batch : new RecordBatches(bytesOf(id.directoryName() + "/" + name))) {
            if (batch.baseOffset() >= start && batch.nextOffset() <= end) {
              entries.add(
                  new Entry(
                      batch.baseOffset(), batch.nextOffset(), batch.leaderEpoch(), batch.bytes()));
            }
          }
        }
      }
      return entries;
    }

    private ByteBuffer bytesOf(String path) {
      try (FileStore.File file = store.open(path)) {
        ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
        file.read(bytes, 0);
        return bytes.flip();
      }
    }
  }
}
