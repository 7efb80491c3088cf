package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Pauses by the kind of fault that caused them; printed, and held to a bound, which grows with what
 * else the machine has to do. One thread.
 */
public final class Pauses {
  /** How many more threads wanted to run than could, when the test began; at least 1. */
  private final double slowness =
      Math.max(
          1,
          ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()
              / Runtime.getRuntime().availableProcessors());

  private final Map<String, List<Long>> byKind = new TreeMap<>();

  public void add(String kind, long ms) {
    byKind.computeIfAbsent(kind, name -> new ArrayList<>()).add(ms);
    System.out.printf("%s: %d ms without an acknowledgement%n", kind, ms);
  }

  /**
   * Prints number, median and maximum of each kind, and fails if one was longer than the bound.
   *
   * @param idleMs the bound on a machine that has nothing else to do
   */
  public void judge(long idleMs) {
    long boundMs = (long) (idleMs * slowness);
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
