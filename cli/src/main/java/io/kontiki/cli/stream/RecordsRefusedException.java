package io.kontiki.cli.stream;

import java.io.Serial;

/** A record that will never be taken; those before it in the same call are acknowledged. */
public final class RecordsRefusedException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private final int index;

  RecordsRefusedException(int index, String message) {
    super(message);
    this.index = index;
  }

  /** Of the record in the list that was to be sent. */
  public int index() {
    return index;
  }
}
