package io.kontiki.client;

import io.kontiki.runtime.Clock;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Hands chunks and failures from the loop to the polling thread, in their order. Bounded by the
 * credit that the loop gives out. Thread-safe.
 */
final class FetchQueue {
  /**
   * One of the two.
   *
   * @param partition of the failure
   */
  record Item(
      @Nullable FetchedChunk chunk,
      @Nullable KontikiException failure,
      TopicPartition partition,
      long generation) {}

  private final Clock clock;
  private final ArrayDeque<Item> items = new ArrayDeque<>();
  private boolean wokenUp;

  FetchQueue(Clock clock) {
    this.clock = clock;
  }

  synchronized void put(FetchedChunk chunk) {
    items.add(new Item(chunk, null, chunk.partition(), chunk.generation()));
    notifyAll();
  }

  synchronized void fail(TopicPartition partition, long generation, KontikiException failure) {
    items.add(new Item(null, failure, partition, generation));
    notifyAll();
  }

  /** The next item, waiting for it; null if none came in time, or on {@link #wakeUp}. */
  synchronized @Nullable Item take(long maxWaitNanos) throws InterruptedException {
    long deadline = clock.nanoTime() + maxWaitNanos;
    while (items.isEmpty() && !wokenUp) {
      long left = deadline - clock.nanoTime();
      if (left <= 0) {
        return null;
      }
      // Rounded up: a wait of 0 ms would be for ever.
      wait(left / 1_000_000 + 1);
    }
    wokenUp = false;
    return items.poll();
  }

  /** Ends the present wait, or the next. */
  synchronized void wakeUp() {
    wokenUp = true;
    notifyAll();
  }
}
