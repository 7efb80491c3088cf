package io.kontiki.broker.shards;

import java.io.Serial;

/** A word of a link that cannot be read. The message begins with the place of the bad value. */
final class BadLinkMessageException extends IllegalArgumentException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * @param where as "submit.commands[3]"
   */
  BadLinkMessageException(String where, RuntimeException cause) {
    super(where + ": " + cause.getMessage(), cause);
  }

  private BadLinkMessageException(String message, BadLinkMessageException inner) {
    super(message, inner);
  }

  /** The same, seen from the message around it. */
  BadLinkMessageException in(String outer) {
    return new BadLinkMessageException(outer + "." + getMessage(), this);
  }
}
