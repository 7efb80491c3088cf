package io.kontiki.log;

import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.StorageException.Kind;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import org.jspecify.annotations.Nullable;

/**
 * What else happens to a disk than a loss of power: it runs full, and has room again, and a write
 * or a sync fails (rules L4, D1, D4).
 */
final class DiskTrouble {
  private final MemoryFileStore store;
  private final RandomSource random;
  private int failsIn = Integer.MAX_VALUE;
  private boolean full;
  private boolean failed;

  /** How often the disk ran full. */
  int timesFull;

  /** How often an operation failed. */
  int failures;

  DiskTrouble(MemoryFileStore store, RandomSource random) {
    this.store = store;
    this.random = random;
  }

  /** Another life begins on a disk that works; perhaps it will not do so for long. */
  void onStart() {
    room();
    failed = false;
    failsIn = random.nextInt(4) == 0 ? random.nextInt(400) : Integer.MAX_VALUE;
  }

  /** Between two turns. */
  void maybeChange() {
    if (full ? random.nextInt(6) == 0 : random.nextInt(20) == 0) {
      if (full) {
        room();
      } else {
        long used = store.totalBytes() - store.usableBytes();
        store.capacity(used + random.nextInt(random.nextInt(2) == 0 ? 100 : 5_000));
        full = true;
        timesFull++;
      }
    }
  }

  /** Somebody has made room. */
  void room() {
    store.capacity(Long.MAX_VALUE / 4);
    full = false;
  }

  /** How an operation fails. */
  @Nullable Kind before(Operation operation) {
    boolean changes = operation != Operation.READ && operation != Operation.OPEN;
    if (failsIn == Integer.MAX_VALUE || !changes || --failsIn > 0) {
      return null;
    }
    failsIn = Integer.MAX_VALUE;
    failed = true;
    failures++;
    return Kind.IO;
  }

  boolean full() {
    return full;
  }

  /** Whether an operation of this life failed: its directory may be offline. */
  boolean failed() {
    return failed;
  }
}
