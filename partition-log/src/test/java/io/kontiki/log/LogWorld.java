package io.kontiki.log;

import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** A log directory in memory, with a process around it that can die. */
final class LogWorld {
  static final PartitionId ORDERS = new PartitionId(new TopicId(7, 1), 0);
  static final LogSettings FSYNC =
      LogSettings.defaults(Durability.FSYNC).withSegments(1 << 20, 3_600_000);
  static final LogSettings REPLICATED =
      LogSettings.defaults(Durability.REPLICATED).withSegments(1 << 20, 3_600_000);
  static final LogConfig CONFIG =
      LogConfig.defaults().withJournal(new CommitJournal.Sizes(64 << 10, 4, 1 << 20));

  final MemoryFileStore store;
  final LogConfig config;
  SimulatedTime time = new SimulatedTime();
  VirtualLoop loop = time.newLoop("loop");
  VirtualWorker commit = time.newWorker("commit");
  VirtualWorker reads = time.newWorker("reads");
  VirtualWorker syncs = time.newWorker("syncs");
  LogDirectory directory;
  final List<Long> held = new ArrayList<>();
  final List<StorageException> offline = new ArrayList<>();
  final List<Long> damaged = new ArrayList<>();

  LogWorld(LogConfig config) {
    this(new MemoryFileStore(), config);
  }

  LogWorld(MemoryFileStore store, LogConfig config) {
    this.store = store;
    this.config = config;
    this.directory = open();
  }

  private LogDirectory open() {
    return LogDirectory.open(
        store,
        config,
        time.clock(),
        commit,
        reads,
        List.of(syncs, reads),
        (what, cause) -> {
          throw new AssertionError(what, cause);
        });
  }

  /** Starts the process again, after {@code store.kill()} or {@code store.crash()}. */
  void restart() {
    loop.stop();
    commit.stop();
    reads.stop();
    syncs.stop();
    long wallMs = time.clock().wallMs();
    time = new SimulatedTime();
    time.jumpWall(wallMs - time.clock().wallMs());
    loop = time.newLoop("loop");
    commit = time.newWorker("commit");
    reads = time.newWorker("reads");
    syncs = time.newWorker("syncs");
    held.clear();
    directory = open();
  }

  PartitionLog openLog(LogSettings settings) {
    return openLog(ORDERS, settings);
  }

  PartitionLog openLog(PartitionId id, LogSettings settings) {
    PartitionLog log =
        loop.call(() -> directory.openOrCreate(id, "orders", settings, loop, new Recording()));
    time.runUntilIdle();
    return log;
  }

  /** Runs something on the loop, then all that follows at once. */
  void run(Runnable body) {
    loop.run(body);
    time.runUntilIdle();
  }

  <T> T call(java.util.function.Supplier<T> body) {
    T answer = loop.call(body);
    time.runUntilIdle();
    return answer;
  }

  PartitionLog.AppendOutcome append(PartitionLog log, ByteBuffer batch) {
    return call(() -> log.appendAsLeader(batch, Math.max(0, log.epochs().latest()), 5_000));
  }

  PartitionLog.ReadOutcome read(PartitionLog log, long offset, int maxBytes) {
    AtomicReference<PartitionLog.ReadOutcome> found = new AtomicReference<>();
    run(() -> log.read(offset, Long.MAX_VALUE, maxBytes, found::set));
    return found.get();
  }

  PartitionLog.ReadOutcome readForReplica(PartitionLog log, long offset, int maxBytes) {
    AtomicReference<PartitionLog.ReadOutcome> found = new AtomicReference<>();
    run(() -> log.readForReplica(offset, Long.MAX_VALUE, maxBytes, found::set));
    return found.get();
  }

  /** All batches from the log start on. */
  List<ByteBuffer> readAll(PartitionLog log) {
    List<ByteBuffer> all = new ArrayList<>();
    long offset = call(log::logStartOffset);
    while (offset < call(log::logEndOffset)) {
      PartitionLog.ReadOutcome read = read(log, offset, 700);
      if (read.batches().isEmpty()) {
        throw new AssertionError("nothing to read at " + offset + ": " + read);
      }
      all.addAll(read.batches());
      offset = RecordBatch.at(all.get(all.size() - 1)).nextOffset();
    }
    return all;
  }

  /** A whole checkpoint, and what follows from it. */
  void checkpoint() {
    directory.checkpoint();
    time.runUntilIdle();
  }

  void close(long brokerEpoch) {
    AtomicReference<Boolean> done = new AtomicReference<>(false);
    directory.flushAndClose(brokerEpoch, () -> done.set(true));
    time.runUntilIdle();
    if (!done.get()) {
      throw new AssertionError("the directory did not close");
    }
  }

  final class Recording implements PartitionLog.Listener {
    @Override
    public void onHeld(long heldEndOffset) {
      held.add(heldEndOffset);
    }

    @Override
    public void onOffline(StorageException cause) {
      offline.add(cause);
    }

    @Override
    public void onDamaged(long offset) {
      damaged.add(offset);
    }
  }
}
