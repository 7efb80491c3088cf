package io.kontiki.client;

/**
 * What is committed of a partition.
 *
 * @param offset of the next record to read: after the record at 41 one commits 42. Not negative
 * @param metadata free text that is stored with it, at most 4 KiB in UTF-8; empty: none
 */
public record OffsetAndMetadata(long offset, String metadata) {
  public OffsetAndMetadata {
    if (offset < 0) {
      throw new IllegalArgumentException("offset " + offset + " is negative");
    }
  }

  /** Without text. */
  public OffsetAndMetadata(long offset) {
    this(offset, "");
  }
}
