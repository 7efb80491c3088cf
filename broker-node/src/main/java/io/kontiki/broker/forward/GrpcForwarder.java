package io.kontiki.broker.forward;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.DeleteRecords;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.PartitionRequests.Divergence;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.LeaderHint;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRouter;
import io.kontiki.internal.v1.DescribePartitionsRequest;
import io.kontiki.internal.v1.ForwardAppendRequest;
import io.kontiki.internal.v1.ForwardAppendResponse;
import io.kontiki.internal.v1.ForwardDeleteRecordsRequest;
import io.kontiki.internal.v1.ForwardFetchRequest;
import io.kontiki.internal.v1.ForwardFetchResponse;
import io.kontiki.internal.v1.ForwardLeader;
import io.kontiki.internal.v1.ForwardListOffsetRequest;
import io.kontiki.internal.v1.ForwardServiceGrpc;
import io.kontiki.internal.v1.PartitionEnds;
import io.kontiki.internal.v1.PartitionRef;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.proto.Failures;
import io.kontiki.proto.WithPayload;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Completion;
import io.kontiki.v1.Acks;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Hands requests to the leader's replication port. A call that failed before it was sent on a
 * connection is a definite refusal; any other failure of the call itself leaves the outcome open
 * (rule R45).
 */
public final class GrpcForwarder implements PartitionRouter.Forwarder {
  /** The answer of a waiting read comes after its wait; so much later the call is given up. */
  private static final long READ_GRACE_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** An empty answer is none too early. */
  private static final long MAX_WAIT_NANOS = TimeUnit.MINUTES.toNanos(5);

  private final BrokerChannels channels;
  private final Clock clock;

  /** Over channels to replication ports. */
  public GrpcForwarder(BrokerChannels channels, Clock clock) {
    this.channels = channels;
    this.clock = clock;
  }

  @Override
  public Runnable append(BrokerImage leader, Append request, Completion<AppendAnswer> completion) {
    ForwardAppendRequest head =
        ForwardAppendRequest.newBuilder()
            .setTopicId(UnsafeByteOperations.unsafeWrap(request.partition().topicId().toBytes()))
            .setPartition(request.partition().partition())
            .setLeaderEpoch(request.leaderEpoch())
            .setAcks(
                switch (request.acks()) {
                  case ALL -> Acks.ACKS_ALL;
                  case LEADER -> Acks.ACKS_LEADER;
                  case NONE -> Acks.ACKS_NONE;
                })
            .build();
    return call(
        leader,
        ForwardMethods.APPEND,
        WithPayload.of(head, request.batch()),
        request.deadlineNanos(),
        GrpcForwarder::appended,
        completion::complete,
        error -> completion.complete(new AppendAnswer.Failed(error, null)));
  }

  private static AppendAnswer appended(ForwardAppendResponse answer) {
    if (answer.hasFailure()) {
      return new AppendAnswer.Failed(
          Failures.fromFailure(answer.getFailure()),
          answer.hasLeader() ? hint(answer.getLeader()) : null);
    }
    return new AppendAnswer.Appended(
        answer.getBaseOffset(),
        answer.getAppendTimeMs(),
        answer.getLogStartOffset(),
        answer.getHighWatermark(),
        answer.getLeaderEpoch(),
        answer.getDurable() ? Durability.FSYNC : Durability.REPLICATED);
  }

  @Override
  public Runnable fetch(BrokerImage leader, Fetch request, Completion<FetchAnswer> completion) {
    long waitNanos =
        Math.max(0, Math.min(MAX_WAIT_NANOS, request.deadlineNanos() - clock.nanoTime()));
    ForwardFetchRequest message =
        ForwardFetchRequest.newBuilder()
            .setTopicId(UnsafeByteOperations.unsafeWrap(request.partition().topicId().toBytes()))
            .setPartition(request.partition().partition())
            .setLeaderEpoch(request.leaderEpoch())
            .setOffset(request.offset())
            .setLastReadEpoch(request.lastReadEpoch())
            .setMaxBytes(request.maxBytes())
            .setMinBytes(request.minBytes())
            .setMaxWaitMs((int) TimeUnit.NANOSECONDS.toMillis(waitNanos))
            .build();
    return call(
        leader,
        ForwardMethods.FETCH,
        message,
        clock.nanoTime() + waitNanos + READ_GRACE_NANOS,
        GrpcForwarder::fetched,
        completion::complete,
        error -> completion.complete(new FetchAnswer.Failed(error, null, null)));
  }

  private static FetchAnswer fetched(WithPayload<ForwardFetchResponse> answer) {
    ForwardFetchResponse head = answer.message();
    if (head.hasFailure()) {
      return new FetchAnswer.Failed(
          Failures.fromFailure(head.getFailure()),
          head.hasLeader() ? hint(head.getLeader()) : null,
          head.hasDivergenceEpoch()
              ? new Divergence(head.getDivergenceEpoch(), head.getDivergenceEnd())
              : null);
    }
    return new FetchAnswer.Fetched(
        answer.payload(),
        answer.payloadBytes(),
        head.getNextOffset(),
        head.getLogStartOffset(),
        head.getHighWatermark(),
        head.getLeaderEpoch());
  }

