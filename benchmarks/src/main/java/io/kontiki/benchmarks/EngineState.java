package io.kontiki.benchmarks;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.loop.NettyLoop;
import io.kontiki.log.LogConfig;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One log in the page cache, and a bare file for the floor. */
@State(Scope.Benchmark)
public class EngineState {
  /** How many batches an invocation appends or reads: the hand-over to the loop counts once. */
  static final int BATCHES = 256;

  private static final long FLOOR_BYTES = 256L << 20;

  /** Bytes of a batch. */
  @Param({"1024", "16384"})
  int batchBytes;

  private @Nullable Path path;
  private @Nullable LoopGroup group;
  private @Nullable BenchNode node;
  private @Nullable PartitionLog log;
  private @Nullable FileChannel file;
  private @Nullable ByteBuffer template;
  private long filePosition;

  /** Opens both, with 256 batches in each. */
  @Setup(Level.Iteration)
  public void open() throws IOException {
    path = Files.createTempDirectory("kontiki-jmh");
    group = BenchNode.loops();
    // Checkpoints would sync in between; what is measured is the page cache.
    LogConfig config =
        LogConfig.defaults().withCheckpoints(1_000_000_000L, 1 << 30).withHot(1 << 30, 0);
    node = BenchNode.open(path.resolve("log"), config, group.first());
    log =
        BenchNode.call(
            group.first(),
            () -> node().openLog(0, BenchNode.settings(Durability.REPLICATED), end -> {}));
    file =
        FileChannel.open(
            path.resolve("floor"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    template = BenchNode.batch(batchBytes);
    filePosition = 0;
    append();
    write();
  }

  /** Removes both. */
  @TearDown(Level.Iteration)
  public void close() throws IOException {
    node().close();
    Objects.requireNonNull(group).close();
    Objects.requireNonNull(file).close();
    JournalTable.remove(Objects.requireNonNull(path));
  }

  private BenchNode node() {
    return Objects.requireNonNull(node);
  }

  private NettyLoop loop() {
    return Objects.requireNonNull(group).first();
  }

  /** Appends 256 batches. */
  long append() {
    PartitionLog to = Objects.requireNonNull(log);
    ByteBuffer from = Objects.requireNonNull(template);
    return BenchNode.call(
        loop(),
        () -> {
          for (int i = 0; i < BATCHES; i++) {
            to.appendAsLeader(BenchNode.copy(from), 1, 0);
          }
          return to.logEndOffset();
        });
  }

  /** Writes the same bytes, one call a batch. */
  long write() throws IOException {
    ByteBuffer from = Objects.requireNonNull(template);
    for (int i = 0; i < BATCHES; i++) {
      filePosition += Objects.requireNonNull(file).write(BenchNode.copy(from), filePosition);
    }
    if (filePosition > FLOOR_BYTES) {
      filePosition = 0;
    }
    return filePosition;
  }

  /** Reads the first 256 batches from the active segment, 64 KiB at a time. */
  long read() {
    PartitionLog from = Objects.requireNonNull(log);
    return BenchNode.call(
        loop(),
        () -> {
          long[] next = new long[1];
          while (next[0] < BATCHES) {
            from.read(next[0], BATCHES, 64 << 10, outcome -> next[0] += outcome.batches().size());
          }
          return next[0];
        });
  }

  /** Reads the same bytes, 64 KiB at a time. */
  long readFile() throws IOException {
    long end = (long) BATCHES * Objects.requireNonNull(template).remaining();
    long at = 0;
    while (at < end) {
      ByteBuffer into = ByteBuffer.allocate((int) Math.min(64 << 10, end - at));
      at += Objects.requireNonNull(file).read(into, at);
    }
    return at;
  }
}
