package io.kontiki.cli.base;

import java.io.Serial;

/** Ends the command with an exit code and one line for people; no stack trace is ever shown. */
public final class CliException extends RuntimeException {
  /** Refused, failed, or something needs a person. */
  public static final int FAILED = 1;

  /** The arguments make no sense. */
  public static final int USAGE = 2;

  /** No broker answered in time. */
  public static final int NO_ANSWER = 3;

  @Serial private static final long serialVersionUID = 1L;

  private final int exitCode;

  private CliException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  public static CliException failed(String message) {
    return new CliException(FAILED, message);
  }

  public static CliException usage(String message) {
    return new CliException(USAGE, message);
  }

  public static CliException noAnswer(String message) {
    return new CliException(NO_ANSWER, message);
  }

  /** The same with more to say. */
  public CliException withRemark(String remark) {
    return new CliException(exitCode, getMessage() + remark);
  }

  public int exitCode() {
    return exitCode;
  }
}
