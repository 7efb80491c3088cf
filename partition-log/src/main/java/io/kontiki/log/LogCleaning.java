package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.clean.Cleaning;
import io.kontiki.log.clean.Forgetting;
import io.kontiki.log.clean.SegmentSwap;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentAge;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compaction of one log (rule L6): what of it may be compacted, one pass at a time, and the place
 * of new segments among those that are read. Belongs to the log's loop.
 *
 * <ol>
 *   <li>A checkpoint passes all that the journal has of the closed segments: else a replay would
 *       put bytes back where they lay before.
 *   <li>On the cleaner's worker, step by step at the rate it may have, a {@link Cleaning} writes a
 *       new segment.
 *   <li>On the loop, unless the log was cut or the old segments have changed meanwhile (rule R41),
 *       {@link SegmentSwap} is handed to the read worker, which does it between two reads. Whatever
 *       on the loop must know the files for certain does it first ({@link #settle}).
 *   <li>On the loop the new segment replaces the old ones; reads that were under way are repeated.
 * </ol>
 */
final class LogCleaning {
  private static final Logger LOG = LoggerFactory.getLogger(LogCleaning.class);
  private static final double NANOS_PER_SECOND = 1e9;

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private @Nullable Pass pass;
  private @Nullable Swapping swapping;

  LogCleaning(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
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

  /** Segments that are being replaced in their directory. */
  private record Swapping(SegmentSwap swap, List<Segment> old, Segment made) {}

  /**
   * What could be compacted.
   *
   * @param segments closed, below the high watermark, old enough
   * @param dirtyBytes of those that no pass has covered
   */
  private record Plan(List<Segment> segments, long dirtyBytes) {
    static final Plan NOTHING = new Plan(List.of(), 0);

    double ratio() {
      long bytes = segments.stream().mapToLong(Segment::sizeBytes).sum();
      return bytes == 0 ? 0 : (double) dirtyBytes / bytes;
    }
  }

  /** Tells the share of bytes that no pass has covered: 0 if there is nothing to do. */
  void look(Completion<Double> completion) {
    if (!maySwap() || pass != null || compaction() == null) {
      completion.complete(0.0);
      return;
    }
    plan(plan -> completion.complete(plan.ratio()));
  }

  /** Whether such a share is worth a pass. */
  boolean isWorth(double ratio) {
    LogSettings.Compaction compaction = compaction();
    return compaction != null && ratio > 0 && ratio > compaction.minDirtyRatio();
  }

  private LogSettings.@Nullable Compaction compaction() {
    return state.settings.compaction();
  }

  private boolean maySwap() {
    return !state.gone
        && !shared.isOffline()
        && !shared.isClosed()
        && !log.isCutting()
        && state.unreadableFrom() == Long.MAX_VALUE;
  }

  private void plan(Completion<Plan> completion) {
    LogSettings.Compaction compaction = compaction();
    if (compaction == null || !maySwap()) {
      completion.complete(Plan.NOTHING);
      return;
    }
    long limit = Math.min(state.highWatermark, state.logEnd);
    long now = shared.clock.wallMs();
    List<Segment> segments = new ArrayList<>();
    long dirtyBytes = 0;
    for (Segment segment : state.segments.values()) {
      Long end = state.segments.higherKey(segment.baseOffset());
      if (end == null || end > limit) {
        break;
      }
      if (end <= state.logStart) {
        continue;
      }
      if (compaction.minLagMs() > 0) {
        OptionalLong newest = segment.newestMs();
        if (newest.isEmpty()) {
          readAge(segment, completion);
          return;
        }
        if (!shared.clockTrusted() || now - newest.getAsLong() < compaction.minLagMs()) {
          break;
        }
      }
      segments.add(segment);
      dirtyBytes += end > state.mark.cleanedTo() ? segment.sizeBytes() : 0;
    }
    completion.complete(dirtyBytes == 0 ? Plan.NOTHING : new Plan(segments, dirtyBytes));
  }

  /** Finds out the age of a segment that was there before this start, then plans anew. */
  private void readAge(Segment segment, Completion<Plan> completion) {
    SegmentAge.Task task = SegmentAge.of(segment);
    shared.reads.execute(
        () -> {
          OptionalLong found;
          try {
            found = OptionalLong.of(task.read(shared.store, shared.files));
          } catch (StorageException e) {
            // Removed meanwhile, or damaged: damage is for a reader of the records to find.
            found = OptionalLong.empty();
          }
          OptionalLong newest = found;
          home.loop.execute(
              () -> {
                if (newest.isEmpty()) {
                  completion.complete(Plan.NOTHING);
                } else {
                  segment.noteNewest(newest.getAsLong());
                  plan(completion);
                }
              });
        });
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
    plan(
        plan -> {
          if (plan.segments.isEmpty() || pass != null) {
            completion.complete(false);
            return;
          }
          Pass begun =
              new Pass(plan.segments, completion, state.truncations, shared.clock.nanoTime());
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
    LogSettings.Compaction compaction = compaction();
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
        && maySwap()
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
    if (pass != present || !maySwap() || present.truncations != state.truncations) {
      giveUp(present, work);
      return;
    }
    switch (status) {
      case MORE -> pause(present, work);
      case READY -> swap(present, work);
      case DONE -> {
        noteMark(new CleanMark(work.endOffset(), state.mark.forgottenBelow()));
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
  private void swap(Pass present, Cleaning work) {
    List<Segment> old = present.segments.subList(work.group().first(), work.group().end());
    if (!isCurrent(present, old)) {
      giveUp(present, work);
      return;
    }
    Segment first = old.get(0);
    Segment last = old.get(old.size() - 1);
    long end = state.segments.higherKey(last.baseOffset());
    String directory = state.meta.id().directoryName();
    // What it may not know any more is durable before it is gone.
    state.mark =
        new CleanMark(
            state.mark.cleanedTo(), Math.max(state.mark.forgottenBelow(), forgottenBelow(present)));
    Segment made =
        new Segment(directory, first.baseOffset(), work.newSizeBytes(), last.createdMs());
    Swapping begun =
        new Swapping(
            new SegmentSwap(
                shared.store,
                shared.files,
                directory,
                first.baseOffset(),
                end,
                work.forgot() ? () -> shared.writeMark(state) : () -> {}),
            old,
            made);
    swapping = begun;
    shared.reads.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            begun.swap.run();
            home.loop.execute(() -> shared.guard(() -> onSwapped(begun)));
          } catch (StorageException e) {
            home.loop.execute(() -> onSwapFailed(present, work, begun, e));
          }
        });
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

  boolean isSwapping() {
    return swapping != null;
  }

  /** What is being replaced is so at once: who cuts or deletes must know the files. Blocks. */
  void settle() {
    Swapping present = swapping;
    if (present != null) {
      try {
        present.swap.run();
      } catch (StorageException e) {
        shared.goOffline(e);
        throw e;
      }
      onSwapped(present);
    }
  }

  /** Step 4. */
  private void onSwapped(Swapping done) {
    if (swapping != done) {
      return;
    }
    swapping = null;
    long end = state.segments.higherKey(done.old.get(done.old.size() - 1).baseOffset());
    for (Segment segment : done.old) {
      state.segments.remove(segment.baseOffset());
    }
    state.segments.put(done.made.baseOffset(), done.made);
    state.swaps++;
    log.damages().onReplaced(done.made.baseOffset(), end);
    Pass present = pass;
    if (present != null && present.work != null) {
      present.replaced = present.work.group().end();
      present.work.onSwapped();
      if (state.gone) {
        end(present, false);
      } else {
        pause(present, present.work);
      }
    }
    if (!state.gone) {
      log.onSegmentsReplaced();
    }
  }

  private void onSwapFailed(Pass present, Cleaning work, Swapping failed, StorageException cause) {
    if (swapping != failed) {
      return;
    }
    if (cause.kind() == StorageException.Kind.NO_SPACE && !failed.swap.hasBegun()) {
      swapping = null;
      onFailure(present, work, cause);
    } else {
      shared.goOffline(cause);
    }
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

  /** How far the log has been compacted is different: written when the read worker comes to it. */
  void noteMark(CleanMark mark) {
    if (!mark.equals(state.mark)) {
      state.mark = mark;
      saveMark();
    }
  }

  /** The log was cut. */
  void onTruncated() {
    noteMark(state.mark.cutTo(state.logEnd));
  }

  /** Writes the mark if the file says something else; in order with checkpoints. */
  void saveMark() {
    if (state.mark.equals(state.savedMark)) {
      return;
    }
    CleanMark before = state.savedMark;
    state.savedMark = state.mark;
    shared.reads.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            shared.writeMark(state);
          } catch (StorageException e) {
            if (e.kind() != StorageException.Kind.NO_SPACE) {
              shared.goOffline(e);
            }
            home.loop.execute(() -> state.savedMark = before);
          }
        });
    home.markDirty(log);
  }
}
