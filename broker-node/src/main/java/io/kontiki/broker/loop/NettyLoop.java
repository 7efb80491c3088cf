package io.kontiki.broker.loop;

import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * A Netty event loop as the loop of partitions: a request that it read from a socket is served
 * without a hand-off. Turn-end tasks are Netty's tail tasks: they run once the sockets and the
 * mailbox of the turn have been served. Once the loop has been shut down, tasks are dropped: what
 * other threads still report while the node stops concerns nobody any more.
 */
public final class NettyLoop implements EventLoop {
  private final SingleThreadEventLoop netty;
  private final Clock clock;
  private final FaultHandler faults;

  /**
   * @param netty where everything runs
   * @param faults told of tasks that throw
   */
  public NettyLoop(SingleThreadEventLoop netty, Clock clock, FaultHandler faults) {
    this.netty = netty;
    this.clock = clock;
    this.faults = faults;
  }

  /** What sockets of this loop run on. */
  public io.netty.channel.EventLoop netty() {
    return netty;
  }

  @Override
  public void execute(Runnable task) {
    try {
      netty.execute(guarded(task));
    } catch (RejectedExecutionException e) {
      dropped(e);
    }
  }

  @Override
  public Timer schedule(long delayNanos, Runnable task) {
    try {
      ScheduledFuture<?> future = netty.schedule(guarded(task), delayNanos, TimeUnit.NANOSECONDS);
      return () -> future.cancel(false);
    } catch (RejectedExecutionException e) {
      dropped(e);
      return () -> {};
    }
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

  private void dropped(RejectedExecutionException e) {
    if (!netty.isShuttingDown()) {
      throw e;
    }
  }

  private Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        faults.onFault("a task on loop " + netty.threadProperties().name() + " failed", e);
      }
    };
  }
}
