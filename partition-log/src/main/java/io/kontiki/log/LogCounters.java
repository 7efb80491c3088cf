package io.kontiki.log;

import io.kontiki.log.journal.JournalCounters;

/** What a log directory did since it was opened; for metrics. Thread-safe, may be read anywhere. */
public final class LogCounters {
  private volatile long fileSyncs;
  private volatile long checkpoints;
  private volatile long coldReads;
  private volatile long appendedBytes;

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
      long appendedBytes) {}

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
        appendedBytes);
  }
}
