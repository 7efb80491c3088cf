package io.kontiki.config;

import java.util.Arrays;
import java.util.TreeSet;

/** What becomes of old records. */
public enum CleanupPolicy {
  /** They go by age and size. */
  DELETE("delete"),
  /** All but the newest of each key may go, none for its age or size. */
  COMPACT("compact"),
  /** Both. */
  COMPACT_AND_DELETE("compact,delete");

  private final String configValue;

  CleanupPolicy(String configValue) {
    this.configValue = configValue;
  }

  /** The value of the topic setting {@code cleanup.policy}. */
  public String configValue() {
    return configValue;
  }

  /** Whether age and size count. */
  public boolean deletes() {
    return this != COMPACT;
  }

  /** Whether superseded records may go. */
  public boolean compacts() {
    return this != DELETE;
  }

  static CleanupPolicy parse(String text) {
    TreeSet<String> words = new TreeSet<>();
    Arrays.stream(text.split(",", -1)).map(String::strip).forEach(words::add);
    String sorted = String.join(",", words);
    for (CleanupPolicy policy : values()) {
      if (policy.configValue.equals(sorted)) {
        return policy;
      }
    }
    throw new IllegalArgumentException("'" + text + "' is not delete, compact or compact,delete");
  }
}
