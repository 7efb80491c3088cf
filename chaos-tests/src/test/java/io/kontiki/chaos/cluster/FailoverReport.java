package io.kontiki.chaos.cluster;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.kontiki.chaos.history.Anomaly;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** All runs of a measurement, as a table and as JSON. One thread. */
final class FailoverReport {
  private static final int SHOWN_ANOMALIES = 5;
  private static final String FORMAT = "%-42s %4s  %13s  %6s  %13s  %13s  %13s  %s%n";

  private final Map<FailoverEvent, List<FailoverRun>> byEvent = new EnumMap<>(FailoverEvent.class);

  void add(FailoverRun run) {
    byEvent.computeIfAbsent(run.event(), event -> new ArrayList<>()).add(run);
  }

  /** Whether no run lost, doubled, reordered or refused anything. */
  boolean isGood() {
    return byEvent.values().stream().flatMap(List::stream).allMatch(FailoverRun::isGood);
  }

  /** One run; of its anomalies the first few. */
  static String line(FailoverRun run) {
    String text =
        String.format(
            Locale.ROOT,
            "%-42s node %d (%s): %.0f ms; any partition %.0f ms; a record waited %.0f ms; coming"
                + " back %.0f ms; %d records, %d failed, %d anomalies",
            run.event().title(),
            run.target().node(),
            run.target().roles(),
            run.strictMs(),
            run.overallMs(),
            run.outage().waitNanos() / 1e6,
            run.return_().strictNanos() / 1e6,
            run.records(),
            run.failed(),
            run.anomalies().size());
    StringBuilder all = new StringBuilder(text);
    run.anomalies().stream()
        .limit(SHOWN_ANOMALIES)
        .forEach(anomaly -> all.append("\n  ").append(anomaly));
    return all.toString();
  }

  /**
   * A line for each event: medians and worst cases, in seconds, of the longest time without an
   * acknowledgement.
   */
  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        "Seconds without an acknowledgement, median / worst; after SIGKILL of all: seconds");
    text.append(" from the start of the processes\nto the first acknowledgement.\n\n");
    text.append(
        String.format(
            Locale.ROOT,
            FORMAT,
            "",
            "runs",
            "one partition",
            "budget",
            "all of them",
            "a record",
            "coming back",
            "lost/doubled/reordered/other/refused"));
    byEvent.forEach(
        (event, runs) ->
            text.append(
                String.format(
                    Locale.ROOT,
                    FORMAT,
                    event.title(),
                    runs.size(),
                    seconds(runs, FailoverRun::strictMs),
                    String.format(Locale.ROOT, "%.1f", event.budgetMs() / 1e3),
                    seconds(runs, FailoverRun::overallMs),
                    seconds(runs, run -> run.outage().waitNanos() / 1e6),
                    seconds(runs, run -> run.return_().strictNanos() / 1e6),
                    Verdict.of(runs))));
    text.append("\none partition: the one that paused longest; all of them: until any went on;");
    text.append(
        " a record: from when it was due to its\nacknowledgement; coming back: one partition");
    text.append(" again, while the node returned.\n");
    return text.toString();
  }

  /** What the history checker found, in the order of the table. */
  private record Verdict(long lost, long doubled, long reordered, long other, long refused) {
    static Verdict of(List<FailoverRun> runs) {
      return new Verdict(
          count(runs, Anomaly.Kind.LOST, Anomaly.Kind.UNSEEN),
          count(runs, Anomaly.Kind.DUPLICATE, Anomaly.Kind.INCONSISTENT_OFFSET),
          count(runs, Anomaly.Kind.REORDERED),
          count(
              runs,
              Anomaly.Kind.ABORTED_READ,
              Anomaly.Kind.PHANTOM,
              Anomaly.Kind.SEEN_UNCOMMITTED,
              Anomaly.Kind.WENT_BACK,
              Anomaly.Kind.SKIPPED,
              Anomaly.Kind.STALE_END),
          runs.stream().mapToLong(FailoverRun::failed).sum());
    }

    private static long count(List<FailoverRun> runs, Anomaly.Kind... kinds) {
      return runs.stream()
          .flatMap(run -> run.anomalies().stream())
          .filter(anomaly -> List.of(kinds).contains(anomaly.kind()))
          .count();
    }

    @Override
    public String toString() {
      return lost + "/" + doubled + "/" + reordered + "/" + other + "/" + refused;
    }
  }

  private static String seconds(List<FailoverRun> runs, ToDoubleFunction<FailoverRun> ms) {
    return String.format(Locale.ROOT, "%.2f / %.2f", median(runs, ms) / 1e3, worst(runs, ms) / 1e3);
  }

  private static double median(List<FailoverRun> runs, ToDoubleFunction<FailoverRun> ms) {
    double[] sorted = runs.stream().mapToDouble(ms).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static double worst(List<FailoverRun> runs, ToDoubleFunction<FailoverRun> ms) {
    return runs.stream().mapToDouble(ms).max().orElseThrow();
  }

  /**
   * The same for programs, with every single run.
   *
   * @param broken runs that have no times, because the cluster did not come back
   */
  String json(List<String> broken) {
    JsonObject all = new JsonObject();
    all.addProperty("version", 1);
    all.addProperty("java", Runtime.version().toString());
    all.addProperty("processors", Runtime.getRuntime().availableProcessors());
    all.addProperty("recordsPerSecond", LoadShape.MEASURED.perSecond());
    JsonArray events = new JsonArray();
    byEvent.forEach((event, runs) -> events.add(json(event, runs)));
    all.add("events", events);
    JsonArray failures = new JsonArray();
    broken.forEach(failures::add);
    all.add("broken", failures);
    return new GsonBuilder().setPrettyPrinting().create().toJson(all) + "\n";
  }

  private static JsonObject json(FailoverEvent event, List<FailoverRun> runs) {
    JsonObject object = new JsonObject();
    object.addProperty("event", event.id());
    object.addProperty("budgetMs", event.budgetMs());
    object.addProperty("medianMs", rounded(median(runs, FailoverRun::strictMs)));
    object.addProperty("worstMs", rounded(worst(runs, FailoverRun::strictMs)));
    JsonArray array = new JsonArray();
    runs.forEach(run -> array.add(json(run)));
    object.add("runs", array);
    return object;
  }

  private static JsonObject json(FailoverRun run) {
    JsonObject object = new JsonObject();
    object.addProperty("node", run.target().node());
    object.addProperty("roles", run.target().roles());
    object.addProperty("at", run.at().toString());
    object.addProperty("onePartitionMs", rounded(run.strictMs()));
    object.addProperty("partition", run.outage().partition());
    object.addProperty("allPartitionsMs", rounded(run.overallMs()));
    object.addProperty("recordMs", rounded(run.outage().waitNanos() / 1e6));
    object.addProperty("comingBackMs", rounded(run.return_().strictNanos() / 1e6));
    object.addProperty("comingBackRecordMs", rounded(run.return_().waitNanos() / 1e6));
    object.addProperty("records", run.records());
    object.addProperty("failed", run.failed());
    JsonArray anomalies = new JsonArray();
    run.anomalies().forEach(anomaly -> anomalies.add(anomaly.toString()));
    object.add("anomalies", anomalies);
    return object;
  }

  private static double rounded(double ms) {
    return Math.round(ms * 10) / 10.0;
  }
}
