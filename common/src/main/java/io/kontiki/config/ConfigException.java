package io.kontiki.config;

import java.io.Serial;

/** A configuration that cannot be used; the message names key, value and what would be right. */
public final class ConfigException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  public ConfigException(String message) {
    super(message);
  }
}
