package io.kontiki.broker.forward;

import com.google.protobuf.ByteString;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.DeleteRecords;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.LeaderHint;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.internal.v1.DescribePartitionsRequest;
import io.kontiki.internal.v1.DescribePartitionsResponse;
import io.kontiki.internal.v1.ForwardAppendRequest;
import io.kontiki.internal.v1.ForwardAppendResponse;
import io.kontiki.internal.v1.ForwardDeleteRecordsRequest;
import io.kontiki.internal.v1.ForwardDeleteRecordsResponse;
import io.kontiki.internal.v1.ForwardFetchRequest;
import io.kontiki.internal.v1.ForwardFetchResponse;
import io.kontiki.internal.v1.ForwardLeader;
import io.kontiki.internal.v1.ForwardListOffsetRequest;
import io.kontiki.internal.v1.ForwardListOffsetResponse;
import io.kontiki.internal.v1.ForwardServiceGrpc;
import io.kontiki.internal.v1.PartitionEnds;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.proto.Failures;
import io.kontiki.proto.WithPayload;
import io.kontiki.runtime.Clock;
import io.kontiki.v1.Failure;
import java.nio.BufferUnderflowException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Takes requests that other brokers hand on; never hands them on again (rule R45). */
public final class ForwardGrpcService implements BindableService {
  private static final long DEFAULT_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final PartitionRequests local;
  private final Clock clock;

  /** Over this broker's own partitions. */
  public ForwardGrpcService(PartitionRequests local, Clock clock) {
    this.local = local;
    this.clock = clock;
  }

  @Override
  public ServerServiceDefinition bindService() {
    ServiceDescriptor descriptor =
        ServiceDescriptor.newBuilder(ForwardServiceGrpc.SERVICE_NAME)
            .addMethod(ForwardMethods.APPEND)
            .addMethod(ForwardMethods.FETCH)
            .addMethod(ForwardServiceGrpc.getListOffsetMethod())
            .addMethod(ForwardServiceGrpc.getDeleteRecordsMethod())
            .addMethod(ForwardServiceGrpc.getDescribePartitionsMethod())
            .build();
    return ServerServiceDefinition.builder(descriptor)
        .addMethod(ForwardMethods.APPEND, ServerCalls.asyncUnaryCall(checked(this::append)))
        .addMethod(ForwardMethods.FETCH, ServerCalls.asyncUnaryCall(checked(this::fetch)))
        .addMethod(
            ForwardServiceGrpc.getListOffsetMethod(),
            ServerCalls.asyncUnaryCall(checked(this::listOffset)))
        .addMethod(
            ForwardServiceGrpc.getDeleteRecordsMethod(),
            ServerCalls.asyncUnaryCall(checked(this::deleteRecords)))
        .addMethod(
            ForwardServiceGrpc.getDescribePartitionsMethod(),
            ServerCalls.asyncUnaryCall(checked(this::describe)))
        .build();
  }

  /** What no broker sends is refused as such. */
  private static <Q, A> ServerCalls.UnaryMethod<Q, A> checked(ServerCalls.UnaryMethod<Q, A> call) {
    return (request, out) -> {
      try {
        call.invoke(request, out);
      } catch (IllegalArgumentException | BufferUnderflowException e) {
        out.onError(
            Status.INVALID_ARGUMENT
                .withDescription("the request names no partition: " + e)
                .asRuntimeException());
      }
    };
  }

  private void append(
      WithPayload<ForwardAppendRequest> request, StreamObserver<ForwardAppendResponse> out) {
    ForwardAppendRequest head = request.message();
    Acks acks =
        switch (head.getAcks()) {
          case ACKS_LEADER -> Acks.LEADER;
          case ACKS_NONE -> Acks.NONE;
          default -> Acks.ALL;
        };
    Append append =
        new Append(
            partition(head.getTopicId(), head.getPartition()),
            head.getLeaderEpoch(),
            acks,
            request.joined(),
            deadlineNanos(),
            Route.LOCAL);
    local.append(append, answer -> finish(out, appended(answer)));
  }

  private static ForwardAppendResponse appended(AppendAnswer answer) {
    ForwardAppendResponse.Builder response = ForwardAppendResponse.newBuilder();
    if (answer instanceof AppendAnswer.Appended done) {
      return response
          .setBaseOffset(done.baseOffset())
          .setAppendTimeMs(done.appendTimeMs())
          .setLogStartOffset(done.logStartOffset())
          .setHighWatermark(done.highWatermark())
          .setLeaderEpoch(done.leaderEpoch())
          .setDurable(done.durability() == Durability.FSYNC)
          .build();
    }
    AppendAnswer.Failed failed = (AppendAnswer.Failed) answer;
    refuse(failed.error(), failed.leader(), response::setFailure, response::setLeader);
    return response.build();
  }

  private void fetch(
      ForwardFetchRequest request, StreamObserver<WithPayload<ForwardFetchResponse>> out) {
    long waitNanos = TimeUnit.MILLISECONDS.toNanos(request.getMaxWaitMs());
    Fetch fetch =
        new Fetch(
            partition(request.getTopicId(), request.getPartition()),
            request.getLeaderEpoch(),
            request.getOffset(),
            request.getLastReadEpoch(),
            request.getMaxBytes(),
            request.getMinBytes(),
            clock.nanoTime() + waitNanos,
            Route.LOCAL);
    local.fetch(fetch, answer -> finish(out, fetched(answer)));
  }

