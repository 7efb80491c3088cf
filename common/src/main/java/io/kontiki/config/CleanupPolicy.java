package io.kontiki.config;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;

/** What becomes of old records. */
public enum CleanupPolicy {
  /** They go by age and size. */
  DELETE("delete", true, false),

  /** Those go for whose key there is a later one. */
  COMPACT("compact", false, true),

  /** Both. */
  COMPACT_DELETE("compact,delete", true, true);

  private final String configValue;
  private final boolean deletes;
  private final boolean compacts;

  CleanupPolicy(String configValue, boolean deletes, boolean compacts) {
    this.configValue = configValue;
    this.deletes = deletes;
    this.compacts = compacts;
  }

  /** The value of the topic setting {@code cleanup.policy}. */
  public String configValue() {
    return configValue;
  }

  /** Whether retention by age and size applies. */
  public boolean deletes() {
    return deletes;
  }

  /** Whether records are superseded by later ones of their key. */
  public boolean compacts() {
    return compacts;
  }

  static CleanupPolicy parse(String text) {
    Set<String> words = new TreeSet<>();
    Arrays.stream(text.split(",", -1)).map(String::strip).forEach(words::add);
    String sorted = String.join(",", words);
    for (CleanupPolicy policy : values()) {
      if (policy.configValue.equals(sorted)) {
        return policy;
      }
    }
    throw new IllegalArgumentException(
        "'" + text + "' is none of delete, compact, and both with a comma between");
  }
}
