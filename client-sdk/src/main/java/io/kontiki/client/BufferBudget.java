package io.kontiki.client;

import io.kontiki.runtime.Clock;

/** Bytes that unacknowledged records may take; callers wait for room. Thread-safe. */
final class BufferBudget {
  private final long capacityBytes;
  private final Clock clock;
  private long usedBytes;

  BufferBudget(long capacityBytes, Clock clock) {
    this.capacityBytes = capacityBytes;
    this.clock = clock;
  }

  /**
   * Takes room, waiting for it if there is none.
   *
   * @return false if there was none in time
   */
  synchronized boolean reserve(int bytes, long maxWaitNanos) throws InterruptedException {
    long deadline = clock.nanoTime() + maxWaitNanos;
    // One record always fits into an empty buffer, whatever its size.
    while (usedBytes > 0 && usedBytes + bytes > capacityBytes) {
      long left = deadline - clock.nanoTime();
      if (left <= 0) {
        return false;
      }
      // Rounded up: a wait of 0 ms would be for ever.
      wait(left / 1_000_000 + 1);
    }
    usedBytes += bytes;
    return true;
  }

  /** Gives room back. */
  synchronized void release(int bytes) {
    usedBytes -= bytes;
    notifyAll();
  }
}
