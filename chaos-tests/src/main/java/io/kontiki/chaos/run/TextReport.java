package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.cli.base.Table;
import java.util.Locale;

/** A result for the terminal. */
final class TextReport {
  private TextReport() {}

  static String of(Result result) {
    Table table = new Table("FAULT", "COUNT", "WITHOUT ACKS: MEDIAN MS", "WORST MS", "WHAT IT IS");
    for (KindSummary kind : KindSummary.of(result)) {
      table.row(
          kind.kind().word(), kind.count(), kind.medianMs(), kind.worstMs(), kind.kind().meaning());
    }
    StringBuilder text = new StringBuilder(table.toString());
    result
        .skipped()
        .forEach(
            (kind, why) ->
                text.append("SKIPPED ").append(kind.word()).append(": ").append(why).append('\n'));
    text.append('\n');
    Table operations = new Table("OPERATION", "COUNT");
    result.operations().forEach((name, count) -> operations.row(name, count));
    text.append(operations).append('\n');
    result.problems().forEach(problem -> text.append("PROBLEM: ").append(problem).append('\n'));
    for (Anomaly anomaly : result.anomalies()) {
      text.append("ANOMALY: ").append(anomaly).append('\n');
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%s: %d faults in %.0f s, seed %d; %d anomalies, %d problems%n",
            result.passed() ? "PASSED" : "FAILED",
            result.faults().size(),
            result.seconds(),
            result.options().seed(),
            result.anomalies().size(),
            result.problems().size()));
    return text.toString();
  }
}
