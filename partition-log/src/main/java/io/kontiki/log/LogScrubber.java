package io.kontiki.log;

import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads everything in a directory, slowly, over and over, so that rot is found while other replicas
 * can still mend it (rule D6). One part at a time for the whole directory: on a log's loop it is
 * chosen, in the read pool it is checked, and on the loop that follows a timer waits as long as the
 * rate demands. Between two rounds nothing happens for the interval.
 */
final class LogScrubber {
  private static final long PART_BYTES = 1 << 20;
  private static final long NANOS_PER_MS = 1_000_000;
  private static final double NANOS_PER_SECOND = 1e9;

  private final LogShared shared;
  private final Supplier<List<SegmentedLog>> logs;
  private List<SegmentedLog> round = List.of();
  private int place;

  /**
   * @param logs the open ones, in some order; any thread
   */
  LogScrubber(LogShared shared, Supplier<List<SegmentedLog>> logs) {
    this.shared = shared;
    this.logs = logs;
  }

  /** The first round begins after the interval. */
  void start(EventLoop loop) {
    if (shared.config.scrub().bytesPerSecond() > 0) {
      after(loop, shared.config.scrub().intervalMs() * NANOS_PER_MS, () -> beginRound(loop));
    }
  }

  private void after(EventLoop loop, long nanos, Runnable step) {
    loop.schedule(
        nanos,
        () -> {
          if (!shared.isClosed() && !shared.isOffline()) {
            step.run();
          }
        });
  }

  private void beginRound(EventLoop loop) {
    round = logs.get();
    place = 0;
    nextLog(loop);
  }

  private void nextLog(EventLoop loop) {
    if (place >= round.size()) {
      round = List.of();
      start(loop);
      return;
    }
    SegmentedLog log = round.get(place++);
    log.loop().execute(() -> step(log, LogDamage.Place.START));
  }

  private void step(SegmentedLog log, LogDamage.Place from) {
    log.damages().check(from, PART_BYTES, (next, bytes) -> onChecked(log, next, bytes));
  }

  private void onChecked(SegmentedLog log, LogDamage.@Nullable Place next, long bytes) {
    shared.counters.onScrubbed(bytes);
    long pause = (long) (bytes * NANOS_PER_SECOND / shared.config.scrub().bytesPerSecond());
    if (next != null) {
      after(log.loop(), pause, () -> step(log, next));
    } else if (bytes > 0) {
      after(log.loop(), pause, () -> nextLog(log.loop()));
    } else {
      nextLog(log.loop());
    }
  }
}
