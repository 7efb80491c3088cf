package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.Consumer;

/** What the tests of single faults have in common. */
final class FailoverTests {
  private FailoverTests() {}

  /**
   * Lets each event happen once; fails if something is lost, doubled, reordered or refused, or if
   * anyone who writes waits longer than the bound.
   *
   * @param boundMs on a machine that has nothing else to do
   */
  static void run(Failover failover, List<FailoverEvent> events, long boundMs) {
    run(failover, events, boundMs, run -> {});
  }

  /**
   * The same.
   *
   * @param whenWhole is told of each run when all nodes are back
   */
  static void run(
      Failover failover,
      List<FailoverEvent> events,
      long boundMs,
      Consumer<FailoverRun> whenWhole) {
    Pauses pauses = new Pauses();
    for (int round = 0; round < events.size(); round++) {
      FailoverRun run = failover.run(events.get(round), round);
      System.out.println(FailoverReport.line(run));
      whenWhole.accept(run);
      assertEquals(List.of(), run.anomalies());
      assertEquals(0, run.failed(), "records refused");
      pauses.add(run.event().title(), (long) run.strictMs());
      pauses.add(run.event().title() + ", by forwarding", run.longestOneByOneMs());
    }
    pauses.judge(boundMs);
  }
}
