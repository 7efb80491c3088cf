package io.kontiki.log;

import io.kontiki.log.journal.CommitJournal;
import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentAge;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the logs of one directory share. Thread-safe: the monitor guards the list of loops and the
 * set of directories that exist, nothing else.
 */
final class LogShared {
  private static final Logger LOG = LoggerFactory.getLogger(LogDirectory.class);

  final FileStore store;
  final OpenFiles files;
  final SegmentReader reader;
  final LogConfig config;
  final Clock clock;
  final Worker reads;
  final Worker cleaner;
  final FaultHandler faults;
  final LogCounters counters = new LogCounters();

  private final Set<PartitionId> existing = new HashSet<>();
  private final Set<PartitionId> live = new HashSet<>();
  private final List<LoopLogs> loops = new ArrayList<>();
  private volatile int loopCount = 1;
  private volatile @Nullable StorageException offline;
  private volatile boolean closed;
  private volatile BooleanSupplier clockTrusted = () -> true;
  private final Object marks = new Object();
  private @Nullable CommitJournal journal;
  private @Nullable Checkpointer checkpointer;

  LogShared(
      FileStore store,
      LogConfig config,
      Clock clock,
      Worker reads,
      Worker cleaner,
      FaultHandler faults) {
    this.store = store;
    this.files = new OpenFiles(store, config.openFiles());
    this.reader = new SegmentReader(files);
    this.config = config;
    this.clock = clock;
    this.reads = reads;
    this.cleaner = cleaner;
    this.faults = faults;
  }

  /** Ends the construction: the three know each other. */
  void connect(CommitJournal theJournal, Checkpointer theCheckpointer) {
    journal = theJournal;
    checkpointer = theCheckpointer;
  }

  CommitJournal journal() {
    if (journal == null) {
      throw new IllegalStateException("the log directory is not open yet");
    }
    return journal;
  }

  Checkpointer checkpointer() {
    if (checkpointer == null) {
      throw new IllegalStateException("the log directory is not open yet");
    }
    return checkpointer;
  }

  synchronized void addLoop(LoopLogs loop) {
    loops.add(loop);
    loopCount = loops.size();
  }

  synchronized List<LoopLogs> loops() {
    return List.copyOf(loops);
  }

  int loopCount() {
    return loopCount;
  }

  /** Fails if the directory is offline or closed (rule L4). */
  void checkOnline() {
    StorageException cause = offline;
    if (cause != null) {
      throw new StorageException(
          cause.kind(), cause.path(), cause.position(), "the log directory is offline", cause);
    }
    if (closed) {
      throw new StorageException(
          StorageException.Kind.IO, "", -1, "the log directory has been closed");
    }
  }

  boolean isOffline() {
    return offline != null;
  }

  boolean isClosed() {
    return closed;
  }

  void close() {
    closed = true;
  }

  /** Takes the directory offline for good; every loop tells its logs' listeners. Any thread. */
  void goOffline(StorageException cause) {
    synchronized (this) {
      if (offline != null || closed) {
        return;
      }
      offline = cause;
    }
    LOG.error("log directory goes offline: {}", cause.getMessage(), cause);
    loops().forEach(loop -> loop.onOffline(cause));
  }

  /** A full disk is no reason to go offline; anything else is (rule L4), and is thrown again. */
  void offlineUnlessFull(StorageException e) {
    if (e.kind() != StorageException.Kind.NO_SPACE) {
      goOffline(e);
      throw e;
    }
  }

  /** Syncs the files of a log that are dirty, with their names. Blocks. */
  void makeDurable(PartitionId id) {
    String directory = id.directoryName();
    for (String path : files.dirtyFiles(directory)) {
      if (files.sync(path)) {
        counters.onFileSync();
      }
    }
    files.syncDirectory(directory);
    files.syncDirectory("");
  }

  /** Syncs the segments of a log that are dirty, with their names, and nothing beside. Blocks. */
  void makeSegmentsDurable(PartitionId id) {
    String directory = id.directoryName();
    for (String path : files.dirtyFiles(directory)) {
      if (path.endsWith(SegmentFiles.LOG) && files.sync(path)) {
        counters.onFileSync();
      }
    }
    files.syncDirectory(directory);
    files.syncDirectory("");
  }

  /** Asked before anything goes by the wall clock (P17). */
  void trustClock(BooleanSupplier trusted) {
    clockTrusted = trusted;
  }

  boolean clockTrusted() {
    return clockTrusted.getAsBoolean();
  }

  /**
   * Finds out how old the newest record of a segment is that was there before this start.
   *
   * @param found on the loop; null: removed meanwhile, or damaged, which is for a reader of the
   *     records to find
   */
  void readAge(Segment segment, EventLoop loop, Consumer<@Nullable SegmentAge> found) {
    SegmentAge.Task task = SegmentAge.of(segment);
    reads.execute(
        () -> {
          SegmentAge age = readOrNull(task);
          loop.execute(() -> found.accept(age));
        });
  }

  private @Nullable SegmentAge readOrNull(SegmentAge.Task task) {
    try {
      return task.read(store, files);
    } catch (StorageException e) {
      return null;
    }
  }

  /**
   * Writes how far a log has been compacted, as its loop has it now: so two threads may do it in
   * any order. Blocks; its name is durable when its directory is.
   */
  void writeMark(LogState state) {
    String directory = state.meta.id().directoryName();
    synchronized (marks) {
      if (store.exists(directory)) {
        state.mark.write(store, directory);
        files.markDirectory(directory);
      }
    }
  }

  /** Runs something in a callback: a storage failure takes the directory offline, no more. */
  void guard(Runnable task) {
    try {
      task.run();
    } catch (StorageException e) {
      goOffline(e);
    }
  }

  /**
   * Makes a partition's directory with its meta file, if it does not exist yet. Not synced: the
   * next checkpoint is (rule D3).
   */
  synchronized void ensureDirectory(PartitionMeta meta) {
    if (existing.contains(meta.id())) {
      return;
    }
    String directory = meta.id().directoryName();
    store.createDirectories(directory);
    files.replace(directory + "/" + PartitionMeta.FILE, meta.encode());
    files.markDirectory("");
    files.markDirectory(directory);
    existing.add(meta.id());
  }

  synchronized void onDirectoryExists(PartitionId id) {
    existing.add(id);
  }

  synchronized void onLive(PartitionId id) {
    live.add(id);
  }

  synchronized void onGone(PartitionId id) {
    live.remove(id);
  }

  /** Whether there is such a log, or will be. */
  synchronized boolean isLive(PartitionId id) {
    return live.contains(id);
  }

  /** Its directory gets another name or goes. */
  synchronized void forgetDirectory(PartitionId id) {
    files.forgetDirectory(id.directoryName());
    existing.remove(id);
  }
}
