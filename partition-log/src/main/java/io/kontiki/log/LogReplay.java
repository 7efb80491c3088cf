package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.clean.SegmentSwap;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.journal.JournalScan;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One log while the journal is replayed: puts bytes back at their position, cuts, enters epochs
 * (rule L9). What is left is judged by {@link LogRecovery}.
 *
 * <p>The bytes of a replicated log are not in the journal: what is in its files stays, records only
 * lower what may be trusted (a cut that was carried out may have been appended to since). Of an
 * fsync log the checkpoint and the journal say where it ends: what the files have behind that was
 * never held.
 */
final class LogReplay {
  private static final Logger LOG = LoggerFactory.getLogger(LogReplay.class);

  private static final int MOST_RUN_BYTES = 256 << 10;

  private final LogShared shared;
  private final JournalScan journal;
  private final PartitionId id;
  private final String directory;
  private final LogNames names;
  private LogCheckpoint.@Nullable Entry row;
  private boolean known;
  private boolean recorded;
  private boolean removed;
  private boolean lost;
  private @Nullable PartitionMeta meta;
  private boolean fsync;
  private long logStart;
  private long passedStart;
  private long recoveryPoint;
  private long trust;
  private long highWatermark;
  // Where segments end by checkpoint and journal: the last one of the checkpoint, and those that
  // records spoke of since. Below legitBelow there are others, which have not changed.
  private final TreeMap<Long, Long> ends = new TreeMap<>();
  private long legitBelow = -1;
  private boolean doubtful;
  private boolean touched;
  private boolean epochsLost;
  private EpochHistory epochs = new EpochHistory();
  private List<EpochHistory.Entry> savedEpochs = List.of();
  private CleanMark mark = CleanMark.NONE;

  // DATA that were not written yet.
  private final List<JournalScan.Found> run = new ArrayList<>();
  private int runBytes;

  LogReplay(LogShared shared, JournalScan journal, PartitionId id) {
    this.shared = shared;
    this.journal = journal;
    this.id = id;
    this.directory = id.directoryName();
    this.names = new LogNames(shared.store, directory);
  }

  /** What the checkpoint and the directory say, before the first record. */
  void begin(LogCheckpoint.@Nullable Entry checkpointed) {
    row = checkpointed;
    meta = readMeta();
    // Rule D3: both were durable before the row was.
    lost = row != null && !names.has(PartitionMeta.FILE);
    known = row != null || meta != null;
    recorded = row != null;
    if (row != null) {
      fsync = row.fsync();
      logStart = row.logStart();
      passedStart = logStart;
      recoveryPoint = row.recoveryPoint();
      highWatermark = row.highWatermark();
      doubtful = row.doubtful();
      legitBelow = row.lastSegment();
      reaches(row.lastSegment(), row.lastSegmentBytes());
    } else if (meta != null) {
      fsync = meta.durability() == Durability.FSYNC;
      touched = true;
    }
    trust = recoveryPoint;
    if (!lost) {
      shared.onDirectoryExists(id);
      // Compaction touches nothing that a record of the journal speaks of (rule L6).
      if (SegmentSwap.recover(shared.store, shared.files, directory, names.all())) {
        names.changed();
      }
      mark = markInFile();
    }
    readEpochs();
  }

  /**
   * Behind the last record. A log whose directory is lost, and no record says that it left, is not
   * an empty one (rules D2, R3): what was synced is missing, and it is doubtful in any case.
   */
  void end() {
    writeRun();
    if (known && lost) {
      LOG.error(
          "{}: the directory or its meta file is gone, a checkpoint knows the log", directory);
      doubtful = true;
      touched = true;
      makeDirectory();
    }
  }

  private void makeDirectory() {
    shared.store.createDirectories(directory);
    names.changed();
    shared.files.markDirectory("");
  }

