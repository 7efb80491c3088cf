package io.kontiki.log;

import io.kontiki.log.journal.JournalCounters;

/** What a log directory did since it was opened; for metrics. Thread-safe, may be read anywhere. */
public final class LogCounters {
  private volatile long fileSyncs;
  private volatile long checkpoints;
  private volatile long coldReads;
  private volatile long appendedBytes;
  private volatile long damages;
  private volatile long mended;
  private volatile long scrubbedBytes;
  private volatile int damagedLogs;
  private volatile long cleanerRuns;
  private volatile long cleanerBytes;
  private volatile long cleanedAtNanos;
  private volatile double dirtyRatio;

  /** Syncs of segments and of what lies beside them. */
  public long fileSyncs() {
    return fileSyncs;
  }

  /** Finished checkpoints. */
  public long checkpoints() {
    return checkpoints;
  }

  /** Reads that went through the pool. */
  public long coldReads() {
    return coldReads;
  }

  /** Bytes appended to all logs. */
  public long appendedBytes() {
    return appendedBytes;
  }

  /** Times that bad bytes were found (rule D9). */
  public long damages() {
    return damages;
  }

  /** Damaged ranges that were mended from another replica. */
  public long mended() {
    return mended;
  }

  /** Bytes that were checked in the background (rule D6). */
  public long scrubbedBytes() {
    return scrubbedBytes;
  }

  /** Logs that are damaged now. */
  public int damagedLogs() {
    return damagedLogs;
  }

  /** Passes of compaction that came to their end. */
  public long cleanerRuns() {
    return cleanerRuns;
  }

  /** Bytes that compaction read and wrote. */
  public long cleanerBytes() {
    return cleanerBytes;
  }

  /** The greatest share of bytes that waited for compaction at the last look, of any log. */
  public double dirtyRatio() {
    return dirtyRatio;
  }

  void onDirtyRatio(double ratio) {
    dirtyRatio = ratio;
  }

  synchronized void onCleanerBytes(long bytes) {
    cleanerBytes += bytes;
  }

  synchronized void onCleaned(long nowNanos) {
    cleanerRuns++;
    cleanedAtNanos = nowNanos;
  }

  /**
   * Bad bytes were found.
   *
   * @param newlyDamaged whether nothing was known to be wrong with their log
   */
  synchronized void onDamage(boolean newlyDamaged) {
    damages++;
    damagedLogs += newlyDamaged ? 1 : 0;
  }

  synchronized void onDamageOver() {
    damagedLogs--;
  }

  synchronized void onMended() {
    mended++;
  }

  synchronized void onScrubbed(long bytes) {
    scrubbedBytes += bytes;
  }

  synchronized void onFileSync() {
    fileSyncs++;
  }

  synchronized void onCheckpoint() {
    checkpoints++;
  }

  synchronized void onColdRead() {
    coldReads++;
  }

  synchronized void onAppended(long bytes) {
    appendedBytes += bytes;
  }

  /**
   * Both kinds of counters, as they are now.
   *
   * @param journalCommits finished commits
   * @param journalSyncs syncs of journal files
   * @param journalBytes written into the journal
   * @param journalStalls commits that waited for room in the ring
   * @param journalBypasses syncs of a partition's segments instead of bytes in the journal
   * @param damages times that bad bytes were found
   * @param mended damaged ranges that were mended
   * @param scrubbedBytes checked in the background
   * @param damagedLogs now
   * @param cleanerRuns passes of compaction that came to their end
   * @param cleanerBytes read and written by it
   * @param cleanedAtNanos end of the last one, by the clock's nanoTime; 0: there was none
   * @param dirtyRatio greatest share of a log's bytes that waited for it at the last look
   */
  public record Values(
      long journalCommits,
      long journalSyncs,
      long journalBytes,
      long journalStalls,
      long journalBypasses,
      long fileSyncs,
      long checkpoints,
      long coldReads,
      long appendedBytes,
      long damages,
      long mended,
      long scrubbedBytes,
      int damagedLogs,
      long cleanerRuns,
      long cleanerBytes,
      long cleanedAtNanos,
      double dirtyRatio) {}

  Values with(JournalCounters journal) {
    return new Values(
        journal.commits(),
        journal.syncs(),
        journal.bytes(),
        journal.stalls(),
        journal.bypasses(),
        fileSyncs,
        checkpoints,
        coldReads,
        appendedBytes,
        damages,
        mended,
        scrubbedBytes,
        damagedLogs,
        cleanerRuns,
        cleanerBytes,
        cleanedAtNanos,
        dirtyRatio);
  }
}
