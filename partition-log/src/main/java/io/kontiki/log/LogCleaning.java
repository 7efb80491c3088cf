package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.clean.Cleaning;
import io.kontiki.log.clean.Forgetting;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compaction of one log (rule L6), one pass at a time. Belongs to the log's loop.
 *
 * <ol>
 *   <li>{@link CleaningPlanner} says what may be compacted. A checkpoint passes all that the
 *       journal has of these segments: else a replay would put bytes back where they lay before.
 *   <li>On the cleaner's worker, step by step at the rate it may have, a {@link Cleaning} writes a
 *       new segment.
 *   <li>On the loop, unless the log was cut or the old segments have changed meanwhile (rule R41),
 *       {@link CompactedSegments} puts it in their place, and the pass goes on behind them.
 *   <li>At its end {@link CompactionMark} notes how far it came.
 * </ol>
 */
final class LogCleaning {
  private static final Logger LOG = LoggerFactory.getLogger(LogCleaning.class);
  private static final double NANOS_PER_SECOND = 1e9;

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final CleaningPlanner planner;
  private final CompactedSegments compacted;
  private final CompactionMark mark;
  private @Nullable Pass pass;

  LogCleaning(
      LogShared shared,
      LoopLogs home,
      SegmentedLog log,
      LogState state,
      CompactedSegments compacted,
      CompactionMark mark) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
    this.planner = new CleaningPlanner(shared, home, log, state);
    this.compacted = compacted;
    this.mark = mark;
  }

  /** A pass, from its plan to its end. */
  private static final class Pass {
    private final List<Segment> segments;
    private final Completion<Boolean> completion;
    private final long truncations;
    private final long beganNanos;
    private long awaited = -1;
    private int replaced;
    private @Nullable Cleaning work;
    private @Nullable Forgetting forgetting;

    private Pass(
        List<Segment> segments, Completion<Boolean> completion, long truncations, long beganNanos) {
      this.segments = segments;
      this.completion = completion;
      this.truncations = truncations;
      this.beganNanos = beganNanos;
    }
  }

  /**
   * What a look at a log found.
   *
   * @param dirtyRatio share of bytes that no pass has covered; 0: there is nothing to do
   * @param due whether a pass is worth its cost
   * @param overdue whether it must not wait for others
   */
  record Look(double dirtyRatio, boolean due, boolean overdue) {
    static final Look NOTHING = new Look(0, false, false);

    /** Whether this one goes first. */
    boolean isBefore(Look other) {
      return due
          && (!other.due || (overdue == other.overdue ? dirtyRatio > other.dirtyRatio : overdue));
    }
  }

  /** Looks what there is to do. */
  void look(Completion<Look> completion) {
    LogSettings.Compaction compaction = state.settings.compaction();
    if (pass != null || compaction == null) {
      completion.complete(Look.NOTHING);
      return;
    }
    planner.plan(
        plan ->
            completion.complete(
                new Look(plan.dirtyRatio(), plan.isDue(compaction), plan.overdue())));
  }

  /**
   * One pass.
   *
   * @param completion whether it came to its end; always called, unless the directory is closed or
   *     offline
   */
  void clean(Completion<Boolean> completion) {
    if (pass != null) {
      completion.complete(false);
      return;
    }
    planner.plan(
        plan -> {
          if (plan.segments().isEmpty() || pass != null) {
            completion.complete(false);
            return;
          }
          Pass begun =
              new Pass(plan.segments(), completion, state.truncations, shared.clock.nanoTime());
          pass = begun;
          home.afterCommit(() -> awaitCheckpoint(begun));
        });
  }

  /** Step 1. */
  private void awaitCheckpoint(Pass begun) {
    if (pass == begun) {
      begun.awaited = shared.journal().committedSequence();
      home.shedding(log);
      shared.checkpointer().request();
    }
  }

  /**
   * A checkpoint is durable.
   *
   * @param sequence of the first record that a replay would apply
   * @return whether a later one is waited for
   */
  boolean onCheckpoint(long sequence) {
    Pass present = pass;
    if (present == null || present.work != null || present.awaited < 0) {
      return false;
    }
    if (sequence <= present.awaited) {
      return true;
    }
    begin(present);
    return false;
  }

  private void begin(Pass present) {
    LogSettings.Compaction compaction = state.settings.compaction();
    if (compaction == null || !isCurrent(present, present.segments)) {
      end(present, false);
      return;
    }
    List<SegmentReader.View> views = new ArrayList<>();
    for (Segment segment : present.segments) {
      views.add(view(segment));
    }
    Forgetting forgetting =
        new Forgetting(log.listener().shippedFrom(), state.mark.forgottenBelow());
    present.forgetting = forgetting;
    present.work =
        new Cleaning(
            shared.store,
            shared.files,
            new Cleaning.Input(
                state.meta.id().directoryName(),
                views,
                state.producers.lastOffsetsBelow(views.get(views.size() - 1).endOffset()),
                state.mark.cleanedTo(),
                forgetting,
                shared.clockTrusted() ? shared.clock.wallMs() : -1),
            new Cleaning.Settings(
                state.settings.segmentBytes(),
                state.settings.indexIntervalBytes(),
                shared.config.decompressedBytes(),
                shared.config.cleaner().bufferBytes(),
                compaction.deleteRetentionMs()));
    step(present, present.work);
  }

  private SegmentReader.View view(Segment segment) {
    return new SegmentReader.View(
        state.meta.id().directoryName(),
        segment.baseOffset(),
        state.segments.higherKey(segment.baseOffset()),
        segment.sizeBytes(),
        null,
        EpochHistory.lookUp(state.epochs.entries()),
        true);
  }

  private boolean isCurrent(Pass present, List<Segment> segments) {
    return pass == present
        && planner.mayReplace()
        && present.truncations == state.truncations
        && segments.stream().allMatch(each -> state.segments.get(each.baseOffset()) == each);
  }

  /** Step 2. */
  private void step(Pass present, Cleaning work) {
    shared.cleaner.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            Cleaning.Status status = work.step();
            shared.counters.onCleanerBytes(work.stepBytes());
            home.loop.execute(() -> shared.guard(() -> onStep(present, work, status)));
          } catch (StorageException e) {
            home.loop.execute(() -> onFailure(present, work, e));
          }
        });
  }

  private void onStep(Pass present, Cleaning work, Cleaning.Status status) {
    if (pass != present || !planner.mayReplace() || present.truncations != state.truncations) {
      giveUp(present, work);
      return;
    }
    switch (status) {
      case MORE -> pause(present, work);
      case READY -> replace(present, work);
      case DONE -> {
        mark.note(new CleanMark(work.endOffset(), state.mark.forgottenBelow()));
        LOG.info(
            "{}: compacted up to {}, {} keys from {} on: {} bytes read, {} written, {} ms",
            state,
            work.endOffset(),
            work.keys(),
            present.segments.get(0).baseOffset(),
            work.readBytes(),
            work.writtenBytes(),
            (shared.clock.nanoTime() - present.beganNanos) / 1_000_000);
        shared.counters.onCleaned(shared.clock.nanoTime());
        end(present, true);
      }
      case DAMAGED -> {
        if (isCurrent(present, left(present))) {
          log.damages().onFound(work.damage());
        }
        giveUp(present, work);
      }
    }
  }

  private void pause(Pass present, Cleaning work) {
    long rate = shared.config.cleaner().bytesPerSecond();
    long nanos = (long) (work.stepBytes() * NANOS_PER_SECOND / rate);
    home.loop.schedule(
        nanos,
        () -> {
          if (pass == present) {
            step(present, work);
          } else {
            giveUp(present, work);
          }
        });
  }

  /** Step 3. */
  private void replace(Pass present, Cleaning work) {
    List<Segment> old = present.segments.subList(work.group().first(), work.group().end());
    if (!isCurrent(present, old)) {
      giveUp(present, work);
      return;
    }
    // What it may not know any more is durable before it is gone.
    state.mark =
        new CleanMark(
            state.mark.cleanedTo(), Math.max(state.mark.forgottenBelow(), forgottenBelow(present)));
    Segment made =
        new Segment(
            state.meta.id().directoryName(),
            old.get(0).baseOffset(),
            work.newSizeBytes(),
            old.get(old.size() - 1).createdMs());
    compacted.replace(
        old,
        made,
        work.forgot() ? () -> shared.writeMark(state) : () -> {},
        () -> onReplaced(present, work),
        cause -> onFailure(present, work, cause));
  }

  private void onReplaced(Pass present, Cleaning work) {
    if (pass != present) {
      return;
    }
    present.replaced = work.group().end();
    work.onSwapped();
    if (state.gone) {
      end(present, false);
    } else {
      pause(present, work);
    }
  }

  private static long forgottenBelow(Pass present) {
    return present.forgetting == null ? 0 : present.forgetting.below();
  }

  /** See {@link PartitionLog#forgottenBelow}. */
  long forgottenBelow(long shippedFrom) {
    Pass present = pass;
    long known = state.mark.forgottenBelow();
    return present == null || present.forgetting == null
        ? known
        : Math.max(known, present.forgetting.onShippedFrom(shippedFrom));
  }

  private void onFailure(Pass present, Cleaning work, StorageException cause) {
    if (pass != present || state.gone || shared.isClosed()) {
      giveUp(present, work);
    } else if (cause.kind() == StorageException.Kind.NO_SPACE) {
      LOG.warn("{}: no space for compaction, it is tried again: {}", state, cause.getMessage());
      giveUp(present, work);
    } else if (isCurrent(present, left(present))) {
      shared.goOffline(cause);
    } else {
      giveUp(present, work);
    }
  }

  /** Those that the pass has not replaced yet. */
  private static List<Segment> left(Pass present) {
    return present.segments.subList(present.replaced, present.segments.size());
  }

  private void giveUp(Pass present, Cleaning work) {
    shared.cleaner.execute(
        () -> {
          if (!shared.isOffline() && !shared.isClosed()) {
            shared.guard(work::discard);
          }
        });
    end(present, false);
  }

  private void end(Pass present, boolean whole) {
    if (pass == present) {
      pass = null;
      present.completion.complete(whole);
    }
  }

  /** The log was deleted, moved aside or closed. */
  void onGone() {
    Pass present = pass;
    if (present != null && present.work == null) {
      end(present, false);
    }
  }
}
