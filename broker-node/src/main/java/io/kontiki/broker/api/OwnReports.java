package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;
import java.util.function.Supplier;

/** Reports of this broker alone, of others none. */
public final class OwnReports implements NodeReports {
  private final int brokerId;
  private final Supplier<List<LogDir>> logDirs;
  private final List<ConfigLine> config;

  /**
   * @param logDirs called on any loop; does not block
   * @param config by key
   */
  public OwnReports(int brokerId, Supplier<List<LogDir>> logDirs, List<ConfigLine> config) {
    this.brokerId = brokerId;
    this.logDirs = logDirs;
    this.config = List.copyOf(config);
  }

  /** The directories as they are now. */
  public List<LogDir> logDirs() {
    return logDirs.get();
  }

  /** The configuration, by key. */
  public List<ConfigLine> config() {
    return config;
  }

  @Override
  public void logDirs(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<LogDir>>> completion) {
    completion.complete(
        broker.id() == brokerId ? Result.ok(logDirs.get()) : Result.error(unreachable(broker)));
  }

  @Override
  public void config(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<ConfigLine>>> completion) {
    completion.complete(
        broker.id() == brokerId ? Result.ok(config) : Result.error(unreachable(broker)));
  }

  private ApiError unreachable(BrokerImage broker) {
    return ApiError.definite(
            ErrorReason.BROKER_UNREACHABLE,
            "broker "
                + brokerId
                + " cannot ask broker "
                + broker.id()
                + ": ask it itself, at "
                + broker.endpoints().grpc()
                + " or "
                + broker.endpoints().http())
        .with("brokerId", broker.id())
        .with("grpcAddress", broker.endpoints().grpc())
        .with("httpAddress", broker.endpoints().http());
  }
}
