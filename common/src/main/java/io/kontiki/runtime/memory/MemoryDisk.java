package io.kontiki.runtime.memory;

import io.kontiki.runtime.Clock;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The names of a disk in memory, as they are and as a power cut would leave them. All access goes
 * through the monitor of this object, files included.
 *
 * <p>A change of names is pending until a directory that it touches is synced. At a crash each
 * pending change happened or not, as chance has it; one that did not takes those with it that came
 * later and touch the same name. A rename happens as a whole.
 */
final class MemoryDisk {
  private final Directory root = new Directory();
  private final List<Change> pending = new ArrayList<>();
  private final Map<Operation, Kind> failNext = new LinkedHashMap<>();
  private MemoryFileStore.@Nullable Faults faults;
  private @Nullable Thread onlooker;
  private long capacityBytes;
  private long usedBytes;
  private int life;
  private @Nullable Clock clock;

  MemoryDisk(long capacityBytes) {
    this.capacityBytes = capacityBytes;
  }

  /** Another disk with all files as they can be read now, and all of it durable. */
  synchronized MemoryDisk copy() {
    MemoryDisk other = new MemoryDisk(capacityBytes);
    other.clock = clock;
    copy(root, "", new MemoryFileStore(other));
    return other;
  }

  private static void copy(Directory from, String path, FileStore to) {
    from.now.forEach(
        (name, node) -> {
          String child = path + name;
          if (node instanceof Directory directory) {
            to.createDirectories(child);
            copy(directory, child + "/", to);
          } else if (node instanceof MemoryFileData data) {
            ByteBuffer bytes = ByteBuffer.allocate((int) data.size());
            data.read(bytes, 0);
            try (FileStore.File file = to.openOrCreate(child)) {
              file.write(bytes.flip(), 0);
              file.sync();
            }
          }
        });
    to.syncDirectory(path.isEmpty() ? "" : path.substring(0, path.length() - 1));
  }

  synchronized void clock(Clock newClock) {
    clock = newClock;
  }

  /** What files are stamped with; without a clock the far future, which bounds nothing. */
  long wallMs() {
    Clock now = clock;
    return now == null ? Long.MAX_VALUE : now.wallMs();
  }

  synchronized void faults(MemoryFileStore.@Nullable Faults hook) {
    faults = hook;
  }

  synchronized void failNext(Operation operation, Kind kind) {
    failNext.put(operation, kind);
  }

  synchronized void capacity(long bytes) {
    capacityBytes = bytes;
  }

  synchronized long usableBytes() {
    return Math.max(0, capacityBytes - usedBytes);
  }

  synchronized long totalBytes() {
    return capacityBytes;
  }

  synchronized FileStore.File open(String path, String shownPath, boolean create) {
    check(Operation.OPEN, path);
    Directory parent = parentOf(path);
    Node node = parent == null ? null : parent.now.get(nameOf(path));
    if (node == null && create && parent != null) {
      node = new MemoryFileData();
      change(new Change(parent, nameOf(path), node, null, ""));
    }
    if (!(node instanceof MemoryFileData data)) {
      throw new StorageException(
          Kind.IO, path, -1, node == null ? "no such file or directory" : "is a directory");
    }
    return new MemoryFile(this, data, path, shownPath, life);
  }

  synchronized boolean exists(String path) {
    return find(path) != null;
  }

  synchronized long sizeBytes(String path) {
    return file(path).size();
  }

  synchronized long modifiedMs(String path) {
    return find(path) instanceof Directory directory ? directory.modifiedMs : file(path).modifiedMs;
  }

  private MemoryFileData file(String path) {
    if (!(find(path) instanceof MemoryFileData data)) {
      throw new StorageException(Kind.IO, path, -1, "no such file");
    }
    return data;
  }

