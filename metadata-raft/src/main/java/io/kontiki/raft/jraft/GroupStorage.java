package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.core.DefaultJRaftServiceFactory;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import com.alipay.sofa.jraft.storage.RaftMetaStorage;
import com.alipay.sofa.jraft.storage.snapshot.local.LocalSnapshotMetaTable;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where one group keeps its log, its vote and its snapshots: opened and checked before JRaft
 * starts, so that damage stops the start with an error that says what is wrong where.
 */
final class GroupStorage extends DefaultJRaftServiceFactory {
  private static final int SEGMENT_BYTES = 8 << 20;
  private static final String SNAPSHOT_PREFIX = "snapshot_"; // JRaft's LocalSnapshotStorage
  private static final String SNAPSHOT_META = "__raft_snapshot_meta";

  private final SegmentLogStorage log;
  private final VoteStorage vote;

  private GroupStorage(SegmentLogStorage log, VoteStorage vote) {
    this.log = log;
    this.vote = vote;
  }

  /**
   * Opens the storage of a group.
   *
   * @throws StorageException if anything is not what was written
   */
  static GroupStorage open(FileStore store, Path snapshots, FaultHandler faults) {
    VoteStorage vote = new VoteStorage(store, faults);
    makeDurably(snapshots);
    checkSnapshot(snapshots);
    FileStore logStore = store.child("log");
    store.syncDirectory("");
    SegmentLogStorage log = SegmentLogStorage.open(logStore, SEGMENT_BYTES);
    if (log.getLastLogIndex() > 0 && !vote.found()) {
      log.shutdown();
      throw new StorageException(
          Kind.CORRUPT,
          "vote",
          -1,
          "is missing beside a log of "
              + log.getLastLogIndex()
              + " entries: a node that forgets its vote may give it twice in one term");
    }
    return new GroupStorage(log, vote);
  }

  VoteStorage vote() {
    return vote;
  }

  /** Releases the files of a group that did not start. */
  void close() {
    log.shutdown();
  }

  @Override
  public LogStorage createLogStorage(String uri, RaftOptions options) {
    return log;
  }

  @Override
  public RaftMetaStorage createRaftMetaStorage(String uri, RaftOptions options) {
    return vote;
  }

  /** JRaft syncs what is in the directory, not its name. */
  private static void makeDurably(Path directory) {
    try {
      Files.createDirectories(directory);
      try (FileChannel parent =
          FileChannel.open(directory.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
        parent.force(true);
      }
    } catch (IOException e) {
      throw new StorageException(Kind.IO, directory.toString(), -1, "cannot be made", e);
    }
  }

  /**
   * Checks the newest snapshot. JRaft takes a snapshot whose own table of contents is unreadable
   * for none at all (rule M9).
   */
  private static void checkSnapshot(Path snapshots) {
    try (Stream<Path> all = Files.list(snapshots)) {
      Optional<Path> newest =
          all.filter(path -> path.getFileName().toString().startsWith(SNAPSHOT_PREFIX))
              .max(Comparator.comparingLong(GroupStorage::index));
      if (newest.isPresent()) {
        checkTable(newest.get().resolve(SNAPSHOT_META));
        SnapshotFile.check(newest.get().resolve(SnapshotFile.NAME));
      }
    } catch (IOException e) {
      throw new StorageException(
          Kind.IO, snapshots.toString(), -1, "the newest snapshot cannot be read", e);
    }
  }

  private static void checkTable(Path file) throws IOException {
    boolean readable = false;
    try {
      readable = new LocalSnapshotMetaTable(new RaftOptions()).loadFromFile(file.toString());
    } catch (RuntimeException e) {
      throw new StorageException(Kind.CORRUPT, file.toString(), -1, "is no table of contents", e);
    }
    if (!readable) {
      throw new StorageException(Kind.CORRUPT, file.toString(), -1, "is no table of contents");
    }
  }

  private static long index(Path snapshot) {
    try {
      return Long.parseLong(snapshot.getFileName().toString().substring(SNAPSHOT_PREFIX.length()));
    } catch (NumberFormatException e) {
      return -1; // not one of JRaft's
    }
  }
}
