package io.kontiki.model;

/** What it means that a replica <em>holds</em> a record (rule R36). Fixed when a topic is made. */
public enum Durability {
  /** On stable storage: below the end that a finished sync covers. */
  FSYNC("fsync"),
  /** In the page cache: below the log end. */
  REPLICATED("replicated");

  private final String configValue;

  Durability(String configValue) {
    this.configValue = configValue;
  }

  /** The value of the topic setting {@code durability}. */
  public String configValue() {
    return configValue;
  }

  /**
   * Reads the value of the topic setting.
   *
   * @throws IllegalArgumentException if it is neither {@code fsync} nor {@code replicated}
   */
  public static Durability parse(String value) {
    for (Durability durability : values()) {
      if (durability.configValue.equals(value)) {
        return durability;
      }
    }
    throw new IllegalArgumentException("'" + value + "' is neither fsync nor replicated");
  }
}
