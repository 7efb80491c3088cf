package io.kontiki.broker;

import io.kontiki.broker.quorum.ClusterGuard;
import io.kontiki.log.DirectoryMeta;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Uid;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.system.DirectoryLock;
import io.kontiki.runtime.system.DiskFileStore;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The node's data directory: {@code kontiki.pid} (locked), {@code raft/} and {@code log/}, both
 * marked with the same directory id (rules R35, M15). The lock is taken before anything is read.
 */
public final class NodeDirectory implements AutoCloseable {
  private static final String PID_FILE = "kontiki.pid";

  private final Path path;
  private final @Nullable DirectoryLock lock;
  private final FileStore raft;
  private final FileStore log;
  private DirectoryMeta raftMeta;
  private DirectoryMeta logMeta;

  private NodeDirectory(
      Path path, FileStore root, int nodeId, @Nullable DirectoryLock lock, RandomSource random) {
    this.path = path;
    this.lock = lock;
    this.raft = root.child("raft");
    this.log = root.child("log");
    Optional<DirectoryMeta> inRaft = DirectoryMeta.read(raft);
    Optional<DirectoryMeta> inLog = DirectoryMeta.read(log);
    boolean half = inRaft.isPresent() != inLog.isPresent();
    // A start that was cut short between the two leaves raft/ alone, with nothing in it, and of no
    // cluster: a broker that does not vote has nothing more in raft/ either, but it has met one.
    boolean cutShort =
        inRaft.isPresent()
            && inRaft.get().clusterId().equals(Uid.NONE)
            && raft.list("").size() <= 1;
    if (half && !cutShort) {
      throw new RefusedException(
          path.resolve(inRaft.isPresent() ? "log" : "raft")
              + " is empty or missing while "
              + path.resolve(inRaft.isPresent() ? "raft" : "log")
              + " has data: put it back, or empty data.dir as a whole (M15)");
    }
    if (inRaft.isEmpty() && inLog.isEmpty() && (hasData(raft) || hasData(log))) {
      throw new RefusedException(
          path
              + " has data but neither part of it has a "
              + DirectoryMeta.FILE
              + ": put that back, or empty data.dir as a whole (M15)");
    }
    this.raftMeta =
        DirectoryMeta.readOrCreate(raft, nodeId, new Uid(random.nextLong(), random.nextLong()));
    this.logMeta = DirectoryMeta.readOrCreate(log, nodeId, raftMeta.directoryId());
    root.syncDirectory("");
    if (!raftMeta.directoryId().equals(logMeta.directoryId())) {
      throw new RefusedException(
          path.resolve("raft")
              + " belongs to directory "
              + raftMeta.directoryId()
              + " and "
              + path.resolve("log")
              + " to "
              + logMeta.directoryId()
              + ": they are of different nodes or ages (M15)");
    }
  }

  /** Whether there is more than what a start leaves that was cut short in its first write. */
  private static boolean hasData(FileStore store) {
    return store.list("").stream().anyMatch(name -> !name.startsWith(DirectoryMeta.FILE));
  }

  /**
   * Opens a directory that needs no lock, because nobody else can reach it.
   *
   * @param shown what errors call it
   * @throws RefusedException if its parts do not belong together
   */
  public static NodeDirectory open(FileStore root, Path shown, int nodeId, RandomSource random) {
    return new NodeDirectory(shown, root, nodeId, null, random);
  }

  /** Locks and opens the directory; makes it if it does not exist. */
  static NodeDirectory open(Path path, int nodeId, RandomSource random) {
    DirectoryLock lock = DirectoryLock.acquire(path, PID_FILE);
    try {
      return new NodeDirectory(path, new DiskFileStore(path), nodeId, lock, random);
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  public Uid directoryId() {
    return raftMeta.directoryId();
  }

  /** The cluster; {@link Uid#NONE} until the node met its cluster. */
  public Uid clusterId() {
    return raftMeta.clusterId();
  }

  /**
   * Takes note of the cluster, as soon as there is one: guard and directory know it from then on.
   * Blocks when both parts of the directory do not know it yet.
   *
   * @param refuse told why this process must not go on: the directory belongs to another cluster
   */
  public void meet(ClusterImage image, ClusterGuard guard, Consumer<String> refuse) {
    if (!image.formed()) {
      return;
    }
    guard.know(image);
    if (!boundTo(image.clusterId())) {
      try {
        bindTo(image.clusterId());
      } catch (StorageException e) {
        refuse.accept(String.valueOf(e.getMessage()));
      }
    }
  }

  /** Whether both parts know the cluster: a stop may have come between the two. */
  public boolean boundTo(Uid clusterId) {
    return raftMeta.clusterId().equals(clusterId) && logMeta.clusterId().equals(clusterId);
  }

  /** Binds both parts to the cluster; refuses another one. Blocks. */
  public void bindTo(Uid clusterId) {
    raftMeta = raftMeta.bindTo(raft, clusterId);
    logMeta = logMeta.bindTo(log, clusterId);
  }

  public FileStore raft() {
    return raft;
  }

  public FileStore log() {
    return log;
  }

  Path logPath() {
    return path.resolve("log");
  }

  Path snapshots() {
    return path.resolve("raft").resolve("snapshots");
  }

  @Override
  public void close() {
    if (lock != null) {
      lock.close();
    }
  }
}
