package io.kontiki.log;

import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentAge;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;

/**
 * What of a log a pass of compaction may cover, and whether it is time for one (rule L6): closed
 * segments below the high watermark that are as old as {@code min.compaction.lag.ms} wants them.
 * Belongs to the log's loop; the age of what was there before this start is read off the loop.
 */
final class CleaningPlanner {
  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;

  CleaningPlanner(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
  }

  /**
   * What could be compacted.
   *
   * @param segments one behind the other
   * @param dirtyBytes of those that no pass has covered
   * @param overdue whether one of these has waited for {@code max.compaction.lag.ms}
   */
  record Plan(List<Segment> segments, long dirtyBytes, boolean overdue) {
    static final Plan NOTHING = new Plan(List.of(), 0, false);

    /** Share of the bytes that no pass has covered; 0: there is nothing to do. */
    double dirtyRatio() {
      long bytes = segments.stream().mapToLong(Segment::sizeBytes).sum();
      return bytes == 0 ? 0 : (double) dirtyBytes / bytes;
    }

    /** Whether a pass is worth its cost. */
    boolean isDue(LogSettings.Compaction compaction) {
      return dirtyBytes > 0 && (overdue || dirtyRatio() > compaction.minDirtyRatio());
    }
  }

  /** Whether segments may be replaced at all. */
  boolean mayReplace() {
    return !state.gone
        && !shared.isOffline()
        && !shared.isClosed()
        && !log.isCutting()
        && state.unreadableFrom() == Long.MAX_VALUE;
  }

  void plan(Completion<Plan> completion) {
    LogSettings.Compaction compaction = state.settings.compaction();
    if (compaction == null || !mayReplace()) {
      completion.complete(Plan.NOTHING);
      return;
    }
    long limit = Math.min(state.highWatermark, state.logEnd);
    long now = shared.clock.wallMs();
    boolean minds = compaction.minLagMs() > 0;
    boolean hurries = compaction.maxLagMs() < Long.MAX_VALUE;
    List<Segment> segments = new ArrayList<>();
    long dirtyBytes = 0;
    boolean overdue = false;
    for (Segment segment : state.segments.values()) {
      Long end = state.segments.higherKey(segment.baseOffset());
      if (end == null || end > limit) {
        break;
      }
      if (end <= state.logStart) {
        continue;
      }
      boolean dirty = end > state.mark.cleanedTo();
      if (minds || (hurries && dirty)) {
        SegmentAge known = segment.age();
        if (known == null) {
          readAge(segment, completion);
          return;
        }
        long age = now - known.timeMs(now);
        if (minds && (!shared.clockTrusted() || age < compaction.minLagMs())) {
          break;
        }
        // By its first append or, if that was before this start, by its newest record.
        long longest = Math.max(age, now - segment.createdMs());
        overdue |= dirty && shared.clockTrusted() && longest >= compaction.maxLagMs();
      }
      segments.add(segment);
      dirtyBytes += dirty ? segment.sizeBytes() : 0;
    }
    completion.complete(dirtyBytes == 0 ? Plan.NOTHING : new Plan(segments, dirtyBytes, overdue));
  }

  private void readAge(Segment segment, Completion<Plan> completion) {
    shared.readAge(
        segment,
        home.loop,
        age -> {
          if (age == null) {
            completion.complete(Plan.NOTHING);
          } else {
            segment.noteAge(age);
            plan(completion);
          }
        });
  }
}
