package io.kontiki.client;

import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.system.SystemClock;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread of a client: its sockets are served by it, and all its state belongs to it, so
 * that an answer from a broker is dealt with by the thread that read it.
 */
final class ClientLoop implements EventLoop, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ClientLoop.class);

  private final MultiThreadIoEventLoopGroup group;
  private final SingleThreadEventLoop netty;
  private final Clock clock = new SystemClock();

  ClientLoop() {
    this.group =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("kontiki-client", true), NioIoHandler.newFactory());
    this.netty = (SingleThreadEventLoop) group.next();
  }

  /** For channels. */
  MultiThreadIoEventLoopGroup group() {
    return group;
  }

  @Override
  public void execute(Runnable task) {
    if (!netty.isShuttingDown()) {
      netty.execute(guarded(task));
    }
  }

  @Override
  public Timer schedule(long delayNanos, Runnable task) {
    if (netty.isShuttingDown()) {
      return () -> {};
    }
    ScheduledFuture<?> future = netty.schedule(guarded(task), delayNanos, TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  @Override
  public void atTurnEnd(Runnable task) {
    netty.executeAfterEventLoopIteration(guarded(task));
  }

  @Override
  public boolean inLoop() {
    return netty.inEventLoop();
  }

  @Override
  public Clock clock() {
    return clock;
  }

  @Override
  public void close() {
    var unused = group.shutdownGracefully(0, 2, TimeUnit.SECONDS);
  }

  private static Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        log.error("A task of the client failed; please report this", e);
      }
    };
  }
}
