package io.kontiki.runtime.memory;

import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An event loop on {@link SimulatedTime}. A turn runs what was in the mailbox when it began, then
 * the turn-end tasks; what these bring waits for the next turn.
 */
public final class VirtualLoop implements EventLoop {
  private final String name;
  private final SimulatedTime time;
  private final @Nullable MachineClock machine;
  private final ArrayDeque<Runnable> mailbox = new ArrayDeque<>();
  private final ArrayDeque<Runnable> turnEnd = new ArrayDeque<>();
  private boolean turnIsDue;
  private boolean running;
  private boolean stopped;
  private boolean paused;

  VirtualLoop(String name, SimulatedTime time) {
    this(name, time, null);
  }

  VirtualLoop(String name, SimulatedTime time, @Nullable MachineClock machine) {
    this.name = name;
    this.time = time;
    this.machine = machine;
  }

  @Override
  public void execute(Runnable task) {
    if (stopped) {
      return;
    }
    mailbox.add(task);
    expectTurn();
  }

  private void expectTurn() {
    if (!turnIsDue && !paused && !mailbox.isEmpty()) {
      turnIsDue = true;
      time.at(0, this::turn);
    }
  }

  @Override
  public Timer schedule(long delayNanos, Runnable task) {
    OnceTask once = new OnceTask(task);
    long trueNanos = machine == null ? delayNanos : machine.trueNanos(delayNanos);
    SimulatedTime.Event event = time.at(trueNanos, () -> execute(once));
    return () -> {
      event.cancel();
      once.cancelled = true;
    };
  }

  @Override
  public void atTurnEnd(Runnable task) {
    if (!running) {
      throw new IllegalStateException("atTurnEnd outside of loop " + name);
    }
    turnEnd.add(task);
  }

  @Override
  public boolean inLoop() {
    return running;
  }

  @Override
  public Clock clock() {
    return machine == null ? time.clock() : machine;
  }

  /** Calls something in a turn of its own, now: how a test reaches into the loop. */
  public <T> T call(Supplier<T> body) {
    if (running) {
      throw new IllegalStateException("already in a turn of " + name);
    }
    running = true;
    try {
      T answer = body.get();
      finishTurn();
      return answer;
    } finally {
      running = false;
    }
  }

  /** {@link #call} without an answer. */
  public void run(Runnable body) {
    call(
        () -> {
          body.run();
          return true;
        });
  }

  /** Its process stands still (SIGSTOP): what comes waits, timers too. */
  public void pause() {
    paused = true;
  }

  /** Its process goes on, with everything that has come meanwhile, in that order. */
  public void resume() {
    paused = false;
    expectTurn();
  }

  /** Its process died: what waits and what comes is dropped. */
  public void stop() {
    stopped = true;
    mailbox.clear();
    turnEnd.clear();
  }

  private void turn() {
    turnIsDue = false;
    if (paused) {
      return;
    }
    running = true;
    try {
      for (int left = mailbox.size(); left > 0 && !stopped; left--) {
        time.run(name, mailbox.remove());
      }
      finishTurn();
    } finally {
      running = false;
    }
  }

  private void finishTurn() {
    while (!turnEnd.isEmpty()) {
      time.run(name, turnEnd.remove());
    }
  }

  @Override
  public String toString() {
    return name;
  }

  private static final class OnceTask implements Runnable {
    private final Runnable task;
    private boolean cancelled;

    private OnceTask(Runnable task) {
      this.task = task;
    }

    @Override
    public void run() {
      if (!cancelled) {
        task.run();
      }
    }
  }
}
