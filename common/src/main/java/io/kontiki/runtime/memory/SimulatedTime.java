package io.kontiki.runtime.memory;

import io.kontiki.runtime.Clock;
import io.kontiki.runtime.FaultHandler;
import java.util.PriorityQueue;
import java.util.function.BooleanSupplier;

/**
 * Virtual time with one queue of events for all loops and workers that were made from it. Events
 * run in the order of their time, then of their arrival, so a run is decided by its inputs alone.
 * Not thread-safe: everything happens inside the calls of one thread.
 */
public final class SimulatedTime {
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final FaultHandler faults;
  private final Clock clock = new VirtualClock();
  private long nanos;
  private long wallOffsetMs;
  private long sequence;
  private long eventsRun;

  /** Starts at 2026-01-01 UTC; a task that throws ends the run with an AssertionError. */
  public SimulatedTime() {
    this(
        1_767_225_600_000L,
        (what, cause) -> {
          throw new AssertionError(what, cause);
        });
  }

  /**
   * @param wallMs the wall clock at the beginning
   * @param faults told of tasks that throw
   */
  public SimulatedTime(long wallMs, FaultHandler faults) {
    this.wallOffsetMs = wallMs;
    this.faults = faults;
  }

  /** The clock of all loops made here. */
  public Clock clock() {
    return clock;
  }

  /** A loop on this time. */
  public VirtualLoop newLoop(String name) {
    return new VirtualLoop(name, this);
  }

  /** A loop of a machine with a clock of its own. */
  public VirtualLoop newLoop(String name, MachineClock clock) {
    return new VirtualLoop(name, this, clock);
  }

  /** A clock that agrees with this time until told otherwise. */
  public MachineClock newMachineClock() {
    return new MachineClock(this);
  }

  /** A worker whose tasks take no time. */
  public VirtualWorker newWorker(String name) {
    return new VirtualWorker(name, this);
  }

  /** Runs something after a time, on no loop: what the world around the processes does. */
  public void after(long delayNanos, Runnable action) {
    at(delayNanos, () -> run("the world", action));
  }

  /** When the next event is due, as {@link Clock#nanoTime}; {@link Long#MAX_VALUE}: never. */
  public long nextEventNanos() {
    Event next = events.peek();
    return next == null ? Long.MAX_VALUE : Math.max(nanos, next.atNanos);
  }

  /** Events that ran so far. */
  public long eventsRun() {
    return eventsRun;
  }

  /** Lets the wall clock jump; the monotonic time does not notice (promise P17). */
  public void jumpWall(long deltaMs) {
    wallOffsetMs += deltaMs;
  }

  /** Runs all that is due now, and what that brings at once, until nothing is due. */
  public void runUntilIdle() {
    while (!events.isEmpty() && events.peek().atNanos <= nanos) {
      runNext();
    }
  }

  /** Lets time pass and runs all that falls due on the way, each at its time. */
  public void advance(long byNanos) {
    long end = nanos + byNanos;
    while (!events.isEmpty() && events.peek().atNanos <= end) {
      runNext();
    }
    nanos = end;
  }

  /** {@link #advance} in milliseconds. */
  public void advanceMs(long byMs) {
    advance(byMs * 1_000_000);
  }

  /**
   * Runs event by event, time passing as needed, until the condition holds.
   *
   * @return false if {@code limitNanos} passed or nothing is left to happen before it held
   */
  public boolean runUntil(BooleanSupplier condition, long limitNanos) {
    long end = nanos + limitNanos;
    while (!condition.getAsBoolean()) {
      if (events.isEmpty() || events.peek().atNanos > end) {
        return false;
      }
      runNext();
    }
    return true;
  }

  /** Runs the next event, time passing as needed; false if there is none. */
  public boolean step() {
    if (events.isEmpty()) {
      return false;
    }
    runNext();
    return true;
  }

  /** Puts something into the queue of events. */
  Event at(long delayNanos, Runnable action) {
    if (delayNanos < 0) {
      throw new IllegalArgumentException("delay " + delayNanos + " ns is negative");
    }
    Event event = new Event(nanos + delayNanos, sequence++, action);
    events.add(event);
    return event;
  }

  /** Runs a task of a loop or worker. */
  void run(String where, Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      faults.onFault("task on " + where + " threw", e);
    }
  }

  private void runNext() {
    Event event = events.remove();
    nanos = Math.max(nanos, event.atNanos);
    if (!event.cancelled) {
      eventsRun++;
      event.action.run();
    }
  }

  /** Something that will happen. */
  static final class Event implements Comparable<Event> {
    private final long atNanos;
    private final long order;
    private final Runnable action;
    private boolean cancelled;

    private Event(long atNanos, long order, Runnable action) {
      this.atNanos = atNanos;
      this.order = order;
      this.action = action;
    }

    void cancel() {
      cancelled = true;
    }

    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(atNanos, other.atNanos);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  private final class VirtualClock implements Clock {
    @Override
    public long nanoTime() {
      return nanos;
    }

    @Override
    public long wallMs() {
      return wallOffsetMs + nanos / 1_000_000;
    }
  }
}
