package io.kontiki.broker;

import io.kontiki.broker.partition.DiskReserve;
import io.kontiki.broker.partition.DiskSpace;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the disk of the log directory a few times a second, off the loops, and publishes what it
 * found (rules D4, M12). A file system that does not answer leaves the last answer standing. What
 * is appended here between two looks counts at once: a fast writer would use up a small reserve
 * before the next.
 */
final class DiskWatch {
  private static final Logger LOG = LoggerFactory.getLogger(DiskWatch.class);

  private static final long PERIOD_NANOS = 100_000_000;

  /** While nothing is appended and so much is free beyond the reserve that nobody fills it soon. */
  private static final long CALM_PERIOD_NANOS = 1_000_000_000;

  private static final long ROOMY_BYTES = 4L << 30;

  private final FileStore store;
  private final DiskReserve reserve;
  private final Ballast ballast;
  private final EventLoop timers;
  private final Worker worker;
  private final LongSupplier appendedBytes;
  private volatile Seen seen = new Seen(DiskSpace.ENOUGH, Long.MAX_VALUE, 0);
  private volatile boolean calm;
  private volatile boolean closed;

  /**
   * @param store of the log directory
   * @param timers only arms the next look
   * @param worker may block
   * @param appendedBytes to the logs so far; thread-safe and cheap
   */
  DiskWatch(
      FileStore store,
      DiskReserve reserve,
      Ballast ballast,
      EventLoop timers,
      Worker worker,
      LongSupplier appendedBytes) {
    this.store = store;
    this.reserve = reserve;
    this.ballast = ballast;
    this.timers = timers;
    this.worker = worker;
    this.appendedBytes = appendedBytes;
  }

  /**
   * A look.
   *
   * @param appended by then
   */
  private record Seen(DiskSpace space, long usable, long appended) {}

  /** As of the last look, less what was appended since; any thread. */
  DiskSpace space() {
    Seen last = seen;
    return reserve.after(last.space, last.usable - (appendedBytes.getAsLong() - last.appended));
  }

  /** Looks once, before anything is served, and then again and again. Blocks. */
  void start() {
    look();
    arm();
  }

  private void arm() {
    timers.schedule(
        calm ? CALM_PERIOD_NANOS : PERIOD_NANOS,
        () -> {
          if (!closed) {
            worker.execute(
                () -> {
                  look();
                  if (!closed) {
                    timers.execute(this::arm);
                  }
                });
          }
        });
  }

  private void look() {
    try {
      long appended = appendedBytes.getAsLong();
      long usable = store.usableBytes();
      DiskSpace before = seen.space;
      DiskSpace now = reserve.judge(usable);
      calm = appended == seen.appended && usable - reserve.reserveBytes() > ROOMY_BYTES;
      seen = new Seen(now, usable, appended);
      if (now != before) {
        LOG.info(
            "disk space {} -> {}: {} bytes are free, the reserve is {}",
            before,
            now,
            usable,
            reserve.reserveBytes());
      }
      ballast.adjust(usable, now == DiskSpace.ENOUGH);
    } catch (StorageException e) {
      LOG.warn("the disk does not say how much room it has: {}", e.getMessage());
    }
  }

  void close() {
    closed = true;
  }
}
