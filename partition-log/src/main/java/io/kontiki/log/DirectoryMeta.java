package io.kontiki.log;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.Uid;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Whose log directory this is (rules R35, M15, M16).
 *
 * <p>File {@code directory.meta}, sealed as {@link SealedFile} with kind "KDIR":
 *
 * <pre>
 * offset size field
 *      0   16 directory id             random, made with the directory
 *     16   16 cluster id               zeros: not known yet
 *     32    4 node id
 * </pre>
 *
 * @param clusterId {@link Uid#NONE} until the node met its cluster
 */
public record DirectoryMeta(Uid directoryId, Uid clusterId, int nodeId) {
  /** Name of the file. */
  public static final String FILE = "directory.meta";

  private static final SealedFile FORMAT = SealedFile.of("KDIR", 1, 64);

  /** Reads the file; empty if this is a new directory. */
  public static Optional<DirectoryMeta> read(FileStore store) {
    return FORMAT.read(
        store,
        FILE,
        payload -> new DirectoryMeta(Uid.of(payload), Uid.of(payload), payload.getInt()));
  }

  /**
   * Reads the file, or makes the directory this node's. Durable on return.
   *
   * @param newDirectoryId used if there is none
   * @throws StorageException CORRUPT if it belongs to another node
   */
  public static DirectoryMeta readOrCreate(FileStore store, int nodeId, Uid newDirectoryId) {
    Optional<DirectoryMeta> found = read(store);
    if (found.isEmpty()) {
      DirectoryMeta made = new DirectoryMeta(newDirectoryId, Uid.NONE, nodeId);
      made.write(store);
      return made;
    }
    if (found.get().nodeId != nodeId) {
      throw new StorageException(
          Kind.CORRUPT,
          FILE,
          -1,
          "the directory belongs to node " + found.get().nodeId + ", node.id is " + nodeId);
    }
    return found.get();
  }

  /**
   * Binds the directory to its cluster once that is known. Durable on return.
   *
   * @throws StorageException CORRUPT if it belongs to another cluster
   */
  public DirectoryMeta bindTo(FileStore store, Uid cluster) {
    if (clusterId.equals(cluster)) {
      return this;
    }
    if (!clusterId.equals(Uid.NONE)) {
      throw new StorageException(
          Kind.CORRUPT,
          FILE,
          -1,
          "the directory belongs to cluster " + clusterId + ", this is cluster " + cluster);
    }
    DirectoryMeta bound = new DirectoryMeta(directoryId, cluster, nodeId);
    bound.write(store);
    return bound;
  }

  private void write(FileStore store) {
    ByteBuffer payload = ByteBuffer.allocate(36);
    payload.putLong(directoryId.high()).putLong(directoryId.low());
    payload.putLong(clusterId.high()).putLong(clusterId.low()).putInt(nodeId);
    FORMAT.write(store, FILE, payload.flip());
    store.syncDirectory("");
  }
}
