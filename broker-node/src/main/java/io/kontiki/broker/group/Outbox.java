package io.kontiki.broker.group;

import io.kontiki.runtime.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What is on its way to the client, in order. Records go only while the client is ready; what it
 * must be told besides waits here, and commits that are answered meanwhile become one event. Lives
 * on one loop.
 */
final class Outbox {
  /** With so many partitions in waiting events no more messages of the client are taken. */
  static final int MAX_WAITING = 10_000;

  private final ConsumeSink sink;
  private final Clock clock;
  private final ArrayDeque<ConsumeEvent> waiting = new ArrayDeque<>();
  private long lastSentNanos;
  private boolean closed;

  Outbox(ConsumeSink sink, Clock clock) {
    this.sink = sink;
    this.clock = clock;
    this.lastSentNanos = clock.nanoTime();
  }

  /** Whether records may go. */
  boolean clear() {
    return !closed && waiting.isEmpty() && sink.ready();
  }

  /** Whether so much waits that the client must take some first. */
  boolean full() {
    int partitions = waiting.size();
    if (partitions > 0) {
      for (ConsumeEvent event : waiting) {
        if (event instanceof ConsumeEvent.Committed committed) {
          partitions += committed.offsets().size() + committed.failures().size();
        }
      }
    }
    return partitions >= MAX_WAITING;
  }

  /** Since something was sent. */
  long silentNanos() {
    return clock.nanoTime() - lastSentNanos;
  }

  void send(ConsumeEvent event) {
    if (closed) {
      return;
    }
    if (clear()) {
      now(event);
    } else if (event instanceof ConsumeEvent.Committed committed
        && waiting.peekLast() instanceof ConsumeEvent.Committed before) {
      waiting.removeLast();
      waiting.add(merged(before, committed));
    } else {
      waiting.add(event);
    }
  }

  /** The client may have become ready. */
  void flush() {
    while (!closed && !waiting.isEmpty() && sink.ready()) {
      now(waiting.remove());
    }
  }

  /** The stream ends: everything that waits goes, nothing after it. */
  void close(boolean tell) {
    while (tell && !waiting.isEmpty()) {
      now(waiting.remove());
    }
    waiting.clear();
    closed = true;
  }

  private void now(ConsumeEvent event) {
    lastSentNanos = clock.nanoTime();
    sink.event(event);
  }

  private static ConsumeEvent.Committed merged(
      ConsumeEvent.Committed before, ConsumeEvent.Committed after) {
    SortedMap<Named, Place> offsets = new TreeMap<>();
    before.offsets().forEach(place -> offsets.put(place.partition(), place));
    after.offsets().forEach(place -> offsets.put(place.partition(), place));
    SortedMap<Named, ConsumeEvent.Refused> failures = new TreeMap<>();
    before.failures().forEach(refused -> failures.put(refused.offset().partition(), refused));
    after.failures().forEach(refused -> failures.put(refused.offset().partition(), refused));
    List<ConsumeEvent.Refused> refused = new ArrayList<>(failures.values());
    return new ConsumeEvent.Committed(new ArrayList<>(offsets.values()), refused);
  }
}
