package io.kontiki.chaos.run;

import io.kontiki.cli.admin.JsonObject;
import java.util.ArrayList;
import java.util.List;

/** A result for programs; times are milliseconds from the moment at which the clients began. */
final class JsonReport {
  private static final int VERSION = 1;

  private JsonReport() {}

  static String of(Result result) {
    JsonObject report =
        new JsonObject()
            .with("version", VERSION)
            .with("passed", result.passed())
            .with("seed", result.options().seed())
            .with("nodes", result.options().nodes())
            .with("milliseconds", ms(result, result.endNanos()));
    List<JsonObject> kinds = new ArrayList<>();
    for (KindSummary kind : KindSummary.of(result)) {
      kinds.add(
          new JsonObject()
              .with("fault", kind.kind().word())
              .with("count", kind.count())
              .with("medianMs", kind.medianMs())
              .with("worstMs", kind.worstMs()));
    }
    List<JsonObject> faults = new ArrayList<>();
    for (FaultRecord fault : result.faults()) {
      faults.add(
          new JsonObject()
              .with("fault", fault.kind().word())
              .with("what", fault.what())
              .with("beginMs", ms(result, fault.beginNanos()))
              .with("undoneMs", ms(result, fault.undoneNanos()))
              .with("wellMs", ms(result, fault.wellNanos()))
              .with("withoutAcksMs", fault.unavailableNanos() / 1_000_000));
    }
    JsonObject operations = new JsonObject();
    result.operations().forEach(operations::with);
    JsonObject skipped = new JsonObject();
    result.skipped().forEach((kind, why) -> skipped.with(kind.word(), why));
    return report
            .with("kinds", kinds)
            .with("faults", faults)
            .with("operations", operations)
            .with("skipped", skipped)
            .with("problems", result.problems())
            .with("anomalies", result.anomalies().stream().map(Object::toString).toList())
            .toString()
        + "\n";
  }

  private static long ms(Result result, long nanos) {
    return (nanos - result.beginNanos()) / 1_000_000;
  }
}
