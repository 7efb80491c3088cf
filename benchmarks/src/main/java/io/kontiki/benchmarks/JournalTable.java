package io.kontiki.benchmarks;

import com.sun.management.UnixOperatingSystemMXBean;
import io.kontiki.log.LogConfig;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * The commit journal next to parallel syncs of the segments: acknowledged appends per second and
 * latency, by the number of active partitions. Each partition has one append of 1 KiB under way,
 * below 64 partitions more, so that 64 are in all.
 */
public final class JournalTable {
  private static final int BATCH_BYTES = 1024;
  private static final int LEAST_UNDER_WAY = 64;
  private static final int WARM_UP_MS = 5_000;
  private static final int[] POOLS = {8, 32};
  private static final long LIMIT_NANOS = 15L * 60 * 1_000_000_000;

  private JournalTable() {}

  /**
   * Arguments: a directory on the disk to be measured; milliseconds of each measurement; the most
   * partitions.
   */
  public static void main(String[] args) throws IOException {
    Path top = Path.of(args[0]);
    int measureMs = Integer.parseInt(args[1]);
    int most = Integer.parseInt(args[2]);
    long end = System.nanoTime() + LIMIT_NANOS;
    floor(top);
    warmUp(top);
    System.out.println(
        "nodes partitions | journal appends/s  p50 ms  p99 ms  CPU us | segment syncs appends/s "
            + " p50 ms  p99 ms  CPU us  threads | ratio");
    for (int nodes : new int[] {1, 3}) {
      for (int partitions : new int[] {1, 10, 100, 1_000, 10_000}) {
        if (partitions <= most && System.nanoTime() < end) {
          row(top, nodes, partitions, measureMs);
        }
      }
    }
  }

  /** Lets the compilers be through before the first row. */
  private static void warmUp(Path top) throws IOException {
    Path path = Files.createTempDirectory(top, "warm-up");
    Load.Meter meter = new Load.Meter();
    try (Load load = new JournalLoad(path, LogConfig.defaults(), 1, 100, 10, BATCH_BYTES, meter)) {
      Load.measure(load, meter, WARM_UP_MS, 1);
    }
    JournalTable.remove(path);
  }

  private static void row(Path top, int nodes, int partitions, int measureMs) throws IOException {
    int window = Math.max(1, LEAST_UNDER_WAY / partitions);
    Load.Result journal;
    Path path = Files.createTempDirectory(top, "journal");
    Load.Meter meter = new Load.Meter();
    try (Load load =
        new JournalLoad(
            path, LogConfig.defaults(), nodes, partitions, window, BATCH_BYTES, meter)) {
      journal = Load.measure(load, meter, measureMs / 2, measureMs);
    }
    remove(path);
    System.out.printf(
        "%5d %10d | %17.0f %7.2f %7.2f %7.1f | ",
        nodes, partitions, journal.perSecond(), journal.p50(), journal.p99(), journal.cpuMicros());
    if ((long) nodes * partitions > mostOpenFiles() / 4 * 3) {
      System.out.printf("a file for each of them is more than %d%n", mostOpenFiles());
      return;
    }
    Load.Result best = new Load.Result(0, 0, 0, 0);
    int bestPool = 0;
    for (int pool : POOLS) {
      path = Files.createTempDirectory(top, "sync");
      meter = new Load.Meter();
      try (Load load =
          new SegmentSyncLoad(path, nodes, partitions, window, BATCH_BYTES, pool, meter)) {
        Load.Result result = Load.measure(load, meter, measureMs / 4, measureMs / 2);
        if (result.perSecond() > best.perSecond()) {
          best = result;
          bestPool = pool;
        }
      }
      remove(path);
    }
    System.out.printf(
        "%23.0f %7.2f %7.2f %7.1f %8d | %5.1f%n",
        best.perSecond(),
        best.p50(),
        best.p99(),
        best.cpuMicros(),
        bestPool,
        journal.perSecond() / best.perSecond());
  }

  private static long mostOpenFiles() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? unix.getMaxFileDescriptorCount()
        : Long.MAX_VALUE;
  }

  /** What the disk does when nobody asks for more: one file, made ready before. */
  private static void floor(Path top) throws IOException {
    Path file = top.resolve("floor");
    ByteBuffer bytes = ByteBuffer.allocateDirect(BATCH_BYTES);
    Latencies latencies = new Latencies();
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE)) {
      ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
      for (int i = 0; i < 16; i++) {
        channel.write(zeros.rewind(), (long) i << 20);
      }
      channel.force(true);
      long start = System.nanoTime();
      long end = start + 2_000_000_000L;
      int count = 0;
      long before = start;
      while (before < end) {
        channel.write(bytes.rewind(), (long) count % 16_000 * BATCH_BYTES);
        channel.force(false);
        long now = System.nanoTime();
        latencies.add(now - before);
        before = now;
        count++;
      }
      System.out.printf(
          "floor: write of 1 KiB and fdatasync, one file, one thread: %.0f a second, p50 %.2f ms,"
              + " p99 %.2f ms%n",
          count / ((before - start) / 1e9), latencies.quantile(0.5), latencies.quantile(0.99));
    }
  }

  static void remove(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
