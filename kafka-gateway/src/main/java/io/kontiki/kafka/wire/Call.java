package io.kontiki.kafka.wire;

import io.kontiki.broker.api.CallContext;
import io.kontiki.runtime.EventLoop;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * One request on its way. All on its connection's loop.
 *
 * @param version of the API that the client speaks
 * @param clientId what the client calls itself; empty: nothing
 * @param host the client's address
 * @param plain what is sent goes out as it is, so that files can be sent by the system
 * @param state what adapters keep from request to request
 */
public record Call(
    EventLoop loop, short version, String clientId, String host, boolean plain, State state) {
  private static final long MILLI = 1_000_000;

  /** A context of work that the client waits for so long. */
  public CallContext within(long timeoutMs) {
    return CallContext.within(loop, Math.max(0, timeoutMs) * MILLI);
  }

  /** A context of work for which the client names no time. */
  public CallContext unbounded() {
    return CallContext.within(loop, CallContext.DEFAULT_TIMEOUT_NANOS);
  }

  /** A moment by the loop's clock. */
  public long deadlineNanos(long timeoutMs) {
    return loop.clock().nanoTime() + Math.max(0, timeoutMs) * MILLI;
  }

  /** What is kept for a connection, of each kind at most one. */
  public static final class State {
    private final Map<Class<?>, Object> kept = new HashMap<>();

    private Runnable onClosed = () -> {};

    /** What is done when the connection ends; of several only the last. */
    public void onClosed(Runnable next) {
      onClosed = next;
    }

    void closed() {
      Runnable told = onClosed;
      onClosed = () -> {};
      told.run();
    }

    /** The one of this kind; made if there is none. */
    public <T> T of(Class<T> kind, Supplier<T> make) {
      return kind.cast(kept.computeIfAbsent(kind, none -> make.get()));
    }
  }
}
