package io.kontiki.benchmarks;

import io.kontiki.log.LogConfig;
import io.kontiki.log.journal.CommitJournal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the bypass pays: rounds of one partition, through the journal and past it, by the bytes of
 * a round.
 */
public final class BypassTable {
  private static final int BATCH_BYTES = 64 << 10;

  private BypassTable() {}

  /** Arguments: a directory on the disk to be measured; milliseconds of each measurement. */
  public static void main(String[] args) throws IOException {
    System.out.println("KiB a round | journal MB/s  p50 ms | bypass MB/s  p50 ms");
    for (int batches : new int[] {1, 2, 4, 8, 16, 32, 64}) {
      Load.Result journal = run(args, batches, Integer.MAX_VALUE);
      Load.Result bypass = run(args, batches, 0);
      System.out.printf(
          "%11d | %12.1f %7.2f | %11.1f %7.2f%n",
          batches * BATCH_BYTES / 1024,
          journal.perSecond() * BATCH_BYTES / 1e6,
          journal.p50(),
          bypass.perSecond() * BATCH_BYTES / 1e6,
          bypass.p50());
    }
  }

  private static Load.Result run(String[] args, int batches, int bypassBytes) throws IOException {
    Path path = Files.createTempDirectory(Path.of(args[0]), "bypass");
    CommitJournal.Sizes sizes = LogConfig.defaults().journal();
    LogConfig config =
        LogConfig.defaults()
            .withJournal(
                new CommitJournal.Sizes(
                    sizes.fileBytes(), sizes.maxFiles(), sizes.maxPendingBytes(), bypassBytes));
    Load.Meter meter = new Load.Meter();
    Load.Result result;
    int measureMs = Integer.parseInt(args[1]);
    try (Load load = new JournalLoad(path, config, 1, 1, batches, BATCH_BYTES, meter)) {
      result = Load.measure(load, meter, measureMs / 2, measureMs);
    }
    JournalTable.remove(path);
    return result;
  }
}
