package io.kontiki.log;

import io.kontiki.log.journal.CommitJournal;

/**
 * The settings of a log directory.
 *
 * @param hotBytes what was appended last and is taken to be in the page cache (rule L2)
 * @param tailCacheBytes what of it is kept on the heap, as copies
 * @param journal sizes of the commit journal (rule L9)
 * @param checkpointIntervalMs at most this long after a change a checkpoint begins
 * @param derivedBytes after so many appended bytes of a log its indexes and producers are written,
 *     which bounds what a recovery reads
 * @param openFiles kept open at most, beside those that wait for a sync
 * @param decompressedBytes of one batch, where a look-up by time must decompress it
 * @param scrub the check of everything in the background (rule D6)
 * @param cleaner compaction in the background (rule L6)
 * @param producers how many idempotent producers a log knows, and how long (rule I3)
 */
public record LogConfig(
    long hotBytes,
    long tailCacheBytes,
    CommitJournal.Sizes journal,
    long checkpointIntervalMs,
    int derivedBytes,
    int openFiles,
    int decompressedBytes,
    Scrub scrub,
    Cleaner cleaner,
    Producers producers) {
  private static final int MIB = 1 << 20;

  /**
   * 64 MiB hot, 16 of them on the heap; a journal of 16 files of 16 MiB; a checkpoint every 5 s.
   */
  public static LogConfig defaults() {
    return new LogConfig(
        64L * MIB,
        16L * MIB,
        new CommitJournal.Sizes(16 * MIB, 16, 32L * MIB),
        5_000,
        16 * MIB,
        1_800,
        64 * MIB,
        new Scrub(4L * MIB, 24L * 3600 * 1000),
        new Cleaner(16 * MIB, 32L * MIB, 15_000),
        new Producers(10_000, 24L * 3600 * 1000));
  }

  /** With another journal. */
  public LogConfig withJournal(CommitJournal.Sizes sizes) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        sizes,
        checkpointIntervalMs,
        derivedBytes,
        openFiles,
        decompressedBytes,
        scrub,
        cleaner,
        producers);
  }

  /** With other sizes of what is hot. */
  public LogConfig withHot(long newHotBytes, long newTailCacheBytes) {
    return new LogConfig(
        newHotBytes,
        newTailCacheBytes,
        journal,
        checkpointIntervalMs,
        derivedBytes,
        openFiles,
        decompressedBytes,
        scrub,
        cleaner,
        producers);
  }

  /** With another distance of checkpoints and of derived files. */
  public LogConfig withCheckpoints(long intervalMs, int newDerivedBytes) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        journal,
        intervalMs,
        newDerivedBytes,
        openFiles,
        decompressedBytes,
        scrub,
        cleaner,
        producers);
  }

  /** With another number of open files. */
  public LogConfig withOpenFiles(int count) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        journal,
        checkpointIntervalMs,
        derivedBytes,
        count,
        decompressedBytes,
        scrub,
        cleaner,
        producers);
  }

  /** With another bound of a decompressed batch. */
  public LogConfig withDecompressed(int sizeBytes) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        journal,
        checkpointIntervalMs,
        derivedBytes,
        openFiles,
        sizeBytes,
        scrub,
        cleaner,
        producers);
  }

  /** With another check in the background. */
  public LogConfig withScrub(Scrub newScrub) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        journal,
        checkpointIntervalMs,
        derivedBytes,
        openFiles,
        decompressedBytes,
        newScrub,
        cleaner,
        producers);
  }

  /** With another compaction. */
  public LogConfig withCleaner(Cleaner newCleaner) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        journal,
        checkpointIntervalMs,
        derivedBytes,
        openFiles,
        decompressedBytes,
        scrub,
        newCleaner,
        producers);
  }

  /** With other bounds of what is known of producers. */
  public LogConfig withProducers(Producers newProducers) {
    return new LogConfig(
        hotBytes,
        tailCacheBytes,
        journal,
        checkpointIntervalMs,
        derivedBytes,
        openFiles,
        decompressedBytes,
        scrub,
        cleaner,
        newProducers);
  }

  /**
   * What a log remembers of idempotent producers (rule I3).
   *
   * @param most of one log; beyond it the one appended to longest ago is forgotten. One takes about
   *     half a kilobyte of heap
   * @param idleMs after so long without an append one is forgotten
   */
  public record Producers(int most, long idleMs) {}

  /**
   * How logs are compacted.
   *
   * @param bufferBytes memory for the keys of one pass
   * @param bytesPerSecond read and written at most, of the whole directory; 0: nothing is compacted
   * @param backoffMs until the next look when there was nothing to do
   */
  public record Cleaner(int bufferBytes, long bytesPerSecond, long backoffMs) {}

  /**
   * How old data are checked.
   *
   * @param bytesPerSecond at most, of the whole directory; 0: not at all
   * @param intervalMs between two rounds, and before the first
   */
  public record Scrub(long bytesPerSecond, long intervalMs) {}
}
