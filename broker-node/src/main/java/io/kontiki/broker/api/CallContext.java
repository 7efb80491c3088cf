package io.kontiki.broker.api;

import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;

/**
 * Where and until when a call is worked on. All state of a call is touched on its loop alone, and
 * its completion runs there; what arrives from elsewhere is brought home first.
 *
 * @param loop the loop that read the request; the handler is called on it
 * @param answerByNanos by the loop's clock: the answer with its outcome leaves by then, a little
 *     before the client's deadline, so that it arrives
 */
public record CallContext(EventLoop loop, long answerByNanos) {
  /** Of a unary call without a deadline of its own. */
  public static final long DEFAULT_TIMEOUT_NANOS = 30_000_000_000L;

  /** Longer deadlines are cut to this. */
  public static final long MAX_TIMEOUT_NANOS = 300_000_000_000L;

  private static final long MARGIN_NANOS = 500_000_000;

  /**
   * A call that its client gives some time.
   *
   * @param timeoutNanos what is left of the client's deadline; cut to {@link #MAX_TIMEOUT_NANOS}
   */
  public static CallContext within(EventLoop loop, long timeoutNanos) {
    long left = Math.max(0, Math.min(timeoutNanos, MAX_TIMEOUT_NANOS));
    long margin = Math.min(MARGIN_NANOS, left / 4);
    return new CallContext(loop, loop.clock().nanoTime() + left - margin);
  }

  /** Time until the answer is due; not positive when it is. */
  public long leftNanos() {
    return answerByNanos - loop.clock().nanoTime();
  }

  /** The earlier of the call's end and {@code nanos} from now. */
  public long atMost(long nanos) {
    return loop.clock().nanoTime() + Math.min(nanos, leftNanos());
  }

  /** A completion for others to call anywhere; the given one runs on this call's loop. */
  public <T> Completion<T> home(Completion<T> completion) {
    return answer -> onLoop(loop, () -> completion.complete(answer));
  }

  /** Runs a task on a loop: at once if the caller is there. */
  public static void onLoop(EventLoop loop, Runnable task) {
    if (loop.inLoop()) {
      task.run();
    } else {
      loop.execute(task);
    }
  }
}
