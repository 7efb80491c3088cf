package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A log in segment files: {@link LogState} and the parts that work on it. Belongs to its loop; see
 * {@link PartitionLog} for the contract.
 */
final class SegmentedLog implements PartitionLog {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentedLog.class);

  private final LogShared shared;
  private final LoopLogs home;
  private final Listener listener;
  private final LogState state;
  private final LeaderEpochs epochView = new EpochView();
  private final LogReads reads;
  private final LogCut cut;
  private final LogDamage damages;
  private final LogDerived derived;
  private final LogAppends appends;
  private final LogTruncation truncation;
  private final LogStart start;
  private final LogRetention retention;
  private final CompactedSegments compacted;
  private final CompactionMark mark;
  private final LogCleaning cleaning;
  private final LogCleaner cleaner;
  private volatile boolean hasCompaction;

  /** The journal is told that it is gone. */
  private boolean left;

  private final long recoveredHighWatermark;

  SegmentedLog(
      LogShared shared,
      LoopLogs home,
      RecoveredLog from,
      LogSettings settings,
      String topicName,
      Listener listener,
      LogCleaner cleaner) {
    this.shared = shared;
    this.home = home;
    this.listener = listener;
    this.state = new LogState(from, settings, topicName, home);
    this.recoveredHighWatermark = state.highWatermark;
    this.reads = new LogReads(shared, home, this, state);
    this.damages = new LogDamage(shared, home, this, state, reads);
    this.cut = new LogCut(shared, home, this, state);
    this.compacted = new CompactedSegments(shared, home, this, state);
    this.mark = new CompactionMark(shared, home, this, state);
    this.cleaning = new LogCleaning(shared, home, this, state, compacted, mark);
    this.derived = new LogDerived(shared, state, cut, from, mark);
    this.appends = new LogAppends(shared, home, this, state, cut, derived);
    this.truncation = new LogTruncation(shared, home, this, state, reads, cut);
    this.start = new LogStart(home, this, state, cut, derived, appends);
    this.retention = new LogRetention(shared, home, state);
    this.cleaner = cleaner;
    onSettings();
  }

  @Override
  public PartitionId id() {
    return state.meta.id();
  }

  @Override
  public long logStartOffset() {
    checkThere();
    return state.logStart;
  }

  @Override
  public long logEndOffset() {
    checkThere();
    return state.logEnd;
  }

  @Override
  public long heldEndOffset() {
    checkThere();
    return state.isFsync() || state.unrecorded ? state.held : state.logEnd;
  }

  @Override
  public long durableLogStart() {
    checkThere();
    return start.durable();
  }

  @Override
  public LeaderEpochs epochs() {
    return epochView;
  }

  @Override
  public void beginEpoch(int leaderEpoch) {
    checkUsable();
    if (leaderEpoch < state.epochs.latest()) {
      throw new IllegalArgumentException(
          this + ": epoch " + leaderEpoch + " begins behind " + state.epochs.latest() + " (R29)");
    }
    if (state.epochs.assign(leaderEpoch, state.logEnd)) {
      home.journal(this, JournalEntry.of(id(), Kind.EPOCH, state.logEnd, leaderEpoch));
    }
  }

  @Override
  public AppendOutcome appendAsLeader(ByteBuffer batch, int leaderEpoch, long nowMs) {
    checkUsable();
    return appends.asLeader(batch, leaderEpoch, nowMs);
  }

  @Override
  public FollowerAppend appendAsFollower(ByteBuffer batches, int leaderEpoch) {
    checkUsable();
    return appends.asFollower(batches, leaderEpoch);
  }

  @Override
  public void read(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    checkUsable();
    reads.read(offset, Math.min(limitOffset, state.logEnd), maxBytes, completion);
  }

  @Override
  public void readForSending(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    checkUsable();
    reads.readForSending(offset, Math.min(limitOffset, state.logEnd), maxBytes, completion);
  }

  @Override
  public void readForReplica(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    checkUsable();
    reads.readForReplica(offset, Math.min(limitOffset, state.logEnd), maxBytes, completion);
  }

  @Override
  public void offsetForTime(long timestampMs, long limitOffset, Completion<TimeLookup> completion) {
    checkUsable();
    reads.offsetForTime(timestampMs, Math.min(limitOffset, state.logEnd), completion);
  }

  @Override
  public void truncateTo(long offset) {
    checkUsable();
    compacted.settle();
    truncation.truncateTo(offset);
    damages.onTruncated(state.logEnd);
  }

  @Override
  public void restartAt(long offset) {
    checkUsable();
    compacted.settle();
    truncation.restartAt(offset);
    damages.onTruncated(Long.MIN_VALUE);
    start.onRestart();
  }

  /** See {@link LogTruncation#beginWithin}. */
  void beginWithin(long base) {
    truncation.beginWithin(base);
    start.onBegunWithin(base);
  }

  @Override
  public void advanceLogStart(long offset) {
    checkUsable();
    start.advanceTo(offset);
  }

  @Override
  public void rollIfOld() {
    checkUsable();
    appends.rollIfOld();
  }

  @Override
  public void retainedStart(long limitOffset, boolean byTime, Completion<Long> completion) {
    checkUsable();
    retention.retainedStart(Math.min(limitOffset, state.logEnd), byTime, completion);
  }

  @Override
  public void whenDurable(Runnable completion) {
    checkUsable();
    home.afterCommit(() -> cut.afterwards(() -> whenCut(completion)));
  }

  private void whenCut(Runnable completion) {
    if (state.isFsync()) {
      completion.run();
    } else {
      cut.syncFiles(completion);
    }
  }

  @Override
  public void noteHighWatermark(long newHighWatermark) {
    checkThere();
    if (newHighWatermark != state.highWatermark) {
      state.highWatermark = newHighWatermark;
      home.markDirty(this);
    }
  }

  @Override
  public long checkpointedHighWatermark() {
    return recoveredHighWatermark;
  }

  @Override
  public long sizeBytes() {
    return state.sizeBytes();
  }

  @Override
  public long bytesFrom(long offset) {
    if (offset >= state.logEnd) {
      return 0;
    }
    Segment holder = state.segmentOf(offset);
    if (holder == null) {
      return sizeBytes();
    }
    long bytes = holder.sizeBytes();
    OffsetIndex.Anchor anchor = holder.anchor(offset);
    int position = anchor == null ? -1 : anchor.position();
    Long nextBase = state.segments.higherKey(holder.baseOffset());
    if (position >= 0) {
      bytes -= position;
    } else {
      long end = nextBase == null ? state.logEnd : nextBase;
      bytes = (long) ((double) bytes / (end - holder.baseOffset()) * (end - offset));
    }
    for (Segment later : state.segments.tailMap(holder.baseOffset(), false).values()) {
      bytes += later.sizeBytes();
    }
    return bytes;
  }

  @Override
  public boolean doubtful() {
    return state.doubtful;
  }

  @Override
  public void forgetIdleProducers() {
    checkUsable();
    int gone =
        state.producers.forgetIdle(
            shared.clock.wallMs(), shared.config.producers().idleMs(), state.highWatermark);
    if (gone > 0) {
      LOG.debug("{}: {} idle producers forgotten, {} left", this, gone, producerCount());
    }
  }

  @Override
  public int producerCount() {
    return state.producers.size();
  }

  @Override
  public Optional<Damage> damage() {
    return damages.current();
  }

  @Override
  public void mend(List<ByteBuffer> batches, Completion<Optional<Damage>> completion) {
    checkUsable();
    compacted.settle();
    damages.mend(batches, completion);
  }

  @Override
  public long forgottenBelow(long shippedFrom) {
    checkThere();
    return Math.min(cleaning.forgottenBelow(shippedFrom), state.logEnd);
  }

  /** For the parts. */
  LogDamage damages() {
    return damages;
  }

  /** For the parts and the cleaner. */
  LogCleaning cleaning() {
    return cleaning;
  }

  /** For the parts. */
  CompactionMark mark() {
    return mark;
  }

  /** Whether its topic's settings let superseded records go; any thread. */
  boolean isCompacted() {
    return hasCompaction;
  }

  private void onSettings() {
    hasCompaction = state.settings.compaction() != null;
    if (hasCompaction) {
      cleaner.onCompacted(home.loop);
    }
  }

  /** For the parts: whether files of it are being replaced. */
  boolean isReplacing() {
    return compacted.isUnderWay();
  }

  /** Compacted segments have replaced others: what waited for that goes on. */
  void onSegmentsReplaced() {
    start.removeSegments();
  }

  /** The records of a turn are durable; dropped if the log was cut since (rule R41). */
  void onDurable(long endOffset, long startOffset, long truncationsThen, long sequence) {
    if (state.gone || shared.isClosed() || truncationsThen != state.truncations) {
      return;
    }
    boolean risen = start.onDurable(startOffset, sequence);
    if (state.isFsync() && endOffset > state.held) {
      state.held = endOffset;
      risen = true;
    }
    if (risen) {
      listener.onHeld(state.held);
    }
  }

  /** See {@link LogStart#onCheckpoint}. */
  boolean onCheckpoint(long sequence) {
    if (state.gone || shared.isClosed()) {
      return false;
    }
    boolean more = start.onCheckpoint(sequence);
    return cleaning.onCheckpoint(sequence) || more;
  }

  void onTurnEnd() {
    if (!state.gone && !state.isFsync() && !state.unrecorded && state.logEnd > state.held) {
      state.held = state.logEnd;
      listener.onHeld(state.held);
    }
  }

  /** All that says where the log begins is durable. */
  void onRecorded() {
    if (state.unrecorded) {
      state.unrecorded = false;
      onTurnEnd();
    }
  }

  void onBarrierHandedOver(long sequence) {
    cut.onHandedOver(sequence);
  }

  void onBarrierDurable(long sequence) {
    if (!left && !shared.isClosed()) {
      cut.onDurable(sequence);
    }
  }

  /** For whoever removes its directory: see {@link LogCut#barriers}. */
  List<Long> barriers() {
    return cut.barriers();
  }

  /** The cut has been carried out and what was left has been read again. */
  void onCut(LogWalk.@Nullable Found found) {
    if (found != null) {
      Segment last = found.walked().get(found.walked().size() - 1);
      Segment before = state.segments.put(last.baseOffset(), last);
      if (before != null) {
        before.endLending();
        if (before.isSealed()) {
          last.seal();
        }
      }
      state.producers = found.producers();
    }
    state.producers.onTruncated();
    derived.onCut(found == null);
    if (!state.gone) {
      start.removeSegments();
    }
    home.markDirty(this);
  }

  LogWalk.Task walkTask() {
    List<LogWalk.Ref> refs = new ArrayList<>();
    for (Segment segment : state.segments.values()) {
      refs.add(new LogWalk.Ref(segment.baseOffset(), segment.sizeBytes(), segment.createdMs()));
    }
    return new LogWalk.Task(
        refs,
        state.logStart,
        derived.snapshots(),
        state.logEnd,
        Long.MAX_VALUE,
        false,
        state.logEnd,
        offset -> SegmentReader.ANY_EPOCH); // what has rotted is found when it is read
  }

  /** For the checkpoint; while a cut is not carried out, of before it. */
  CheckpointRow row() {
    CheckpointRow before = cut.rowBefore();
    return before != null ? before : state.row();
  }

  @Override
  public void clearDoubt() {
    if (state.doubtful && damages.current().isEmpty()) {
      state.doubtful = false;
      home.markDirty(this);
    }
  }

  boolean isCutting() {
    return cut.isPending();
  }

  /** Before a clean stop: derived data is written. */
  void flushForClose() {
    if (state.gone) {
      return;
    }
    compacted.settle();
    mark.save();
    if (derived.isBehind()) {
      derived.write();
      home.markDirty(this);
    }
  }

  /** For the next start, after {@link #flushForClose}; null: its files must be read. */
  @Nullable CleanLog cleanLog() {
    Segment active = state.active();
    boolean isWhole =
        !state.gone
            && !state.doubtful
            && state.unreadableFrom() == Long.MAX_VALUE
            && !cut.isPending()
            && !derived.isBehind()
            && (active == null || active.isActive());
    if (!isWhole) {
      return null;
    }
    List<ByteBuffer> indexes =
        active == null
            ? List.of(ByteBuffer.allocate(0), ByteBuffer.allocate(0))
            : active.encodeIndexes();
    ByteBuffer producers = state.producers.snapshot(state.logEnd);
    int bytes = indexes.get(0).remaining() + indexes.get(1).remaining() + producers.remaining();
    if (bytes > CleanLog.MAX_DERIVED_BYTES) {
      return null;
    }
    return new CleanLog(
        id(),
        state.meta.topicName(),
        state.meta.durability(),
        state.logStart,
        state.logEnd,
        Math.min(state.highWatermark, state.logEnd),
        active == null ? new Segment.Tail(-1, -1, 0) : active.tail(),
        new CleanMark(state.mark.cleanedTo(), Math.min(state.mark.forgottenBelow(), state.logEnd)),
        walkTask().segments(),
        state.epochs.entries(),
        List.copyOf(derived.snapshots()),
        indexes.get(0),
        indexes.get(1),
        producers);
  }

  /**
   * It is deleted or moved aside: every call fails from now on. The journal is told as soon as what
   * it was told before has been carried out.
   *
   * @param told runs when that has been handed over
   */
  void leave(Runnable told) {
    retire();
    cut.beforeLeaving(
        () -> {
          left = true;
          home.journal(this, JournalEntry.of(id(), Kind.GONE, 0, 0));
          told.run();
        });
  }

  /** It was deleted, moved aside or closed: every call fails from now on. */
  void retire() {
    state.gone = true;
    state.tail.clear();
    cleaning.onGone();
  }

  @Override
  public void changeSettings(LogSettings newSettings) {
    checkThere();
    state.settings = newSettings;
    onSettings();
  }

  EventLoop loop() {
    return home.loop;
  }

  Listener listener() {
    return listener;
  }

  /** For the loop and the parts; the caller is on the loop. */
  LogState state() {
    return state;
  }

  private void checkUsable() {
    shared.checkOnline();
    checkThere();
  }

  /**
   * The directory may have gone offline in another thread's hands, which the loop hears of in a
   * later turn: until then it may ask for what is known without a file.
   */
  private void checkThere() {
    if (!home.loop.inLoop()) {
      shared.faults.onFault(
          "the log " + this + " is used outside of its loop", new IllegalStateException());
    }
    if (state.gone) {
      throw new StorageException(
          StorageException.Kind.IO,
          id().directoryName(),
          -1,
          "the log was deleted, moved aside or closed");
    }
  }

  @Override
  public String toString() {
    return state.toString();
  }

  private final class EpochView implements LeaderEpochs {
    @Override
    public int latest() {
      return state.epochs.latest();
    }

    @Override
    public int epochOf(long offset) {
      return state.epochs.epochOf(offset);
    }

    @Override
    public EpochEnd endOf(int epoch) {
      return state
          .epochs
          .endOf(epoch, state.logEnd)
          .map(entry -> new EpochEnd(entry.epoch(), entry.startOffset()))
          .orElse(new EpochEnd(NONE, state.logStart));
    }
  }
}
