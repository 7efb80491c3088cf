package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The open files of a log directory: opened when they are needed, the least recently used closed
 * when there are too many, and which of them have bytes that were not synced. Thread-safe; the
 * monitor is held while a file is opened, not while it is read, written or synced.
 */
public final class OpenFiles {
  private final FileStore store;
  private final int limit;
  private final Map<String, Handle> handles = new LinkedHashMap<>(16, 0.75f, true);
  private final TreeSet<String> dirtyDirectories = new TreeSet<>();

  /**
   * @param limit how many may be open; files that are in use or not synced are not closed for it
   */
  public OpenFiles(FileStore store, int limit) {
    this.store = store;
    this.limit = limit;
  }

  /** Something to do with an open file. */
  @FunctionalInterface
  public interface Use<T extends @Nullable Object> {
    /** Must not keep the file. */
    T with(FileStore.File file);
  }

  /** Uses a file that must exist. */
  public <T extends @Nullable Object> T use(String path, Use<T> use) {
    Handle handle = acquire(path, false, false);
    try {
      return use.with(handle.file);
    } finally {
      release(handle);
    }
  }

  /** Writes into a file that is made if it does not exist; it is dirty from then on. */
  public void write(String path, List<ByteBuffer> bytes, long position) {
    Handle handle = acquire(path, true, true);
    try {
      handle.file.write(bytes, position);
    } finally {
      release(handle);
    }
  }

  /** Makes a file have exactly this content; dirty from then on. */
  public void replace(String path, ByteBuffer content) {
    Handle handle = acquire(path, true, true);
    try {
      if (handle.file.size() > content.remaining()) {
        handle.file.truncate(content.remaining());
      }
      handle.file.write(content, 0);
    } finally {
      release(handle);
    }
  }

  /** Counts a file as dirty: what is in it may not be durable (rule D10). */
  public void markDirty(String path) {
    release(acquire(path, false, true));
  }

  /** Cuts a file that is made if it does not exist; dirty from then on. */
  public void truncate(String path, long size) {
    Handle handle = acquire(path, true, true);
    try {
      if (handle.file.size() > size) {
        handle.file.truncate(size);
      }
    } finally {
      release(handle);
    }
  }

  /** Syncs a file if it is dirty and still there. */
  public boolean sync(String path) {
    Handle handle;
    synchronized (this) {
      handle = handles.get(path);
      if (handle == null || !handle.dirty) {
        return false;
      }
      handle.dirty = false;
      handle.pins++;
    }
    try {
      handle.file.sync();
      return true;
    } finally {
      release(handle);
    }
  }

  /** The files with bytes that no sync covers, sorted. */
  public synchronized List<String> dirtyFiles() {
    List<String> dirty = new ArrayList<>();
    handles.forEach(
        (path, handle) -> {
          if (handle.dirty) {
            dirty.add(path);
          }
        });
    dirty.sort(null);
    return dirty;
  }

  /** Remembers that names in a directory changed. */
  public synchronized void markDirectory(String directory) {
    dirtyDirectories.add(directory);
  }

  /** The directories whose names changed since the last call, sorted; they are clean again. */
  public synchronized List<String> takeDirtyDirectories() {
    List<String> taken = List.copyOf(dirtyDirectories);
    dirtyDirectories.clear();
    return taken;
  }

  /** Forgets a file, or all below a directory, that gets another name or goes. */
  public synchronized void forget(String path) {
    Iterator<Map.Entry<String, Handle>> all = handles.entrySet().iterator();
    while (all.hasNext()) {
      Map.Entry<String, Handle> entry = all.next();
      if (entry.getKey().equals(path) || entry.getKey().startsWith(path + "/")) {
        all.remove();
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
  }

  private synchronized Handle acquire(String path, boolean create, boolean dirty) {
    Handle handle = handles.get(path);
    if (handle == null) {
      handle = new Handle(create ? store.openOrCreate(path) : store.open(path));
      handles.put(path, handle);
      shrink(handle);
    }
    handle.pins++;
    handle.dirty |= dirty;
    return handle;
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
      if (handle != keep && handle.pins == 0 && !handle.dirty) {
        handle.file.close();
        eldest.remove();
      }
    }
  }

  private static final class Handle {
    private final FileStore.File file;
    private int pins;
    private boolean dirty;
    private boolean dropped;

    private Handle(FileStore.File file) {
      this.file = file;
    }
  }
}
