package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.producer.ProducerState.Verdict;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.TailCache;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A log in segment files. Belongs to its loop; see {@link PartitionLog} for the contract. */
final class SegmentedLog implements PartitionLog {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentedLog.class);

  private static final long HOT_MARK_BYTES = 1 << 20;
  private static final int SNAPSHOTS_KEPT = 2;
  private static final long BUSY_RETRY_MS = 20;
  private static final long DISK_FULL_RETRY_MS = 1_000;

  private final LogShared shared;
  private final LoopLogs home;
  private final PartitionMeta meta;
  private final Listener listener;
  private final TreeMap<Long, Segment> segments = new TreeMap<>();
  private final EpochHistory epochs;
  private final LeaderEpochs epochView = new EpochView();
  private final TailCache.Tail tail;
  private final NavigableSet<Long> snapshots;
  private final LogReads reads;
  private final LogCut cut;
  private final ArrayDeque<HotMark> hotMarks = new ArrayDeque<>();
  private LogSettings settings;
  private ProducerState producers;
  private long logStart;
  private long logEnd;
  private long held;
  private long durableStart;
  private long truncations;
  private long highWatermark;
  private final long recoveredHighWatermark;
  private volatile boolean doubtful;
  private long damagedFrom;
  private final long recoveryPointIfDamaged;
  private int underivedBytes;
  private boolean gone;

  /** From this offset on, what was appended is as old as the count says. */
  private record HotMark(long offset, long count) {}

  SegmentedLog(
      LogShared shared,
      LoopLogs home,
      RecoveredLog from,
      LogSettings settings,
      String topicName,
      Listener listener) {
    this.shared = shared;
    this.home = home;
    this.meta = new PartitionMeta(from.id(), from.durability(), topicName);
    this.settings = settings;
    this.listener = listener;
    this.epochs = from.epochs();
    this.producers = from.producers();
    this.snapshots = new TreeSet<>(from.snapshots());
    this.logStart = from.logStart();
    this.logEnd = from.logEnd();
    this.held = from.logEnd();
    this.highWatermark = Math.min(from.highWatermark(), from.logEnd());
    this.recoveredHighWatermark = highWatermark;
    this.doubtful = from.doubtful();
    this.damagedFrom = from.damagedFrom();
    this.recoveryPointIfDamaged = from.recoveryPoint();
    from.segments().forEach(segment -> segments.put(segment.baseOffset(), segment));
    this.tail = home.tail.newTail();
    this.reads = new LogReads(shared, home, this);
    this.cut = new LogCut(shared, home, this);
  }

  @Override
  public PartitionId id() {
    return meta.id();
  }

  @Override
  public long logStartOffset() {
    checkUsable();
    return logStart;
  }

  @Override
  public long logEndOffset() {
    checkUsable();
    return logEnd;
  }

  @Override
  public long heldEndOffset() {
    checkUsable();
    return isFsync() ? held : logEnd;
  }

  @Override
  public LeaderEpochs epochs() {
    return epochView;
  }

  @Override
  public void beginEpoch(int leaderEpoch) {
    checkUsable();
    if (leaderEpoch < epochs.latest()) {
      throw new IllegalArgumentException(
          this + ": epoch " + leaderEpoch + " begins behind " + epochs.latest() + " (R29)");
    }
    if (epochs.assign(leaderEpoch, logEnd)) {
      home.journal(this, JournalEntry.of(id(), Kind.EPOCH, logEnd, leaderEpoch));
    }
  }

  @Override
  public AppendOutcome appendAsLeader(ByteBuffer buffer, int leaderEpoch, long nowMs) {
    checkUsable();
    RecordBatch batch = RecordBatch.at(buffer);
    Optional<ApiError> obstacle = obstacle(leaderEpoch);
    if (obstacle.isPresent()) {
      return new AppendOutcome.Refused(obstacle.get());
    }
    Verdict verdict = producers.check(batch, logStart == logEnd);
    if (verdict instanceof Verdict.Repeated repeated) {
      ProducerState.BatchInfo first = repeated.first();
      return new AppendOutcome.Duplicate(
          first.baseOffset(), first.lastOffset(), first.appendTimeMs());
    }
    if (verdict instanceof Verdict.Refused refused) {
      return new AppendOutcome.Refused(refused.error());
    }
    if (settings.appendTime()) {
      batch.stampAppendTime(nowMs);
    }
    batch.stamp(logEnd, leaderEpoch);
    try {
      Segment segment = segmentFor(batch, 0);
      write(segment, List.of(batch), batch.bytes());
    } catch (StorageException e) {
      offlineUnlessFull(e);
      return new AppendOutcome.Refused(
          ApiError.retriable(
              ErrorReason.DISK_FULL, this + ": the disk is full", DISK_FULL_RETRY_MS));
    }
    return new AppendOutcome.Appended(
        batch.baseOffset(), batch.lastOffset(), settings.appendTime() ? nowMs : -1);
  }

  @Override
  public FollowerAppend appendAsFollower(ByteBuffer batches, int leaderEpoch) {
    checkUsable();
    Optional<ApiError> obstacle = obstacle(leaderEpoch);
    if (obstacle.isPresent()) {
      return new FollowerAppend(logEnd, obstacle.get().message());
    }
    ByteBuffer bytes = batches.slice();
    List<RecordBatch> run = new ArrayList<>();
    int runStart = 0;
    int at = 0;
    long expected = logEnd;
    int epoch = logEnd > logStart ? epochs.epochOf(logEnd - 1) : EpochHistory.NONE;
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
          segment = segmentFor(batch, 0);
        }
        run.add(batch);
        at += batch.sizeBytes();
        expected = batch.nextOffset();
        epoch = batch.leaderEpoch();
      }
      writeRun(segment, run, bytes.slice(runStart, at - runStart));
    } catch (StorageException e) {
      offlineUnlessFull(e);
      fault = "the disk is full";
    }
    return new FollowerAppend(logEnd, fault);
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

  private Optional<ApiError> obstacle(int leaderEpoch) {
    if (leaderEpoch < epochs.latest()) {
      return Optional.of(
          ApiError.definite(
              ErrorReason.FENCED_LEADER_EPOCH,
              this + ": epoch " + leaderEpoch + " is behind " + epochs.latest()));
    }
    if (damagedFrom >= 0) {
      return Optional.of(
          ApiError.definite(
              ErrorReason.CORRUPT_LOG, this + ": damaged from offset " + damagedFrom + " on"));
    }
    if (cut.isPending()) {
      return Optional.of(
          ApiError.retriable(
              ErrorReason.BUSY, this + ": a truncation is not durable yet", BUSY_RETRY_MS));
    }
    if (shared.journal().isCrowded()) {
      return Optional.of(
          ApiError.retriable(
              ErrorReason.BUSY, this + ": too much waits for the journal", BUSY_RETRY_MS));
    }
    return Optional.empty();
  }

  /** The active segment, or a new one if the batch does not go in behind so many more bytes. */
  private Segment segmentFor(RecordBatch batch, int moreBytes) {
    Segment active = active();
    if (active != null && !isFull(active, batch, moreBytes)) {
      return active;
    }
    shared.ensureDirectory(meta);
    if (active != null) {
      derive(true);
      closeSegment(active);
    }
    Segment segment =
        new Segment(meta.id().directoryName(), batch.baseOffset(), 0, shared.clock.wallMs());
    shared.files.replace(segment.path(), ByteBuffer.allocate(0));
    shared.files.markDirectory(meta.id().directoryName());
    segment.activate(new OffsetIndex(batch.baseOffset()), new TimeIndex(batch.baseOffset()));
    segments.put(segment.baseOffset(), segment);
    return segment;
  }

  private boolean isFull(Segment segment, RecordBatch batch, int moreBytes) {
    long size = segment.sizeBytes() + moreBytes;
    return size > 0
        && (size + batch.sizeBytes() > settings.segmentBytes()
            || shared.clock.wallMs() - segment.createdMs() > settings.segmentMs()
            || !segment.takes(batch.lastOffset(), moreBytes + batch.sizeBytes()));
  }

  private void closeSegment(Segment segment) {
    derived(() -> segment.close(shared.files));
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
    long count = home.onAppended(size);
    if (hotMarks.isEmpty() || count - hotMarks.getLast().count >= HOT_MARK_BYTES) {
      hotMarks.add(new HotMark(logEnd, count));
    }
    for (RecordBatch batch : run) {
      segment.onAppended(batch, settings.indexIntervalBytes());
      if (epochs.latest() != batch.leaderEpoch()) {
        epochs.assign(batch.leaderEpoch(), batch.baseOffset());
      }
      producers.onAppended(batch);
      tail.add(batch.baseOffset(), batch.nextOffset(), batch.bytes());
      logEnd = batch.nextOffset();
    }
    if (isFsync()) {
      home.journalData(this, segment.baseOffset(), position, bytes);
    } else {
      home.touch(this);
    }
    underivedBytes += size;
    if (underivedBytes >= shared.config.derivedBytes()) {
      derive(false);
    }
  }

  /** Writes indexes and producers, so that a recovery reads little. Not synced (rule D3). */
  private void derive(boolean closing) {
    if (cut.isPending()) {
      // The producers are those of before the cut: a snapshot would bring them back (rule I1).
      return;
    }
    derived(
        () -> {
          Segment active = active();
          if (active != null && !closing) {
            active.flushIndexes(shared.files);
          }
          writeSnapshot();
          underivedBytes = 0;
        });
  }

  private void writeSnapshot() {
    String directory = meta.id().directoryName();
    shared.files.replace(
        SegmentFiles.path(directory, logEnd, SegmentFiles.SNAPSHOT), producers.snapshot(logEnd));
    shared.files.markDirectory(directory);
    snapshots.add(logEnd);
    while (snapshots.size() > SNAPSHOTS_KEPT) {
      deleteSnapshot(snapshots.first());
    }
  }

  private void deleteSnapshot(long offset) {
    String path = SegmentFiles.path(meta.id().directoryName(), offset, SegmentFiles.SNAPSHOT);
    shared.files.forget(path);
    shared.store.delete(path);
    shared.files.markDirectory(meta.id().directoryName());
    snapshots.remove(offset);
  }

  /** A full disk must not stop for data that can be rebuilt. */
  private void derived(Runnable write) {
    try {
      write.run();
    } catch (StorageException e) {
      offlineUnlessFull(e);
      LOG.warn("{}: no space for derived data: {}", this, e.getMessage());
    }
  }

  @Override
  public void read(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    checkUsable();
    reads.read(offset, Math.min(limitOffset, logEnd), maxBytes, completion);
  }

  @Override
  public void offsetForTime(long timestampMs, long limitOffset, Completion<TimeLookup> completion) {
    checkUsable();
    reads.offsetForTime(timestampMs, Math.min(limitOffset, logEnd), completion);
  }

  @Override
  public void truncateTo(long offset) {
    checkUsable();
    if (offset < logStart) {
      throw new IllegalArgumentException(
          this + ": cannot be cut to " + offset + ", it starts at " + logStart);
    }
    if (offset >= logEnd && damagedFrom < 0) {
      // Rule R29: at exactly the log end the empty epochs go.
      if (epochs.truncate(Math.max(offset, logEnd))) {
        home.journal(this, cut.entry(Kind.TRUNCATE, logEnd, -1, 0));
      }
      return;
    }
    CheckpointRow before = row();
    long target = damagedFrom < 0 ? offset : Math.min(offset, damagedFrom);
    long position = 0;
    List<Segment> removed = new ArrayList<>();
    Segment last = segmentOf(target);
    if (last != null) {
      SegmentReader.Found found = findForCut(last, target);
      target = Math.min(target, found.baseOffset());
      position = found.position();
      if (target < logStart) {
        // The log start lies inside this batch: nothing that can be read is left.
        restartAt(logStart);
        return;
      }
      removed.addAll(segments.tailMap(last.baseOffset(), false).values());
      removed.forEach(segment -> segments.remove(segment.baseOffset()));
      // Its indexes are read again once the cut is durable.
      segments.put(
          last.baseOffset(),
          new Segment(meta.id().directoryName(), last.baseOffset(), position, last.createdMs()));
    }
    LOG.info("{}: cut from {} to {}", this, logEnd, target);
    forget(target);
    epochs.truncate(target);
    home.journal(
        this, cut.entry(Kind.TRUNCATE, target, last == null ? -1 : last.baseOffset(), position));
    cut.begin(before, removed);
  }

  private SegmentReader.Found findForCut(Segment segment, long target) {
    try {
      return shared.reader.find(reads.view(segment, target), target);
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        offlineUnlessFull(e);
        throw e;
      }
      return new SegmentReader.Found(e.position(), target, target);
    }
  }

  @Override
  public void restartAt(long offset) {
    checkUsable();
    CheckpointRow before = row();
    List<Segment> removed = new ArrayList<>(segments.values());
    segments.clear();
    LOG.info("{}: starts again at {}, had {} to {}", this, offset, logStart, logEnd);
    forget(offset);
    logStart = offset;
    logEnd = offset;
    held = offset;
    epochs.clear();
    producers.clear();
    home.journal(this, JournalEntry.of(id(), Kind.RESTART, offset, 0));
    cut.begin(before, removed);
  }

  private void forget(long offset) {
    truncations++;
    logEnd = offset;
    held = Math.min(held, offset);
    tail.truncate(offset);
    damagedFrom = -1;
    doubtful = false;
    while (!hotMarks.isEmpty() && hotMarks.getLast().offset >= offset) {
      hotMarks.removeLast();
    }
  }

  @Override
  public void advanceLogStart(long offset) {
    checkUsable();
    long target = Math.min(offset, logEnd);
    if (target <= logStart) {
      return;
    }
    logStart = target;
    epochs.advanceStart(target);
    producers.onRecordsDeleted();
    derive(false);
    home.journal(this, JournalEntry.of(id(), Kind.LOG_START, target, 0));
  }

  @Override
  public void whenDurable(Runnable completion) {
    checkUsable();
    home.afterCommit(() -> cut.afterwards(() -> whenCut(completion)));
  }

  private void whenCut(Runnable completion) {
    if (isFsync()) {
      completion.run();
    } else {
      cut.syncFiles(completion);
    }
  }

  @Override
  public void noteHighWatermark(long newHighWatermark) {
    checkUsable();
    if (newHighWatermark != highWatermark) {
      highWatermark = newHighWatermark;
      home.markDirty(this);
    }
  }

  @Override
  public long checkpointedHighWatermark() {
    return recoveredHighWatermark;
  }

  @Override
  public long sizeBytes() {
    return segments.values().stream().mapToLong(Segment::sizeBytes).sum();
  }

  @Override
  public long bytesFrom(long offset) {
    if (offset >= logEnd) {
      return 0;
    }
    Segment holder = segmentOf(offset);
    if (holder == null) {
      return sizeBytes();
    }
    long bytes = holder.sizeBytes();
    int position = holder.indexedPosition(offset);
    Long nextBase = segments.higherKey(holder.baseOffset());
    if (position >= 0) {
      bytes -= position;
    } else {
      long end = nextBase == null ? logEnd : nextBase;
      bytes = (long) ((double) bytes / (end - holder.baseOffset()) * (end - offset));
    }
    for (Segment later : segments.tailMap(holder.baseOffset(), false).values()) {
      bytes += later.sizeBytes();
    }
    return bytes;
  }

  @Override
  public boolean doubtful() {
    return doubtful;
  }

  @Override
  public int producerCount() {
    return producers.size();
  }

  /** A read found damage (rule D9). */
  void onDamage(@Nullable String where) {
    LOG.error("{}: damaged: {}", this, where);
    doubtful = true;
    home.markDirty(this);
  }

  /** The records of a turn are durable; dropped if the log was cut since (rule R41). */
  void onDurable(long endOffset, long startOffset, long truncationsThen) {
    if (gone || shared.isClosed() || truncationsThen != truncations) {
      return;
    }
    durableStart = startOffset;
    removeBelowStart();
    if (isFsync() && endOffset > held) {
      held = endOffset;
      listener.onHeld(held);
    }
  }

  void onTurnEnd() {
    if (!gone && !isFsync() && logEnd > held) {
      held = logEnd;
      listener.onHeld(held);
    }
  }

  void onBarrierHandedOver(long sequence) {
    cut.onHandedOver(sequence);
  }

  void onBarrierDurable(long sequence) {
    if (!gone && !shared.isClosed()) {
      cut.onDurable(sequence);
    }
  }

  /** Rule D5: only what a durable log start has left behind; not while a cut reads it again. */
  private void removeBelowStart() {
    while (!cut.isPending()
        && segments.size() > 1
        && segments.firstKey() < durableStart
        && segments.higherKey(segments.firstKey()) <= durableStart) {
      cut.remove(List.of(segments.pollFirstEntry().getValue()));
    }
  }

  /** The cut has been carried out and what was left has been read again. */
  void onCut(LogWalk.@Nullable Found found) {
    if (found != null) {
      Segment last = found.walked().get(found.walked().size() - 1);
      segments.put(last.baseOffset(), last);
      producers = found.producers();
    }
    producers.onTruncated();
    long keepBelow = found == null ? 0 : logEnd;
    for (long offset : List.copyOf(snapshots.tailSet(keepBelow, true))) {
      deleteSnapshot(offset);
    }
    Segment active = active();
    derived(
        () -> {
          if (active != null) {
            active.truncateIndexFiles(shared.files);
            writeSnapshot();
          }
        });
    removeBelowStart();
    home.markDirty(this);
  }

  LogWalk.Task walkTask() {
    List<LogWalk.Ref> refs = new ArrayList<>();
    for (Segment segment : segments.values()) {
      refs.add(new LogWalk.Ref(segment.baseOffset(), segment.sizeBytes(), segment.createdMs()));
    }
    return new LogWalk.Task(refs, logStart, new TreeSet<>(snapshots), logEnd, Long.MAX_VALUE, null);
  }

  /** For the checkpoint; while a cut is not carried out, of before it. */
  CheckpointRow row() {
    CheckpointRow before = cut.rowBefore();
    if (before != null) {
      return before;
    }
    Segment last = active();
    return new CheckpointRow(
        meta,
        logStart,
        damagedFrom < 0 ? logEnd : recoveryPointIfDamaged,
        Math.min(highWatermark, logEnd),
        last == null ? -1 : last.baseOffset(),
        last == null ? 0 : last.sizeBytes(),
        doubtful,
        epochs.entries());
  }

  /** What was doubtful has been compared with a leader's log. */
  void clearDoubt() {
    if (doubtful && damagedFrom < 0) {
      doubtful = false;
      home.markDirty(this);
    }
  }

  boolean isCutting() {
    return cut.isPending();
  }

  /** Before a clean stop: derived data is written. */
  void flushForClose() {
    if (underivedBytes > 0 && !gone) {
      derive(false);
      home.markDirty(this);
    }
  }

  /** It was deleted, moved aside or closed: every call fails from now on. */
  void retire() {
    gone = true;
    tail.clear();
  }

  void changeSettings(LogSettings newSettings) {
    settings = newSettings;
  }

  Listener listener() {
    return listener;
  }

  PartitionMeta meta() {
    return meta;
  }

  LogSettings settings() {
    return settings;
  }

  TailCache.Tail tail() {
    return tail;
  }

  long logStart0() {
    return logStart;
  }

  long logEndOffset0() {
    return logEnd;
  }

  long truncations() {
    return truncations;
  }

  long damagedFrom() {
    return damagedFrom;
  }

  boolean isGone() {
    return gone;
  }

  EpochHistory history() {
    return epochs;
  }

  TreeMap<Long, Segment> segments() {
    return segments;
  }

  /** Whether an offset is in the hot region (rule L2). */
  boolean isHot(long offset) {
    while (!hotMarks.isEmpty() && !home.isHot(hotMarks.getFirst().count)) {
      hotMarks.removeFirst();
    }
    return !hotMarks.isEmpty() && offset >= hotMarks.getFirst().offset;
  }

  @Nullable Segment active() {
    return segments.isEmpty() ? null : segments.lastEntry().getValue();
  }

  /** The segment in which an offset lies, or would. */
  @Nullable Segment segmentOf(long offset) {
    var found = segments.floorEntry(offset);
    return found == null ? null : found.getValue();
  }

  /** A full disk is no reason to go offline; anything else is (rule L4). */
  void offlineUnlessFull(StorageException e) {
    if (e.kind() != StorageException.Kind.NO_SPACE) {
      shared.goOffline(e);
      throw e;
    }
  }

  void checkUsable() {
    if (!home.loop.inLoop()) {
      shared.faults.onFault(
          "the log " + this + " is used outside of its loop", new IllegalStateException());
    }
    shared.checkOnline();
    if (gone) {
      throw new StorageException(
          StorageException.Kind.IO,
          meta.id().directoryName(),
          -1,
          "the log was deleted, moved aside or closed");
    }
  }

  private boolean isFsync() {
    return meta.durability() == Durability.FSYNC;
  }

  @Override
  public String toString() {
    return meta.topicName() + "-" + meta.id().partition();
  }

  private final class EpochView implements LeaderEpochs {
    @Override
    public int latest() {
      return epochs.latest();
    }

    @Override
    public int epochOf(long offset) {
      return epochs.epochOf(offset);
    }

    @Override
    public EpochEnd endOf(int epoch) {
      return epochs
          .endOf(epoch, logEnd)
          .map(entry -> new EpochEnd(entry.epoch(), entry.startOffset()))
          .orElse(new EpochEnd(NONE, logStart));
    }
  }
}
