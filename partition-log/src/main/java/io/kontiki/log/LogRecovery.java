package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.model.Durability;
import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges one log after the replay (rules L3, D2): finds its end, cuts a torn tail, keeps aside what
 * is doubtful, tells damage. Blocks; runs before the directory is served.
 *
 * <p>Most logs are <em>plain</em>: checkpoint and journal say what is in them, and the files agree.
 * Nothing is synced of these, and nothing is removed that a further replay might miss (rules D5,
 * D10). All others are settled: what was found is written down, synced by the caller, and never
 * replayed again.
 */
final class LogRecovery {
  private static final Logger LOG = LoggerFactory.getLogger(LogRecovery.class);

  private static final int INDEX_INTERVAL_BYTES = 4096;
  private static final int LOOK_AHEAD_BYTES = 64 << 20;

  private final LogShared shared;
  private final LogReplay log;
  private final String directory;
  private final TreeSet<Long> snapshots = new TreeSet<>();
  private List<LogWalk.Ref> refs = new ArrayList<>();
  private boolean doubtful;
  private boolean changed;

  /** From this offset on the batches say of which epoch they are. */
  private long epochsFrom;

  LogRecovery(LogShared shared, LogReplay log) {
    this.shared = shared;
    this.log = log;
    this.directory = log.directory();
    this.doubtful = log.isDoubtful();
    this.changed = log.isTouched();
    this.epochsFrom = log.trust();
  }

  RecoveredLog recover(boolean journalDamaged) {
    doubtful |= journalDamaged && log.isFsync();
    boolean plain = log.isPlain() && !journalDamaged;
    list(plain);
    if (!plain) {
      dropBelow(Math.min(log.logStart(), newestTrustedSnapshot()));
    }
    EpochHistory epochs = log.epochs();
    if (!journalDamaged) {
      // What is below it was on record, as checkpoint or journal entry, before any of it counted.
      epochsFrom = Math.max(epochsFrom, log.recoveryPoint());
    }
    if (!refs.isEmpty() && areEpochsIncomplete(epochs)) {
      epochsFrom = log.trust();
      completeEpochs(epochs);
      changed = true;
      plain = false;
    }
    LogWalk.Found found = walk(snapshots, log.trust());
    plain &= found.fault().isEmpty() && found.endOffset() >= log.logStart() && endsWhereDue();
    if (!found.fault().isEmpty() && found.endOffset() < log.logStart()) {
      // Whatever is wrong down there, nothing will be read of it.
      dropBelow(log.logStart());
      found = walk(snapshots, log.trust());
    }
    long damagedFrom = -1;
    long end = found.endOffset();
    // Below the log start there is nothing to miss.
    if (end < log.recoveryPoint() && log.recoveryPoint() > log.logStart()) {
      damagedFrom = Math.max(end, log.logStart());
      end = log.recoveryPoint();
      doubtful = true;
      LOG.error(
          "{}: damaged from offset {} on, {} had been synced: {}",
          directory,
          damagedFrom,
          log.recoveryPoint(),
          found.fault());
      keepDamageAside(found);
    } else if (!found.fault().isEmpty()) {
      cut(found);
      found = walk(snapshots, log.trust());
    }
    List<Segment> segments = segments(found);
    ProducerState producers = found.producers();
    if (damagedFrom < 0 && end < log.logStart()) {
      segments.forEach(segment -> log.delete(segment.path()));
      segments = List.of();
      end = log.logStart();
      producers = new ProducerState();
      changed = true;
    }
    segments = fromStart(segments, plain ? log.passedStart() : log.logStart());
    // What was written ahead of the recovery point and is not true any more must go now: as the
    // recovery point rises it would be trusted (rule I1).
    changed |=
        end > log.recoveryPoint()
            || !found.stale().isEmpty()
            || !found.ahead().isEmpty()
            || found.walked().size() > 1
            || !snapshots.tailSet(log.trust(), false).isEmpty();
    // Only now: of a walk that broke off before the end an epoch that has just begun is no part.
    epochs.rebuild(epochsFrom, found.epochs(), end);
    if (log.logStart() > 0) {
      epochs.advanceStart(log.logStart());
    }
    if (plain) {
      tidy(found, segments);
    } else if (changed) {
      save(found, segments, producers, end);
    }
    return new RecoveredLog(
        log.id(),
        log.meta() == null ? "" : log.meta().topicName(),
        log.isFsync() ? Durability.FSYNC : Durability.REPLICATED,
        log.logStart(),
        end,
        segments,
        epochs,
        producers,
        snapshots,
        Math.min(log.highWatermark(), end),
        damagedFrom < 0 ? end : log.recoveryPoint(),
        doubtful,
        damagedFrom,
        plain,
        plain || !changed ? log.savedEpochs() : epochs.entries(),
        snapshots.contains(end) || segments.isEmpty() ? 0 : walkedBytes(found),
        mark(end, found.forgottenBelow()));
  }

