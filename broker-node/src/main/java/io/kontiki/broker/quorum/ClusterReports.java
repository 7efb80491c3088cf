package io.kontiki.broker.quorum;

import io.grpc.Context;
import io.grpc.Status;
import io.kontiki.broker.api.NodeReports;
import io.kontiki.internal.v1.DescribeNodeRequest;
import io.kontiki.internal.v1.DescribeNodeResponse;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Completion;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reports of every broker: the own ones, and those of others, which are asked on their Raft port.
 */
final class ClusterReports implements NodeReports {
  private final int brokerId;
  private final NodeReports own;
  private final Peers peers;
  private final Clock clock;

  ClusterReports(int brokerId, NodeReports own, Peers peers, Clock clock) {
    this.brokerId = brokerId;
    this.own = own;
    this.peers = peers;
    this.clock = clock;
  }

  @Override
  public void logDirs(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<LogDir>>> completion) {
    if (broker.id() == brokerId) {
      own.logDirs(broker, deadlineNanos, completion);
      return;
    }
    ask(
        broker,
        DescribeNodeRequest.newBuilder().setIncludeLogDirs(true).build(),
        deadlineNanos,
        answer -> answer.getLogDirsList().stream().map(NodeReportCodec::logDir).toList(),
        completion);
  }

  @Override
  public void config(
      BrokerImage broker, long deadlineNanos, Completion<Result<List<ConfigLine>>> completion) {
    if (broker.id() == brokerId) {
      own.config(broker, deadlineNanos, completion);
      return;
    }
    ask(
        broker,
        DescribeNodeRequest.newBuilder().setIncludeConfig(true).build(),
        deadlineNanos,
        answer -> answer.getConfigList().stream().map(NodeReportCodec::configLine).toList(),
        completion);
  }

  private <T> void ask(
      BrokerImage broker,
      DescribeNodeRequest request,
      long deadlineNanos,
      Function<DescribeNodeResponse, T> read,
      Completion<Result<T>> completion) {
    Context.ROOT.run(
        () ->
            peers
                .at(broker.endpoints().raft(), deadlineNanos - clock.nanoTime())
                .describeNode(
                    request,
                    Peers.<DescribeNodeResponse>unary(
                        (answer, failure) ->
                            completion.complete(end(broker, answer, failure, read)))));
  }

  private static <T> Result<T> end(
      BrokerImage broker,
      @Nullable DescribeNodeResponse answer,
      @Nullable Status failure,
      Function<DescribeNodeResponse, T> read) {
    if (answer == null) {
      return Result.error(unreachable(broker, String.valueOf(failure)));
    }
    if (answer.getNodeId() != broker.id()) {
      return Result.error(unreachable(broker, "node " + answer.getNodeId() + " answers there"));
    }
    return Result.ok(read.apply(answer));
  }

  private static ApiError unreachable(BrokerImage broker, String why) {
    return ApiError.retriable(
            ErrorReason.BROKER_UNREACHABLE,
            "broker "
                + broker.id()
                + " at "
                + broker.endpoints().raft()
                + " does not tell of itself: "
                + why,
            500)
        .with("brokerId", broker.id());
  }
}
