package io.kontiki.cli;

/** How answers are printed. */
public enum OutputFormat {
  /** For people. */
  TABLE,
  /** For programs: one value, numbers as JSON numbers. */
  JSON;

  /**
   * Reads {@code table} or {@code json}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static OutputFormat parse(String text) {
    return switch (text) {
      case "table" -> TABLE;
      case "json" -> JSON;
      default -> throw new IllegalArgumentException("'" + text + "' is neither table nor json");
    };
  }
}