  private boolean endsWhereDue() {
    LogWalk.Ref last = refs.isEmpty() ? null : refs.get(refs.size() - 1);
    return last == null
        ? log.lastSegment() < 0
        : last.baseOffset() == log.lastSegment()
            && last.sizeBytes() == log.endOf(log.lastSegment());
  }

  private static int walkedBytes(LogWalk.Found found) {
    long bytes = found.walked().stream().mapToLong(Segment::sizeBytes).sum();
    return (int) Math.min(bytes, Integer.MAX_VALUE);
  }

  /** What the replay left of it, and what batches tell that came after it was written. */
  private CleanMark mark(long end, long forgottenBelow) {
    CleanMark left = log.mark().cutTo(end);
    CleanMark mark =
        new CleanMark(left.cleanedTo(), Math.max(left.forgottenBelow(), forgottenBelow));
    if (!mark.equals(log.markInFile()) && shared.store.exists(directory)) {
      shared.files.replace(directory + "/" + CleanMark.FILE, mark.encode());
      shared.files.markDirectory(directory);
    }
    return mark;
  }

  /**
   * Also when the file was trimmed for a log start that did not become durable, and when the log
   * start lies within the first batch, of which the checkpoint knew nothing.
   */
  private boolean areEpochsIncomplete(EpochHistory epochs) {
    long base = refs.get(0).baseOffset();
    long first = Math.max(log.logStart(), base);
    // No record is trusted: all that is known are epochs that began while the log was empty.
    boolean emptyThen = !log.isFsync() && base < log.trust() && log.trust() <= log.logStart();
    return log.areEpochsLost()
        || emptyThen
        || (log.trust() > base && epochs.epochOf(first) == EpochHistory.NONE);
  }

  /**
   * Finds the files.
   *
   * @param cut what lies behind the end that checkpoint and journal say: no commit of the journal
   *     had it, so it was never held, and a further replay would not know whether it may stay
   */
  private void list(boolean cut) {
    List<String> names = log.names().all();
    TreeSet<Long> bases = new TreeSet<>();
    for (String name : names) {
      SegmentFiles.offsetOf(name, SegmentFiles.LOG).ifPresent(bases::add);
      SegmentFiles.offsetOf(name, SegmentFiles.SNAPSHOT).ifPresent(snapshots::add);
      if (name.endsWith(".tmp") || name.endsWith(SegmentFiles.DELETED)) {
        log.delete(directory + "/" + name);
      }
    }
    for (String name : names) {
      OptionalLong index = SegmentFiles.offsetOf(name, SegmentFiles.INDEX);
      OptionalLong times = SegmentFiles.offsetOf(name, SegmentFiles.TIME_INDEX);
      if ((index.isPresent() && !bases.contains(index.getAsLong()))
          || (times.isPresent() && !bases.contains(times.getAsLong()))) {
        log.delete(directory + "/" + name);
      }
    }
    long now = shared.clock.wallMs();
    for (long base : bases) {
      String path = log.path(base, SegmentFiles.LOG);
      long size = shared.store.sizeBytes(path);
      long end = log.endOf(base);
      if (cut && end < 0) {
        removeSegment(base);
        continue;
      }
      if (cut && size > end) {
        LOG.debug("{}: {} bytes that no commit had are cut", directory, size - end);
        shared.files.truncate(path, end);
        size = end;
      }
      refs.add(new LogWalk.Ref(base, size, now));
    }
  }

  /**
   * What was written ahead of the recovery point of derived data goes: it would be trusted as soon
   * as the recovery point rises (rule I1).
   *
   * @param segments that are left of the log: of others no file is made again
   */
  private void tidy(LogWalk.Found found, List<Segment> segments) {
    for (Segment segment : found.walked()) {
      if (!segments.contains(segment)) {
        continue;
      }
      if (found.stale().contains(segment.baseOffset())) {
        segment.truncateIndexFiles(shared.files);
      } else if (found.ahead().contains(segment.baseOffset())) {
        segment.markIndexFiles(shared.files);
      }
      if (segment != found.walked().get(found.walked().size() - 1)) {
        segment.complete(shared.files);
        segment.deactivate();
      }
    }
    deleteUntrustedSnapshots();
  }

