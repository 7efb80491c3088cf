package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Log;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A result as one page that needs nothing else: acknowledgements a second over time with the faults
 * as bands behind them, one row per partition for the times without any, and the tables.
 */
final class HtmlReport {
  private static final int LEFT = 110;
  private static final int WIDTH = 1_000;
  private static final int HEIGHT = 160;
  private static final int ROW = 14;

  /** Shorter times without acknowledgements are too thin to be seen, and of no interest. */
  private static final long SHOWN_GAP_NANOS = 300_000_000;

  private static final String STYLE =
      "body{font:14px/1.45 system-ui,sans-serif;margin:2em;color:#1b2733;background:#fff}"
          + "h1{font-size:20px}h2{font-size:15px;margin-top:2em}"
          + "table{border-collapse:collapse}td,th{padding:2px 14px 2px 0;text-align:left}"
          + "td.n,th.n{text-align:right}tr{border-bottom:1px solid #e6eaee}"
          + "svg text{font-size:11px;fill:#52616f}.ok{color:#1a7f37}.bad{color:#c0292b}"
          + "pre{background:#f5f7f9;padding:1em;overflow:auto}"
          + "@media(prefers-color-scheme:dark){body{background:#14191f;color:#d6dee6}"
          + "tr{border-color:#2a333c}pre{background:#1d242c}svg text{fill:#9aa7b3}}";

  private final Result result;
  private final StringBuilder page = new StringBuilder();

  private HtmlReport(Result result) {
    this.result = result;
  }

  static String of(Result result) {
    return new HtmlReport(result).make();
  }

  private String make() {
    page.append(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Kontiki chaos, seed ")
        .append(result.options().seed())
        .append("</title><style>")
        .append(STYLE)
        .append("</style><body><h1>Kontiki chaos run: <span class=\"")
        .append(result.passed() ? "ok\">passed" : "bad\">failed")
        .append("</span></h1><p>")
        .append(
            text(
                String.format(
                    Locale.ROOT,
                    "%d faults on %d nodes in %.0f s, seed %d; %d anomalies, %d problems.",
                    result.faults().size(),
                    result.options().nodes(),
                    result.seconds(),
                    result.options().seed(),
                    result.anomalies().size(),
                    result.problems().size())))
        .append("</p>");
    plot();
    kinds();
    failures();
    faults();
    operations();
    return page.append("</body></html>\n").toString();
  }

  private double x(long nanos) {
    double share =
        (double) (nanos - result.beginNanos()) / (result.endNanos() - result.beginNanos());
    return LEFT + WIDTH * Math.max(0, Math.min(1, share));
  }

  private void plot() {
    List<Log> logs = new ArrayList<>();
    result.faults().stream()
        .flatMap(fault -> fault.gaps().keySet().stream())
        .distinct()
        .sorted()
        .forEach(logs::add);
    int height = HEIGHT + 30 + ROW * logs.size() + 20;
    page.append("<h2>Acknowledgements a second, and partitions without any</h2>");
    svg("<svg viewBox=\"0 0 %d %d\" role=\"img\" width=\"100%%\">", LEFT + WIDTH + 10, height);
    for (FaultRecord fault : result.faults()) {
      svg(
          "<rect x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\" fill=\"%s\" opacity=\"0.28\">"
              + "<title>%s</title></rect>",
          x(fault.beginNanos()),
          Math.max(1, x(fault.undoneNanos()) - x(fault.beginNanos())),
          height - 20,
          colour(fault.kind()),
          text(label(fault)));
    }
    acks();
    axis(height);
    for (int row = 0; row < logs.size(); row++) {
      int y = HEIGHT + 30 + ROW * row;
      svg("<text x=\"0\" y=\"%d\">%s</text>", y + 10, text(logs.get(row).toString()));
      for (FaultRecord fault : result.faults()) {
        gap(fault, fault.gaps().getOrDefault(logs.get(row), 0L), y);
      }
    }
    page.append("</svg>");
  }

  private void gap(FaultRecord fault, long nanos, int y) {
    if (nanos >= SHOWN_GAP_NANOS) {
      svg(
          "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#c0292b\"><title>%d ms: %s"
              + "</title></rect>",
          x(fault.beginNanos()),
          y,
          Math.max(1.5, x(fault.beginNanos() + nanos) - x(fault.beginNanos())),
          ROW - 4,
          nanos / 1_000_000,
          text(label(fault)));
    }
  }

  private void acks() {
    int[] slots = result.acksPerSlot();
    int most = 1;
    for (int count : slots) {
      most = Math.max(most, count);
    }
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < slots.length; i++) {
      points.append(
          String.format(
              Locale.ROOT,
              "%.1f,%.1f ",
              LEFT + (i + 0.5) * WIDTH / slots.length,
              HEIGHT - (double) slots[i] * (HEIGHT - 10) / most));
    }
    svg("<polyline points=\"%s\" fill=\"none\" stroke=\"#2f6fb2\"/>", points.toString().strip());
    svg(
        "<text x=\"0\" y=\"14\">%.0f a second</text><text x=\"0\" y=\"%d\">0</text>",
        most * slots.length / result.seconds(), HEIGHT);
  }

