package io.kontiki.broker.partition;

import io.kontiki.runtime.EventLoop;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Wakes partitions whose waiters run out of time: one timer for a loop, and nothing for a partition
 * where nobody waits.
 */
final class Deadlines {
  private final EventLoop loop;
  private final PriorityQueue<Entry> queue = new PriorityQueue<>();
  private EventLoop.@Nullable Timer timer;
  private long timerAt = Long.MAX_VALUE;
  private long sequence;

  Deadlines(EventLoop loop) {
    this.loop = loop;
  }

  private record Entry(long atNanos, long order, Partition partition) implements Comparable<Entry> {
    @Override
    public int compareTo(Entry other) {
      int byTime = Long.compare(atNanos, other.atNanos);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  /** A partition has somebody who waits until then at the longest. */
  void arm(Partition partition, long atNanos) {
    if (atNanos < partition.armedAt()) {
      partition.armedAt(atNanos);
      queue.add(new Entry(atNanos, sequence++, partition));
      schedule();
    }
  }

  private void schedule() {
    if (queue.isEmpty() || queue.peek().atNanos >= timerAt) {
      return;
    }
    if (timer != null) {
      timer.cancel();
    }
    timerAt = queue.peek().atNanos;
    timer = loop.schedule(Math.max(0, timerAt - loop.clock().nanoTime()), this::fire);
  }

  private void fire() {
    timer = null;
    timerAt = Long.MAX_VALUE;
    long now = loop.clock().nanoTime();
    while (!queue.isEmpty() && queue.peek().atNanos <= now) {
      Entry due = queue.remove();
      if (due.partition.armedAt() == due.atNanos) {
        due.partition.armedAt(Long.MAX_VALUE);
        due.partition.onDeadline(now);
      }
    }
    schedule();
  }
}
