package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.producer.ProducerState.Verdict;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentAge;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The way of batches into one log, of a leader and of a follower. Belongs to the log's loop. */
final class LogAppends {
  private static final long BUSY_RETRY_MS = 20;
  private static final long DISK_FULL_RETRY_MS = 1_000;

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final LogCut cut;
  private final LogDerived derived;

  LogAppends(
      LogShared shared,
      LoopLogs home,
      SegmentedLog log,
      LogState state,
      LogCut cut,
      LogDerived derived) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
    this.cut = cut;
    this.derived = derived;
  }

  /** See {@link PartitionLog#appendAsLeader}. */
  PartitionLog.AppendOutcome asLeader(ByteBuffer buffer, int leaderEpoch, long nowMs) {
    RecordBatch batch = RecordBatch.at(buffer);
    Optional<ApiError> obstacle =
        state.damage == null ? obstacle(leaderEpoch) : Optional.of(damaged(state.unreadableFrom()));
    if (obstacle.isPresent()) {
      return new PartitionLog.AppendOutcome.Refused(obstacle.get());
    }
    Verdict verdict = state.producers.check(batch, state.logStart == state.logEnd);
    if (verdict instanceof Verdict.Repeated repeated) {
      ProducerState.BatchInfo first = repeated.first();
      return new PartitionLog.AppendOutcome.Duplicate(
          first.baseOffset(), first.lastOffset(), first.appendTimeMs());
    }
    if (verdict instanceof Verdict.Refused refused) {
      return new PartitionLog.AppendOutcome.Refused(refused.error());
    }
    boolean appendTime = state.settings.appendTime();
    if (appendTime) {
      batch.stampAppendTime(nowMs);
    }
    batch.stamp(state.logEnd, leaderEpoch);
    try {
      write(segmentFor(batch), List.of(batch), batch.bytes());
    } catch (StorageException e) {
      shared.offlineUnlessFull(e);
      return new PartitionLog.AppendOutcome.Refused(
          ApiError.retriable(
              ErrorReason.DISK_FULL, state + ": the disk is full", DISK_FULL_RETRY_MS));
    }
    return new PartitionLog.AppendOutcome.Appended(
        batch.baseOffset(), batch.lastOffset(), appendTime ? nowMs : -1);
  }

  /** See {@link PartitionLog#appendAsFollower}. */
  PartitionLog.FollowerAppend asFollower(ByteBuffer batches, int leaderEpoch) {
    Optional<ApiError> obstacle = obstacle(leaderEpoch);
    if (obstacle.isPresent()) {
      return new PartitionLog.FollowerAppend(state.logEnd, obstacle.get().message());
    }
    ByteBuffer bytes = batches.slice();
    List<RecordBatch> run = new ArrayList<>();
    int runStart = 0;
    int at = 0;
    beginWithin(bytes, leaderEpoch);
    long expected = state.logEnd;
    int epoch =
        state.logEnd > state.logStart ? state.epochs.epochOf(state.logEnd - 1) : EpochHistory.NONE;
    String fault = "";
    try {
      Segment segment = null;
      while (at < bytes.limit()) {
        RecordBatch batch = new RecordBatch(bytes, at);
        fault = followerFault(batch, bytes.limit() - at, expected, epoch, leaderEpoch);
        if (!fault.isEmpty()) {
          break;
        }
        if (segment == null || isFull(segment, batch, at - runStart)) {
          writeRun(segment, run, bytes.slice(runStart, at - runStart));
          run.clear();
          runStart = at;
          segment = segmentFor(batch);
        }
        run.add(batch);
        at += batch.sizeBytes();
        expected = batch.nextOffset();
        epoch = batch.leaderEpoch();
      }
      writeRun(segment, run, bytes.slice(runStart, at - runStart));
    } catch (StorageException e) {
      List<Segment> begun = stillEmpty();
      shared.offlineUnlessFull(e);
      cut.remove(begun);
      return new PartitionLog.FollowerAppend(state.logEnd, "no room: " + e.getMessage(), true);
    }
    return new PartitionLog.FollowerAppend(state.logEnd, fault);
  }

  /**
   * Records are deleted up to any offset, and batches stay whole: an empty log may begin with the
   * batch in which its log start lies (rule R32). It begins anew with that batch, so that a replay
   * keeps it; not before that is durable does the log start count again (rule D5).
   */
  private void beginWithin(ByteBuffer bytes, int leaderEpoch) {
    long start = state.logStart;
    if (state.logEnd != start || bytes.remaining() < RecordBatch.HEADER_BYTES) {
      return;
    }
    RecordBatch first = RecordBatch.at(bytes);
    long base = first.baseOffset();
    if (base < start
        && start < first.nextOffset()
        && state.segments.isEmpty()
        && followerFault(first, bytes.remaining(), base, EpochHistory.NONE, leaderEpoch)
            .isEmpty()) {
      log.beginWithin(base);
    }
  }

  /**
   * The batch within which it was to begin did not go in, for want of room or because the disk
   * failed. It is as empty as before, also in the eyes of those who ask what an offline log had:
   * nothing of it ends before its start, or before its high watermark (rule R31).
   *
   * @return segments that were begun for it
   */
  private List<Segment> stillEmpty() {
    if (state.logEnd >= state.logStart) {
      return List.of();
    }
    List<Segment> begun = List.copyOf(state.segments.values());
    state.segments.clear();
    state.logEnd = state.logStart;
    state.held = state.logStart;
    return begun;
  }

  private void writeRun(@Nullable Segment segment, List<RecordBatch> run, ByteBuffer bytes) {
    if (segment != null && !run.isEmpty()) {
      write(segment, run, bytes);
    }
  }

  /** Rule R30; empty if the batch is good. */
  private static String followerFault(
      RecordBatch batch, int available, long expected, int epoch, int leaderEpoch) {
    if (available < RecordBatch.HEADER_BYTES) {
      return "only " + available + " bytes, fewer than a header";
    }
    String fault = BatchWalker.headerFault(batch, available);
    if (!fault.isEmpty()) {
      return fault;
    }
    if (batch.baseOffset() != expected) {
      return "base offset " + batch.baseOffset() + " where " + expected + " was due";
    }
    if (batch.leaderEpoch() < epoch || batch.leaderEpoch() > leaderEpoch) {
      return "epoch " + batch.leaderEpoch() + " is not from " + epoch + " to " + leaderEpoch;
    }
    return batch.computeCrc() == batch.crc()
        ? ""
        : "checksum of the batch at " + expected + " is wrong";
  }

  private ApiError damaged(long offset) {
    return ApiError.definite(
        ErrorReason.CORRUPT_LOG, state + ": damaged from offset " + offset + " on");
  }

  private Optional<ApiError> obstacle(int leaderEpoch) {
    if (leaderEpoch < state.epochs.latest()) {
      return Optional.of(
          ApiError.definite(
              ErrorReason.FENCED_LEADER_EPOCH,
              state + ": epoch " + leaderEpoch + " is behind " + state.epochs.latest()));
    }
    if (state.damagedFrom >= 0) {
      return Optional.of(damaged(state.damagedFrom));
    }
    if (cut.isPending()) {
      return Optional.of(
          ApiError.retriable(
              ErrorReason.BUSY, state + ": a truncation is not durable yet", BUSY_RETRY_MS));
    }
    if (shared.journal().isCrowded()) {
      return Optional.of(
          ApiError.retriable(
              ErrorReason.BUSY, state + ": too much waits for the journal", BUSY_RETRY_MS));
    }
    return Optional.empty();
  }

  /** The active segment, or a new one if the batch does not go in. */
  private Segment segmentFor(RecordBatch batch) {
    Segment active = state.active();
    if (active != null && !isFull(active, batch, 0)) {
      return active;
    }
    return begin(batch.baseOffset());
  }

  private Segment begin(long baseOffset) {
    shared.ensureDirectory(state.meta);
    Segment active = state.active();
    if (active != null) {
      derived.completeActive(active);
    }
    Segment segment =
        new Segment(state.meta.id().directoryName(), baseOffset, 0, shared.clock.wallMs());
    segment.noteAge(SegmentAge.NONE);
    shared.files.replace(segment.path(), ByteBuffer.allocate(0));
    shared.files.markDirectory(state.meta.id().directoryName());
    if (active != null) {
      active.deactivate();
    }
    segment.activate(new OffsetIndex(baseOffset), new TimeIndex(baseOffset));
    state.segments.put(segment.baseOffset(), segment);
    return segment;
  }

  /** Closes the active segment, if it has anything; the next append goes into a new one. */
  void roll() {
    Segment active = state.active();
    if (active == null || active.sizeBytes() == 0 || cut.isPending() || state.damagedFrom >= 0) {
      return;
    }
    try {
      begin(state.logEnd);
      home.markDirty(log);
    } catch (StorageException e) {
      // The next time, when there is room.
      shared.offlineUnlessFull(e);
    }
  }

  /** See {@link PartitionLog#rollIfOld}. */
  void rollIfOld() {
    Segment active = state.active();
    if (active != null && isOld(active)) {
      roll();
    }
  }

  private boolean isOld(Segment segment) {
    return shared.clock.wallMs() - segment.createdMs() > state.settings.rollMs();
  }

  private boolean isFull(Segment segment, RecordBatch batch, int moreBytes) {
    long size = segment.sizeBytes() + moreBytes;
    return size > 0
        && (segment.isSealed()
            || size + batch.sizeBytes() > state.settings.segmentBytes()
            || isOld(segment)
            || !segment.takes(batch.lastOffset(), moreBytes + batch.sizeBytes()));
  }

  private void write(Segment segment, List<RecordBatch> run, ByteBuffer bytes) {
    long position = segment.sizeBytes();
    try {
      shared.files.write(segment.path(), List.of(bytes.duplicate()), position);
    } catch (StorageException e) {
      if (e.kind() == StorageException.Kind.NO_SPACE) {
        // Rule D4: cut back to where it began; nothing of it was visible.
        shared.files.truncate(segment.path(), position);
      }
      throw e;
    }
    int size = bytes.remaining();
    long nowMs = shared.clock.wallMs();
    long start = state.logEnd;
    state.hot.onAppended(start, home.onAppended(size));
    for (RecordBatch batch : run) {
      segment.onAppended(batch, state.settings.indexIntervalBytes(), nowMs);
      if (state.epochs.latest() != batch.leaderEpoch()) {
        long from = Math.max(batch.baseOffset(), state.logStart);
        state.epochs.assign(batch.leaderEpoch(), from);
        // Of a follower: a start must not learn it from bytes that no checksum covers (rule L2).
        home.journal(log, JournalEntry.of(log.id(), Kind.EPOCH, from, batch.leaderEpoch()));
      }
      state.producers.onAppended(batch, nowMs);
      state.producers.keepAtMost(shared.config.producers().most(), state.highWatermark);
      if (batch.hasDeleteHorizon() && batch.nextOffset() > state.mark.forgottenBelow()) {
        // The leader may have dropped tombstones here.
        state.mark = new CleanMark(state.mark.cleanedTo(), batch.nextOffset());
      }
      state.tail.add(batch.baseOffset(), batch.nextOffset(), batch.bytes());
      state.logEnd = batch.nextOffset();
    }
    if (state.isFsync()) {
      home.journalData(log, segment.baseOffset(), position, bytes, start);
    } else {
      home.touch(log);
    }
    derived.onAppended(size);
  }
}
