package io.kontiki.runtime.system;

import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.Worker;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * A worker on one daemon thread. Handing in never blocks: a full queue means that its owners do not
 * bound what they have under way, which is a fault.
 */
public final class ThreadWorker implements Worker, AutoCloseable {
  private static final Runnable STOP = () -> {};

  private final BlockingQueue<Runnable> queue;
  private final FaultHandler faults;
  private final Thread thread;
  private volatile boolean closed;

  /**
   * @param name of the thread
   * @param capacity tasks that may wait; the owners' own bounds must add up to no more
   * @param faults told of tasks that throw and of a full queue
   */
  public ThreadWorker(String name, int capacity, FaultHandler faults) {
    this.queue = new ArrayBlockingQueue<>(capacity + 1);
    this.faults = faults;
    this.thread = new Thread(this::loop, name);
    this.thread.setDaemon(true);
    this.thread.start();
  }

  /** After {@link #close} a task is dropped. */
  @Override
  public void execute(Runnable task) {
    if (!closed && !queue.offer(task)) {
      faults.onFault(
          thread.getName() + ": more than " + queue.size() + " tasks wait",
          new IllegalStateException("queue full"));
    }
  }

  /**
   * Takes no more tasks, lets those that wait run, and waits up to 10 s for the end of the last.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        queue.put(STOP);
        thread.join(10_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void loop() {
    while (true) {
      Runnable task;
      try {
        task = queue.take();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread; close() ends it.
        continue;
      }
      if (task == STOP) {
        return;
      }
      try {
        task.run();
      } catch (Throwable e) {
        faults.onFault("task on " + thread.getName() + " threw", e);
      }
    }
  }
}
