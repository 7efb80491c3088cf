package io.kontiki.cli.admin;

import io.kontiki.cli.base.Times;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A broker's refusal, or its word that it does not know. */
public final class AdminError extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final String code;
  private final String reason;
  private final boolean definite;
  private final long retryAfterMs;

  /**
   * As a broker gave it.
   *
   * @param code as in the JSON form: {@code not_found}
   * @param reason as in the table of reasons; empty if the broker gave none
   * @param definite nothing happened, and nothing will
   * @param retryAfterMs 0 if not told
   */
  public AdminError(
      String code, String reason, String message, boolean definite, long retryAfterMs) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.definite = definite;
    this.retryAfterMs = retryAfterMs;
  }

  /** Reads an error answer; null if it does not come from a Kontiki broker. */
  static @Nullable AdminError of(HttpAnswer answer) {
    JsonObject json = answer.json();
    if (json == null || !json.has("code")) {
      return null;
    }
    JsonObject info = new JsonObject();
    long retryAfterMs = answer.retryAfterMs();
    for (JsonObject detail : json.objects("details")) {
      if (detail.text("type").endsWith("google.rpc.ErrorInfo")) {
        info = detail.object("debug");
      } else if (detail.text("type").endsWith("google.rpc.RetryInfo")) {
        // The header has whole seconds, rounded up; this is exact.
        retryAfterMs = delayMs(detail.object("debug").text("retryDelay"), retryAfterMs);
      }
    }
    return new AdminError(
        json.text("code"),
        info.text("reason"),
        json.text("message"),
        info.object("metadata").text("outcome").equals("definite"),
        retryAfterMs);
  }

  private static long delayMs(String protoDuration, long otherwiseMs) {
    try {
      return Times.duration(protoDuration).toMillis();
    } catch (IllegalArgumentException e) {
      return otherwiseMs;
    }
  }

  public String reason() {
    return reason;
  }

  /** The same call may succeed later, and repeating it cannot do it twice. */
  boolean mayRepeat(boolean readOnly) {
    return (definite || readOnly)
        && (code.equals("unavailable") || code.equals("resource_exhausted"));
  }

  /** The quorum could not be asked. */
  boolean isWithoutQuorum() {
    return code.equals("unavailable") || code.equals("deadline_exceeded");
  }

  long retryAfterMs() {
    return retryAfterMs;
  }

  /** One line for people: the reason, what the broker said, and whether it may have happened. */
  public String line(boolean readOnly) {
    String line = (reason.isEmpty() ? code : reason) + ": " + getMessage();
    return definite || readOnly ? line : line + " (outcome unknown: look before repeating)";
  }
}
