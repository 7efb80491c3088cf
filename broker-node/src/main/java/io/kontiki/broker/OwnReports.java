package io.kontiki.broker;

import io.kontiki.broker.api.NodeReports;
import io.kontiki.config.Config;
import io.kontiki.config.ConfigKey;
import io.kontiki.config.NodeConfig;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;

/** What this broker says of itself; others have to be asked themselves. */
final class OwnReports implements NodeReports {
  private final int brokerId;
  private final Config config;
  private final Supplier<LogDir> logDir;

  OwnReports(int brokerId, Config config, Supplier<LogDir> logDir) {
    this.brokerId = brokerId;
    this.config = config;
    this.logDir = logDir;
  }

  /** The state of one directory. */
  static LogDir logDir(
      Path path, boolean offline, long totalBytes, long usableBytes, long logBytes) {
    return new LogDir(
        path.toString(),
        offline ? LogDir.State.OFFLINE : LogDir.State.ONLINE,
        totalBytes,
        usableBytes,
        logBytes);
  }

  @Override
  public void logDirs(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<LogDir>>> completion) {
    completion.complete(
        broker.id() == brokerId
            ? Result.ok(List.of(logDir.get()))
            : Result.error(elsewhere(broker)));
  }

  @Override
  public void config(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<ConfigLine>>> completion) {
    if (broker.id() != brokerId) {
      completion.complete(Result.error(elsewhere(broker)));
      return;
    }
    List<ConfigLine> lines = new ArrayList<>();
    for (ConfigKey<?> key : NodeConfig.keys()) {
      lines.add(
          new ConfigLine(
              key.name(),
              config.text(key),
              key.defaultText(),
              origin(config.source(key)),
              key.unit(),
              key.doc()));
    }
    lines.sort(Comparator.comparing(ConfigLine::key));
    completion.complete(Result.ok(lines));
  }

  private static ConfigOrigin origin(Config.Source source) {
    return switch (source) {
      case DEFAULT -> ConfigOrigin.DEFAULT;
      case FILE -> ConfigOrigin.FILE;
      case ENVIRONMENT -> ConfigOrigin.ENVIRONMENT;
      case COMMAND_LINE -> ConfigOrigin.COMMAND_LINE;
    };
  }

  private ApiError elsewhere(BrokerImage broker) {
    return ApiError.definite(
            ErrorReason.BROKER_UNREACHABLE,
            "broker "
                + broker.id()
                + " tells this itself: ask it at "
                + broker.endpoints().http()
                + ", this is broker "
                + brokerId)
        .with("brokerId", broker.id());
  }
}