  private static WithPayload<ForwardFetchResponse> fetched(FetchAnswer answer) {
    ForwardFetchResponse.Builder response = ForwardFetchResponse.newBuilder();
    if (answer instanceof FetchAnswer.Fetched done) {
      response
          .setNextOffset(done.nextOffset())
          .setLogStartOffset(done.logStartOffset())
          .setHighWatermark(done.highWatermark())
          .setLeaderEpoch(done.leaderEpoch());
      return new WithPayload<>(response.build(), done.batches());
    }
    FetchAnswer.Failed failed = (FetchAnswer.Failed) answer;
    refuse(failed.error(), failed.leader(), response::setFailure, response::setLeader);
    if (failed.divergence() != null) {
      response
          .setDivergenceEpoch(failed.divergence().leaderEpoch())
          .setDivergenceEnd(failed.divergence().endOffset());
    }
    return WithPayload.of(response.build());
  }

  private void listOffset(
      ForwardListOffsetRequest request, StreamObserver<ForwardListOffsetResponse> out) {
    OffsetQuery query =
        switch (request.getQueryCase()) {
          case EARLIEST -> new OffsetQuery.Earliest();
          case AT_TIME_MS -> new OffsetQuery.AtTime(request.getAtTimeMs());
          default -> new OffsetQuery.Latest();
        };
    ListOffset list =
        new ListOffset(
            partition(request.getTopicId(), request.getPartition()),
            query,
            deadlineNanos(),
            Route.LOCAL);
    local.listOffset(list, answer -> finish(out, listed(answer)));
  }

  private static ForwardListOffsetResponse listed(OffsetAnswer answer) {
    ForwardListOffsetResponse.Builder response = ForwardListOffsetResponse.newBuilder();
    if (answer instanceof OffsetAnswer.Found found) {
      return response
          .setOffset(found.offset())
          .setTimestampMs(found.timestampMs())
          .setLeaderEpoch(found.leaderEpoch())
          .build();
    }
    OffsetAnswer.Failed failed = (OffsetAnswer.Failed) answer;
    refuse(failed.error(), failed.leader(), response::setFailure, response::setLeader);
    return response.build();
  }

  private void deleteRecords(
      ForwardDeleteRecordsRequest request, StreamObserver<ForwardDeleteRecordsResponse> out) {
    DeleteRecords delete =
        new DeleteRecords(
            partition(request.getTopicId(), request.getPartition()),
            request.getBeforeOffset(),
            deadlineNanos(),
            Route.LOCAL);
    local.deleteRecords(delete, answer -> finish(out, deleted(answer)));
  }

  private static ForwardDeleteRecordsResponse deleted(OffsetAnswer answer) {
    ForwardDeleteRecordsResponse.Builder response = ForwardDeleteRecordsResponse.newBuilder();
    if (answer instanceof OffsetAnswer.Found start) {
      return response.setLogStartOffset(start.offset()).build();
    }
    OffsetAnswer.Failed failed = (OffsetAnswer.Failed) answer;
    refuse(failed.error(), failed.leader(), response::setFailure, response::setLeader);
    return response.build();
  }

  private void describe(
      DescribePartitionsRequest request, StreamObserver<DescribePartitionsResponse> out) {
    int count = request.getPartitionsCount();
    if (count == 0) {
      finish(out, DescribePartitionsResponse.getDefaultInstance());
      return;
    }
    Gathering gathering = new Gathering(count, out);
    for (int i = 0; i < count; i++) {
      int at = i;
      local.describe(
          partition(request.getPartitions(i).getTopicId(), request.getPartitions(i).getPartition()),
          deadlineNanos(),
          description -> gathering.put(at, description));
    }
  }

  /** Answers from several loops. */
  private static final class Gathering {
    private final PartitionEnds[] ends;
    private final StreamObserver<DescribePartitionsResponse> out;
    private int missing;

    Gathering(int count, StreamObserver<DescribePartitionsResponse> out) {
      this.ends = new PartitionEnds[count];
      this.missing = count;
      this.out = out;
    }

    synchronized void put(int at, Description description) {
      ends[at] =
          PartitionEnds.newBuilder()
              .setKnown(description.known())
              .setLogStartOffset(description.logStartOffset())
              .setHighWatermark(description.highWatermark())
              .build();
      if (--missing == 0) {
        finish(
            out,
            DescribePartitionsResponse.newBuilder()
                .addAllPartitions(java.util.Arrays.asList(ends))
                .build());
      }
    }
  }

  private static PartitionId partition(ByteString topicId, int partition) {
    return new PartitionId(TopicId.of(topicId.asReadOnlyByteBuffer()), partition);
  }

  private long deadlineNanos() {
    io.grpc.Deadline deadline = Context.current().getDeadline();
    return clock.nanoTime()
        + (deadline == null ? DEFAULT_TIMEOUT_NANOS : deadline.timeRemaining(TimeUnit.NANOSECONDS));
  }

  private static void refuse(
      ApiError error,
      @Nullable LeaderHint hint,
      Consumer<Failure> toFailure,
      Consumer<ForwardLeader> toLeader) {
    toFailure.accept(Failures.toFailure(error));
    if (hint != null) {
      toLeader.accept(
          ForwardLeader.newBuilder()
              .setBrokerId(hint.brokerId())
              .setGrpcAddress(hint.grpc().toString())
              .setLeaderEpoch(hint.leaderEpoch())
              .build());
    }
  }

  private static <T> void finish(StreamObserver<T> out, T response) {
    // The caller may have gone meanwhile; what it asked for is done all the same.
    if (out instanceof io.grpc.stub.ServerCallStreamObserver<T> call && call.isCancelled()) {
      return;
    }
    out.onNext(response);
    out.onCompleted();
  }
}
