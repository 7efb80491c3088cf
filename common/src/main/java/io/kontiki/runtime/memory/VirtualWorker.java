package io.kontiki.runtime.memory;

import io.kontiki.runtime.Worker;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;

/** A worker on {@link SimulatedTime}: one task at a time, in order, each after a given time. */
public final class VirtualWorker implements Worker {
  private final String name;
  private final SimulatedTime time;
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private LongSupplier delayNanos = () -> 0;
  private boolean busy;
  private boolean stopped;
  private boolean paused;
  private boolean ended;

  VirtualWorker(String name, SimulatedTime time) {
    this.name = name;
    this.time = time;
  }

  /** How long each further task takes: a slow disk. The task's effect comes at the end. */
  public void taskNanos(LongSupplier nanosPerTask) {
    this.delayNanos = nanosPerTask;
  }

  @Override
  public void execute(Runnable task) {
    if (stopped) {
      return;
    }
    tasks.add(task);
    startNext();
  }

  /** Its process stands still (SIGSTOP): the task that runs ends later. */
  public void pause() {
    paused = true;
  }

  /** Its process goes on. */
  public void resume() {
    paused = false;
    if (ended) {
      ended = false;
      time.at(0, this::finish);
    }
  }

  /** Its process died: what waits and what comes is dropped. */
  public void stop() {
    stopped = true;
    tasks.clear();
  }

  private void startNext() {
    if (!busy && !tasks.isEmpty()) {
      busy = true;
      time.at(delayNanos.getAsLong(), this::finish);
    }
  }

  private void finish() {
    if (paused) {
      ended = true;
      return;
    }
    busy = false;
    if (!stopped) {
      time.run(name, tasks.remove());
      startNext();
    }
  }
}
