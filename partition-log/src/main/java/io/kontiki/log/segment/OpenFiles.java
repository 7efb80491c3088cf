package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The open files of a log directory: opened when they are needed, the least recently used closed
 * when there are too many, and which of them have bytes that were not synced. Thread-safe; the
 * monitor is held while a file is opened, not while it is read, written or synced. After a sync
 * that failed there is no other (rule D1).
 */
public final class OpenFiles {
  // Files that are not synced may be so many times more than the limit.
  private static final int DIRTY_FACTOR = 3;
  private static final int LOOKED_AT = 8;
  private static final int SYNC_TURNS = 64;

  private final FileStore store;
  private final int limit;
  private final Map<String, Handle> handles = new LinkedHashMap<>(16, 0.75f, true);
  private final TreeMap<String, Dirt> dirty = new TreeMap<>();
  private final TreeMap<String, Long> dirtyDirectories = new TreeMap<>();
  // Held during a sync: of one path there is one at a time. Taken before the monitor, never in it.
  private final Object[] turns = new Object[SYNC_TURNS];
  private long changes;
  private @Nullable StorageException failedSync;

  /**
   * @param limit how many may be open; files that are in use are not closed for it, files that are
   *     not synced only when there are three times as many
   */
  public OpenFiles(FileStore store, int limit) {
    this.store = store;
    this.limit = limit;
    Arrays.setAll(turns, any -> new Object());
  }

  /** Something to do with an open file. */
  @FunctionalInterface
  public interface Use<T> {
    /** Must not keep the file. */
    T with(FileStore.File file);
  }

  /** Uses a file that must exist. */
  public <T> T use(String path, Use<T> use) {
    Handle handle = acquire(path, false);
    try {
      return use.with(handle.file);
    } finally {
      release(handle);
    }
  }

  /** A file that stays open until it is given back, also when its name has gone. Any thread. */
  public final class Lent implements AutoCloseable {
    private final Handle handle;
    private boolean back;

    private Lent(Handle handle) {
      this.handle = handle;
    }

    /** The file, until this is closed. */
    public FileStore.File file() {
      return handle.file;
    }

    /** Idempotent. */
    @Override
    public void close() {
      synchronized (OpenFiles.this) {
        if (!back) {
          back = true;
          handle.lent--;
          release(handle);
        }
      }
    }
  }

  /** Lends a file that must exist. */
  public synchronized Lent lend(String path) {
    Handle handle = acquire(path, false);
    handle.lent++;
    return new Lent(handle);
  }

  /** Whether somebody has a file that has this name now. */
  public synchronized boolean isLent(String path) {
    Handle handle = handles.get(path);
    return handle != null && handle.lent > 0;
  }

  /** The same for who will not come again soon: the file is not kept open for it. */
  public <T> T useOnce(String path, Use<T> use) {
    boolean isOpen;
    synchronized (this) {
      isOpen = handles.containsKey(path);
    }
    if (isOpen) {
      return use(path, use);
    }
    try (FileStore.File file = store.open(path)) {
      return use.with(file);
    }
  }

  /** Writes into a file that is made if it does not exist; it is dirty from then on. */
  public void write(String path, List<ByteBuffer> bytes, long position) {
    Handle handle = acquire(path, true);
    try {
      handle.file.write(bytes, position);
    } finally {
      releaseChanged(path, handle);
    }
  }

  /** Makes a file have exactly this content; dirty from then on. */
  public void replace(String path, ByteBuffer content) {
    Handle handle = acquire(path, true);
    try {
      if (handle.file.size() > content.remaining()) {
        handle.file.truncate(content.remaining());
      }
      handle.file.write(content, 0);
    } finally {
      releaseChanged(path, handle);
    }
  }

  /** Counts a file as dirty: what is in it may not be durable (rule D10). */
  public synchronized void markDirty(String path) {
    dirty.computeIfAbsent(path, any -> new Dirt()).changed = ++changes;
  }

  /** Closes the files below a directory that nobody uses; what is dirty of them stays so. */
  public synchronized void closeIdle(String directory) {
    String prefix = directory + "/";
    handles
        .entrySet()
        .removeIf(
            entry -> {
              Handle handle = entry.getValue();
              boolean idle = handle.pins == 0 && entry.getKey().startsWith(prefix);
              if (idle) {
                handle.file.close();
              }
              return idle;
            });
  }

  /** Cuts a file that is made if it does not exist; dirty from then on. */
  public void truncate(String path, long size) {
    Handle handle = acquire(path, true);
    try {
      if (handle.file.size() > size) {
        handle.file.truncate(size);
      }
    } finally {
      releaseChanged(path, handle);
    }
  }

  /**
   * Syncs a file if it is dirty and still there. It counts as dirty until the sync has finished, so
   * that another thread which needs the bytes durable syncs it, too, behind this one.
   *
   * @throws StorageException also if any sync failed before, of whichever file (rule D1): the
   *     system may take the pages for clean since, and this one would succeed and do nothing
   */
  public boolean sync(String path) {
    synchronized (turnOf(path)) {
      return syncInTurn(path);
    }
  }

  private Object turnOf(String path) {
    return turns[Math.floorMod(path.hashCode(), SYNC_TURNS)];
  }

