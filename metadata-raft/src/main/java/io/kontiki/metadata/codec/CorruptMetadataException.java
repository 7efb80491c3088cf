package io.kontiki.metadata.codec;

import java.io.Serial;

/** Bytes that are no command, outcome or image; the message says where. Damage or a bug (M11). */
public final class CorruptMetadataException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  CorruptMetadataException(String message, Throwable cause) {
    super(message, cause);
  }
}
