package io.kontiki.chaos.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The faults of one kind.
 *
 * @param medianMs of the times without acknowledgements of the worst partition
 * @param worstMs the longest of them
 */
record KindSummary(FaultKind kind, int count, long medianMs, long worstMs) {
  /** By kind, those that were made. */
  static List<KindSummary> of(Result result) {
    Map<FaultKind, List<Long>> times = new TreeMap<>();
    for (FaultRecord fault : result.faults()) {
      times
          .computeIfAbsent(fault.kind(), any -> new ArrayList<>())
          .add(fault.unavailableNanos() / 1_000_000);
    }
    List<KindSummary> all = new ArrayList<>();
    times.forEach(
        (kind, ms) -> {
          ms.sort(Comparator.naturalOrder());
          all.add(
              new KindSummary(kind, ms.size(), ms.get((ms.size() - 1) / 2), ms.get(ms.size() - 1)));
        });
    return all;
  }
}
