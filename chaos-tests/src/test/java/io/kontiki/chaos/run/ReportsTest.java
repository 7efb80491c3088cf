package io.kontiki.chaos.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.HistoryChecker;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.cluster.Networking;
import io.kontiki.cli.admin.Json;
import io.kontiki.cli.admin.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ReportsTest {
  private static final Log ORDERS = new Log("orders", 0);
  private static final long SECOND = 1_000_000_000L;

  /** Acknowledged, and not there when everything was read back. */
  private static final List<Event> LOSS =
      List.of(
          new Event.Sent("p", 1, ORDERS, "one", Event.Sending.DEFAULT),
          new Event.Acked("p", 1, ORDERS, "one", 0),
          new Event.Asked("final", ORDERS, 0),
          new Event.EndReached("final", ORDERS, 0));

  private static FaultRecord fault(FaultKind kind, long beginSecond, long gapMs) {
    long begin = beginSecond * SECOND;
    return new FaultRecord(
        kind,
        "SIGKILL to <node 1>",
        begin,
        begin + SECOND,
        begin + 2 * SECOND,
        Map.of(ORDERS, gapMs * 1_000_000, new Log("orders", 1), 0L));
  }

  private static Result result(List<Anomaly> anomalies, List<String> problems) {
    ChaosOptions options =
        new ChaosOptions(
            3,
            Duration.ofMinutes(1),
            10,
            List.of(FaultKind.KILL),
            42,
            40,
            null,
            Path.of("x"),
            null,
            Networking.AUTO);
    return new Result(
        options,
        0,
        60 * SECOND,
        List.of(
            fault(FaultKind.KILL, 10, 700),
            fault(FaultKind.KILL, 20, 300),
            fault(FaultKind.KILL, 30, 2_000),
            fault(FaultKind.RESTART, 40, 50)),
        Map.of("Acked", 1_000L),
        anomalies,
        problems,
        new int[] {1, 2, 3, 4},
        Map.of(FaultKind.CLOCK_JUMP, "no library"),
        List.of());
  }

  @Test
  void theTableHasMedianAndWorstOfEachKindOfTheWorstPartition() {
    List<KindSummary> kinds = KindSummary.of(result(List.of(), List.of()));
    assertEquals(
        List.of(
            new KindSummary(FaultKind.KILL, 3, 700, 2_000),
            new KindSummary(FaultKind.RESTART, 1, 50, 50)),
        kinds);
  }

  @Test
  void whatWasNotPossibleIsSaidInEveryReport() {
    Result result = result(List.of(), List.of());
    assertTrue(TextReport.of(result).contains("SKIPPED clock-jump: no library"));
    assertTrue(JsonReport.of(result).contains("\"clock-jump\":\"no library\""));
    assertTrue(HtmlReport.of(result).contains("skipped: no library"));
  }

  @Test
  void aLostRecordFailsTheRunAndIsInEveryReport() {
    Result result = result(HistoryChecker.check(LOSS, true), List.of());
    assertFalse(result.passed());
    assertTrue(TextReport.of(result).contains("FAILED: 4 faults in 60 s, seed 42; 1 anomalies"));
    assertTrue(HtmlReport.of(result).contains("What went wrong"));
    JsonObject json = (JsonObject) Json.parse(JsonReport.of(result));
    assertEquals(Boolean.FALSE, json.get("passed"));
    assertEquals(1, json.list("anomalies").size());
    assertEquals(4, json.objects("faults").size());
    assertEquals(2_000, json.objects("kinds").get(0).number("worstMs"));
  }

  @Test
  void aProblemOfAClientFailsTheRunToo() {
    Result result = result(List.of(), List.of("reader: cannot go on"));
    assertFalse(result.passed());
    assertTrue(TextReport.of(result).contains("PROBLEM: reader: cannot go on"));
  }

  @Test
  void thePageNeedsNothingElseAndTakesNoTextForMarkup() {
    String page = HtmlReport.of(result(List.of(), List.of()));
    assertTrue(page.contains("<svg "));
    assertTrue(page.contains("SIGKILL to &lt;node 1&gt;"));
    assertFalse(page.contains("<node 1>"));
    assertFalse(page.contains("http://") || page.contains("https://") || page.contains("<script"));
  }
}
