package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.Log;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class FailoverReportTest {
  private static final Outage QUIET = new Outage(20_000_000, 0, 10_000_000, 30_000_000);

  private static FailoverRun killed(long ms, long failed, Anomaly.Kind... anomalies) {
    return new FailoverRun(
        FailoverEvent.KILL_LEADER,
        new FailoverTarget(2, "partition leader", List.of(0, 1)),
        Instant.EPOCH,
        new Outage(ms * 1_000_000, 1, ms * 500_000, ms * 2_000_000),
        QUIET,
        null,
        0,
        5_000,
        failed,
        List.of(anomalies).stream()
            .map(kind -> new Anomaly(kind, new Log("t", 1), "by hand", List.of()))
            .toList());
  }

  private static FailoverRun restarted(long anyMs, long everyMs) {
    return new FailoverRun(
        FailoverEvent.RESTART_FSYNC,
        new FailoverTarget(0, "all", List.of(0, 1)),
        Instant.EPOCH,
        new Outage(9_000_000_000L, 1, 9_000_000_000L, 9_000_000_000L),
        QUIET,
        new FailoverRun.Restart(anyMs * 1_000_000, everyMs * 1_000_000),
        0,
        5_000,
        0,
        List.of());
  }

  @Test
  void theTableHasMedianAndWorstOfEachEvent() {
    FailoverReport report = new FailoverReport();
    List.of(300L, 100L, 250L, 200L).forEach(ms -> report.add(killed(ms, 0)));
    report.add(restarted(2_500, 3_000));
    String text = report.text();
    assertTrue(
        text.contains(
            "SIGKILL of a partition leader                 4    0.23 / 0.30     0.4"
                + "    0.11 / 0.15    0.45 / 0.60    0.02 / 0.02  0/0/0/0/0\n"),
        text);
    assertTrue(text.contains("1    3.00 / 3.00     4.0    2.50 / 2.50"), text);
    assertTrue(report.isGood());
  }

  @Test
  void whatIsWrongStandsInTheTableAndSpoilsTheResult() {
    FailoverReport report = new FailoverReport();
    report.add(killed(100, 0, Anomaly.Kind.LOST, Anomaly.Kind.UNSEEN, Anomaly.Kind.DUPLICATE));
    report.add(killed(100, 7, Anomaly.Kind.REORDERED, Anomaly.Kind.PHANTOM));
    assertTrue(report.text().contains("2/1/1/1/7\n"), report.text());
    assertFalse(report.isGood());
    FailoverReport refused = new FailoverReport();
    refused.add(killed(100, 1));
    assertFalse(refused.isGood());
  }

  @Test
  void everyRunIsInTheJson() {
    FailoverReport report = new FailoverReport();
    report.add(killed(300, 0));
    report.add(killed(100, 0, Anomaly.Kind.LOST));
    JsonObject json =
        JsonParser.parseString(report.json(List.of("stop-node, run 3: gone"))).getAsJsonObject();
    assertEquals(1, json.get("version").getAsInt());
    JsonObject event = json.getAsJsonArray("events").get(0).getAsJsonObject();
    assertEquals("kill-leader", event.get("event").getAsString());
    assertEquals(200, event.get("medianMs").getAsDouble());
    assertEquals(300, event.get("worstMs").getAsDouble());
    JsonObject run = event.getAsJsonArray("runs").get(1).getAsJsonObject();
    assertEquals(100, run.get("onePartitionMs").getAsDouble());
    assertEquals(1, run.getAsJsonArray("anomalies").size());
    assertEquals("stop-node, run 3: gone", json.getAsJsonArray("broken").get(0).getAsString());
  }

  @Test
  void commandLinesThatMakeNoSenseAreRefused() {
    FailoverTimes.parse(List.of("--runs", "3", "--events", "kill-both,restart-fsync"));
    for (List<String> args :
        List.of(
            List.of("--runs"),
            List.of("--runs", "0"),
            List.of("--runs", "ten"),
            List.of("--events", "kill-everything"),
            List.of("--events", ""),
            List.of("--rounds", "3"))) {
      assertThrows(IllegalArgumentException.class, () -> FailoverTimes.parse(args), args::toString);
    }
  }
}
