package io.kontiki.kafka.wire;

import io.kontiki.runtime.Clock;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What clients do wrong, in the log: at most one line a second, however many there are. */
public final class Complaints {
  private static final Logger LOG = LoggerFactory.getLogger(Complaints.class);
  private static final long PAUSE_NANOS = 1_000_000_000;

  private final Clock clock;
  private final AtomicLong nextNanos;
  private final AtomicLong untold = new AtomicLong();

  public Complaints(Clock clock) {
    this.clock = clock;
    this.nextNanos = new AtomicLong(clock.nanoTime());
  }

  /** A connection is closed. Any thread. */
  public void closed(String who, String why) {
    long now = clock.nanoTime();
    long next = nextNanos.get();
    if (now - next < 0 || !nextNanos.compareAndSet(next, now + PAUSE_NANOS)) {
      untold.incrementAndGet();
      return;
    }
    long others = untold.getAndSet(0);
    LOG.warn(
        "the Kafka connection of {} is closed: {}{}",
        who,
        why,
        others == 0 ? "" : " (and " + others + " others before it)");
  }
}