  private boolean syncInTurn(String path) {
    Handle handle;
    Dirt dirt;
    long before;
    synchronized (this) {
      dirt = dirty.get(path);
      if (dirt == null) {
        return false;
      }
      checkSyncs(path);
      before = dirt.changed;
      handle = acquire(path, false);
    }
    try {
      handle.file.sync();
    } catch (StorageException e) {
      onFailedSync(e);
      throw e;
    } finally {
      release(handle);
    }
    synchronized (this) {
      if (dirt.changed == before && dirty.remove(path, dirt)) {
        dirt.gone = true;
      }
    }
    return true;
  }

  /** The files with bytes that no finished sync covers, sorted. */
  public synchronized List<String> dirtyFiles() {
    return List.copyOf(dirty.keySet());
  }

  /** The dirty files below a directory, sorted. */
  public synchronized List<String> dirtyFiles(String directory) {
    return List.copyOf(below(directory).keySet());
  }

  /** Remembers that names in a directory changed. */
  public synchronized void markDirectory(String directory) {
    dirtyDirectories.put(directory, ++changes);
  }

  /** The directories with changed names that no finished sync covers, sorted. */
  public synchronized List<String> dirtyDirectories() {
    return List.copyOf(dirtyDirectories.keySet());
  }

  /** Makes the names of a directory durable if they changed; it may be gone. */
  public void syncDirectory(String directory) {
    synchronized (turnOf(directory)) {
      syncDirectoryInTurn(directory);
    }
  }

  private void syncDirectoryInTurn(String directory) {
    Long before;
    synchronized (this) {
      before = dirtyDirectories.get(directory);
      if (before == null) {
        return;
      }
      checkSyncs(directory);
    }
    if (exists(directory)) {
      try {
        store.syncDirectory(directory);
      } catch (StorageException e) {
        if (exists(directory)) {
          onFailedSync(e);
        }
        throw e;
      }
    }
    synchronized (this) {
      dirtyDirectories.remove(directory, before);
    }
  }

  private boolean exists(String directory) {
    return directory.isEmpty() || store.exists(directory);
  }

  private synchronized void onFailedSync(StorageException e) {
    failedSync = failedSync == null ? e : failedSync;
  }

  private synchronized void checkSyncs(String path) {
    StorageException cause = failedSync;
    if (cause != null) {
      throw new StorageException(
          StorageException.Kind.IO, path, -1, "not synced, since a sync failed before", cause);
    }
  }

  /** Forgets a file that gets another name or goes. */
  public synchronized void forget(String path) {
    Dirt dirt = dirty.remove(path);
    if (dirt != null) {
      dirt.gone = true;
    }
    Handle handle = handles.remove(path);
    if (handle != null) {
      handle.dropped = true;
      closeIfUnused(handle);
    }
  }

  /** Forgets all below a directory that gets another name or goes. */
  public synchronized void forgetDirectory(String directory) {
    List<String> paths = new ArrayList<>(below(directory).keySet());
    for (String path : handles.keySet()) {
      if (path.startsWith(directory + "/")) {
        paths.add(path);
      }
    }
    paths.forEach(this::forget);
  }

  private SortedMap<String, Dirt> below(String directory) {
    return dirty.subMap(directory + "/", directory + (char) ('/' + 1));
  }

  /** How many are open. */
  public synchronized int count() {
    return handles.size();
  }

  /** Closes all; not a sync. */
  public synchronized void close() {
    List.copyOf(handles.keySet()).forEach(this::forget);
    dirty.clear();
  }

  private synchronized Handle acquire(String path, boolean create) {
    Handle handle = handles.get(path);
    if (handle == null) {
      handle = new Handle(create ? store.openOrCreate(path) : store.open(path));
      handles.put(path, handle);
      shrink(handle);
    }
    handle.pins++;
    return handle;
  }

  // Dirty from here on and not from before the write: a sync in between would not cover it.
  private synchronized void releaseChanged(String path, Handle handle) {
    if (!handle.dropped) {
      Dirt dirt = handle.dirt;
      if (dirt == null || dirt.gone) {
        dirt = dirty.computeIfAbsent(path, any -> new Dirt());
        handle.dirt = dirt;
      }
      dirt.changed = ++changes;
    }
    release(handle);
  }

  private synchronized void release(Handle handle) {
    handle.pins--;
    closeIfUnused(handle);
  }

  private void closeIfUnused(Handle handle) {
    if (handle.dropped && handle.pins == 0) {
      handle.file.close();
    }
  }

  // A dirty file stays open while that is possible: the sync that learns of a failed write-back
  // (rule
  // D1) is then one of the same descriptor. Beyond it the file is opened again for its sync.
  private void shrink(Handle keep) {
    for (int i = 0; i < LOOKED_AT && handles.size() > limit; i++) {
      Map.Entry<String, Handle> eldest = handles.entrySet().iterator().next();
      String path = eldest.getKey();
      Handle handle = eldest.getValue();
      boolean dirtyStays = handles.size() <= (long) limit * DIRTY_FACTOR && dirty.containsKey(path);
      if (handle == keep || handle.pins > 0 || dirtyStays) {
        // To the other end, so that the next call looks at others.
        handles.get(path);
      } else {
        handle.file.close();
        handles.remove(path);
      }
    }
  }

  private static final class Dirt {
    private long changed;
    private boolean gone;
  }

  private static final class Handle {
    private final FileStore.File file;
    private int pins;
    private int lent;
    private boolean dropped;
    private @Nullable Dirt dirt;

    private Handle(FileStore.File file) {
      this.file = file;
    }
  }
}
