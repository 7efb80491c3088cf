package io.kontiki.broker.replication;

import io.kontiki.runtime.EventLoop;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Hands tasks to a loop with at most one wake-up for all that come before the loop looks. Tasks of
 * one thread run in their order. What is handed in is bounded by the flow control of its stream.
 */
final class LoopMailbox {
  private final EventLoop loop;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean due = new AtomicBoolean();

  LoopMailbox(EventLoop loop) {
    this.loop = loop;
  }

  EventLoop loop() {
    return loop;
  }

  void post(Runnable task) {
    tasks.add(task);
    if (due.compareAndSet(false, true)) {
      loop.execute(this::drain);
    }
  }

  private void drain() {
    due.set(false);
    Runnable task;
    while ((task = tasks.poll()) != null) {
      task.run();
    }
  }
}
