package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Pauses by the kind of fault that caused them; printed, and held to a bound. One thread. */
final class Pauses {
  private final Map<String, List<Long>> byKind = new TreeMap<>();

  void add(String kind, long ms) {
    byKind.computeIfAbsent(kind, name -> new ArrayList<>()).add(ms);
    System.out.printf("%s: %d ms without an acknowledgement%n", kind, ms);
  }

  /** Prints number, median and maximum of each kind, and fails if one was longer than the bound. */
  void judge(long boundMs) {
    List<String> tooLong = new ArrayList<>();
    byKind.forEach(
        (kind, all) -> {
          List<Long> sorted = all.stream().sorted().toList();
          long longest = sorted.get(sorted.size() - 1);
          String line =
              String.format(
                  "%-28s n %d, median %d ms, longest %d ms",
                  kind, sorted.size(), sorted.get(sorted.size() / 2), longest);
          System.out.println(line);
          if (longest > boundMs) {
            tooLong.add(line);
          }
        });
    assertTrue(tooLong.isEmpty(), () -> "longer than " + boundMs + " ms: " + tooLong);
  }
}
