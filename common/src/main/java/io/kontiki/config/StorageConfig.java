package io.kontiki.config;

import static io.kontiki.config.Parsers.bytes;
import static io.kontiki.config.Parsers.durationMs;
import static io.kontiki.config.Parsers.intBytes;
import static io.kontiki.config.Parsers.integer;

import java.util.List;

/**
 * The log directory: what is kept at hand, the commit journal; and the metadata's snapshots.
 *
 * @param hotBytes newest bytes of the log directory that are served on the loops (L2)
 * @param journalBytes greatest size of the commit journal (L9)
 * @param journalStepBytes size of one of its files
 * @param openSegments files that are kept open at most
 * @param diskReserveBytes kept free on the disk, at most (D4)
 * @param diskReservePercent kept free on the disk, at most
 * @param diskBallastBytes laid aside for the metadata (M12)
 * @param retentionCheckMs every log is looked at once in so much time (L6)
 * @param scrubBytesPerSecond everything is read at this rate to find what rots (D6)
 * @param scrubIntervalMs between two such rounds
 * @param cleanerBufferBytes memory for the keys of one compaction (L6)
 * @param cleanerBytesPerSecond read and written by compaction, at most
 * @param cleanerBackoffMs between two looks for something to compact
 * @param producerIdExpirationMs an idempotent producer that appended nothing for so long is
 *     forgotten by a partition (I3)
 * @param raftSnapshotEntries a snapshot of the metadata after so many entries (M18)
 * @param raftSnapshotBytes or after so many bytes
 */
public record StorageConfig(
    long hotBytes,
    long journalBytes,
    int journalStepBytes,
    int openSegments,
    long diskReserveBytes,
    int diskReservePercent,
    long diskBallastBytes,
    long retentionCheckMs,
    long scrubBytesPerSecond,
    long scrubIntervalMs,
    int cleanerBufferBytes,
    long cleanerBytesPerSecond,
    long cleanerBackoffMs,
    long producerIdExpirationMs,
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
  static final ConfigKey<Integer> OPEN_SEGMENTS =
      new ConfigKey<>(
          "open.segments",
          "1800",
          false,
          "",
          "Segment files that are kept open; the least recently used ones are closed.",
          integer(16, 1_000_000));
  static final ConfigKey<Long> DISK_RESERVE =
      new ConfigKey<>(
          "disk.reserve.bytes",
          "1g",
          false,
          "bytes",
          "With less than this free, or than disk.reserve.percent of the disk if that is less, leaders"
              + " here refuse records, until one and a half times as much is free; with less than"
              + " half of it, followers here stop, too. 0: no reserve.",
          bytes(0, 1L << 50));
  static final ConfigKey<Integer> DISK_RESERVE_PERCENT =
      new ConfigKey<>(
          "disk.reserve.percent",
          "5",
          false,
          "",
          "Percent of the disk; see disk.reserve.bytes. 0: no reserve.",
          integer(0, 50));
  static final ConfigKey<Long> DISK_BALLAST =
      new ConfigKey<>(
          "disk.ballast.bytes",
          "16m",
          false,
          "bytes",
          "A file of this size, never more than a quarter of the reserve, is laid aside beside the"
              + " metadata, and given up for them when the disk is full. 0: none.",
          bytes(0, 1L << 40));
  static final ConfigKey<Long> RETENTION_CHECK =
      new ConfigKey<>(
          "retention.check.ms",
          "300000",
          false,
          "ms",
          "Each partition is looked at once in this time: whether its retention lets old segments go,"
              + " and whether an old segment is closed.",
          durationMs(100, 24L * 3600 * 1000));
  static final ConfigKey<Long> SCRUB_RATE =
      new ConfigKey<>(
          "scrub.bytes.per.second",
          "4m",
          false,
          "bytes",
          "All segments are read in turn, not faster than this, to find bytes that have changed on"
              + " the disk while another replica can still mend them (D6). 0: never.",
          bytes(0, 1L << 40));
  static final ConfigKey<Long> SCRUB_INTERVAL =
      new ConfigKey<>(
          "scrub.interval.ms",
          "86400000",
          false,
          "ms",
          "From the end of such a round to the next, and from the start to the first.",
          durationMs(100, 365L * 24 * 3600 * 1000));
  static final ConfigKey<Integer> CLEANER_BUFFER =
      new ConfigKey<>(
          "log.cleaner.dedupe.buffer.size",
          "16m",
          false,
          "bytes",
          "Memory for the keys while a log is compacted, 24 bytes for each at most nine tenths full."
              + " A log with more keys is compacted in several passes.",
          intBytes(64 * 1024, 1 << 30));
  static final ConfigKey<Long> CLEANER_RATE =
      new ConfigKey<>(
          "log.cleaner.io.max.bytes.per.second",
          "32m",
          false,
          "bytes",
          "Compaction reads and writes no faster than this, all logs together. 0: nothing is"
              + " compacted.",
          bytes(0, 1L << 40));
  static final ConfigKey<Long> CLEANER_BACKOFF =
      new ConfigKey<>(
          "log.cleaner.backoff.ms",
          "15000",
          false,
          "ms",
          "When nothing was left to compact, the node looks again after this time.",
          durationMs(100, 24L * 3600 * 1000));
  static final ConfigKey<Long> PRODUCER_ID_EXPIRATION =
      new ConfigKey<>(
          "producer.id.expiration.ms",
          "86400000",
          false,
          "ms",
          "A partition forgets an idempotent producer that has appended nothing to it for so long;"
              + " what it sends again later is then taken for new. Longer than the delivery"
              + " timeout of any client.",
          durationMs(1_000, 365L * 24 * 3600 * 1000));
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
          OPEN_SEGMENTS,
          DISK_RESERVE,
          DISK_RESERVE_PERCENT,
          DISK_BALLAST,
          RETENTION_CHECK,
          SCRUB_RATE,
          SCRUB_INTERVAL,
          CLEANER_BUFFER,
          CLEANER_RATE,
          CLEANER_BACKOFF,
          PRODUCER_ID_EXPIRATION,
          SNAPSHOT_ENTRIES,
          SNAPSHOT_BYTES);

  static StorageConfig from(Config config, List<String> errors) {
    StorageConfig read =
        new StorageConfig(
            config.get(HOT),
            config.get(JOURNAL),
            config.get(JOURNAL_STEP),
            config.get(OPEN_SEGMENTS),
            config.get(DISK_RESERVE),
            config.get(DISK_RESERVE_PERCENT),
            config.get(DISK_BALLAST),
            config.get(RETENTION_CHECK),
            config.get(SCRUB_RATE),
            config.get(SCRUB_INTERVAL),
            config.get(CLEANER_BUFFER),
            config.get(CLEANER_RATE),
            config.get(CLEANER_BACKOFF),
            config.get(PRODUCER_ID_EXPIRATION),
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