  private void deleteUntrustedSnapshots() {
    for (long snapshot : List.copyOf(snapshots.tailSet(log.trust(), false))) {
      log.delete(log.path(snapshot, SegmentFiles.SNAPSHOT));
      snapshots.remove(snapshot);
    }
  }

  /**
   * Segments below the log start are still there if no checkpoint passed the record of the start.
   * Their producers count until a snapshot has them (rule I1).
   */
  private long newestTrustedSnapshot() {
    Long newest = snapshots.floor(log.trust());
    return newest == null ? 0 : newest;
  }

  private void dropBelow(long offset) {
    while (refs.size() > 1 && refs.get(1).baseOffset() <= offset) {
      removeSegment(refs.remove(0).baseOffset());
    }
  }

  /** Without those wholly below a log start. */
  private List<Segment> fromStart(List<Segment> segments, long start) {
    List<Segment> kept = new ArrayList<>(segments);
    while (kept.size() > 1 && kept.get(1).baseOffset() <= start) {
      removeSegment(kept.remove(0).baseOffset());
    }
    return kept;
  }

  private void removeSegment(long base) {
    log.delete(log.path(base, SegmentFiles.LOG));
    log.delete(log.path(base, SegmentFiles.INDEX));
    log.delete(log.path(base, SegmentFiles.TIME_INDEX));
    changed = true;
  }

  /** From the first batch on; what begins where that ends, or behind it, no batch tells. */
  private void completeEpochs(EpochHistory epochs) {
    long from = Math.min(log.trust(), refs.get(0).baseOffset());
    List<EpochHistory.Entry> known = epochs.entries();
    LogWalk.Found found = walk(new TreeSet<>(), from, false, from);
    epochs.rebuild(from, found.epochs(), found.endOffset());
    for (EpochHistory.Entry entry : known) {
      if (entry.startOffset() >= found.endOffset() && entry.epoch() > epochs.latest()) {
        epochs.assign(entry.epoch(), entry.startOffset());
      }
    }
  }

  private LogWalk.Found walk(TreeSet<Long> trusted, long trust) {
    return walk(trusted, trust, true, epochsFrom);
  }

  /**
   * @param checkDerived whether a bad batch below the recovery point ends it, too: what rotted
   *     there would be believed of producers (rule I1)
   * @param learnFrom see {@link LogWalk.Task#epochsFrom}
   */
  private LogWalk.Found walk(
      TreeSet<Long> trusted, long trust, boolean checkDerived, long learnFrom) {
    LogWalk walk = new LogWalk(shared, directory, log.names()::hasPath, INDEX_INTERVAL_BYTES);
    return walk.walk(
        new LogWalk.Task(
            List.copyOf(refs),
            log.logStart(),
            trusted,
            trust,
            log.recoveryPoint(),
            checkDerived,
            learnFrom,
            EpochHistory.lookUp(log.epochs().entries())));
  }

  /** Cuts at the fault; what is doubtful is kept aside first (rule D2). */
  private void cut(LogWalk.Found found) {
    changed = true;
    int place = found.faultSegment();
    boolean valid = false;
    for (int i = place; i < refs.size(); i++) {
      long from = i == place ? found.faultPosition() : 0;
      valid |= hasValidBatch(refs.get(i), from, found.endOffset());
    }
    long bytes = refs.get(place).sizeBytes() - found.faultPosition();
    if (valid) {
      doubtful = true;
      LOG.warn(
          "{}: cut at offset {} with valid batches behind it: doubtful; {}",
          directory,
          found.endOffset(),
          found.fault());
    } else {
      LOG.info(
          "{}: torn tail of {} bytes cut at offset {}: {}",
          directory,
          bytes,
          found.endOffset(),
          found.fault());
    }
    List<LogWalk.Ref> kept = new ArrayList<>(refs.subList(0, place));
    for (int i = place; i < refs.size(); i++) {
      LogWalk.Ref ref = refs.get(i);
      long from = i == place ? found.faultPosition() : 0;
      if (valid) {
        keepAside(ref, from, SegmentFiles.CUT);
      }
      if (i == place && (from > 0 || ref.baseOffset() == found.endOffset())) {
        shared.files.truncate(log.path(ref.baseOffset(), SegmentFiles.LOG), from);
        kept.add(new LogWalk.Ref(ref.baseOffset(), from, ref.createdMs()));
      } else {
        removeSegment(ref.baseOffset());
      }
    }
    refs = kept;
  }

