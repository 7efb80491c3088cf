package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.log.journal.JournalEntry.Kind;
import io.kontiki.log.journal.JournalFile;
import io.kontiki.log.journal.JournalPosition;
import io.kontiki.log.journal.JournalScan;
import io.kontiki.log.journal.JournalStart;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Crew;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a log directory back after any stop (rules L3, L9, D2, D10, R3); the steps are in the
 * module's README. Blocks. A crash at any point leaves what a further run begins with: checkpoint
 * and journal stay until a checkpoint that needs them no more is durable, which may be the first
 * one of the new life.
 */
final class DirectoryRecovery {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryRecovery.class);

  private final LogShared shared;
  private final Crew crew;
  private final TreeMap<PartitionId, LogCheckpoint.Entry> rows = new TreeMap<>();
  private final Set<PartitionId> directories = new TreeSet<>();
  private final Map<PartitionId, CleanLogs.Found> clean = new HashMap<>();
  private final List<String> leftovers = new ArrayList<>();
  private final List<RecoveredLog> logs = new ArrayList<>();
  private final Map<PartitionId, LogReplay> settled = new HashMap<>();

  // What the next start would begin with if this one did not come to a checkpoint of its own.
  private final TreeMap<PartitionId, LogCheckpoint.Entry> nextRows = new TreeMap<>();

  /**
   * @param crew for the logs, several at a time
   */
  DirectoryRecovery(LogShared shared, Crew crew) {
    this.shared = shared;
    this.crew = crew;
  }

  /**
   * What was found.
   *
   * @param leftovers directories to be removed at leisure
   */
  record Found(
      List<RecoveredLog> logs,
      JournalStart journal,
      Optional<CleanMarker> marker,
      List<String> leftovers) {}

  Found run() {
    Optional<CleanMarker> marker = readMarker();
    CleanLogs written =
        marker.isPresent()
            ? CleanLogs.read(shared.store, shared.clock.wallMs())
            : CleanLogs.nothing();
    if (marker.isPresent() && marker.get().brokerEpoch() == written.brokerEpoch()) {
      clean.putAll(written.logs());
    }
    Optional<LogCheckpoint> checkpoint = LogCheckpoint.read(shared.store);
    checkpoint.ifPresent(found -> rows.putAll(found.logs()));
    list();
    if (checkpoint.isEmpty() && !directories.isEmpty()) {
      throw new StorageException(
          StorageException.Kind.CORRUPT,
          LogCheckpoint.FILE,
          -1,
          "there are " + directories.size() + " logs and no checkpoint");
    }
    if (checkpoint.isEmpty()) {
      return new Found(
          logs, begin(new JournalStart(1, 1, 0, List.of()), List.of(), true), marker, leftovers);
    }
    List<JournalPosition> positions = checkpoint.get().positions();
    long generation = positions.get(positions.size() - 1).generation() + 1;
    try (JournalScan journal = new JournalScan(shared.store, positions)) {
      if (journal.damaged()) {
        LOG.error("the journal is damaged: every log with durability=fsync is doubtful");
      }
      makeRoom(journal);
      if (!journal.records().isEmpty()) {
        LOG.info(
            "the journal is replayed: {} records of {} logs in {} files, begun by {} starts",
            journal.count(),
            journal.records().size(),
            journal.files().size(),
            positions.size());
      }
      recoverAll(journal);
      Optional<CleanMarker> believed = marker.filter(found -> matches(found, logs));
      if (believed.isEmpty()) {
        logs.forEach(this::markUnsynced);
      }
      JournalStart start = start(journal, positions, generation);
      return new Found(logs, start, believed, leftovers);
    }
  }

  private Optional<CleanMarker> readMarker() {
    try {
      return CleanMarker.read(shared.store);
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        throw e;
      }
      LOG.warn("the clean marker does not count: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private void list() {
    for (String name : shared.store.list("")) {
      if (name.endsWith(SegmentFiles.DELETED)) {
        leftovers.add(name);
      } else if (name.endsWith(".tmp")) {
        shared.store.delete(name);
      } else {
        PartitionId id = parse(name);
        if (id != null) {
          directories.add(id);
        }
      }
    }
  }

  private static @Nullable PartitionId parse(String name) {
    try {
      return PartitionId.parseDirectoryName(name);
    } catch (IllegalArgumentException e) {
      // The journal, the files of the directory itself, what an operator put there.
      return null;
    }
  }

  /**
   * What became of one log.
   *
   * @param log null: there is none
   * @param replay of a log that is not plain
   * @param row for the next start, as long as no checkpoint of this one is through
   */
  private record Outcome(
      @Nullable RecoveredLog log, @Nullable LogReplay replay, LogCheckpoint.@Nullable Entry row) {}

  /** Each log by itself, several at a time; what comes of them is put together in their order. */
  private void recoverAll(JournalScan journal) {
    Set<PartitionId> all = new TreeSet<>(directories);
    all.addAll(rows.keySet());
    all.addAll(journal.records().keySet());
    List<PartitionId> ids = List.copyOf(all);
    Outcome[] outcomes = new Outcome[ids.size()];
    crew.each(ids.size(), i -> outcomes[i] = recoverOne(ids.get(i), journal));
    for (int i = 0; i < outcomes.length; i++) {
      PartitionId id = ids.get(i);
      Outcome outcome = outcomes[i];
      if (outcome.log != null) {
        logs.add(outcome.log);
      }
      if (outcome.replay != null) {
        settled.put(id, outcome.replay);
      }
      if (outcome.row != null) {
        nextRows.put(id, outcome.row);
      }
    }
  }

  private Outcome recoverOne(PartitionId id, JournalScan journal) {
    RecoveredLog opened = openClean(id, journal);
    if (opened != null) {
      return new Outcome(opened, null, rows.get(id));
    }
    Outcome outcome = recover(id, journal);
    shared.files.closeIdle(id.directoryName());
    return outcome;
  }

  /** A log from what a clean stop wrote; null if anything speaks against it. */
  private @Nullable RecoveredLog openClean(PartitionId id, JournalScan journal) {
    CleanLogs.Found found = clean.get(id);
    LogCheckpoint.Entry row = rows.get(id);
    if (found == null
        || row == null
        || !found.log().fits(row)
        || !directories.contains(id)
        || journal.records().containsKey(id)
        || shared.store.modifiedMs(id.directoryName()) != found.directoryMs()
        || !lastSegmentIsWhole(found.log())) {
      return null;
    }
    try {
      RecoveredLog opened = found.log().open(row);
      shared.onDirectoryExists(id);
      return opened;
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        throw e;
      }
      LOG.warn("the files of {} are read: {}", id, e.getMessage());
      return null;
    }
  }

  private boolean lastSegmentIsWhole(CleanLog log) {
    LogWalk.Ref last =
        log.segments().isEmpty() ? null : log.segments().get(log.segments().size() - 1);
    return last == null
        || shared.store.sizeBytes(
                SegmentFiles.path(log.id().directoryName(), last.baseOffset(), SegmentFiles.LOG))
            == last.sizeBytes();
  }

  private Outcome recover(PartitionId id, JournalScan journal) {
    LogCheckpoint.Entry row = rows.get(id);
    boolean isRow = row != null && !row.gone();
    LogReplay replay = new LogReplay(shared, journal, id);
    if (isRow || directories.contains(id)) {
      replay.begin(isRow ? row : null);
    }
    // Rule L9: what is settled, or of a log that was cleared away, is left out; behind the last
    // mark files need a replay.
    long from = row == null ? 0 : row.settled();
    long mark = -1;
    List<JournalScan.Found> records = journal.records().getOrDefault(id, List.of());
    for (JournalScan.Found record : records) {
      if (record.kind() == Kind.CLEARED) {
        from = Math.max(from, record.sequence());
      } else if (record.kind() == Kind.MARK) {
        mark = record.sequence();
      } else if (record.kind() == Kind.RESTART && record.b() > record.a()) {
        // It was empty, durably (rule D8): what emptied it must not empty it of what came since.
        mark = record.sequence() - 1;
      }
    }
    for (JournalScan.Found record : records) {
      if (record.sequence() >= from) {
        replay.apply(record, record.sequence() > mark);
      }
    }
    replay.end();
    if (!replay.isKnown()) {
      quarantine(id);
      boolean left = replay.isRemoved() || (row != null && row.gone());
      return new Outcome(
          null, null, left ? LogCheckpoint.Entry.gone(journal.nextSequence()) : null);
    }
    RecoveredLog log = new LogRecovery(shared, replay).recover(journal.damaged());
    return new Outcome(log, log.plain() ? null : replay, row);
  }

  /** A directory without meta that no record speaks of: nothing in it was ever acknowledged. */
  private void quarantine(PartitionId id) {
    if (shared.store.exists(id.directoryName())) {
      LOG.warn("{} belongs to no known log and is moved aside", id);
      shared.forgetDirectory(id);
      LogDirectory.moveToQuarantine(shared.store, id);
    }
  }

  /**
   * Rule D10: no clean stop, so what was read may be in the page cache only. Of a plain log all
   * that a sync may not have reached was written by the replay just now.
   */
  private void markUnsynced(RecoveredLog log) {
    LogReplay replay = settled.get(log.id());
    if (replay != null) {
      new UnsyncedTail(shared, replay).makeDirty(log.segments());
      return;
    }
    LogCheckpoint.Entry row = rows.get(log.id());
    long synced = row == null || row.gone() ? 0 : row.recoveryPoint();
    List<Segment> segments = log.segments();
    for (int i = segments.size() - 1; i >= 0; i--) {
      shared.files.markDirty(segments.get(i).path());
      if (segments.get(i).baseOffset() < synced) {
        break;
      }
    }
    shared.files.markDirectory(log.id().directoryName());
  }

  /** A new generation beside the old ones, or instead of them if nothing needs them. */
  private JournalStart start(
      JournalScan journal, List<JournalPosition> positions, long generation) {
    List<JournalFile> older = journal.damaged() ? List.of() : journal.files();
    boolean wanted = logs.stream().anyMatch(RecoveredLog::plain);
    if (wanted && older.size() > mostOlder()) {
      LOG.info(
          "{} of {} files of the journal wait for a checkpoint: all logs are synced first",
          older.size(),
          shared.config.journal().maxFiles());
    }
    if (!isTight() && older.size() <= mostOlder() && wanted) {
      try {
        JournalStart start =
            new JournalStart(generation, journal.nextSequence(), freeSlot(older), older);
        return begin(start, positions, false);
      } catch (StorageException e) {
        if (e.kind() != StorageException.Kind.NO_SPACE) {
          throw e;
        }
        LOG.warn("no space for another journal file: all logs are synced instead");
        makeRoom(journal);
      }
    }
    // In a file that is there, if there is one: only the checkpoint makes the old records void.
    int slot = journal.slots().isEmpty() ? 0 : journal.slots().first();
    JournalStart fresh = new JournalStart(generation, journal.nextSequence(), slot, List.of());
    return begin(fresh, List.of(), true);
  }

  /** The new generation has a quarter of the ring at least, until a checkpoint frees the rest. */
  private int mostOlder() {
    int all = shared.config.journal().maxFiles();
    return all - Math.max(Math.min(2, all / 2), all / 4);
  }

  /** Whether the disk has no room for another journal file and what else a start writes. */
  private boolean isTight() {
    return shared.store.usableBytes() < 2L * shared.config.journal().fileBytes();
  }

  /** On a full disk: the files of the journal that no replay needs, but for one to begin with. */
  private void makeRoom(JournalScan journal) {
    if (isTight() && !journal.damaged()) {
      int given = CommitJournal.deleteAllBut(shared.store, journal.slots());
      LOG.warn("the disk is full: {} spare files of the journal were given up", given);
    }
  }

  private static int freeSlot(List<JournalFile> used) {
    int slot = 0;
    while (isUsed(used, slot)) {
      slot++;
    }
    return slot;
  }

  private static boolean isUsed(List<JournalFile> used, int slot) {
    return used.stream().anyMatch(file -> file.slot() == slot);
  }

  /**
   * Rule D10: synced before it counts, but for what a further replay would bring back; then the
   * checkpoint that names the new generation, then the marker goes.
   *
   * @param all whether no further replay is wanted of any log
   */
  private JournalStart begin(JournalStart start, List<JournalPosition> positions, boolean all) {
    CommitJournal.prepareFirst(shared.store, shared.config.journal(), start.slot());
    List<JournalPosition> next = new ArrayList<>();
    for (JournalPosition position : positions) {
      if (start.older().stream().anyMatch(file -> file.generation() == position.generation())) {
        next.add(position);
      }
    }
    next.add(start.position());
    settleLogs(all, start.firstSequence());
    shared.files.syncDirectory("");
    new LogCheckpoint(next, nextRows).write(shared.store);
    shared.store.delete(CleanMarker.FILE);
    shared.store.delete(CleanLogs.FILE);
    shared.store.syncDirectory("");
    return start;
  }

  /** Waits for the disk most of the time, so several at a time. */
  private void settleLogs(boolean all, long below) {
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < logs.size(); i++) {
      if (all || !logs.get(i).plain()) {
        places.add(i);
      }
    }
    RecoveredLog[] settledLogs = new RecoveredLog[places.size()];
    crew.each(places.size(), i -> settledLogs[i] = settle(logs.get(places.get(i))));
    for (int i = 0; i < settledLogs.length; i++) {
      logs.set(places.get(i), settledLogs[i]);
      nextRows.put(settledLogs[i].id(), rowOf(settledLogs[i]).settledBelow(below));
    }
  }

  private static LogCheckpoint.Entry rowOf(RecoveredLog settled) {
    CheckpointRow row = settled.row();
    return row.entry(!row.epochs().equals(settled.savedEpochs()));
  }

  /** Durable on return, with what a row takes for granted. */
  private RecoveredLog settle(RecoveredLog log) {
    String directory = log.id().directoryName();
    List<EpochHistory.Entry> epochs = log.epochs().entries();
    boolean inFile = !epochs.equals(log.savedEpochs()) && !CheckpointRow.takes(epochs);
    if (inFile) {
      EpochHistory.write(shared.store, directory, epochs);
      shared.files.markDirectory(directory);
    }
    for (String path : shared.files.dirtyFiles(directory)) {
      shared.files.sync(path);
      shared.counters.onFileSync();
    }
    shared.files.syncDirectory(directory);
    return inFile ? log.withSavedEpochs() : log;
  }

  private static boolean matches(CleanMarker marker, List<RecoveredLog> logs) {
    TreeMap<PartitionId, Long> ends = new TreeMap<>();
    logs.forEach(log -> ends.put(log.id(), log.logEnd()));
    boolean matches = ends.equals(marker.endOffsets());
    if (!matches) {
      LOG.warn(
          "the clean marker of broker epoch {} does not fit the logs: {} expected, {} found",
          marker.brokerEpoch(),
          marker.endOffsets(),
          ends);
    }
    return matches;
  }
}