  private @Nullable PartitionMeta readMeta() {
    if (!names.has(PartitionMeta.FILE)) {
      return null;
    }
    try {
      PartitionMeta found = PartitionMeta.read(shared.store, directory);
      return found.id().equals(id) ? found : null;
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        throw e;
      }
      return null;
    }
  }

  /** How far the log has been compacted by what its directory has now. */
  CleanMark markInFile() {
    return names.has(CleanMark.FILE) ? CleanMark.read(shared.store, directory) : CleanMark.NONE;
  }

  private void readEpochs() {
    readEpochFile();
    if (row != null && row.epochs().isPresent()) {
      // Of the same time as the row, where the file is older, or newer by what will be replayed.
      epochs = EpochHistory.of(row.epochs().get());
      epochsLost = false;
    }
  }

  private void readEpochFile() {
    try {
      Optional<EpochHistory> found =
          names.has(EpochHistory.FILE)
              ? EpochHistory.read(shared.store, directory)
              : Optional.empty();
      epochs = found.orElseGet(EpochHistory::new);
      epochsLost = found.isEmpty() && row != null && row.recoveryPoint() > row.logStart();
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        throw e;
      }
      LOG.warn("{}: the leader epochs are read from the batches: {}", directory, e.getMessage());
      epochs = new EpochHistory();
      epochsLost = true;
      savedEpochs = EpochHistory.UNKNOWN;
      return;
    }
    savedEpochs = epochs.entries();
  }

  /**
   * Carries out a record; those of a partition that is gone are skipped.
   *
   * @param inFiles whether the files may not show it yet; no for what a later mark says is durable:
   *     carried out again it would undo what came between the two
   */
  void apply(JournalScan.Found entry, boolean inFiles) {
    if (entry.kind() != Kind.DATA) {
      writeRun();
    }
    if (entry.kind() == Kind.NEW_PARTITION) {
      onNew(entry);
    } else if (entry.kind() == Kind.CLEARED) {
      onCleared();
    } else if (entry.kind() == Kind.GONE && !known) {
      // A start before this one has removed it: the next must not do so to what comes by its name.
      removed = true;
    } else if (known) {
      touched = true;
      switch (entry.kind()) {
        case DATA -> {
          if (inFiles) {
            onData(entry);
          }
          reaches(entry.a(), entry.b() + entry.payloadBytes());
        }
        case MARK -> {
          recoveryPoint = Math.max(recoveryPoint, entry.a());
          reaches(segmentOf(entry), entry.b());
        }
        case EPOCH -> onEpoch((int) entry.b(), entry.a());
        case TRUNCATE -> onTruncate(entry, inFiles);
        case LOG_START -> logStart = Math.max(logStart, entry.a());
        case RESTART -> onRestart(entry.a(), entry.b(), inFiles);
        case GONE -> onGone();
        case NEW_PARTITION, CLEARED, SWITCH -> {}
      }
    }
  }

  /** The log has bytes up to there. */
  private void reaches(long segment, long position) {
    // Below, the row may be ahead of the records, and is right.
    if (segment >= 0 && segment >= legitBelow) {
      ends.merge(segment, position, Math::max);
    }
  }

  /** Of TRUNCATE and MARK. */
  private long segmentOf(JournalScan.Found entry) {
    ByteBuffer payload = journal.payload(entry);
    return payload.remaining() < Long.BYTES ? -1 : payload.getLong();
  }

  private void onNew(JournalScan.Found entry) {
    if (!known) {
      known = true;
      removed = false;
      forget();
    }
    fsync = entry.b() == 1;
    touched = true;
    recorded = true;
    String name = StandardCharsets.UTF_8.decode(journal.payload(entry)).toString();
    PartitionMeta read = meta;
    meta = new PartitionMeta(id, fsync ? Durability.FSYNC : Durability.REPLICATED, name);
    if (lost) {
      return;
    }
    shared.ensureDirectory(meta);
    names.changed();
    String file = directory + "/" + PartitionMeta.FILE;
    if (meta.equals(read)) {
      // Rule D10: perhaps in the page cache only.
      shared.files.markDirty(file);
      shared.files.markDirectory("");
    } else {
      shared.files.replace(file, meta.encode());
    }
  }

  private void forget() {
    logStart = 0;
    passedStart = 0;
    recoveryPoint = 0;
    trust = 0;
    highWatermark = 0;
    ends.clear();
    legitBelow = -1;
    doubtful = false;
    lost = false;
    epochsLost = false;
    epochs = new EpochHistory();
    mark = CleanMark.NONE;
  }

  /** Whatever is there was written since, of a log whose own first record may be lost. */
  private void onCleared() {
    forget();
    touched = true;
    recorded = false;
    removed = false;
    known = meta != null;
    fsync = meta != null && meta.durability() == Durability.FSYNC;
  }

  private void onData(JournalScan.Found entry) {
    JournalScan.Found last = run.isEmpty() ? null : run.get(run.size() - 1);
    if (last != null
        && (last.a() != entry.a()
            || last.b() + last.payloadBytes() != entry.b()
            || runBytes + entry.payloadBytes() > MOST_RUN_BYTES)) {
      writeRun();
    }
    run.add(entry);
    runBytes += entry.payloadBytes();
  }

  /** Puts back what has been gathered: bytes of one segment, one behind the other. */
  private void writeRun() {
    if (run.isEmpty()) {
      return;
    }
    if (lost) {
      makeDirectory();
    }
    JournalScan.Found first = run.get(0);
    String path = path(first.a(), SegmentFiles.LOG);
    shared.files.write(path, List.of(journal.payloads(run, runBytes)), first.b());
    shared.files.markDirectory(directory);
    if (!names.hasPath(path)) {
      names.changed();
    }
    run.clear();
    runBytes = 0;
  }

  private void onEpoch(int epoch, long offset) {
    // Below the trusted offset the file knows it, and perhaps what came after it.
    if (offset >= trust && !epochs.entries().contains(new EpochHistory.Entry(epoch, offset))) {
      epochs.assign(epoch, offset);
    }
  }

  private void onTruncate(JournalScan.Found entry, boolean inFiles) {
    long offset = entry.a();
    long segment = segmentOf(entry);
    lowerTrust(offset);
    mark = mark.cutTo(offset);
    epochs.truncate(offset);
    doubtful = false;
    if (segment < 0) {
      return;
    }
    ends.tailMap(segment, false).clear();
    ends.put(segment, entry.b());
    legitBelow = Math.min(legitBelow, segment);
    if (inFiles && fsync) {
      removeSegments(segment + 1, Long.MAX_VALUE);
      String path = path(segment, SegmentFiles.LOG);
      if (names.hasPath(path)) {
        shared.files.truncate(path, entry.b());
      }
    }
  }

  /**
   * @param start greater than the offset where the log start lies within the first batch
   */
  private void onRestart(long offset, long start, boolean inFiles) {
    if (inFiles) {
      removeSegments(0, fsync ? Long.MAX_VALUE : offset);
      for (String name : names.all()) {
        if (SegmentFiles.offsetOf(name, SegmentFiles.SNAPSHOT).isPresent()) {
          delete(directory + "/" + name);
        }
      }
    }
    logStart = Math.max(offset, start);
    passedStart = offset;
    recoveryPoint = offset;
    trust = offset;
    ends.clear();
    legitBelow = -1;
    doubtful = false;
    mark = mark.cutTo(offset);
    epochs.clear();
  }

  private void onGone() {
    known = false;
    removed = true;
    meta = null;
    lost = false;
    shared.forgetDirectory(id);
    shared.store.deleteRecursively(directory);
    names.changed();
    shared.files.markDirectory("");
  }

  private void lowerTrust(long offset) {
    recoveryPoint = Math.min(recoveryPoint, offset);
    trust = Math.min(trust, offset);
  }

  /** Deletes segments by base offset, from inclusive to exclusive. */
  private void removeSegments(long from, long to) {
    for (String name : names.all()) {
      OptionalLong base = SegmentFiles.offsetOf(name, SegmentFiles.LOG);
      if (base.isPresent() && base.getAsLong() >= from && base.getAsLong() < to) {
        delete(path(base.getAsLong(), SegmentFiles.LOG));
        delete(path(base.getAsLong(), SegmentFiles.INDEX));
        delete(path(base.getAsLong(), SegmentFiles.TIME_INDEX));
      }
    }
  }

  void delete(String path) {
    shared.files.forget(path);
    shared.store.delete(path);
    names.changed();
    shared.files.markDirectory(directory);
  }

  String path(long offset, String suffix) {
    return SegmentFiles.path(directory, offset, suffix);
  }

  boolean isKnown() {
    return known;
  }

  /** Whether its last record was that it left. */
  boolean isRemoved() {
    return removed && !known;
  }

  /**
   * Whether checkpoint and journal alone say that there is the log and what is in it, so that a
   * further replay comes to the same, synced or not (rule D10).
   */
  boolean isPlain() {
    return fsync && recorded && !lost && !doubtful && !epochsLost && meta != null;
  }

  /**
   * Where a segment must end by checkpoint and journal: the greatest long if they do not speak of
   * it, -1 if there can be none.
   */
  long endOf(long segment) {
    Long end = ends.get(segment);
    return end != null ? end : segment < legitBelow ? Long.MAX_VALUE : -1;
  }

  /** Base offset of the segment in which it ends by checkpoint and journal, or -1. */
  long lastSegment() {
    return ends.isEmpty() ? -1 : ends.lastKey();
  }

  PartitionId id() {
    return id;
  }

  String directory() {
    return directory;
  }

  LogNames names() {
    return names;
  }

  /** What the checkpoint says, before the first record; null: nothing. */
  LogCheckpoint.@Nullable Entry row() {
    return row;
  }

  @Nullable PartitionMeta meta() {
    return meta;
  }

  boolean isFsync() {
    return fsync;
  }

  long logStart() {
    return logStart;
  }

  /** The log start that a checkpoint has passed: what lies below it may be gone (rule D5). */
  long passedStart() {
    return passedStart;
  }

  long recoveryPoint() {
    return recoveryPoint;
  }

  long trust() {
    return trust;
  }

  long highWatermark() {
    return highWatermark;
  }

  boolean isDoubtful() {
    return doubtful;
  }

  boolean isTouched() {
    return touched;
  }

  boolean areEpochsLost() {
    return epochsLost;
  }

  CleanMark mark() {
    return mark;
  }

  EpochHistory epochs() {
    return epochs;
  }

  List<EpochHistory.Entry> savedEpochs() {
    return savedEpochs;
  }
}
