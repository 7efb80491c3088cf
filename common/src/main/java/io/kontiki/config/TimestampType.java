package io.kontiki.config;

/** Whose time a record's timestamp is. */
public enum TimestampType {
  /** The producer's. */
  CREATE_TIME("CreateTime"),
  /** The leader's, of the append. */
  LOG_APPEND_TIME("LogAppendTime");

  private final String configValue;

  TimestampType(String configValue) {
    this.configValue = configValue;
  }

  /** The value of the topic setting {@code message.timestamp.type}. */
  public String configValue() {
    return configValue;
  }
}