  /** What cannot be reached behind damage is no part of the log until it is fetched again. */
  private void keepDamageAside(LogWalk.Found found) {
    changed = true;
    for (int i = found.faultSegment(); i < refs.size(); i++) {
      LogWalk.Ref ref = refs.get(i);
      boolean walked =
          found.walked().stream().anyMatch(one -> one.baseOffset() == ref.baseOffset());
      if (walked) {
        keepAside(ref, found.faultPosition(), SegmentFiles.DAMAGED);
      } else {
        String path = log.path(ref.baseOffset(), SegmentFiles.LOG);
        shared.files.forget(path);
        shared.store.rename(path, path + ".0" + SegmentFiles.DAMAGED);
        log.names().changed();
        shared.files.markDirectory(directory);
        removeSegment(ref.baseOffset());
      }
    }
  }

  private void keepAside(LogWalk.Ref ref, long from, String suffix) {
    ByteBuffer bytes = content(ref, from);
    if (bytes.hasRemaining()) {
      String path = log.path(ref.baseOffset(), SegmentFiles.LOG) + "." + from + suffix;
      shared.files.replace(path, bytes);
      shared.files.markDirectory(directory);
    }
  }

  private boolean hasValidBatch(LogWalk.Ref ref, long from, long minOffset) {
    ByteBuffer bytes = content(ref, from);
    for (int at = 0; at <= bytes.limit() - RecordBatch.HEADER_BYTES; at++) {
      if (bytes.get(at + 16) == RecordBatch.MAGIC) {
        RecordBatch batch = new RecordBatch(bytes, at);
        if (BatchWalker.headerFault(batch, bytes.limit() - at).isEmpty()
            && batch.baseOffset() >= minOffset
            && batch.computeCrc() == batch.crc()) {
          return true;
        }
      }
    }
    return false;
  }

  private ByteBuffer content(LogWalk.Ref ref, long from) {
    return shared.files.use(
        log.path(ref.baseOffset(), SegmentFiles.LOG),
        file -> {
          long left = Math.max(0, ref.sizeBytes() - from);
          ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(left, LOOK_AHEAD_BYTES));
          file.read(bytes, from);
          return bytes.flip();
        });
  }

  private List<Segment> segments(LogWalk.Found found) {
    List<Segment> segments = new ArrayList<>();
    for (int i = 0; i < Math.min(found.firstWalked(), refs.size()); i++) {
      LogWalk.Ref ref = refs.get(i);
      segments.add(new Segment(directory, ref.baseOffset(), ref.sizeBytes(), ref.createdMs()));
    }
    segments.addAll(found.walked());
    return segments;
  }

  /** Writes what this start has learnt, so that the next one can trust it; synced by the caller. */
  private void save(
      LogWalk.Found found, List<Segment> segments, ProducerState producers, long end) {
    for (Segment segment : found.walked()) {
      if (segments.contains(segment)) {
        // Rule D10: what was read back may be in the page cache only.
        shared.files.markDirty(segment.path());
        segment.truncateIndexFiles(shared.files);
        if (segment == segments.get(segments.size() - 1)) {
          segment.flushIndexes(shared.files);
        } else {
          // Nothing is appended to it any more: its time index must end with its greatest time.
          segment.complete(shared.files);
          segment.deactivate();
        }
      }
    }
    // Names may be newer than what is durable of them, also those that are gone (rules D3, D10).
    shared.files.markDirectory(directory);
    deleteUntrustedSnapshots();
    if (!segments.isEmpty()) {
      shared.files.replace(log.path(end, SegmentFiles.SNAPSHOT), producers.snapshot(end));
      snapshots.add(end);
      shared.files.markDirectory(directory);
    }
    List<EpochHistory.Entry> entries = log.epochs().entries();
    if (!entries.equals(log.savedEpochs())) {
      EpochHistory.write(shared.store, directory, entries);
      shared.files.markDirectory(directory);
    }
  }
}