  @Override
  public Runnable listOffset(
      BrokerImage leader, ListOffset request, Completion<OffsetAnswer> completion) {
    ForwardListOffsetRequest.Builder message =
        ForwardListOffsetRequest.newBuilder()
            .setTopicId(UnsafeByteOperations.unsafeWrap(request.partition().topicId().toBytes()))
            .setPartition(request.partition().partition());
    if (request.query() instanceof OffsetQuery.AtTime time) {
      message.setAtTimeMs(time.timestampMs());
    } else if (request.query() instanceof OffsetQuery.Earliest) {
      message.setEarliest(true);
    } else {
      message.setLatest(true);
    }
    return call(
        leader,
        ForwardServiceGrpc.getListOffsetMethod(),
        message.build(),
        request.deadlineNanos(),
        answer ->
            answer.hasFailure()
                ? new OffsetAnswer.Failed(
                    Failures.fromFailure(answer.getFailure()),
                    answer.hasLeader() ? hint(answer.getLeader()) : null)
                : new OffsetAnswer.Found(
                    answer.getOffset(), answer.getTimestampMs(), answer.getLeaderEpoch()),
        completion::complete,
        error -> completion.complete(new OffsetAnswer.Failed(error, null)));
  }

  @Override
  public Runnable deleteRecords(
      BrokerImage leader, DeleteRecords request, Completion<OffsetAnswer> completion) {
    return call(
        leader,
        ForwardServiceGrpc.getDeleteRecordsMethod(),
        ForwardDeleteRecordsRequest.newBuilder()
            .setTopicId(UnsafeByteOperations.unsafeWrap(request.partition().topicId().toBytes()))
            .setPartition(request.partition().partition())
            .setBeforeOffset(request.before())
            .build(),
        request.deadlineNanos(),
        answer ->
            answer.hasFailure()
                ? new OffsetAnswer.Failed(
                    Failures.fromFailure(answer.getFailure()),
                    answer.hasLeader() ? hint(answer.getLeader()) : null)
                : new OffsetAnswer.Found(answer.getLogStartOffset(), -1, -1),
        completion::complete,
        error -> completion.complete(new OffsetAnswer.Failed(error, null)));
  }

  @Override
  public void describe(
      BrokerImage leader,
      PartitionId partition,
      long deadlineNanos,
      Completion<Description> completion) {
    DescribePartitionsRequest message =
        DescribePartitionsRequest.newBuilder()
            .addPartitions(
                PartitionRef.newBuilder()
                    .setTopicId(UnsafeByteOperations.unsafeWrap(partition.topicId().toBytes()))
                    .setPartition(partition.partition()))
            .build();
    Runnable unused =
        call(
            leader,
            ForwardServiceGrpc.getDescribePartitionsMethod(),
            message,
            deadlineNanos,
            answer -> {
              PartitionEnds ends = answer.getPartitions(0);
              return new Description(
                  partition, ends.getKnown(), ends.getLogStartOffset(), ends.getHighWatermark());
            },
            completion::complete,
            error -> completion.complete(new Description(partition, false, 0, -1)));
  }

  private <Q, A, R> Runnable call(
      BrokerImage leader,
      MethodDescriptor<Q, A> method,
      Q request,
      long deadlineNanos,
      Function<A, R> read,
      Consumer<R> onAnswer,
      Consumer<ApiError> onError) {
    // Its own deadline alone: the call that brought the request may end before it.
    Context caller = Context.ROOT.attach();
    try {
      return callNow(leader, method, request, deadlineNanos, read, onAnswer, onError);
    } finally {
      Context.ROOT.detach(caller);
    }
  }

  private <Q, A, R> Runnable callNow(
      BrokerImage leader,
      MethodDescriptor<Q, A> method,
      Q request,
      long deadlineNanos,
      Function<A, R> read,
      Consumer<R> onAnswer,
      Consumer<ApiError> onError) {
    ManagedChannel channel = channels.to(leader.endpoints().replication());
    SentTracer sent = new SentTracer();
    CallOptions options =
        CallTimeouts.with(CallOptions.DEFAULT, deadlineNanos - clock.nanoTime())
            .withStreamTracerFactory(sent);
    ClientCall<Q, A> call = channel.newCall(method, options);
    ClientCalls.asyncUnaryCall(
        call,
        request,
        new StreamObserver<A>() {
          private @Nullable A answer;

          @Override
          public void onNext(A value) {
            answer = value;
          }

          @Override
          public void onError(Throwable failure) {
            onError.accept(failed(leader, failure, sent.created()));
          }

          @Override
          public void onCompleted() {
            R result;
            try {
              result = read.apply(Objects.requireNonNull(answer, "no answer"));
            } catch (RuntimeException e) {
              Status unreadable = Status.INTERNAL.withDescription(String.valueOf(e.getMessage()));
              onError.accept(failed(leader, unreadable.asRuntimeException(), true));
              return;
            }
            onAnswer.accept(result);
          }
        });
    return () -> call.cancel("the partition has another leader", null);
  }

  private static ApiError failed(BrokerImage leader, Throwable failure, boolean sent) {
    Status status = Status.fromThrowable(failure);
    String what =
        "broker " + leader.id() + " at " + leader.endpoints().replication() + ": " + status;
    return sent
        ? ApiError.indefinite(
                ErrorReason.OUTCOME_UNKNOWN, "the leader did not answer the request, " + what)
            .with("brokerId", leader.id())
        : ApiError.retriable(
                ErrorReason.BROKER_UNREACHABLE, "the leader cannot be reached, " + what, 50)
            .with("brokerId", leader.id());
  }

  private static LeaderHint hint(ForwardLeader leader) {
    return new LeaderHint(
        leader.getBrokerId(), Endpoint.parse(leader.getGrpcAddress()), leader.getLeaderEpoch());
  }
}
