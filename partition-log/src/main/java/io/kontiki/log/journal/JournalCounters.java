package io.kontiki.log.journal;

/**
 * What the journal did since it was opened. Written by the commit worker, read by anybody; a reader
 * may see one value newer than another.
 */
public final class JournalCounters {
  private volatile long commits;
  private volatile long syncs;
  private volatile long records;
  private volatile long bytes;
  private volatile long stalls;
  private volatile long bypasses;

  /** Finished commits. */
  public long commits() {
    return commits;
  }

  /** Syncs of journal files. */
  public long syncs() {
    return syncs;
  }

  /** Records made durable. */
  public long records() {
    return records;
  }

  /** Bytes written. */
  public long bytes() {
    return bytes;
  }

  /** How often a commit had to wait for a free file. */
  public long stalls() {
    return stalls;
  }

  /** How often the segments of a partition were synced instead of taking its bytes. */
  public long bypasses() {
    return bypasses;
  }

  synchronized void onBypass(int partitions) {
    bypasses += partitions;
  }

  synchronized void onCommit(int recordCount) {
    commits++;
    records += recordCount;
  }

  synchronized void onSync(long byteCount) {
    syncs++;
    bytes += byteCount;
  }

  synchronized void onStall() {
    stalls++;
  }
}
