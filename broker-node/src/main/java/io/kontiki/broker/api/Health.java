package io.kontiki.broker.api;

/** How this broker is. Thread-safe; does not block. */
public interface Health {
  /**
   * An answer.
   *
   * @param text one line for people: what is wrong, or that all is well
   */
  record Verdict(boolean ok, String text) {}

  /** Whether apply thread, loops and log writer move. */
  Verdict alive();

  /** Whether it is unfenced, has its lease and knows a quorum. */
  Verdict ready();
}