  private void axis(int height) {
    double step = 1;
    for (double next : new double[] {5, 10, 30, 60, 300, 600, 1_800, 3_600}) {
      if (result.seconds() / step > 12) {
        step = next;
      }
    }
    for (double second = 0; second <= result.seconds(); second += step) {
      svg(
          "<text x=\"%.1f\" y=\"%d\">%.0f s</text>",
          x(result.beginNanos() + (long) (second * 1e9)), height - 4, second);
    }
  }

  private static String colour(FaultKind kind) {
    return switch (kind.word().substring(0, 3)) {
      case "kil" -> "#d9822b";
      case "fre" -> "#7d5fb5";
      case "res" -> "#4f8f5b";
      case "cut", "slo", "los" -> "#2b8aa8";
      default -> "#b5476b";
    };
  }

  private String label(FaultRecord fault) {
    return String.format(
        Locale.ROOT,
        "%.1f s %s: %s; %d ms without acknowledgements",
        (fault.beginNanos() - result.beginNanos()) / 1e9,
        fault.kind().word(),
        fault.what(),
        fault.unavailableNanos() / 1_000_000);
  }

  private void kinds() {
    page.append(
        "<h2>Faults by kind</h2><table><tr><th>fault<th class=\"n\">count<th class=\"n\">without"
            + " acknowledgements, median ms<th class=\"n\">worst ms<th>what it is");
    for (KindSummary kind : KindSummary.of(result)) {
      svg(
          "<tr><td>%s<td class=\"n\">%d<td class=\"n\">%d<td class=\"n\">%d<td>%s",
          kind.kind().word(),
          kind.count(),
          kind.medianMs(),
          kind.worstMs(),
          text(kind.kind().meaning()));
    }
    for (Map.Entry<FaultKind, String> skipped : result.skipped().entrySet()) {
      svg(
          "<tr><td>%s<td class=\"n\">0<td class=\"n\">-<td class=\"n\">-<td>skipped: %s",
          skipped.getKey().word(), text(skipped.getValue()));
    }
    page.append("</table>");
  }

  private void failures() {
    if (!result.passed()) {
      page.append("<h2 class=\"bad\">What went wrong</h2><pre>");
      result.problems().forEach(problem -> page.append(text(problem)).append('\n'));
      result.anomalies().forEach(anomaly -> page.append(text(anomaly.toString())).append('\n'));
      page.append("</pre>");
    }
  }

  private void faults() {
    page.append("<h2>Faults in order</h2><pre>");
    result.faults().forEach(fault -> page.append(text(label(fault))).append('\n'));
    page.append("</pre>");
  }

  private void operations() {
    page.append("<h2>Operations</h2><table>");
    result
        .operations()
        .forEach((name, count) -> svg("<tr><td>%s<td class=\"n\">%d", text(name), count));
    page.append("</table>");
  }

  private void svg(String format, Object... values) {
    page.append(String.format(Locale.ROOT, format, values));
  }

  private static String text(String plain) {
    return plain
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
