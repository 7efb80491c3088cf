package io.kontiki.raft.jraft;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Room on the disk for the end of a snapshot (rules D4, M18). JRaft writes its own table of
 * contents behind our file, past the store of the metadata, and stops the group for good when that
 * fails. So room is asked for through the store before, which thereby gives up the ballast on a
 * full disk; without room the snapshot is given up, which does no harm: the log grows until the
 * next one.
 */
final class SnapshotRoom {
  /** JRaft's table takes some hundred bytes; others write meanwhile. */
  static final int BYTES = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(SnapshotRoom.class);
  private static final String FILE = "snapshot-room";

  private final FileStore store;

  /**
   * @param store on the disk of the snapshots
   */
  SnapshotRoom(FileStore store) {
    this.store = store;
  }

  /** Whether there are {@link #BYTES} now; blocks. */
  boolean make() {
    try (FileStore.File file = store.openOrCreate(FILE)) {
      file.write(ByteBuffer.allocate(BYTES), 0);
      return true;
    } catch (StorageException e) {
      LOG.warn("no room for a snapshot: {}", e.getMessage());
      return false;
    } finally {
      giveBack();
    }
  }

  private void giveBack() {
    try {
      if (store.exists(FILE)) {
        store.delete(FILE);
      }
    } catch (StorageException e) {
      LOG.warn("a file that held room for a snapshot stays: {}", e.getMessage());
    }
  }
}
