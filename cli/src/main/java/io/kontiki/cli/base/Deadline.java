package io.kontiki.cli.base;

import java.time.Duration;

/** A point in this process's monotonic time. */
public final class Deadline {
  private final long atNanos;

  private Deadline(long atNanos) {
    this.atNanos = atNanos;
  }

  /** So long from now; negative durations are in the past already. */
  public static Deadline in(Duration duration) {
    return new Deadline(System.nanoTime() + duration.toNanos());
  }

  /** The earlier of this one and {@code duration} from now. */
  public Deadline atMost(Duration duration) {
    Deadline other = in(duration);
    return other.atNanos - atNanos < 0 ? other : this;
  }

  /** Milliseconds left, rounded up; 0 when it has passed. */
  public long remainingMs() {
    long nanos = atNanos - System.nanoTime();
    return nanos <= 0 ? 0 : (nanos + 999_999) / 1_000_000;
  }

  public boolean hasPassed() {
    return remainingMs() == 0;
  }

  /**
   * Sleeps so long, or until the deadline if that is sooner.
   *
   * @throws CliException if the thread is interrupted
   */
  public void pause(long ms) {
    try {
      Thread.sleep(Math.min(ms, remainingMs()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CliException.failed("interrupted");
    }
  }
}
