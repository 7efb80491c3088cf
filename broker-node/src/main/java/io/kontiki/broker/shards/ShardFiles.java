package io.kontiki.broker.shards;

import io.kontiki.broker.coordinator.Shards;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;

/**
 * Whether this directory has ever taken part in a shard, kept beside the shard's folder: one that
 * did and lost the folder must not vote as if it were new (rules M15, M16). Blocks.
 */
final class ShardFiles {
  private static final String STARTED = ".started";
  private static final String FOLDER = "shard";

  private final FileStore raft;

  /**
   * @param raft {@code raft/} of the data directory
   */
  ShardFiles(FileStore raft) {
    this.raft = raft;
  }

  /** Whether it has taken part. */
  boolean started(String group) {
    return raft.exists(group + STARTED);
  }

  /**
   * Makes the folder, and then notes that the shard is started; both are durable on return.
   *
   * @throws StorageException the folder's content is lost
   */
  void start(String group) {
    FileStore folder = raft.child(group);
    if (started(group)) {
      if (folder.list("").isEmpty()) {
        throw new StorageException(
            Kind.CORRUPT,
            group,
            -1,
            "raft/"
                + group
                + " in data.dir is empty or missing, and this node has voted in it: put it back, or"
                + " empty data.dir as a whole (M16)");
      }
      return;
    }
    make(folder, FOLDER);
    raft.syncDirectory("");
    make(raft, group + STARTED);
  }

  /**
   * Deletes what this directory has of any shard: no configuration counts it any more (M23). What
   * it deletes of a shard first says that it took part.
   */
  void forget() {
    for (String name : raft.list("")) {
      if (name.startsWith(Shards.PREFIX) && name.endsWith(STARTED)) {
        raft.delete(name);
      }
    }
    raft.syncDirectory("");
    for (String name : raft.list("")) {
      if (name.startsWith(Shards.PREFIX)) {
        raft.deleteRecursively(name);
      }
    }
  }

  private static void make(FileStore store, String name) {
    try (FileStore.File file = store.openOrCreate(name)) {
      file.sync();
    }
    store.syncDirectory("");
  }
}
