package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;

/**
 * Puts many questions at once, in their order, and tells when all are answered. Unlike those that
 * keep to a number at a time it may be used for appends: nothing of a later request can come before
 * something of this one.
 */
final class FanOut {
  private final EventLoop loop;
  private final Runnable done;
  private int open = 1;

  /**
   * @param done on the loop, when all that were asked have answered
   */
  FanOut(EventLoop loop, Runnable done) {
    this.loop = loop;
    this.done = done;
  }

  /** A completion for one question; {@code onAnswer} runs on the loop. */
  <T> Completion<T> one(Completion<T> onAnswer) {
    open++;
    return answer ->
        CallContext.onLoop(
            loop,
            () -> {
              onAnswer.complete(answer);
              close();
            });
  }

  /** Nothing more will be asked. */
  void asked() {
    close();
  }

  private void close() {
    if (--open == 0) {
      done.run();
    }
  }
}
