package io.kontiki.log;

import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentAge;
import io.kontiki.runtime.Completion;
import org.jspecify.annotations.Nullable;

/**
 * Where a log should start by its topic's retention (rule L6): the oldest segments go while the log
 * is larger than {@code retention.bytes} without them, or while their newest record is older than
 * {@code retention.ms}. Belongs to the log's loop; what must be read for it is read off the loop.
 */
final class LogRetention {
  private final LogShared shared;
  private final LoopLogs home;
  private final LogState state;
  private boolean reading;

  LogRetention(LogShared shared, LoopLogs home, LogState state) {
    this.shared = shared;
    this.home = home;
    this.state = state;
  }

  /** See {@link PartitionLog#retainedStart}. */
  void retainedStart(long limitOffset, boolean byTime, Completion<Long> completion) {
    long start = bySize(limitOffset);
    if (!byTime || state.settings.retentionMs() < 0) {
      completion.complete(start);
      return;
    }
    long now = shared.clock.wallMs();
    for (Segment segment : state.segments.values()) {
      long end = endOf(segment);
      if (end <= state.logStart || segment.sizeBytes() == 0) {
        continue;
      }
      if (end > limitOffset) {
        break;
      }
      SegmentAge age = segment.age();
      if (age == null) {
        if (!reading) {
          read(segment, limitOffset, completion);
        } else {
          completion.complete(start);
        }
        return;
      }
      if (now - age.timeMs(now) <= state.settings.retentionMs()) {
        break;
      }
      start = Math.max(start, end);
    }
    completion.complete(start);
  }

  private long bySize(long limitOffset) {
    long start = state.logStart;
    if (state.settings.retentionBytes() < 0) {
      return start;
    }
    long excess = -state.settings.retentionBytes();
    for (Segment segment : state.segments.values()) {
      excess += endOf(segment) <= state.logStart ? 0 : segment.sizeBytes();
    }
    for (Segment segment : state.segments.values()) {
      long end = endOf(segment);
      if (end <= state.logStart) {
        continue;
      }
      excess -= segment.sizeBytes();
      if (excess < 0 || end > limitOffset || segment.sizeBytes() == 0) {
        break;
      }
      start = end;
    }
    return start;
  }

  /** Exclusive. */
  private long endOf(Segment segment) {
    Long next = state.segments.higherKey(segment.baseOffset());
    return next == null ? state.logEnd : next;
  }

  /** Finds out the age of a segment that was there before this start, then begins again. */
  private void read(Segment segment, long limitOffset, Completion<Long> completion) {
    reading = true;
    long truncations = state.truncations;
    shared.readAge(
        segment, home.loop, age -> onRead(segment, age, truncations, limitOffset, completion));
  }

  private void onRead(
      Segment segment,
      @Nullable SegmentAge age,
      long truncations,
      long limitOffset,
      Completion<Long> completion) {
    reading = false;
    if (state.gone || shared.isOffline() || shared.isClosed() || truncations != state.truncations) {
      return;
    }
    if (age == null) {
      completion.complete(bySize(limitOffset));
      return;
    }
    segment.noteAge(age);
    retainedStart(limitOffset, true, completion);
  }
}
