package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.ReadRequest;
import io.kontiki.broker.api.ReadSession;
import io.kontiki.broker.api.RecordChunk;
import io.kontiki.broker.api.RecordRead;
import io.kontiki.model.ApiError;
import io.kontiki.proto.Statuses;
import io.kontiki.runtime.EventLoop;
import io.kontiki.v1.ReadResponse;
import org.jspecify.annotations.Nullable;

/** One Read: HTTP/2 flow control sets the pace. All on the connection's loop. */
final class ReadCall implements RecordRead.Sink {
  private final EventLoop loop;
  private final ServerCallStreamObserver<ReadResponse> answers;
  private final StreamSlot slot;
  private @Nullable ReadSession session;

  /**
   * @param slot taken; given back when the read ends
   */
  ReadCall(EventLoop loop, ServerCallStreamObserver<ReadResponse> answers, StreamSlot slot) {
    this.loop = loop;
    this.answers = answers;
    this.slot = slot;
  }

  void open(RecordRead read, ReadRequest request) {
    answers.setOnCancelHandler(() -> CallContext.onLoop(loop, this::cancelled));
    answers.setOnReadyHandler(() -> CallContext.onLoop(loop, this::becameReady));
    CallContext.onLoop(loop, () -> session = read.open(loop, request, this));
  }

  private void becameReady() {
    ReadSession opened = session;
    if (opened != null) {
      opened.onReady();
    }
  }

  private void cancelled() {
    slot.giveBack();
    ReadSession opened = session;
    if (opened != null) {
      opened.cancel();
    }
  }

  @Override
  public boolean ready() {
    return answers.isReady() && !answers.isCancelled();
  }

  @Override
  public void records(String topic, RecordChunk chunk) {
    answers.onNext(LogMessages.records(topic, chunk));
  }

  @Override
  public void heartbeat() {
    answers.onNext(ReadResponse.getDefaultInstance());
  }

  @Override
  public void end() {
    slot.giveBack();
    answers.onCompleted();
  }

  @Override
  public void failed(ApiError error) {
    slot.giveBack();
    answers.onError(Statuses.toException(error));
  }
}
