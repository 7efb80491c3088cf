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
  private final ServerCallStreamObserver<ProduceStreamResponse> answers;
  private final StreamSlot slot;
  private final Budget bytes;
  private final int maxInFlightBytes;
  private long inFlightBytes;
  private int unanswered;
  private boolean halfClosed;
  private boolean ended;
  private boolean reading = true;

  ProduceStreamCall(
      EventLoop loop,
      RecordProduce produce,
      ServerCallStreamObserver<ProduceStreamResponse> answers,
      StreamSlot slot,
      Budget bytes,
      int maxInFlightBytes) {
    this.loop = loop;
    this.session = new ProduceSession(produce, loop);
    this.answers = answers;
    this.slot = slot;
    this.bytes = bytes;
    this.maxInFlightBytes = maxInFlightBytes;
    answers.disableAutoRequest();
    answers.setOnCancelHandler(slot::giveBack);
    answers.setOnReadyHandler(() -> CallContext.onLoop(loop, this::readOn));
    answers.request(1);
  }

  @Override
  public void onNext(ProduceStreamRequest message) {
    CallContext.onLoop(loop, () -> take(message));
  }

  private void take(ProduceStreamRequest message) {
    reading = false;
    unanswered++;
    long id = message.getCorrelationId();
    int size = message.getSerializedSize();
    ProduceRequest request;
    try {
      if (!message.hasProduce()) {
        throw new BadMessage("produce", "must be set");
      }
      request = LogMessages.produce(message.getProduce());
    } catch (BadMessage e) {
      answer(failed(id, e.error(), false));
      return;
    }
    if (!bytes.tryTake(size)) {
      answer(failed(id, bytes.busy(), request.idempotent()));
      return;
    }
    inFlightBytes += size;
    session.submit(
        request,
        result -> {
          bytes.giveBack(size);
          inFlightBytes -= size;
          answer(
              result instanceof ProduceAnswer.Produced produced
                  ? ProduceStreamResponse.newBuilder()
                      .setCorrelationId(id)
                      .setProduced(LogMessages.produced(produced))
                      .build()
                  : failed(id, ((ProduceAnswer.Failed) result).error(), request.idempotent()));
        });
    readOn();
  }

  private static ProduceStreamResponse failed(long id, ApiError error, boolean repeatable) {
    return ProduceStreamResponse.newBuilder()
        .setCorrelationId(id)
        .setFailure(Failures.toFailure(error, repeatable))
        .build();
  }

  private void answer(ProduceStreamResponse response) {
    unanswered--;
    if (!answers.isCancelled()) {
      answers.onNext(response);
    }
    readOn();
    end();
  }

  private void readOn() {
    if (!reading && !halfClosed && inFlightBytes < maxInFlightBytes && answers.isReady()) {
      reading = true;
      answers.request(1);
    }
  }

  @Override
  public void onError(Throwable failure) {
    CallContext.onLoop(
        loop,
        () -> {
          halfClosed = true;
          ended = true;
          slot.giveBack();
        });
  }

  @Override
  public void onCompleted() {
    CallContext.onLoop(
        loop,
        () -> {
          halfClosed = true;
          end();
        });
  }

  private void end() {
    if (halfClosed && unanswered == 0 && !ended) {
      ended = true;
      slot.giveBack();
      answers.onCompleted();
    }
  }
}
