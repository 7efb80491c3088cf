package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.ProduceAnswer;
import io.kontiki.broker.api.ProduceRequest;
import io.kontiki.broker.api.ProduceSession;
import io.kontiki.broker.api.RecordProduce;
import io.kontiki.model.ApiError;
import io.kontiki.proto.Failures;
import io.kontiki.runtime.EventLoop;
import io.kontiki.v1.ProduceStreamRequest;
import io.kontiki.v1.ProduceStreamResponse;

/**
 * One ProduceStream: reads the next request only while the bytes of unanswered ones stay within
 * their bound and the client takes its answers. All on the connection's loop.
 */
final class ProduceStreamCall implements StreamObserver<ProduceStreamRequest> {
  private final EventLoop loop;
  private final ProduceSession session;
  private final RequestFlow<ProduceStreamResponse> flow;
  private final Budget bytes;

  ProduceStreamCall(
      EventLoop loop,
      RecordProduce produce,
      ServerCallStreamObserver<ProduceStreamResponse> answers,
      StreamSlot slot,
      Budget bytes,
      int maxInFlightBytes) {
    this.loop = loop;
    this.session = new ProduceSession(produce, loop);
    this.bytes = bytes;
    this.flow = new RequestFlow<>(loop, answers, slot, maxInFlightBytes);
  }

  @Override
  public void onNext(ProduceStreamRequest message) {
    CallContext.onLoop(loop, () -> take(message));
  }

  private void take(ProduceStreamRequest message) {
    flow.onRequest();
    long id = message.getCorrelationId();
    int size = message.getSerializedSize();
    ProduceRequest request;
    try {
      if (!message.hasProduce()) {
        throw new BadMessage("produce", "must be set");
      }
      request = LogMessages.produce(message.getProduce());
    } catch (BadMessage e) {
      flow.answer(failed(id, e.error(), false));
      return;
    }
    if (!bytes.tryTake(size)) {
      flow.answer(failed(id, bytes.busy(), request.idempotent()));
      return;
    }
    flow.enter(size);
    session.submit(
        request,
        result -> {
          bytes.giveBack(size);
          flow.leave(size);
          flow.answer(
              result instanceof ProduceAnswer.Produced produced
                  ? ProduceStreamResponse.newBuilder()
                      .setCorrelationId(id)
                      .setProduced(LogMessages.produced(produced))
                      .build()
                  : failed(id, ((ProduceAnswer.Failed) result).error(), request.idempotent()));
        });
    flow.readOn();
  }

  private static ProduceStreamResponse failed(long id, ApiError error, boolean repeatable) {
    return ProduceStreamResponse.newBuilder()
        .setCorrelationId(id)
        .setFailure(Failures.toFailure(error, repeatable))
        .build();
  }

  @Override
  public void onError(Throwable failure) {
    flow.onError();
  }

  @Override
  public void onCompleted() {
    flow.onCompleted();
  }
}
