package io.kontiki.replication;

/**
 * Since when somebody has owed progress: bytes are outstanding and nothing has moved since (rule
 * R38).
 */
final class OwedClock {
  private boolean owed;
  private long sinceNanos;

  /** Whether anything is outstanding now; begins to count with the first byte that is. */
  void note(boolean owes, long nowNanos) {
    if (owes && !owed) {
      sinceNanos = nowNanos;
    }
    owed = owes;
  }

  /** There was progress. */
  void moved(boolean stillOwes, long nowNanos) {
    owed = stillOwes;
    sinceNanos = nowNanos;
  }

  /** Time in which nobody listened does not count. */
  void forgive(long nanos) {
    sinceNanos += nanos;
  }

  /** 0: nothing is outstanding. */
  long owedFor(long nowNanos) {
    return owed ? nowNanos - sinceNanos : 0;
  }

  /** When it will have owed for so long; {@code Long.MAX_VALUE}: nothing is outstanding. */
  long dueAt(long nanos) {
    return owed ? sinceNanos + nanos : Long.MAX_VALUE;
  }
}
