package io.kontiki.runtime.memory;

import io.kontiki.runtime.Clock;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.StorageException.Kind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Files in memory with the durability of a real disk: after {@link #crash} exactly what the
 * contract of {@link FileStore} promises is there, and of the rest what the random source likes:
 * prefixes, mixed sectors, cuts and renames that come undone (rules D3, D8, D10). Faults and a
 * capacity can be set. A store and its children share one disk. Thread-safe.
 */
public final class MemoryFileStore implements FileStore {
  /** The operations that can be made to fail. */
  public enum Operation {
    OPEN,
    READ,
    WRITE,
    TRUNCATE,
    SYNC,
    RENAME,
    DELETE,
    SYNC_DIRECTORY
  }

  /** Decides which operations fail. */
  @FunctionalInterface
  public interface Faults {
    /**
     * Called before each operation.
     *
     * @param path from the top of the disk
     * @return how it fails, or null if it does not. A failing write has written a part; after a
     *     failed sync what was dirty counts as clean and is never made durable by a later sync
     *     (rule D1)
     */
    @Nullable Kind before(Operation operation, String path);
  }

  private final MemoryDisk disk;
  private final String prefix;

  /** An empty disk without limit. */
  public MemoryFileStore() {
    this(Long.MAX_VALUE / 4);
  }

  /**
   * @param capacityBytes sum of the lengths of all files; what goes beyond fails with NO_SPACE
   */
  public MemoryFileStore(long capacityBytes) {
    this(new MemoryDisk(capacityBytes), "");
  }

  MemoryFileStore(MemoryDisk disk) {
    this(disk, "");
  }

  private MemoryFileStore(MemoryDisk disk, String prefix) {
    this.disk = disk;
    this.prefix = prefix;
  }

  /** Another disk with all files as they can be read now, and all of it durable. */
  public MemoryFileStore copy() {
    return new MemoryFileStore(disk.copy(), prefix);
  }

  /**
   * The power goes: open files are invalid, what was not synced survives as chance has it, and the
   * disk can be opened anew. Leave no thread of the dead process at work.
   */
  public void crash(RandomSource random) {
    disk.crash(random);
  }

  /** The process dies and the machine does not: open files are invalid, all bytes are there. */
  public void kill() {
    disk.invalidateHandles();
  }

  /** From now on each operation asks; null ends that. */
  public void faults(@Nullable Faults faults) {
    disk.faults(faults);
  }

  /** Lets the next operation of a kind fail, and only that. */
  public void failNext(Operation operation, Kind kind) {
    disk.failNext(operation, kind);
  }

  /** Looks at files from outside: no operation of this thread is made to fail meanwhile. */
  public void look(Runnable look) {
    disk.look(look);
  }

  /** Another capacity from now on; may be below what is used. */
  public void capacity(long capacityBytes) {
    disk.capacity(capacityBytes);
  }

  /** By this clock files tell when they were written; without one they say the far future. */
  public void clock(Clock clock) {
    disk.clock(clock);
  }

  /** Rot: changes the bits of one stored byte, as present and as durable. */
  public void flip(String path, long position, int mask) {
    disk.flip(full(path), position, mask);
  }

  @Override
  public File open(String path) {
    return disk.open(full(path), path, false);
  }

  @Override
  public File openOrCreate(String path) {
    return disk.open(full(path), path, true);
  }

  @Override
  public boolean exists(String path) {
    return disk.exists(full(path));
  }

  @Override
  public long sizeBytes(String path) {
    return disk.sizeBytes(full(path));
  }

  @Override
  public long modifiedMs(String path) {
    return disk.modifiedMs(full(path));
  }

  @Override
  public List<String> list(String directory) {
    return disk.list(full(directory));
  }

  @Override
  public void createDirectories(String directory) {
    disk.createDirectories(full(directory));
  }

  @Override
  public void delete(String path) {
    disk.delete(full(path), false);
  }

  @Override
  public void deleteRecursively(String directory) {
    disk.delete(full(directory), true);
  }

  @Override
  public void rename(String from, String to) {
    disk.rename(full(from), full(to));
  }

  @Override
  public void syncDirectory(String directory) {
    disk.syncDirectory(full(directory));
  }

  @Override
  public long usableBytes() {
    return disk.usableBytes();
  }

  @Override
  public long totalBytes() {
    return disk.totalBytes();
  }

  @Override
  public FileStore child(String directory) {
    createDirectories(directory);
    return new MemoryFileStore(disk, full(directory));
  }

  private String full(String path) {
    if (path.startsWith("/") || path.endsWith("/")) {
      throw new IllegalArgumentException("'" + path + "' is not a relative path");
    }
    if (prefix.isEmpty() || path.isEmpty()) {
      return prefix + path;
    }
    return prefix + "/" + path;
  }
}
