package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.runtime.EventLoop;

/**
 * The flow of one stream of requests that are answered one by one: the next is read only while the
 * bytes of unanswered ones stay within their bound and the client takes its answers; the stream
 * ends when the client has half-closed and everything is answered. All on the connection's loop,
 * but for the methods marked so.
 */
final class RequestFlow<A> {
  private final EventLoop loop;
  private final ServerCallStreamObserver<A> answers;
  private final StreamSlot slot;
  private final int maxInFlightBytes;
  private long inFlightBytes;
  private int unanswered;
  private boolean halfClosed;
  private boolean ended;
  private boolean held;
  private boolean reading = true;

  /** Takes over the call, and asks for its first request. */
  RequestFlow(
      EventLoop loop, ServerCallStreamObserver<A> answers, StreamSlot slot, int maxInFlightBytes) {
    this.loop = loop;
    this.answers = answers;
    this.slot = slot;
    this.maxInFlightBytes = maxInFlightBytes;
    answers.disableAutoRequest();
    answers.setOnCancelHandler(slot::giveBack);
    answers.setOnReadyHandler(() -> CallContext.onLoop(loop, this::readOn));
    answers.request(1);
  }

  /** The request that was asked for is here. */
  void onRequest() {
    reading = false;
    unanswered++;
  }

  /** It takes so many bytes until it is answered. */
  void enter(int bytes) {
    inFlightBytes += bytes;
  }

  /** It takes them no more. */
  void leave(int bytes) {
    inFlightBytes -= bytes;
  }

  /** Nothing more is read, whatever room there is. */
  void hold() {
    held = true;
  }

  /** The opposite. */
  void release() {
    held = false;
    readOn();
  }

  /** Sends the answer to one request. */
  void answer(A response) {
    unanswered--;
    if (!answers.isCancelled()) {
      answers.onNext(response);
    }
    readOn();
    end();
  }

  /** Asks for the next request if there is room. */
  void readOn() {
    if (!reading && !held && !halfClosed && inFlightBytes < maxInFlightBytes && answers.isReady()) {
      reading = true;
      answers.request(1);
    }
  }

  /** The client has gone. Any thread. */
  void onError() {
    CallContext.onLoop(
        loop,
        () -> {
          halfClosed = true;
          ended = true;
          slot.giveBack();
        });
  }

  /** The client sends no more. Any thread. */
  void onCompleted() {
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
