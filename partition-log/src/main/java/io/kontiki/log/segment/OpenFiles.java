package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The open files of a log directory: opened when they are needed, the least recently used closed
 * when there are too many, and which of them have bytes that were not synced. Thread-safe; the
 * monitor is held while a file is opened, not while it is read, written or synced.
 */
public final class OpenFiles {
  private final FileStore store;
  private final int limit;
  private final Map<String, Handle> handles = new LinkedHashMap<>(16, 0.75f, true);
  private final TreeSet<String> dirty = new TreeSet<>();
  private final TreeMap<String, Long> dirtyDirectories = new TreeMap<>();
  private long changes;

  /**
   * @param limit how many may be open; files that are in use or not synced are not closed for it
   */
  public OpenFiles(FileStore store, int limit) {
    this.store = store;
    this.limit = limit;
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
  public void markDirty(String path) {
    releaseChanged(path, acquire(path, false));
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
   * that another thread which needs the bytes durable syncs it, too.
   */
  public boolean sync(String path) {
    Handle handle;
    long before;
    synchronized (this) {
      handle = handles.get(path);
      if (handle == null || !handle.isDirty()) {
        return false;
      }
      before = handle.changed;
      handle.pins++;
    }
    try {
      handle.file.sync();
      synchronized (this) {
        handle.synced = Math.max(handle.synced, before);
        if (!handle.isDirty() && !handle.dropped) {
          dirty.remove(path);
        }
      }
      return true;
    } finally {
      release(handle);
    }
  }

  /** The files with bytes that no finished sync covers, sorted. */
  public synchronized List<String> dirtyFiles() {
    return List.copyOf(dirty);
  }

  /** The dirty files below a directory, sorted. */
  public synchronized List<String> dirtyFiles(String directory) {
    return List.copyOf(dirty.subSet(directory + "/", directory + (char) ('/' + 1)));
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
    Long before;
    synchronized (this) {
      before = dirtyDirectories.get(directory);
    }
    if (before == null) {
      return;
    }
    if (directory.isEmpty() || store.exists(directory)) {
      store.syncDirectory(directory);
    }
    synchronized (this) {
      dirtyDirectories.remove(directory, before);
    }
  }

  /** Forgets a file, or all below a directory, that gets another name or goes. */
  public synchronized void forget(String path) {
    Iterator<Map.Entry<String, Handle>> all = handles.entrySet().iterator();
    while (all.hasNext()) {
      Map.Entry<String, Handle> entry = all.next();
      if (entry.getKey().equals(path) || entry.getKey().startsWith(path + "/")) {
        all.remove();
        dirty.remove(entry.getKey());
        entry.getValue().dropped = true;
        closeIfUnused(entry.getValue());
      }
    }
  }

  /** How many are open. */
  public synchronized int count() {
    return handles.size();
  }

  /** Closes all; not a sync. */
  public synchronized void close() {
    for (Handle handle : handles.values()) {
      handle.dropped = true;
      closeIfUnused(handle);
    }
    handles.clear();
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
    if (!handle.isDirty() && !handle.dropped) {
      dirty.add(path);
    }
    handle.changed++;
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

  // A dirty file stays open: a failed write-back must not be forgotten with the handle (rule D1).
  private void shrink(Handle keep) {
    Iterator<Handle> eldest = handles.values().iterator();
    while (handles.size() > limit && eldest.hasNext()) {
      Handle handle = eldest.next();
      if (handle != keep && handle.pins == 0 && !handle.isDirty()) {
        handle.file.close();
        eldest.remove();
      }
    }
  }

  private static final class Handle {
    private final FileStore.File file;
    private int pins;
    private long changed;
    private long synced;
    private boolean dropped;

    private Handle(FileStore.File file) {
      this.file = file;
    }

    private boolean isDirty() {
      return synced < changed;
    }
  }
}
