package io.kontiki.broker.rpc;

import io.grpc.Context;
import io.grpc.Deadline;
import io.kontiki.broker.api.CallContext;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Finds the loop that a callback runs on, which becomes its call's home. */
public final class CallLoops {
  private final List<EventLoop> loops;

  /**
   * @param loops those that the server runs on; not empty
   */
  public CallLoops(List<EventLoop> loops) {
    this.loops = List.copyOf(loops);
  }

  /** The present loop, or the first one if the caller runs on none. */
  public EventLoop current() {
    for (EventLoop loop : loops) {
      if (loop.inLoop()) {
        return loop;
      }
    }
    return loops.get(0);
  }

  /** A unary call with the client's deadline, or the default one. */
  public CallContext unary() {
    Deadline deadline = Context.current().getDeadline();
    return CallContext.within(
        current(),
        deadline == null
            ? CallContext.DEFAULT_TIMEOUT_NANOS
            : deadline.timeRemaining(TimeUnit.NANOSECONDS));
  }
}
