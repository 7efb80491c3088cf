package io.kontiki.chaos.run.cluster;

import java.util.Random;

/**
 * What happens to the bytes of one node, or of the clients, on their way to others: nothing, or
 * they are slowed down. Used by the loop of {@link TcpProxy} alone.
 */
final class Wire {
  private static final long MS = 1_000_000;
  private static final long SECOND = 1_000 * MS;

  /** 256 kbit/s: far more than heartbeats need, less than the load. */
  private static final long SLOW_BYTES_PER_SECOND = 32_000;

  private static final int DELAY_MS = 30;
  private static final int JITTER_MS = 20;
  private static final int LOSS_PERCENT = 3;

  /** TCP notices a loss by a timer, and what comes behind waits. */
  private static final int LEAST_STALL_MS = 200;

  private static final int MORE_STALL_MS = 400;

  /** How it treats what is sent. */
  enum Kind {
    FAST,
    /** With little throughput. */
    SLOW,
    /** With delay, and losses that stall. */
    LOSSY
  }

  private final Random random;
  private Kind kind = Kind.FAST;
  private long freeAt;

  Wire(Random random) {
    this.random = random;
    this.freeAt = Long.MIN_VALUE;
  }

  void become(Kind next) {
    kind = next;
    freeAt = Long.MIN_VALUE;
  }

  /**
   * When bytes arrive that are sent now.
   *
   * @param now in nanoseconds
   */
  long arrival(long now, int bytes) {
    return switch (kind) {
      case FAST -> now;
      case SLOW -> {
        freeAt = Math.max(freeAt, now) + bytes * SECOND / SLOW_BYTES_PER_SECOND;
        yield freeAt;
      }
      case LOSSY -> {
        int delay = DELAY_MS - JITTER_MS + random.nextInt(2 * JITTER_MS + 1);
        if (random.nextInt(100) < LOSS_PERCENT) {
          delay += LEAST_STALL_MS + random.nextInt(MORE_STALL_MS);
        }
        yield now + delay * MS;
      }
    };
  }
}
