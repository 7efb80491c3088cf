package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Log;
import java.util.Map;

/**
 * A fault that was made.
 *
 * @param what was done to whom
 * @param beginNanos when it began
 * @param undoneNanos when nothing was hindered any more: processes had been started, cuts healed
 * @param wellNanos when every replica was in sync, or when the next fault came before that
 * @param gaps longest time without an acknowledgement from its begin to its end, by partition, in
 *     nanoseconds
 */
record FaultRecord(
    FaultKind kind,
    String what,
    long beginNanos,
    long undoneNanos,
    long wellNanos,
    Map<Log, Long> gaps) {
  FaultRecord {
    gaps = Map.copyOf(gaps);
  }

  /** Of the partition that was without acknowledgements for longest. */
  long unavailableNanos() {
    return gaps.values().stream().mapToLong(Long::longValue).max().orElse(0);
  }
}
