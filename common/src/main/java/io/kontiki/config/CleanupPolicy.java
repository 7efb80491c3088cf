package io.kontiki.config;

import java.util.Arrays;

/** What becomes of old records. */
public enum CleanupPolicy {
  /** They go by age and size. */
  DELETE("delete");

  private final String configValue;

  CleanupPolicy(String configValue) {
    this.configValue = configValue;
  }

  /** The value of the topic setting {@code cleanup.policy}. */
  public String configValue() {
    return configValue;
  }

  static CleanupPolicy parse(String text) {
    boolean compact =
        Arrays.stream(text.split(",", -1)).map(String::strip).anyMatch("compact"::equals);
    if (compact) {
      // Kafka's value, which must not be taken silently: nothing would ever be compacted.
      throw new IllegalArgumentException(
          "this version does not compact topics; only delete is there");
    }
    if (!text.equals(DELETE.configValue)) {
      throw new IllegalArgumentException("'" + text + "' is not delete");
    }
    return DELETE;
  }
}
