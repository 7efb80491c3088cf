package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalPosition;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes what lies behind the journal durable in the files themselves and frees the journal (rules
 * L9, D2, D3). Lives on the read pool, in short steps, so that reads come in between; what must be
 * written and synced goes to the sync workers, a few files a task. {@link #onDirty} and {@link
 * #request} are thread-safe.
 *
 * <ol>
 *   <li>Note the journal's next sequence, or the first truncation not carried out.
 *   <li>Each loop gives one row for each log that changed; all its files were written before.
 *   <li>Missing directories and long epoch histories that changed are written; then dirty files are
 *       synced, then directories whose names changed.
 *   <li>The checkpoint file is replaced; the journal before the noted sequence is free.
 * </ol>
 *
 * <p>Rows may be newer than the sequence: replaying what they contain already does no harm.
 */
final class Checkpointer {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpointer.class);

  private static final int SYNCS_A_TASK = 8;

  private static final long NO_SPACE_PAUSE_NANOS = 500_000_000;
  private static final long CLOSE_PAUSE_NANOS = 100_000_000;
  private static final int MOST_CLOSE_TRIES = 20;

  private final LogShared shared;
  private final TreeMap<PartitionId, CheckpointRow> rows = new TreeMap<>();
  private final List<Worker> syncs;

  // Of the present phase of a pass: what is to be written or synced, by whom is not said.
  private final ArrayDeque<Runnable> toDo = new ArrayDeque<>();
  private Runnable nextPhase = () -> {};
  private int tasksUnderWay;
  private @Nullable StorageException failed;
  private boolean savingEpochs;
  private final List<Runnable> afterEpochs = new ArrayList<>();
  private @Nullable JournalPosition position;
  private @Nullable Close close;
  private final TreeMap<PartitionId, List<EpochHistory.Entry>> savedEpochs = new TreeMap<>();
  private final TreeSet<PartitionId> unsaved = new TreeSet<>();
  private final List<CleanLog> clean = new ArrayList<>();
  private boolean running;
  private boolean closing;
  private boolean cutting;
  private boolean again;
  private int loopsToAnswer;
  private int closeTries;
  private boolean noSpaceTold;

  // Guarded by the monitor.
  private boolean timerArmed;
  private boolean retryArmed;

  private record Close(long brokerEpoch, Runnable done) {}

  /**
   * @param syncs at least one; blocks as long as the disk takes
   */
  Checkpointer(LogShared shared, List<Worker> syncs, List<RecoveredLog> recovered) {
    this.shared = shared;
    this.syncs = List.copyOf(syncs);
    for (RecoveredLog log : recovered) {
      CheckpointRow row = log.row();
      rows.put(log.id(), row);
      if (!log.savedEpochs().isEmpty()) {
        savedEpochs.put(log.id(), log.savedEpochs());
      }
      if (!row.epochs().equals(log.savedEpochs())) {
        unsaved.add(log.id());
      }
    }
  }

  /** Something changed: a checkpoint begins within the interval. On the loop. */
  void onDirty(EventLoop loop) {
    synchronized (this) {
      if (timerArmed || shared.isClosed()) {
        return;
      }
      timerArmed = true;
    }
    loop.schedule(shared.config.checkpointIntervalMs() * 1_000_000, this::onTimer);
  }

  private void onTimer() {
    synchronized (this) {
      timerArmed = false;
    }
    request();
  }

  /** A checkpoint is wanted now. */
  void request() {
    shared.reads.execute(this::begin);
  }

  /** A checkpoint is wanted when there may be room again. */
  void requestLater() {
    List<LoopLogs> loops = shared.loops();
    synchronized (this) {
      if (retryArmed || loops.isEmpty() || shared.isClosed()) {
        return;
      }
      retryArmed = true;
    }
    loops
        .get(0)
        .loop
        .schedule(
            NO_SPACE_PAUSE_NANOS,
            () -> {
              synchronized (this) {
                retryArmed = false;
              }
              request();
            });
  }

  /** A log's directory is gone. */
  void onGone(PartitionId id) {
    rows.remove(id);
    unsaved.remove(id);
    savedEpochs.remove(id);
  }

  /**
   * The last checkpoint, once no cut is on its way, then the clean marker (rule R3); nothing is
   * written after it. A directory that is offline gets none.
   *
   * @param done runs on the read pool
   */
  void close(long brokerEpoch, Runnable done) {
    shared.reads.execute(
        () -> {
          close = new Close(brokerEpoch, done);
          if (!running) {
            begin();
          }
        });
  }

  private void begin() {
    if (shared.isOffline() || shared.isClosed()) {
      if (close != null && !shared.isClosed()) {
        finishClose(close);
      }
      return;
    }
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    position = shared.journal().checkpointPosition(shared.journal().nextSequence());
    closing = close != null;
    cutting = false;
    clean.clear();
    boolean last = closing;
    List<LoopLogs> loops = shared.loops();
    loopsToAnswer = loops.size();
    for (LoopLogs each : loops) {
      each.loop.execute(
          () -> {
            LoopLogs.Collected collected = each.collect(last);
            shared.reads.execute(() -> onRows(collected));
          });
    }
    if (loops.isEmpty()) {
      step(this::collectFiles);
    }
  }

  private void onRows(LoopLogs.Collected collected) {
    cutting |= collected.cutting();
    clean.addAll(collected.clean());
    for (CheckpointRow row : collected.rows()) {
      // A log that was deleted since has been forgotten, and stays so.
      if (shared.isLive(row.meta().id())) {
        rows.put(row.meta().id(), row);
        unsaved.add(row.meta().id());
      }
    }
    loopsToAnswer--;
    if (loopsToAnswer == 0) {
      step(this::collectFiles);
    }
  }

  private void collectFiles() {
    if (closing && !cutting) {
      // Nothing changes any more and every cut is in the files: no record is needed.
      position = shared.journal().endPosition();
    }
    List<Runnable> epochs = new ArrayList<>();
    for (PartitionId id : List.copyOf(unsaved)) {
      CheckpointRow row = java.util.Objects.requireNonNull(rows.get(id));
      shared.ensureDirectory(row.meta());
      if (isSaved(id, row) || CheckpointRow.takes(row.epochs())) {
        unsaved.remove(id);
      } else {
        savedEpochs.put(id, EpochHistory.UNKNOWN);
        epochs.add(() -> saveEpochs(row));
      }
    }
    savingEpochs = true;
    inParallel(epochs, this::syncFiles);
  }

  /** Whether the file of its epochs has what the row has. */
  private boolean isSaved(PartitionId id, CheckpointRow row) {
    return row.epochs().equals(savedEpochs.getOrDefault(id, List.of()));
  }

  /** Runs something that gives a directory another name: not while files are made in it. */
  void whenNoneIsMade(Runnable renaming) {
    if (savingEpochs) {
      afterEpochs.add(renaming);
    } else {
      renaming.run();
    }
  }

  private void onEpochsSaved() {
    savingEpochs = false;
    List<Runnable> due = List.copyOf(afterEpochs);
    afterEpochs.clear();
    due.forEach(Runnable::run);
  }

  /** On a sync worker. */
  private void saveEpochs(CheckpointRow row) {
    PartitionId id = row.meta().id();
    EpochHistory.write(shared.store, id.directoryName(), row.epochs());
    shared.files.markDirectory(id.directoryName());
  }

  private void syncFiles() {
    for (PartitionId id : unsaved) {
      savedEpochs.put(id, java.util.Objects.requireNonNull(rows.get(id)).epochs());
    }
    unsaved.clear();
    onEpochsSaved();
    List<Runnable> files = new ArrayList<>();
    for (String path : shared.files.dirtyFiles()) {
      files.add(() -> sync(path));
    }
    inParallel(files, this::syncDirectories);
  }

  /** On a sync worker. */
  private void sync(String path) {
    if (shared.files.sync(path)) {
      shared.counters.onFileSync();
    }
  }

  private void syncDirectories() {
    List<Runnable> directories = new ArrayList<>();
    for (String directory : shared.files.dirtyDirectories()) {
      directories.add(() -> syncDirectory(directory));
    }
    inParallel(directories, this::write);
  }

  /** On a sync worker. The log may leave meanwhile. */
  private void syncDirectory(String directory) {
    try {
      shared.files.syncDirectory(directory);
    } catch (StorageException e) {
      if (directory.isEmpty() || shared.store.exists(directory)) {
        throw e;
      }
    }
  }

  /** Lets the sync workers do all of this, then goes on. */
  private void inParallel(List<Runnable> work, Runnable then) {
    toDo.addAll(work);
    nextPhase = then;
    tasksUnderWay = syncs.size();
    syncs.forEach(this::handOut);
  }

  private void handOut(Worker worker) {
    List<Runnable> some = new ArrayList<>();
    while (some.size() < SYNCS_A_TASK && !toDo.isEmpty()) {
      some.add(toDo.remove());
    }
    if (!some.isEmpty()) {
      worker.execute(() -> work(worker, some));
      return;
    }
    tasksUnderWay--;
    if (tasksUnderWay > 0) {
      return;
    }
    StorageException cause = failed;
    failed = null;
    if (cause != null) {
      throw cause;
    }
    nextPhase.run();
  }

  /** On a sync worker. */
  private void work(Worker worker, List<Runnable> some) {
    StorageException failure = null;
    try {
      for (Runnable each : some) {
        if (!shared.isOffline() && !shared.isClosed()) {
          each.run();
        }
      }
    } catch (StorageException e) {
      failure = e;
      if (e.kind() != StorageException.Kind.NO_SPACE) {
        // Nothing more is acknowledged, also before this pass hears of it.
        shared.goOffline(e);
      }
    }
    StorageException found = failure;
    shared.reads.execute(() -> step(() -> onWorked(worker, found)));
  }

  /** What failed counts when all have come back: nobody works for a pass that is over. */
  private void onWorked(Worker worker, @Nullable StorageException found) {
    if (found != null) {
      failed = failed == null ? found : failed;
      toDo.clear();
    }
    handOut(worker);
  }

  private void write() {
    JournalPosition from = java.util.Objects.requireNonNull(position);
    TreeMap<PartitionId, LogCheckpoint.Entry> entries = new TreeMap<>();
    rows.forEach((id, row) -> entries.put(id, row.entry(!isSaved(id, row))));
    new LogCheckpoint(from, entries).write(shared.store);
    shared.journal().onCheckpoint(from);
    shared.loops().forEach(each -> each.onCheckpoint(from.sequence()));
    shared.counters.onCheckpoint();
    if (noSpaceTold) {
      noSpaceTold = false;
      LOG.info("there is space for checkpoints again");
    }
    finishPass();
    if (closing && !cutting && close != null) {
      writeMarker(close);
    } else if (again || close != null) {
      begin();
    }
  }

  private void finishPass() {
    running = false;
    onEpochsSaved();
  }

  private void writeMarker(Close order) {
    Map<PartitionId, Long> ends = new TreeMap<>();
    rows.forEach((id, row) -> ends.put(id, row.recoveryPoint()));
    writeCleanLogs(order);
    new CleanMarker(order.brokerEpoch, ends).write(shared.store);
    LOG.info("{} logs closed cleanly in broker epoch {}", ends.size(), order.brokerEpoch);
    finishClose(order);
  }

  /** Only a help for the next start. */
  private void writeCleanLogs(Close order) {
    try {
      clean.removeIf(log -> !shared.store.exists(log.id().directoryName()));
      CleanLogs.write(shared.store, order.brokerEpoch, clean);
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.NO_SPACE) {
        throw e;
      }
      LOG.warn("no space for what makes the next start fast: {}", e.getMessage());
    }
  }

  private void finishClose(Close order) {
    shared.close();
    shared.journal().close();
    shared.files.close();
    order.done.run();
  }

  /**
   * Rule L4. At a stop the journal's spare files make room, since nothing will be written to them,
   * and somebody else may: without the marker the records of replicated topics would not count
   * (R3).
   */
  private void onNoSpace(StorageException e) {
    List<LoopLogs> loops = shared.loops();
    if (close == null) {
      if (!noSpaceTold) {
        noSpaceTold = true;
        LOG.warn("no space for a checkpoint, it is tried until there is: {}", e.getMessage());
      }
      requestLater();
    } else if (madeRoom()) {
      begin();
    } else if (closeTries < MOST_CLOSE_TRIES && !loops.isEmpty()) {
      closeTries++;
      loops.get(0).loop.schedule(CLOSE_PAUSE_NANOS, this::request);
    } else {
      LOG.warn("no space for the last checkpoint, closed without a marker: {}", e.getMessage());
      finishClose(close);
    }
  }

  private boolean madeRoom() {
    try {
      return shared.journal().giveUpSpare();
    } catch (StorageException e) {
      shared.goOffline(e);
      return true;
    }
  }

  /** A step of the pass that fails for lack of space is tried again later; else rule L4. */
  private void step(Runnable work) {
    if (!running || shared.isOffline() || shared.isClosed()) {
      finishPass();
      if (close != null && !shared.isClosed()) {
        finishClose(close);
      }
      return;
    }
    try {
      work.run();
    } catch (StorageException e) {
      if (e.kind() == StorageException.Kind.NO_SPACE) {
        finishPass();
        onNoSpace(e);
      } else {
        shared.goOffline(e);
        finishPass();
        if (close != null) {
          finishClose(close);
        }
      }
    }
  }
}
