package io.kontiki.group.codec;

import java.io.Serial;

/** Bytes that are no command, answer or snapshot of groups. Damage or a bug (rule M11). */
public final class CorruptGroupsException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  CorruptGroupsException(String message, Throwable cause) {
    super(message, cause);
  }
}
