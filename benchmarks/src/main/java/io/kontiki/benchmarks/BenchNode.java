package io.kontiki.benchmarks;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.loop.NettyLoop;
import io.kontiki.log.LogConfig;
import io.kontiki.log.LogDirectory;
import io.kontiki.log.LogSettings;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.system.DiskFileStore;
import io.kontiki.runtime.system.SystemClock;
import io.kontiki.runtime.system.ThreadCrew;
import io.kontiki.runtime.system.ThreadWorker;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/** A log directory with the threads that a node gives it, and nothing else of the node. */
final class BenchNode implements AutoCloseable {
  static final FaultHandler FAULTS =
      (what, cause) -> {
        cause.printStackTrace();
        Runtime.getRuntime().halt(3);
      };

  private static final SystemClock CLOCK = new SystemClock();
  private static final int QUEUE = 1 << 20;
  private static final int SYNC_WORKERS = 4;
  private static final int POLL_MS = 5;

  private final NettyLoop loop;
  private final ThreadWorker commits;
  private final ThreadWorker reads;
  private final List<ThreadWorker> syncs = new ArrayList<>();
  private final LogDirectory directory;

  private BenchNode(Path path, LogConfig config, NettyLoop loop) {
    this.loop = loop;
    this.commits = new ThreadWorker("journal", QUEUE, FAULTS);
    this.reads = new ThreadWorker("log-reads", QUEUE, FAULTS);
    for (int i = 0; i < SYNC_WORKERS; i++) {
      syncs.add(new ThreadWorker("log-sync-" + i, 16, FAULTS));
    }
    this.directory =
        LogDirectory.open(
            new DiskFileStore(path),
            config,
            CLOCK,
            commits,
            reads,
            List.copyOf(syncs),
            reads,
            new ThreadCrew("log-recovery", SYNC_WORKERS),
            FAULTS);
  }

  static LoopGroup loops() {
    return new LoopGroup("data", 1, CLOCK, FAULTS);
  }

  static BenchNode open(Path path, LogConfig config, NettyLoop loop) {
    return new BenchNode(path, config, loop);
  }

  static PartitionId partition(int number) {
    return new PartitionId(new TopicId(1, 1), number);
  }

  static LogSettings settings(Durability durability) {
    return LogSettings.defaults(durability);
  }

  /** One batch of one record, of about this size. */
  static ByteBuffer batch(int bytes) {
    return batch(bytes, 1_000);
  }

  /** The same with a time for its record. */
  static ByteBuffer batch(int bytes, long timestampMs) {
    byte[] value = new byte[Math.max(1, bytes - RecordBatch.HEADER_BYTES - 9)];
    for (int i = 0; i < value.length; i++) {
      value[i] = (byte) (i * 31 + (i >> 5));
    }
    return new RecordBatchBuilder(Compression.NONE)
        .append(timestampMs, null, value, List.of())
        .build();
  }

  static ByteBuffer copy(ByteBuffer batch) {
    ByteBuffer copy = ByteBuffer.allocate(batch.remaining()).put(batch.duplicate());
    return copy.flip();
  }

  LogDirectory directory() {
    return directory;
  }

  /** On the loop. */
  PartitionLog openLog(int number, LogSettings settings, LongConsumer onHeld) {
    return openLog(partition(number), settings, onHeld);
  }

  /** On the loop. */
  PartitionLog openLog(PartitionId id, LogSettings settings, LongConsumer onHeld) {
    return directory.openOrCreate(id, "bench", settings, loop, new Listener(onHeld));
  }

  /** Runs something on a loop and waits for it. */
  static <T> T call(NettyLoop loop, Supplier<T> body) {
    FutureTask<T> task = new FutureTask<>(body::get);
    loop.execute(task);
    try {
      return task.get();
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Waits until what has been held before the call lies behind a checkpoint: directories, meta
   * files and names of new logs are synced by the first one, and never again.
   */
  void awaitCheckpoint() {
    // The first to end may have begun before the call.
    for (int i = 0; i < 2; i++) {
      long before = directory.counters().checkpoints();
      directory.checkpoint();
      while (directory.counters().checkpoints() == before) {
        Load.pause(POLL_MS);
      }
    }
  }

  /** A clean stop. */
  void stop() {
    CountDownLatch done = new CountDownLatch(1);
    directory.flushAndClose(1, done::countDown);
    try {
      done.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the threads without a clean stop. */
  @Override
  public void close() {
    commits.close();
    reads.close();
    syncs.forEach(ThreadWorker::close);
  }

  static IllegalStateException damaged(long offset) {
    return new IllegalStateException("the log is damaged at offset " + offset);
  }

  private record Listener(LongConsumer held) implements PartitionLog.Listener {
    @Override
    public void onHeld(long heldEndOffset) {
      held.accept(heldEndOffset);
    }

    @Override
    public void onOffline(StorageException cause) {
      FAULTS.onFault("offline", cause);
    }

    @Override
    public void onDamaged(long offset) {
      throw damaged(offset);
    }
  }
}
