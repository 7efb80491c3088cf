package io.kontiki.metadata;

/**
 * What one replica found at the end of its log: material of balanced recovery (rule R19), kept only
 * until its partition has a leader or its broker is fenced.
 *
 * @param brokerEpoch of the process that looked
 * @param lastEpoch newest leader epoch in its log; -1: the log is empty
 * @param endOffset exclusive
 */
public record LogEndReport(int brokerId, long brokerEpoch, int lastEpoch, long endOffset) {
  /** Whether this log is longer in the sense of R19: a later epoch, or more of the same. */
  boolean beyond(LogEndReport other) {
    return lastEpoch != other.lastEpoch ? lastEpoch > other.lastEpoch : endOffset > other.endOffset;
  }
}