  synchronized List<String> list(String path) {
    Node node = find(path);
    if (node instanceof MemoryFileData) {
      throw new StorageException(Kind.IO, path, -1, "is not a directory");
    }
    return node instanceof Directory directory ? List.copyOf(directory.now.keySet()) : List.of();
  }

  synchronized void createDirectories(String path) {
    Directory at = root;
    for (String name : namesOf(path)) {
      Node next = at.now.get(name);
      if (next == null) {
        next = new Directory();
        change(new Change(at, name, next, null, ""));
      }
      if (!(next instanceof Directory directory)) {
        throw new StorageException(Kind.IO, path, -1, name + " is a file");
      }
      at = directory;
    }
  }

  synchronized void delete(String path, boolean recursively) {
    check(Operation.DELETE, path);
    if (path.isEmpty()) {
      throw new IllegalArgumentException("the top of a store cannot be deleted");
    }
    Directory parent = parentOf(path);
    Node node = parent == null ? null : parent.now.get(nameOf(path));
    if (parent == null || node == null) {
      return;
    }
    if (node instanceof Directory directory && !directory.now.isEmpty()) {
      if (!recursively) {
        throw new StorageException(Kind.IO, path, -1, "directory not empty");
      }
      for (String name : List.copyOf(directory.now.keySet())) {
        delete(path + "/" + name, true);
      }
    }
    change(new Change(parent, nameOf(path), null, null, ""));
  }

  synchronized void rename(String from, String to) {
    check(Operation.RENAME, from);
    Directory fromParent = parentOf(from);
    Directory toParent = parentOf(to);
    Node node = fromParent == null ? null : fromParent.now.get(nameOf(from));
    if (fromParent == null || toParent == null || node == null) {
      throw new StorageException(
          Kind.IO, from, -1, "cannot rename to " + to + ": no such file or directory");
    }
    if (fromParent == toParent && nameOf(from).equals(nameOf(to))) {
      return;
    }
    Node replaced = toParent.now.get(nameOf(to));
    if (replaced instanceof Directory directory && !directory.now.isEmpty()) {
      throw new StorageException(Kind.IO, to, -1, "directory not empty");
    }
    change(new Change(toParent, nameOf(to), node, fromParent, nameOf(from)));
  }

  synchronized void syncDirectory(String path) {
    check(Operation.SYNC_DIRECTORY, path);
    if (!(find(path) instanceof Directory directory)) {
      throw new StorageException(Kind.IO, path, -1, "no such directory");
    }
    // From the newest to the oldest: what a needed change depends on is older than itself.
    List<Change> needed = new ArrayList<>();
    for (int i = pending.size() - 1; i >= 0; i--) {
      Change change = pending.get(i);
      if (change.touches(directory) || needed.stream().anyMatch(change::meets)) {
        needed.add(change);
      }
    }
    for (int i = needed.size() - 1; i >= 0; i--) {
      needed.get(i).makeDurable();
    }
    pending.removeAll(needed);
  }

  synchronized void crash(RandomSource random) {
    List<Change> lost = new ArrayList<>();
    // Now and then all or nothing, which single coins would hardly give.
    int mood = random.nextInt(4);
    for (Change change : pending) {
      boolean happened = mood == 0 || (mood != 1 && random.nextInt(2) == 0);
      if (happened && lost.stream().noneMatch(change::meets)) {
        change.makeDurable();
      } else {
        lost.add(change);
      }
    }
    pending.clear();
    usedBytes = recover(root, random);
    failNext.clear();
    invalidateHandles();
  }

  synchronized void invalidateHandles() {
    life++;
  }

  synchronized void flip(String path, long position, int mask) {
    if (!(find(path) instanceof MemoryFileData data) || position >= data.size()) {
      throw new IllegalArgumentException("no byte " + position + " in " + path);
    }
    data.flip(position, mask);
  }

  synchronized void look(Runnable look) {
    Thread before = onlooker;
    onlooker = Thread.currentThread();
    try {
      look.run();
    } finally {
      onlooker = before;
    }
  }

