package io.kontiki.chaos.simulation;

import java.io.Serial;

/** Something happened that must not: a run ends with it. */
public final class Violation extends AssertionError {
  @Serial private static final long serialVersionUID = 1L;

  private final String rule;

  /**
   * @param rule that is broken, such as {@code P1}
   * @param what with the names and values that show it
   */
  public Violation(String rule, String what) {
    super(rule + ": " + what);
    this.rule = rule;
  }

  /** A broken invariant that the code itself has found. */
  public Violation(String what, Throwable cause) {
    super(what + ": " + cause, cause);
    this.rule = "fault";
  }

  /** Of docs/correctness.md, or {@code fault}: an assertion inside the code failed. */
  public String rule() {
    return rule;
  }
}
