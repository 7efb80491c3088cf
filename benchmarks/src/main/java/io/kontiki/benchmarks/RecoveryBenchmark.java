package io.kontiki.benchmarks;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.log.LogConfig;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Recovery after a kill that must read everything: a replicated log of 256 MB that no checkpoint
 * covers, every checksum checked; next to a plain read of the same bytes. An operation is a
 * megabyte, so the figures are MB/s. Both read from the page cache.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
@State(Scope.Benchmark)
public class RecoveryBenchmark {
  private static final int MEGABYTES = 256;
  private static final int BATCH_BYTES = 64 << 10;
  private static final LogConfig NEVER =
      LogConfig.defaults().withCheckpoints(1_000_000_000L, 1 << 30);

  private @Nullable Path path;
  private @Nullable Path kept;
  private @Nullable LoopGroup group;

  /** Fills a log and leaves it as a kill would. */
  @Setup(Level.Trial)
  public void fill() throws IOException {
    group = BenchNode.loops();
    path = Files.createTempDirectory("kontiki-recovery");
    kept = Files.createTempDirectory("kontiki-recovery-kept");
    BenchNode node = BenchNode.open(path(), NEVER, group.first());
    PartitionLog log =
        BenchNode.call(
            group.first(),
            () -> node.openLog(0, BenchNode.settings(Durability.REPLICATED), end -> {}));
    ByteBuffer template = BenchNode.batch(BATCH_BYTES);
    for (int i = 0; i < MEGABYTES; i++) {
      BenchNode.call(
          group.first(),
          () -> {
            for (int bytes = 0; bytes < 1_000_000; bytes += template.remaining()) {
              log.appendAsLeader(BenchNode.copy(template), 1, 0);
            }
            return true;
          });
    }
    node.close();
    copy(path(), Objects.requireNonNull(kept));
  }

  /** Takes back what the recovery before wrote. */
  @Setup(Level.Invocation)
  public void forget() throws IOException {
    for (Path each : files(path())) {
      if (!each.toString().endsWith(".log")) {
        Files.delete(each);
      }
    }
    copy(Objects.requireNonNull(kept), path());
  }

  /** Removes all. */
  @TearDown(Level.Trial)
  public void remove() throws IOException {
    Objects.requireNonNull(group).close();
    JournalTable.remove(path());
    JournalTable.remove(Objects.requireNonNull(kept));
  }

  @Benchmark
  @OperationsPerInvocation(MEGABYTES)
  public int recover() {
    BenchNode node = BenchNode.open(path(), NEVER, Objects.requireNonNull(group).first());
    node.close();
    return node.directory().partitions().size();
  }

  @Benchmark
  @OperationsPerInvocation(MEGABYTES)
  public double recoverFloor() throws IOException {
    return OpenTable.readAll(path());
  }

  private Path path() {
    return Objects.requireNonNull(path);
  }

  /** All but the records. */
  private static void copy(Path from, Path to) throws IOException {
    for (Path each : files(from)) {
      if (!each.toString().endsWith(".log")) {
        Path target = to.resolve(from.relativize(each));
        Files.createDirectories(target.getParent());
        Files.copy(each, target, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return new ArrayList<>(all.filter(Files::isRegularFile).toList());
    }
  }
}
