package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;

/**
 * What only a broker itself can tell. Thread-safe; completions run on any loop, by the deadline at
 * the latest. Error: BROKER_UNREACHABLE.
 */
public interface NodeReports {
  /** A directory with partition data. */
  record LogDir(String path, State state, long totalBytes, long usableBytes, long logBytes) {
    /** Whether it is in use. */
    public enum State {
      /** Yes. */
      ONLINE,
      /** Reads and deletes only (rule D4). */
      FULL,
      /** A write or a sync failed (rule D1). */
      OFFLINE
    }
  }

  /**
   * A key of a configuration.
   *
   * @param value in force
   */
  record ConfigLine(
      String key,
      String value,
      String defaultValue,
      ConfigOrigin origin,
      String unit,
      String description) {}

  /** Where a value comes from. */
  enum ConfigOrigin {
    DEFAULT,
    FILE,
    ENVIRONMENT,
    COMMAND_LINE,
    TOPIC
  }

  /** The directories of a broker. */
  void logDirs(BrokerImage broker, long deadlineNanos, Completion<Result<List<LogDir>>> completion);

  /** The configuration of a broker, by key. */
  void config(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<ConfigLine>>> completion);
}
