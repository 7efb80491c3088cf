package io.kontiki.log;

import io.kontiki.log.journal.CommitJournal;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.journal.JournalPosition;
import io.kontiki.log.journal.JournalReader;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a log directory back after any stop (rules L3, L9, D2, D10, R3); the steps are in the
 * module's README. Blocks. A crash at any point leaves what a further run begins with: the old
 * checkpoint and the old journal stay until the new checkpoint is durable.
 */
final class DirectoryRecovery {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryRecovery.class);

  private final LogShared shared;
  private final TreeMap<PartitionId, LogReplay> replays = new TreeMap<>();
  private final List<String> leftovers = new ArrayList<>();

  DirectoryRecovery(LogShared shared) {
    this.shared = shared;
  }

  /**
   * What was found.
   *
   * @param generation for the journal from now on
   * @param leftovers directories to be removed at leisure
   */
  record Found(
      List<RecoveredLog> logs,
      long generation,
      long nextSequence,
      Optional<CleanMarker> marker,
      List<String> leftovers) {}

  Found run() {
    Optional<CleanMarker> marker = readMarker();
    Optional<LogCheckpoint> checkpoint = LogCheckpoint.read(shared.store);
    TreeMap<PartitionId, LogCheckpoint.Entry> rows =
        checkpoint.map(LogCheckpoint::logs).orElseGet(TreeMap::new);
    list(rows);
    if (checkpoint.isEmpty() && !replays.isEmpty()) {
      throw new StorageException(
          StorageException.Kind.CORRUPT,
          LogCheckpoint.FILE,
          -1,
          "there are " + replays.size() + " logs and no checkpoint");
    }
    long nextSequence = 1;
    long generation = 1;
    boolean journalDamaged = false;
    if (checkpoint.isPresent()) {
      JournalPosition from = checkpoint.get().position();
      History history = history(from);
      JournalReader reader = new JournalReader(shared.store, from);
      reader.replay(
          (entry, sequence) -> {
            PartitionId id = entry.partition();
            if (sequence >= history.cleared.getOrDefault(id, -1L)) {
              replayOf(id).apply(entry, sequence > history.marks.getOrDefault(id, -1L));
            }
          });
      nextSequence = reader.nextSequence();
      generation = checkpoint.get().position().generation() + 1;
      journalDamaged = reader.damaged();
    }
    if (journalDamaged) {
      LOG.error("the journal is damaged: every log with durability=fsync is doubtful");
    }
    List<RecoveredLog> logs = new ArrayList<>();
    for (LogReplay replay : replays.values()) {
      replay.end();
      if (replay.isKnown()) {
        logs.add(new LogRecovery(shared, replay).recover(journalDamaged));
      } else {
        quarantine(replay.id());
      }
    }
    Optional<CleanMarker> believed = marker.filter(found -> matches(found, logs));
    if (believed.isEmpty()) {
      logs.forEach(log -> new UnsyncedTail(shared, replayOf(log.id())).makeDirty(log.segments()));
    }
    finish(logs, generation, nextSequence);
    return new Found(logs, generation, nextSequence, believed, leftovers);
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

  private void list(TreeMap<PartitionId, LogCheckpoint.Entry> rows) {
    for (String name : shared.store.list("")) {
      if (name.endsWith(SegmentFiles.DELETED)) {
        leftovers.add(name);
      } else if (name.endsWith(".tmp")) {
        shared.store.delete(name);
      } else {
        PartitionId id = parse(name);
        if (id != null) {
          replayOf(id).begin(rows.get(id));
        }
      }
    }
    rows.forEach(
        (id, row) -> {
          if (!replays.containsKey(id)) {
            replayOf(id).begin(row);
          }
        });
  }

  private static @Nullable PartitionId parse(String name) {
    try {
      return PartitionId.parseDirectoryName(name);
    } catch (IllegalArgumentException e) {
      // The journal, the files of the directory itself, what an operator put there.
      return null;
    }
  }

  private LogReplay replayOf(PartitionId id) {
    return replays.computeIfAbsent(id, any -> new LogReplay(shared, id));
  }

  /**
   * What a first pass over the journal tells of partitions (rule L9).
   *
   * @param marks behind which record their files need a replay: the last mark
   * @param cleared up to which record all is of a log that is gone, files included
   */
  private record History(TreeMap<PartitionId, Long> marks, TreeMap<PartitionId, Long> cleared) {}

  private History history(JournalPosition from) {
    History history = new History(new TreeMap<>(), new TreeMap<>());
    new JournalReader(shared.store, from)
        .replay(
            (entry, sequence) -> {
              if (entry.kind() == JournalEntry.Kind.MARK) {
                history.marks.put(entry.partition(), sequence);
              } else if (entry.kind() == JournalEntry.Kind.CLEARED) {
                history.cleared.put(entry.partition(), sequence);
              }
            });
    return history;
  }

  /** A directory without meta that no record speaks of: nothing in it was ever acknowledged. */
  private void quarantine(PartitionId id) {
    if (shared.store.exists(id.directoryName())) {
      LOG.warn("{} belongs to no known log and is moved aside", id);
      shared.forgetDirectory(id);
      LogDirectory.moveToQuarantine(shared.store, id);
    }
  }

  /** Rule D10: synced before it counts; then the new checkpoint, then the marker goes. */
  private void finish(List<RecoveredLog> logs, long generation, long nextSequence) {
    for (String path : shared.files.dirtyFiles()) {
      shared.files.sync(path);
      shared.counters.onFileSync();
    }
    shared.files.dirtyDirectories().forEach(shared.files::syncDirectory);
    CommitJournal.prepareFirst(shared.store, shared.config.journal());
    TreeMap<PartitionId, LogCheckpoint.Entry> rows = new TreeMap<>();
    logs.forEach(log -> rows.put(log.id(), log.row().entry()));
    new LogCheckpoint(CommitJournal.start(generation, nextSequence), rows).write(shared.store);
    shared.store.delete(CleanMarker.FILE);
    shared.store.syncDirectory("");
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
