package io.kontiki.cli.admin;

import java.io.IOException;
import java.io.Serial;

/** A server that did not answer. */
public final class NoAnswerException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  private final boolean sent;
  private final boolean timedOut;

  NoAnswerException(String message, boolean sent, boolean timedOut) {
    super(message);
    this.sent = sent;
    this.timedOut = timedOut;
  }

  /** The request was under way: a change may have happened. */
  public boolean sent() {
    return sent;
  }

  /** Something listens there, or swallows packets, but says nothing. */
  public boolean timedOut() {
    return timedOut;
  }
}