  /** Fails if the operation was made to. */
  void check(Operation operation, String path) {
    if (onlooker == Thread.currentThread()) {
      return;
    }
    Kind kind = failNext.remove(operation);
    if (kind == null && faults != null) {
      kind = faults.before(operation, path);
    }
    if (kind != null) {
      throw new StorageException(kind, path, -1, operation + " fails: injected " + kind);
    }
  }

  /** Fails if a handle belongs to a process that is dead. */
  void checkAlive(int handleLife, String path) {
    if (handleLife != life) {
      throw new StorageException(Kind.IO, path, -1, "opened before the crash");
    }
  }

  /** Takes room for a file that grows. */
  void use(long bytes) {
    usedBytes += bytes;
  }

  private static long recover(Directory directory, RandomSource random) {
    directory.now.clear();
    directory.now.putAll(directory.durable);
    long bytes = 0;
    for (Node node : directory.now.values()) {
      if (node instanceof Directory below) {
        bytes += recover(below, random);
      } else if (node instanceof MemoryFileData data) {
        data.crash(random);
        bytes += data.size();
      }
    }
    return bytes;
  }

  private void change(Change change) {
    Node replaced = change.directory.now.get(change.name);
    if (replaced instanceof MemoryFileData data) {
      data.unlinked = true;
      usedBytes -= data.size();
    }
    change.apply();
    change.directory.modifiedMs = nextChangeMs(change.directory);
    if (change.fromDirectory != null) {
      change.fromDirectory.modifiedMs = nextChangeMs(change.fromDirectory);
    }
    pending.add(change);
  }

  /** Without a clock each change is later than the one before. */
  private long nextChangeMs(Directory directory) {
    return clock == null ? directory.modifiedMs + 1 : wallMs();
  }

  private @Nullable Node find(String path) {
    Node at = root;
    for (String name : namesOf(path)) {
      Node next = at instanceof Directory directory ? directory.now.get(name) : null;
      if (next == null) {
        return null;
      }
      at = next;
    }
    return at;
  }

  private @Nullable Directory parentOf(String path) {
    int slash = path.lastIndexOf('/');
    return find(slash < 0 ? "" : path.substring(0, slash)) instanceof Directory directory
        ? directory
        : null;
  }

  private static String nameOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static String[] namesOf(String path) {
    return path.isEmpty() ? new String[0] : path.split("/");
  }

  /** What a name stands for. */
  abstract static sealed class Node permits Directory, MemoryFileData {}

  private static final class Directory extends Node {
    private final TreeMap<String, Node> now = new TreeMap<>();
    private final TreeMap<String, Node> durable = new TreeMap<>();
    private long modifiedMs;
  }

  /**
   * One change of names: {@code node} under a name (null: the name goes), and with a rename the
   * other name gone.
   */
  private record Change(
      Directory directory,
      String name,
      @Nullable Node node,
      @Nullable Directory fromDirectory,
      String fromName) {
    void apply() {
      put(directory.now, name, node);
      if (fromDirectory != null) {
        fromDirectory.now.remove(fromName);
      }
    }

    void makeDurable() {
      put(directory.durable, name, node);
      if (fromDirectory != null) {
        fromDirectory.durable.remove(fromName);
      }
    }

    boolean touches(Directory other) {
      return directory == other || fromDirectory == other;
    }

    boolean meets(Change other) {
      return other.has(directory, name)
          || (fromDirectory != null && other.has(fromDirectory, fromName));
    }

    private boolean has(Directory otherDirectory, String otherName) {
      return (directory == otherDirectory && name.equals(otherName))
          || (fromDirectory == otherDirectory && fromName.equals(otherName));
    }

    private static void put(Map<String, Node> names, String name, @Nullable Node node) {
      if (node == null) {
        names.remove(name);
      } else {
        names.put(name, node);
      }
    }

    // Identity: two changes with equal values are two changes.
    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }
}
