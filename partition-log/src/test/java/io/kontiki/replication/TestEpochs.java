package io.kontiki.replication;

import io.kontiki.log.LeaderEpochs;
import java.util.Map;
import java.util.TreeMap;

/** An epoch history written down by hand: epoch to start offset. */
final class TestEpochs implements LeaderEpochs {
  private final TreeMap<Integer, Long> starts = new TreeMap<>();
  long logStart;
  long logEnd;

  TestEpochs(long logStart, long logEnd) {
    this.logStart = logStart;
    this.logEnd = logEnd;
  }

  TestEpochs epoch(int epoch, long start) {
    starts.put(epoch, start);
    return this;
  }

  /** What {@code PartitionLog.advanceLogStart} does, where an epoch has no record left. */
  void deleted(int epoch, long newStart) {
    starts.remove(epoch);
    logStart = newStart;
  }

  /** What {@code PartitionLog.truncateTo} does to the history (rule R29). */
  void truncateTo(long offset) {
    logEnd = Math.min(logEnd, offset);
    while (!starts.isEmpty() && starts.lastEntry().getValue() >= offset) {
      starts.pollLastEntry();
    }
  }

  @Override
  public int latest() {
    return starts.isEmpty() ? NONE : starts.lastKey();
  }

  @Override
  public int epochOf(long offset) {
    int found = NONE;
    for (Map.Entry<Integer, Long> e : starts.entrySet()) {
      if (e.getValue() <= offset) {
        found = e.getKey();
      }
    }
    return found;
  }

  @Override
  public EpochEnd endOf(int epoch) {
    Map.Entry<Integer, Long> floor = starts.floorEntry(epoch);
    if (floor == null) {
      return new EpochEnd(NONE, logStart);
    }
    Map.Entry<Integer, Long> next = starts.higherEntry(floor.getKey());
    return new EpochEnd(floor.getKey(), next == null ? logEnd : next.getValue());
  }
}
