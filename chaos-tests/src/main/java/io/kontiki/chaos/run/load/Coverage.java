package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Log;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;

/** Which offsets a group was given. Any thread. */
final class Coverage {
  private final Map<Log, BitSet> delivered = new TreeMap<>();

  /** From one offset up to another, the second exclusive. */
  synchronized void add(Log log, long from, long to) {
    delivered.computeIfAbsent(log, any -> new BitSet()).set((int) from, (int) to);
  }

  /** The first offset below the end that nobody was given, by partition. */
  synchronized Map<Log, Long> missing(Map<Log, Long> ends) {
    Map<Log, Long> missing = new TreeMap<>();
    ends.forEach(
        (log, end) -> {
          long first = delivered.getOrDefault(log, new BitSet()).nextClearBit(0);
          if (first < end) {
            missing.put(log, first);
          }
        });
    return missing;
  }
}
