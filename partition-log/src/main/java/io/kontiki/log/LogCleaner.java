package io.kontiki.log;

import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Compacts the logs of a directory, one at a time: the one with the greatest share of bytes that
 * were not compacted, as long as there is one that its topic's settings let, those that have waited
 * for {@code max.compaction.lag.ms} before all others; then it waits for a while (rule L6). Without
 * a compacted log there is no timer.
 */
final class LogCleaner {
  private static final long NANOS_PER_MS = 1_000_000;

  private final LogShared shared;
  private final Supplier<List<SegmentedLog>> logs;

  // Guarded by the monitor.
  private boolean atWork;

  /**
   * @param logs the open ones, in some order; any thread
   */
  LogCleaner(LogShared shared, Supplier<List<SegmentedLog>> logs) {
    this.shared = shared;
    this.logs = logs;
  }

  /** There is a compacted log, on this loop. */
  void onCompacted(EventLoop loop) {
    if (shared.config.cleaner().bytesPerSecond() == 0) {
      return;
    }
    synchronized (this) {
      if (atWork) {
        return;
      }
      atWork = true;
    }
    pause(loop);
  }

  private void pause(EventLoop loop) {
    loop.schedule(
        shared.config.cleaner().backoffMs() * NANOS_PER_MS,
        () -> {
          if (!shared.isClosed() && !shared.isOffline()) {
            round();
          }
        });
  }

  private void round() {
    List<SegmentedLog> all;
    synchronized (this) {
      all = logs.get().stream().filter(SegmentedLog::isCompacted).toList();
      atWork = !all.isEmpty();
    }
    shared.counters.onDirtyRatio(0);
    if (!all.isEmpty()) {
      new Round(all).look(0);
    }
  }

  /** One look at all logs, each on its loop, and what comes of it. */
  private final class Round {
    private final List<SegmentedLog> all;
    private @Nullable SegmentedLog dirtiest;
    private LogCleaning.Look best = LogCleaning.Look.NOTHING;

    private Round(List<SegmentedLog> all) {
      this.all = all;
    }

    private void look(int place) {
      if (place < all.size()) {
        SegmentedLog log = all.get(place);
        log.loop()
            .execute(
                () ->
                    log.cleaning()
                        .look(
                            found -> {
                              consider(log, found);
                              look(place + 1);
                            }));
      } else if (dirtiest == null) {
        pause(all.get(0).loop());
      } else {
        SegmentedLog chosen = dirtiest;
        EventLoop loop = chosen.loop();
        loop.execute(() -> chosen.cleaning().clean(whole -> loop.execute(() -> next(loop, whole))));
      }
    }

    private void consider(SegmentedLog log, LogCleaning.Look found) {
      shared.counters.onDirtyRatio(Math.max(shared.counters.dirtyRatio(), found.dirtyRatio()));
      if (found.isBefore(best)) {
        best = found;
        dirtiest = log;
      }
    }

    private void next(EventLoop loop, boolean whole) {
      if (shared.isClosed() || shared.isOffline()) {
        return;
      }
      if (whole) {
        round();
      } else {
        pause(loop);
      }
    }
  }
}
