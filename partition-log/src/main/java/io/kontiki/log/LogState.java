package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.TailCache;
import io.kontiki.model.Durability;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is in memory of one log, shared by the parts that work on it. Belongs to the log's loop, but
 * for {@link #doubtful}. Holds no behaviour beyond look-ups: what may change what is said at {@link
 * LogAppends}, {@link LogTruncation}, {@link LogStart} and {@link LogDerived}.
 */
final class LogState {
  final PartitionMeta meta;
  final EpochHistory epochs;
  final TailCache.Tail tail;
  final HotRegion hot;

  /** By base offset; the last one is appended to. */
  final TreeMap<Long, Segment> segments = new TreeMap<>();

  /** Where a checkpoint says that synced bytes end while the log is damaged. */
  final long recoveryPointIfDamaged;

  LogSettings settings;
  ProducerState producers;

  /** First offset that is there. */
  long logStart;

  /** Exclusive end of what is written. */
  long logEnd;

  /** Exclusive end of what is durable as far as it was told (rule R36). */
  long held;

  /**
   * Of a replicated log: the record by which it began anew within a batch is not durable, and a
   * replay without it would drop what came since. Nothing more is held meanwhile.
   */
  boolean unrecorded;

  /** Grows with each truncation (rule R41). */
  long truncations;

  /** A lower bound (rule R39). */
  long highWatermark;

  /** Whether there was damage or doubt; read by any thread. */
  volatile boolean doubtful;

  /** Offset from which on recovery lost the log, or -1: nothing is known of what follows. */
  long damagedFrom;

  /** The first damage that was found since, in a log that is known to its end, or null. */
  SegmentReader.@Nullable Damage damage;

  /** Deleted, moved aside or closed. */
  boolean gone;

  /** How far it has been compacted; read by workers that write it. */
  volatile CleanMark mark;

  /** What the file of it says, or will. */
  CleanMark savedMark;

  /** Grows when compacted segments replace others: reads under way are repeated. */
  long swaps;

  LogState(RecoveredLog from, LogSettings settings, String topicName, LoopLogs home) {
    this.meta = new PartitionMeta(from.id(), from.durability(), topicName);
    this.settings = settings;
    this.epochs = from.epochs();
    this.producers = from.producers();
    this.logStart = from.logStart();
    this.logEnd = from.logEnd();
    this.held = from.logEnd();
    this.highWatermark = Math.min(from.highWatermark(), from.logEnd());
    this.doubtful = from.doubtful();
    this.damagedFrom = from.damagedFrom();
    this.recoveryPointIfDamaged = from.recoveryPoint();
    this.mark = from.mark();
    this.savedMark = from.mark();
    from.segments().forEach(segment -> segments.put(segment.baseOffset(), segment));
    this.tail = home.tail.newTail();
    this.hot = new HotRegion(home);
  }

  boolean isFsync() {
    return meta.durability() == Durability.FSYNC;
  }

  @Nullable Segment active() {
    Map.Entry<Long, Segment> last = segments.lastEntry();
    return last == null ? null : last.getValue();
  }

  /** The segment in which an offset lies, or would. */
  @Nullable Segment segmentOf(long offset) {
    Map.Entry<Long, Segment> found = segments.floorEntry(offset);
    return found == null ? null : found.getValue();
  }

  /** Exclusive end of what may be served or shipped (rule D9); the greatest long without damage. */
  long unreadableFrom() {
    long lost = damagedFrom < 0 ? Long.MAX_VALUE : damagedFrom;
    return damage == null ? lost : Math.min(lost, damage.offset());
  }

  long sizeBytes() {
    return segments.values().stream().mapToLong(Segment::sizeBytes).sum();
  }

  /** For the checkpoint, while no cut is on its way. */
  CheckpointRow row() {
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

  @Override
  public String toString() {
    return meta.topicName() + "-" + meta.id().partition();
  }
}
