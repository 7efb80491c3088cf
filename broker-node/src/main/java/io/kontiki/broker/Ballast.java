package io.kontiki.broker;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of nothing beside the metadata's log (rule M12). When the disk runs full, whoever fills
 * it, the file goes, and its room lets the vote and the metadata live until somebody has made
 * space; then it is made again. Blocks; thread-safe.
 */
final class Ballast {
  private static final Logger LOG = LoggerFactory.getLogger(Ballast.class);

  private static final String FILE = "ballast";
  private static final int PIECE_BYTES = 1 << 20;

  private final FileStore store;
  private final long sizeBytes;

  /**
   * @param sizeBytes 0: none
   */
  Ballast(FileStore store, long sizeBytes) {
    this.store = store;
    this.sizeBytes = sizeBytes;
  }

  /** Drops it, or makes it, as the room demands. */
  synchronized void adjust(long usableBytes, boolean enough) {
    if (usableBytes < sizeBytes) {
      giveUp();
    } else if (enough && sizeBytes > 0 && !store.exists(FILE)) {
      fill();
    }
  }

  /**
   * Drops it.
   *
   * @return whether it was there, so that there is room now
   */
  synchronized boolean giveUp() {
    if (!store.exists(FILE)) {
      return false;
    }
    store.delete(FILE);
    store.syncDirectory("");
    LOG.warn("the disk is full: {} bytes of ballast were given up for the metadata", sizeBytes);
    return true;
  }

  private void fill() {
    try (FileStore.File file = store.openOrCreate(FILE)) {
      ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(PIECE_BYTES, sizeBytes));
      for (long at = 0; at < sizeBytes; at += zeros.limit()) {
        file.write(zeros.clear().limit((int) Math.min(zeros.capacity(), sizeBytes - at)), at);
      }
      file.sync();
    } catch (StorageException e) {
      store.delete(FILE);
      LOG.warn("no ballast could be laid aside: {}", e.getMessage());
    }
  }
}
