package io.kontiki.chaos.history;

import java.util.ArrayList;
import java.util.List;

/** Takes down what clients do and see while they run. Any thread. */
public final class History {
  private final List<Event> events = new ArrayList<>();
  private long acked;

  /**
   * Adds an event: a call before it is made, an outcome when it is known; those of one client in
   * its order.
   */
  public synchronized void add(Event event) {
    events.add(event);
    if (event instanceof Event.Acked) {
      acked++;
    }
  }

  /** How many sends were acknowledged so far. */
  public synchronized long acked() {
    return acked;
  }

  /** Everything so far. */
  public synchronized List<Event> events() {
    return List.copyOf(events);
  }
}
