package io.kontiki.config;

import static io.kontiki.config.Parsers.bytes;
import static io.kontiki.config.Parsers.durationMs;
import static io.kontiki.config.Parsers.intBytes;
import static io.kontiki.config.Parsers.integer;

import java.util.List;

/**
 * The log directory: what is kept at hand, the commit journal, the reserve of the disk.
 *
 * @param hotBytes newest bytes of the log directory that are served on the loops (L2)
 * @param journalBytes greatest size of the commit journal (L9)
 * @param journalStepBytes size of one of its files
 * @param journalBypassBytes above so many bytes of one partition in a round its segment is synced
 * @param openSegments files that are kept open at most
 * @param readThreads for reads of what is not at hand
 * @param retentionCheckMs how often each partition's retention is looked at
 * @param diskReserveBytes with the next: the smaller of the two is kept free (D4)
 * @param diskReservePercent of the file system
 * @param raftSnapshotEntries a snapshot of the metadata after so many entries (M18)
 * @param raftSnapshotBytes or after so many bytes
 */
public record StorageConfig(
    long hotBytes,
    long journalBytes,
    int journalStepBytes,
    int journalBypassBytes,
    int openSegments,
    int readThreads,
    long retentionCheckMs,
    long diskReserveBytes,
    int diskReservePercent,
    int raftSnapshotEntries,
    long raftSnapshotBytes) {
  private static final int MIB = 1024 * 1024;

  static final ConfigKey<Long> HOT =
      new ConfigKey<>(
          "hot.bytes",
          "64m",
          false,
          "bytes",
          "The newest bytes of the log directory that are served without a detour over the read"
              + " threads.",
          bytes(MIB, 1L << 40));
  static final ConfigKey<Long> JOURNAL =
      new ConfigKey<>(
          "journal.bytes",
          "256m",
          false,
          "bytes",
          "Greatest size of the commit journal, in which every acknowledged record of a topic with"
              + " durability=fsync is made durable. At least four times journal.step.bytes.",
          bytes(MIB, 1L << 40));
  static final ConfigKey<Integer> JOURNAL_STEP =
      new ConfigKey<>(
          "journal.step.bytes",
          "16m",
          false,
          "bytes",
          "The journal grows by files of this size, made ready in the background.",
          intBytes(64 * 1024, 1 << 30));
  static final ConfigKey<Integer> JOURNAL_BYPASS =
      new ConfigKey<>(
          "journal.bypass.bytes",
          "512k",
          false,
          "bytes",
          "If one partition has more than this in one commit, its segment is synced instead.",
          intBytes(4096, 1 << 30));
  static final ConfigKey<Integer> OPEN_SEGMENTS =
      new ConfigKey<>(
          "open.segments",
          "2000",
          false,
          "",
          "Segment files that are kept open; the least recently used ones are closed.",
          integer(16, 1_000_000));
  static final ConfigKey<Integer> READ_THREADS =
      new ConfigKey<>(
          "read.threads",
          "2",
          false,
          "",
          "Threads that read what is no longer at hand.",
          integer(1, 64));
  static final ConfigKey<Long> RETENTION_CHECK =
      new ConfigKey<>(
          "retention.check.ms",
          "5m",
          false,
          "ms",
          "How often the retention of each partition is looked at.",
          durationMs(100, 86_400_000));
  static final ConfigKey<Long> RESERVE =
      new ConfigKey<>(
          "disk.reserve.bytes",
          "1g",
          false,
          "bytes",
          "Records are refused before less than this, or than disk.reserve.percent if that is less,"
              + " is free (D4); accepted again from 1.5 times that.",
          bytes(0, 1L << 50));
  static final ConfigKey<Integer> RESERVE_PERCENT =
      new ConfigKey<>(
          "disk.reserve.percent",
          "5",
          false,
          "percent",
          "The reserve as a part of the file system; the smaller of the two counts.",
          integer(0, 50));
  static final ConfigKey<Integer> SNAPSHOT_ENTRIES =
      new ConfigKey<>(
          "raft.snapshot.entries",
          "10000",
          false,
          "",
          "A snapshot of the metadata is written after so many entries (M18).",
          integer(100, 10_000_000));
  static final ConfigKey<Long> SNAPSHOT_BYTES =
      new ConfigKey<>(
          "raft.snapshot.bytes",
          "64m",
          false,
          "bytes",
          "A snapshot of the metadata is written after so many bytes of entries (M18).",
          bytes(MIB, 1L << 32));

  static final List<ConfigKey<?>> KEYS =
      List.of(
          HOT,
          JOURNAL,
          JOURNAL_STEP,
          JOURNAL_BYPASS,
          OPEN_SEGMENTS,
          READ_THREADS,
          RETENTION_CHECK,
          RESERVE,
          RESERVE_PERCENT,
          SNAPSHOT_ENTRIES,
          SNAPSHOT_BYTES);

  static StorageConfig from(Config config, List<String> errors) {
    StorageConfig read =
        new StorageConfig(
            config.get(HOT),
            config.get(JOURNAL),
            config.get(JOURNAL_STEP),
            config.get(JOURNAL_BYPASS),
            config.get(OPEN_SEGMENTS),
            config.get(READ_THREADS),
            config.get(RETENTION_CHECK),
            config.get(RESERVE),
            config.get(RESERVE_PERCENT),
            config.get(SNAPSHOT_ENTRIES),
            config.get(SNAPSHOT_BYTES));
    if (read.journalBytes < 4L * read.journalStepBytes) {
      errors.add(
          JOURNAL.name()
              + " = "
              + read.journalBytes
              + " must be at least four times "
              + JOURNAL_STEP.name()
              + " = "
              + read.journalStepBytes);
    }
    return read;
  }
}
