package io.kontiki.tool;

import java.io.PrintStream;
import java.util.Map;

/** Lines for people, or one JSON object a line. */
final class Report {
  private final PrintStream out;
  private final boolean json;

  Report(PrintStream out, boolean json) {
    this.out = out;
    this.json = json;
  }

  /**
   * Prints one thing.
   *
   * @param fields in order; numbers and booleans stay such in JSON
   */
  void line(String kind, Map<String, ?> fields) {
    StringBuilder line = new StringBuilder();
    if (json) {
      line.append("{\"kind\":").append(quoted(kind));
      fields.forEach(
          (name, value) ->
              line.append(',').append(quoted(name)).append(':').append(jsonValue(value)));
      line.append('}');
    } else {
      line.append(kind);
      fields.forEach((name, value) -> line.append(' ').append(name).append('=').append(value));
    }
    out.println(line);
  }

  private static String jsonValue(Object value) {
    return value instanceof Number || value instanceof Boolean
        ? value.toString()
        : quoted(String.valueOf(value));
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append("\\u%04x".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
