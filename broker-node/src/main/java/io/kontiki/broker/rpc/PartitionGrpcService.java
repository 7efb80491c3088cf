package io.kontiki.broker.rpc;

import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.proto.PayloadMethods;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.InitProducerIdRequest;
import io.kontiki.raw.v1.InitProducerIdResponse;

/** {@code kontiki.raw.v1.PartitionService}. */
public final class PartitionGrpcService implements BindableService {
  private final CallLoops loops;
  private final Metadata metadata;
  private final PartitionRequests partitions;
  private final ProducerIds producerIds;
  private final Budget bytes;
  private final Budget streams;
  private final ServerLimits limits;

  /**
   * @param producerIds of the raw range
   * @param bytes what requests under way hold
   * @param streams long-lived streams
   */
  public PartitionGrpcService(
      CallLoops loops,
      Metadata metadata,
      PartitionRequests partitions,
      ProducerIds producerIds,
      Budget bytes,
      Budget streams,
      ServerLimits limits) {
    this.loops = loops;
    this.metadata = metadata;
    this.partitions = partitions;
    this.producerIds = producerIds;
    this.bytes = bytes;
    this.streams = streams;
    this.limits = limits;
  }

  @Override
  public ServerServiceDefinition bindService() {
    return PayloadMethods.partitionService(
        ServerCalls.asyncUnaryCall(this::initProducerId),
        ServerCalls.asyncBidiStreamingCall(this::append),
        ServerCalls.asyncBidiStreamingCall(this::fetch),
        limits.maxMessageBytes());
  }

  private void initProducerId(
      InitProducerIdRequest request, StreamObserver<InitProducerIdResponse> observer) {
    ServerCallStreamObserver<InitProducerIdResponse> answer = Unary.calm(observer);
    producerIds.next(
        loops.unary(),
        id ->
            Unary.answer(
                answer,
                id,
                value -> InitProducerIdResponse.newBuilder().setProducerId(value).build()));
  }

  private StreamObserver<WithPayload<AppendRequest>> append(
      StreamObserver<AppendResponse> observer) {
    StreamSlot slot = new StreamSlot(streams);
    if (!slot.take()) {
      Unary.fail(Unary.calm(observer), streams.busy());
      return new IgnoringObserver<>();
    }
    return new AppendCall(
        loops.current(),
        metadata,
        partitions,
        (ServerCallStreamObserver<AppendResponse>) observer,
        slot,
        bytes,
        limits.streamInFlightBytes());
  }

  private StreamObserver<FetchRequest> fetch(StreamObserver<WithPayload<FetchResponse>> observer) {
    StreamSlot slot = new StreamSlot(streams);
    if (!slot.take()) {
      Unary.fail(Unary.calm(observer), streams.busy());
      return new IgnoringObserver<>();
    }
    return new FetchCall(
        loops.current(),
        metadata,
        partitions,
        (ServerCallStreamObserver<WithPayload<FetchResponse>>) observer,
        slot);
  }
}
