package io.kontiki.record;

import java.io.Serial;

/** Bytes that are not the record batch that they should be. */
public final class InvalidBatchException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final int position;

  /**
   * @param position where in the batch, or in its decompressed records; -1 if unknown
   * @param message what is there and what should be
   */
  public InvalidBatchException(int position, String message) {
    super(message + (position >= 0 ? " (at byte " + position + ")" : ""));
    this.position = position;
  }

  /** Where in the batch, or in its decompressed records; -1 if unknown. */
  public int position() {
    return position;
  }
}
