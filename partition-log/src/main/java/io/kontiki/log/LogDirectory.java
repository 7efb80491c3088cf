package io.kontiki.log;

import io.kontiki.log.journal.CommitJournal;
import io.kontiki.log.journal.JournalEntry;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Crew;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All logs below one directory, with their journal, checkpoint and workers.
 *
 * <ul>
 *   <li>{@link #open} recovers; it blocks and is called before anything is served.
 *   <li>{@link #openOrCreate}, {@link #delete} and {@link #quarantine} are called on the loop of
 *       the partition; the log belongs to that loop until it is deleted.
 *   <li>When a write or sync fails, all logs go offline together (rule L4).
 * </ul>
 */
public final class LogDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(LogDirectory.class);

  private static final String QUARANTINE = ".quarantine";

  private final LogShared shared;
  private final Optional<CleanMarker> cleanMarker;
  private final LogCleaner cleaner;
  private final boolean isJournalShort;

  // Guarded by the monitor.
  private final TreeMap<PartitionId, RecoveredLog> recovered = new TreeMap<>();
  private final TreeMap<PartitionId, SegmentedLog> open = new TreeMap<>();
  private final TreeMap<PartitionId, Boolean> leaving = new TreeMap<>();
  private final Map<EventLoop, LoopLogs> loops = new IdentityHashMap<>();
  private long asideNumber;

  private LogDirectory(LogShared shared, DirectoryRecovery.Found found) {
    this.shared = shared;
    this.cleaner = new LogCleaner(shared, this::openLogs);
    this.cleanMarker = found.marker();
    this.isJournalShort = found.journal().older().size() > shared.config.journal().maxFiles() / 2;
    found
        .logs()
        .forEach(
            log -> {
              recovered.put(log.id(), log);
              shared.onLive(log.id());
            });
  }

  /**
   * Recovers what is there and makes it ready. Blocks as long as that takes; not on a loop. What
   * was found is durable on return, and the clean marker is gone (rules D10, R3).
   *
   * @param store of the directory, locked for this process
   * @param commit the commit thread of this directory
   * @param reads cold reads, checkpoints, compaction and what else may block
   * @param syncs syncs of checkpoints, side by side; at least one, may be {@code reads}
   * @throws StorageException CORRUPT if the checkpoint cannot be read; IO if the disk fails
   */
  public static LogDirectory open(
      FileStore store,
      LogConfig config,
      Clock clock,
      Worker commit,
      Worker reads,
      List<Worker> syncs,
      FaultHandler faults) {
    return open(store, config, clock, commit, reads, syncs, reads, Crew.ALONE, faults);
  }

  /**
   * As {@link #open(FileStore, LogConfig, Clock, Worker, Worker, List, FaultHandler)}, but nothing
   * waits behind a step of compaction, and logs are recovered side by side.
   *
   * @param cleaner for compaction alone
   * @param crew recovers logs, several at a time
   */
  public static LogDirectory open(
      FileStore store,
      LogConfig config,
      Clock clock,
      Worker commit,
      Worker reads,
      List<Worker> syncs,
      Worker cleaner,
      Crew crew,
      FaultHandler faults) {
    LogShared shared = new LogShared(store, config, clock, reads, cleaner, faults);
    DirectoryRecovery.Found found = new DirectoryRecovery(shared, crew).run();
    Checkpointer checkpointer = new Checkpointer(shared, syncs, found.logs());
    CommitJournal journal =
        new CommitJournal(
            store,
            config.journal(),
            found.journal(),
            commit,
            reads,
            new CommitJournal.Owner() {
              @Override
              public void onCheckpointWanted() {
                checkpointer.request();
              }

              @Override
              public void onNoSpace() {
                checkpointer.requestLater();
              }

              @Override
              public void makeDurable(PartitionId partition) {
                shared.makeSegmentsDurable(partition);
              }

              @Override
              public void onFailure(StorageException cause) {
                shared.goOffline(cause);
              }
            });
    shared.connect(journal, checkpointer);
    LogDirectory directory = new LogDirectory(shared, found);
    LOG.info(
        "{} logs open, {}",
        found.logs().size(),
        found
            .marker()
            .map(marker -> "after a clean stop in broker epoch " + marker.brokerEpoch())
            .orElse("no clean marker"));
    found.leftovers().forEach(name -> reads.execute(() -> directory.remove(name)));
    return directory;
  }

  /** What a clean stop left; empty after any other stop, and when it does not fit the logs (R3). */
  public Optional<CleanMarker> cleanMarker() {
    return cleanMarker;
  }

  /** To be asked before anything goes by the wall clock (P17); any thread. Until then it does. */
  public void trustClock(BooleanSupplier trusted) {
    shared.trustClock(trusted);
  }

  /** The logs that are there, open or not, sorted. Thread-safe. */
  public synchronized List<PartitionId> partitions() {
    TreeMap<PartitionId, Boolean> all = new TreeMap<>();
    recovered.keySet().forEach(id -> all.put(id, true));
    open.keySet().forEach(id -> all.put(id, true));
    return List.copyOf(all.keySet());
  }

  /** The logs in which recovery found damage or doubt: what Unfence reports (rule R3). Sorted. */
  public synchronized List<PartitionId> doubtful() {
    List<PartitionId> found = new ArrayList<>();
    recovered.forEach(
        (id, log) -> {
          if (log.doubtful()) {
            found.add(id);
          }
        });
    open.forEach(
        (id, log) -> {
          if (log.doubtful()) {
            found.add(id);
          }
        });
    found.sort(null);
    return List.copyOf(found);
  }

  /**
   * Opens a log, or makes an empty one. Cheap: what is on disk was read when the directory was
   * opened, and a new log touches no file before its first append or checkpoint. That a new log
   * exists is durable with the journal commit of this turn ({@link PartitionLog#whenDurable}).
   *
   * @param settings the durability of a log that exists stays what it was (rule R36)
   * @param loop the caller's, to which the log belongs from now on
   * @throws IllegalStateException if the log is open already, or its deletion has not completed
   */
  public PartitionLog openOrCreate(
      PartitionId id,
      String topicName,
      LogSettings settings,
      EventLoop loop,
      PartitionLog.Listener listener) {
    shared.checkOnline();
    LoopLogs home = homeOf(loop);
    RecoveredLog found;
    SegmentedLog log;
    boolean isNew;
    synchronized (this) {
      if (open.containsKey(id) || leaving.containsKey(id)) {
        throw new IllegalStateException(
            "log " + id + (leaving.containsKey(id) ? " is being removed" : " is open already"));
      }
      found = recovered.remove(id);
      isNew = found == null;
      if (found == null) {
        found = RecoveredLog.empty(id, topicName, settings.durability());
      }
      log = new SegmentedLog(shared, home, found, settings, topicName, listener, cleaner);
      open.put(id, log);
    }
    home.add(log);
    if (isNew) {
      shared.onLive(id);
      ByteBuffer name = ByteBuffer.wrap(topicName.getBytes(StandardCharsets.UTF_8));
      long fsync = settings.durability() == Durability.FSYNC ? 1 : 0;
      home.journal(log, new JournalEntry(id, JournalEntry.Kind.NEW_PARTITION, 0, fsync, name));
    }
    return log;
  }

  /**
   * Deletes a log for good, open or not; only on a committed tombstone (rule L6). An open one fails
   * every call from now on.
   *
   * @param loop the caller's, the log's if it is open
   * @param done runs on the loop when the directory is gone durably (rule M20); never if the log
   *     directory is offline or goes offline meanwhile, and the next start finds what is left
   */
  public void delete(PartitionId id, EventLoop loop, Runnable done) {
    leave(id, loop, true, done);
  }

  /**
   * Moves a log that metadata does not know out of the way, without deleting anything (rule L6).
   *
   * @param loop the caller's, the log's if it is open
   * @param done runs on the loop when the directory has its new name durably; never if the log
   *     directory is or goes offline
   */
  public void quarantine(PartitionId id, EventLoop loop, Runnable done) {
    leave(id, loop, false, done);
  }

  private void leave(PartitionId id, EventLoop loop, boolean delete, Runnable done) {
    if (shared.isOffline() || shared.isClosed()) {
      return;
    }
    LoopLogs home = homeOf(loop);
    SegmentedLog log;
    RecoveredLog closed;
    synchronized (this) {
      log = open.remove(id);
      closed = recovered.remove(id);
      if (log == null && closed == null) {
        loop.execute(done);
        return;
      }
      leaving.put(id, delete);
    }
    LOG.info("log {} is {}", id, delete ? "deleted" : "moved to quarantine");
    if (log == null && closed != null) {
      LogSettings settings = LogSettings.defaults(closed.durability());
      log =
          new SegmentedLog(
              shared, home, closed, settings, closed.topicName(), new NobodyListening(), cleaner);
    }
    SegmentedLog leavingLog = java.util.Objects.requireNonNull(log);
    leavingLog.leave(() -> home.afterCommit(() -> onLeft(leavingLog, delete, done)));
  }

  /** GONE is durable. Not before: a checkpoint may pass no record of a log with an older row. */
  private void onLeft(SegmentedLog log, boolean delete, Runnable done) {
    homeOf(log.loop()).remove(log);
    List<Long> barriers = log.barriers();
    Runnable then = () -> log.loop().execute(() -> clear(log, done));
    shared.reads.execute(
        () ->
            shared
                .checkpointer()
                .whenNoneIsMade(() -> moveAside(log.id(), delete, barriers, then)));
  }

  /**
   * On the read worker, once GONE is durable.
   *
   * @param barriers of the log, GONE among them: a checkpoint that passed it with a row of this log
   *     would speak of it to a later log with the same id (rules D2, D3)
   */
  private void moveAside(PartitionId id, boolean delete, List<Long> barriers, Runnable then) {
    if (shared.isOffline() || shared.isClosed()) {
      return;
    }
    shared.guard(
        () -> {
          shared.onGone(id);
          shared.checkpointer().onGone(id);
          shared.forgetDirectory(id);
          String aside = "";
          if (shared.store.exists(id.directoryName())) {
            aside = delete ? renameAside(id) : moveToQuarantine(shared.store, id);
          }
          shared.store.syncDirectory("");
          shared.journal().onCarriedOut(barriers);
          then.run();
          if (delete && !aside.isEmpty()) {
            shared.store.deleteRecursively(aside);
          }
        });
  }

  /** Before the id may come again: else a replay of GONE would remove the new log's files. */
  private void clear(SegmentedLog log, Runnable done) {
    if (shared.isOffline() || shared.isClosed()) {
      return;
    }
    LoopLogs home = homeOf(log.loop());
    home.journal(log, JournalEntry.of(log.id(), JournalEntry.Kind.CLEARED, 0, 0));
    home.afterCommit(
        () -> {
          synchronized (this) {
            leaving.remove(log.id());
          }
          done.run();
        });
    home.remove(log);
  }

  private String renameAside(PartitionId id) {
    String aside;
    do {
      aside = id.directoryName() + "." + asideNumber++ + SegmentFiles.DELETED;
    } while (shared.store.exists(aside));
    shared.store.rename(id.directoryName(), aside);
    return aside;
  }

  static String moveToQuarantine(FileStore store, PartitionId id) {
    int number = 0;
    String aside;
    do {
      aside = id.directoryName() + "." + number++ + QUARANTINE;
    } while (store.exists(aside));
    store.rename(id.directoryName(), aside);
    store.syncDirectory("");
    return aside;
  }

  private void remove(String name) {
    if (!shared.isOffline() && !shared.isClosed()) {
      shared.guard(() -> shared.store.deleteRecursively(name));
    }
  }

  /**
   * Stops cleanly: everything is synced, then the marker is written and synced (rule R3). The loops
   * must still run; nothing may be appended from the call on. Thread-safe.
   *
   * @param brokerEpoch of this process, as registered
   * @param done runs on the read worker; if the directory is offline there is no marker
   */
  public void flushAndClose(long brokerEpoch, Runnable done) {
    shared.checkpointer().close(brokerEpoch, done);
  }

  /** Begins a checkpoint now instead of within the interval. Thread-safe. */
  public void checkpoint() {
    shared.checkpointer().request();
  }

  /** Counters for metrics. Thread-safe. */
  public LogCounters.Values counters() {
    return shared.counters.with(shared.journal().counters());
  }

  /** Bytes appended to all logs since the start. Thread-safe and cheap. */
  public long appendedBytes() {
    return shared.counters.appendedBytes();
  }

  private LoopLogs homeOf(EventLoop loop) {
    List<LoopLogs> all;
    LoopLogs home;
    synchronized (this) {
      home = loops.get(loop);
      if (home != null) {
        return home;
      }
      if (loops.isEmpty()) {
        new LogScrubber(shared, this::openLogs).start(loop);
        // What was found is replayed at each start until a checkpoint is through.
        if (isJournalShort) {
          shared.checkpointer().request();
        } else {
          shared.checkpointer().onDirty(loop);
        }
      }
      home = new LoopLogs(shared, loop);
      loops.put(loop, home);
      shared.addLoop(home);
      all = shared.loops();
    }
    for (LoopLogs each : all) {
      each.loop.execute(() -> each.shareTail(all.size()));
    }
    return home;
  }

  private synchronized List<SegmentedLog> openLogs() {
    return List.copyOf(open.values());
  }

  private static final class NobodyListening implements PartitionLog.Listener {
    @Override
    public void onHeld(long heldEndOffset) {
      // The log is on its way out.
    }

    @Override
    public void onDamaged(long offset) {
      // Nobody reads it any more.
    }

    @Override
    public void onOffline(StorageException cause) {
      // Whoever opened the directory is told by the others.
    }
  }
}
