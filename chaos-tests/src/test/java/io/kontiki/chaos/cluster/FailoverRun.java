package io.kontiki.chaos.cluster;

import io.kontiki.chaos.history.Anomaly;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One event as those saw it who wrote.
 *
 * @param at when it happened, by the clock of the nodes' logs
 * @param outage from just before the event until a second after every partition went on
 * @param return_ from there until all nodes were ready and in sync again
 * @param restart only where all processes were started again
 * @param longestOneByOneMs the longest that a producer waited that sends one by one, event and
 *     return
 * @param records acknowledged, of all producers
 * @param failed records of the producer with a fixed rate that were refused or given up
 * @param anomalies in what was written and read back
 */
record FailoverRun(
    FailoverEvent event,
    FailoverTarget target,
    Instant at,
    Outage outage,
    Outage return_,
    @Nullable Restart restart,
    long longestOneByOneMs,
    long records,
    long failed,
    List<Anomaly> anomalies) {
  FailoverRun {
    anomalies = List.copyOf(anomalies);
  }

  /**
   * Times from the start of the first process.
   *
   * @param anyNanos until the first acknowledgement by any partition
   * @param everyNanos until every partition had acknowledged
   */
  record Restart(long anyNanos, long everyNanos) {}

  /** What counts: the longest time without an acknowledgement by one partition. */
  double strictMs() {
    return (restart != null ? restart.everyNanos() : outage.strictNanos()) / 1e6;
  }

  /** The same where any partition will do. */
  double overallMs() {
    return (restart != null ? restart.anyNanos() : outage.overallNanos()) / 1e6;
  }

  /** Whether everything that was written is there, once, in order, and nothing was refused. */
  boolean isGood() {
    return anomalies.isEmpty() && failed == 0;
  }
}
