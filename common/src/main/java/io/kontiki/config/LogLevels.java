package io.kontiki.config;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * How much is logged.
 *
 * @param root ERROR, WARN, INFO, DEBUG or TRACE
 * @param byLogger exceptions by logger name, sorted
 */
public record LogLevels(String root, Map<String, String> byLogger) {
  private static final String[] NAMES = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE", "OFF"};

  public LogLevels {
    byLogger = Collections.unmodifiableMap(new TreeMap<>(byLogger));
  }

  static String level(String text) {
    return Parsers.oneOf(NAMES, name -> name).apply(text);
  }

  static Map<String, String> levels(String text) {
    Map<String, String> levels = new TreeMap<>();
    for (String part : text.isEmpty() ? new String[0] : text.split(",", -1)) {
      int equals = part.indexOf('=');
      if (equals <= 0) {
        throw new IllegalArgumentException("'" + part + "' is not LOGGER=LEVEL");
      }
      levels.put(part.substring(0, equals).strip(), level(part.substring(equals + 1).strip()));
    }
    return Collections.unmodifiableMap(levels);
  }
}
