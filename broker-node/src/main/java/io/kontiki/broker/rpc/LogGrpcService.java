package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.ProduceAnswer;
import io.kontiki.broker.api.ProduceRequest;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.broker.api.RecordProduce;
import io.kontiki.broker.api.RecordRead;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.CommitRequest;
import io.kontiki.v1.CommitResponse;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.InitProducerIdResponse;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceResponse;
import io.kontiki.v1.ProduceStreamRequest;
import io.kontiki.v1.ProduceStreamResponse;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;

/** {@code kontiki.v1.LogService}. */
public final class LogGrpcService extends LogServiceGrpc.LogServiceImplBase {
  private final CallLoops loops;
  private final RecordProduce produce;
  private final RecordRead read;
  private final OffsetListing offsets;
  private final ProducerIds producerIds;
  private final GroupCalls groups;
  private final Budget bytes;
  private final Budget streams;
  private final ServerLimits limits;

  /**
   * @param producerIds of the thin range
   * @param bytes what requests under way hold
   * @param streams long-lived streams
   */
  public LogGrpcService(
      CallLoops loops,
      RecordProduce produce,
      RecordRead read,
      OffsetListing offsets,
      ProducerIds producerIds,
      GroupCalls groups,
      Budget bytes,
      Budget streams,
      ServerLimits limits) {
    this.loops = loops;
    this.produce = produce;
    this.read = read;
    this.offsets = offsets;
    this.producerIds = producerIds;
    this.groups = groups;
    this.bytes = bytes;
    this.streams = streams;
    this.limits = limits;
  }

  @Override
  public void produce(
      io.kontiki.v1.ProduceRequest message, StreamObserver<ProduceResponse> observer) {
    ServerCallStreamObserver<ProduceResponse> answer = Unary.calm(observer);
    ProduceRequest request;
    try {
      request = LogMessages.produce(message);
    } catch (BadMessage e) {
      Unary.fail(answer, e.error());
      return;
    }
    int size = message.getSerializedSize();
    if (!bytes.tryTake(size)) {
      Unary.fail(answer, bytes.busy());
      return;
    }
    CallContext call = loops.unary();
    CallContext.onLoop(
        call.loop(),
        () ->
            produce.produce(
                call,
                request,
                result -> {
                  bytes.giveBack(size);
                  if (result instanceof ProduceAnswer.Produced produced) {
                    answer.onNext(LogMessages.produced(produced));
                    answer.onCompleted();
                  } else {
                    answer.onError(
                        Statuses.toException(
                            ((ProduceAnswer.Failed) result).error(), request.idempotent()));
                  }
                }));
  }

  @Override
  public StreamObserver<ProduceStreamRequest> produceStream(
      StreamObserver<ProduceStreamResponse> observer) {
    ServerCallStreamObserver<ProduceStreamResponse> answers =
        (ServerCallStreamObserver<ProduceStreamResponse>) observer;
    StreamSlot slot = new StreamSlot(streams);
    if (!slot.take()) {
      Unary.fail(Unary.calm(observer), streams.busy());
      return new IgnoringObserver<>();
    }
    return new ProduceStreamCall(
        loops.current(), produce, answers, slot, bytes, limits.streamInFlightBytes());
  }

  @Override
  public void initProducerId(
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

  @Override
  public StreamObserver<ConsumeRequest> consume(StreamObserver<ConsumeResponse> observer) {
    StreamSlot slot = new StreamSlot(streams);
    if (!slot.take()) {
      Unary.fail(Unary.calm(observer), streams.busy());
      return new IgnoringObserver<>();
    }
    return groups.consume(loops, (ServerCallStreamObserver<ConsumeResponse>) observer, slot);
  }

  @Override
  public void commit(CommitRequest message, StreamObserver<CommitResponse> observer) {
    groups.commit(loops, message, Unary.calm(observer));
  }

  @Override
  public void read(ReadRequest message, StreamObserver<ReadResponse> observer) {
    ServerCallStreamObserver<ReadResponse> answers =
        (ServerCallStreamObserver<ReadResponse>) observer;
    io.kontiki.broker.api.ReadRequest request;
    try {
      request = LogMessages.read(message);
    } catch (BadMessage e) {
      Unary.fail(Unary.calm(observer), e.error());
      return;
    }
    StreamSlot slot = new StreamSlot(streams);
    if (!slot.take()) {
      Unary.fail(Unary.calm(observer), streams.busy());
      return;
    }
    new ReadCall(loops.current(), answers, slot).open(read, request);
  }

  @Override
  public void listOffsets(
      ListOffsetsRequest message, StreamObserver<ListOffsetsResponse> observer) {
    ServerCallStreamObserver<ListOffsetsResponse> answer = Unary.calm(observer);
    StartSpec at;
    try {
      at = message.hasAt() ? LogMessages.spec(message.getAt(), "at") : new StartSpec.Latest();
    } catch (BadMessage e) {
      Unary.fail(answer, e.error());
      return;
    }
    CallContext call = loops.unary();
    CallContext.onLoop(
        call.loop(),
        () ->
            offsets.list(
                call,
                message.getTopic(),
                message.getPartitionsList(),
                at,
                found -> Unary.answer(answer, found, LogMessages::offsets)));
  }
}
