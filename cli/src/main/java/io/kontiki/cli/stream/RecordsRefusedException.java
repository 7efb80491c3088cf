package io.kontiki.cli.stream;

import io.kontiki.v1.RecordPosition;
import java.io.Serial;
import java.util.List;

/** A record that will never be taken; those before it in the same call are acknowledged. */
public final class RecordsRefusedException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private final transient List<RecordPosition> acknowledged;

  RecordsRefusedException(List<RecordPosition> acknowledged, String message) {
    super(message);
    this.acknowledged = List.copyOf(acknowledged);
  }

  /** Positions of the records before the one that was refused, in order. */
  public List<RecordPosition> acknowledged() {
    return acknowledged;
  }
}
