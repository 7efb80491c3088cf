package io.kontiki.benchmarks;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.loop.NettyLoop;
import io.kontiki.log.LogConfig;
import io.kontiki.log.LogSettings;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Opens a log directory and all logs in it, again and again: wall time, CPU time, heap, open files.
 * And the speed of a recovery that must read everything, next to a plain read of the same bytes.
 */
public final class OpenTable {
  private static final int MIB = 1 << 20;
  private static final long NEVER_MS = 1_000_000_000;

  private OpenTable() {}

  /**
   * Arguments: {@code open DIRECTORY RUNS} for clean stops in between, {@code kill DIRECTORY RUNS}
   * for none at all, so that each run replays what was replayed before, or {@code recover DIRECTORY
   * MEGABYTES}.
   */
  public static void main(String[] args) throws IOException {
    if (args[0].equals("open")) {
      open(Path.of(args[1]), Integer.parseInt(args[2]), true);
    } else if (args[0].equals("kill")) {
      open(Path.of(args[1]), Integer.parseInt(args[2]), false);
    } else {
      recover(Path.of(args[1]), Integer.parseInt(args[2]));
    }
  }

  private static void open(Path path, int runs, boolean stop) throws IOException {
    LogConfig config =
        stop ? LogConfig.defaults() : LogConfig.defaults().withCheckpoints(NEVER_MS, 1 << 30);
    for (int run = 1; run <= runs; run++) {
      LoopGroup group = BenchNode.loops();
      long heap = heap();
      long cpu = cpu();
      long start = System.nanoTime();
      BenchNode node = BenchNode.open(path, config, group.first());
      long opened = System.nanoTime();
      List<PartitionLog> logs = openAll(node, group.first());
      long end = System.nanoTime();
      cpu = cpu() - cpu;
      heap = heap() - heap;
      System.out.printf(
          "open, run %d: %d logs, directory %d ms, logs %d ms, CPU %d ms, heap %.1f MB, %d open"
              + " files%n",
          run,
          logs.size(),
          (opened - start) / 1_000_000,
          (end - opened) / 1_000_000,
          cpu / 1_000_000,
          heap / (double) MIB,
          openFiles());
      if (stop) {
        node.stop();
      }
      node.close();
      group.close();
    }
  }

  private static List<PartitionLog> openAll(BenchNode node, NettyLoop loop) {
    return BenchNode.call(
        loop,
        () -> {
          List<PartitionLog> logs = new ArrayList<>();
          LogSettings settings = BenchNode.settings(Durability.FSYNC);
          for (PartitionId id : node.directory().partitions()) {
            logs.add(node.openLog(id, settings, end -> {}));
          }
          return logs;
        });
  }

  /** A log whose bytes the journal does not have and no checkpoint covers: all of it is read. */
  private static void recover(Path top, int megabytes) throws IOException {
    Path path = Files.createTempDirectory(top, "recover");
    LoopGroup group = BenchNode.loops();
    LogConfig never = LogConfig.defaults().withCheckpoints(NEVER_MS, 1 << 30);
    BenchNode node = BenchNode.open(path, never, group.first());
    PartitionLog log =
        BenchNode.call(
            group.first(),
            () -> node.openLog(0, BenchNode.settings(Durability.REPLICATED), end -> {}));
    ByteBuffer template = BenchNode.batch(64 << 10);
    for (int i = 0; i < megabytes; i++) {
      BenchNode.call(
          group.first(),
          () -> {
            for (int j = 0; j < 16; j++) {
              log.appendAsLeader(BenchNode.copy(template), 1, 0);
            }
            return true;
          });
    }
    long bytes = BenchNode.call(group.first(), log::sizeBytes);
    // As after SIGKILL: no checkpoint, no marker. The page cache still has the bytes.
    node.close();
    long start = System.nanoTime();
    BenchNode again = BenchNode.open(path, never, group.first());
    double recovery = (System.nanoTime() - start) / 1e9;
    again.close();
    group.close();
    double plain = readAll(path);
    System.out.printf(
        "recovery of %d MB that nothing covers: %.2f GB/s with checksums; plain read of the same"
            + " files: %.2f GB/s (both from the page cache)%n",
        bytes / 1_000_000, bytes / recovery / 1e9, plain);
    JournalTable.remove(path);
  }

  /** GB/s. */
  static double readAll(Path path) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(path)) {
      files = all.filter(each -> each.toString().endsWith(".log")).toList();
    }
    ByteBuffer buffer = ByteBuffer.allocateDirect(MIB);
    long bytes = 0;
    long start = System.nanoTime();
    for (Path each : files) {
      try (FileChannel channel = FileChannel.open(each, StandardOpenOption.READ)) {
        int read = channel.read(buffer.clear());
        while (read > 0) {
          bytes += read;
          read = channel.read(buffer.clear());
        }
      }
    }
    return bytes / ((System.nanoTime() - start) / 1e9) / 1e9;
  }

  private static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static long heap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static int openFiles() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return (int) all.count();
    }
  }
}
