package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import com.google.protobuf.Message;
import io.kontiki.raft.StateMachine;
import io.kontiki.runtime.memory.MemoryFileStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A snapshot on a full disk: whole, or given up without harm (rules D4, M18). */
class SnapshotRoomTest {
  private static final byte[] STATE = {1, 2, 3};

  @TempDir Path directory;
  private final MemoryFileStore store = new MemoryFileStore(2 * SnapshotRoom.BYTES);
  private final List<Status> statuses = new ArrayList<>();
  private final Set<String> added = new HashSet<>();
  private int failures;
  private int tries;

  private void save() {
    AppliedCommands commands =
        new AppliedCommands(
            "g",
            new Machine(),
            (what, cause) -> {
              throw new AssertionError(what, cause);
            },
            Runnable::run,
            new SnapshotRoom(store),
            new NoRoles(),
            (entries, bytes) -> {});
    Closure done = statuses::add;
    commands.onSnapshotSave(new Writer(), done);
  }

  private Path file() {
    return directory.resolve(SnapshotFile.NAME);
  }

  @Test
  void withRoomItIsWrittenAndTheRoomIsThereForWhatFollows() throws IOException {
    save();
    assertTrue(statuses.get(0).isOk(), statuses.toString());
    assertEquals(Set.of(SnapshotFile.NAME), added);
    try (InputStream in = SnapshotFile.content(file())) {
      assertArrayEquals(STATE, in.readAllBytes());
    }
    assertEquals(2 * SnapshotRoom.BYTES, store.usableBytes(), "and given back");
  }

  @Test
  void withoutRoomForJRaftsOwnTableItIsGivenUpBeforeJRaftWouldStop() {
    store.capacity(SnapshotRoom.BYTES - 1);
    save();
    assertFalse(statuses.get(0).isOk());
    assertNotEquals(RaftError.EIO, statuses.get(0).getRaftError(), "JRaft stops the group by it");
    assertFalse(Files.exists(file()), "it takes no room");
    assertEquals(Set.of(), added);
    assertEquals(SnapshotRoom.BYTES - 1, store.usableBytes());
    store.capacity(SnapshotRoom.BYTES);
    save();
    assertTrue(statuses.get(1).isOk(), "the next one is written");
  }

  @Test
  void whatDidNotFitIsWrittenAgainIfThereIsRoomNow() throws IOException {
    failures = 1;
    save();
    assertTrue(statuses.get(0).isOk(), statuses.toString());
    assertEquals(2, tries);
    SnapshotFile.check(file());
    failures = 9;
    Files.delete(file());
    save();
    assertFalse(statuses.get(1).isOk());
    assertNotEquals(RaftError.EIO, statuses.get(1).getRaftError());
    assertEquals(4, tries, "once more, and no longer");
  }

  private final class Machine implements StateMachine {
    @Override
    public Object apply(long index, ByteBuffer command) {
      return index;
    }

    @Override
    public void onApplied(long index) {}

    @Override
    public SnapshotSource snapshot() {
      return out -> {
        tries++;
        if (failures > 0) {
          failures--;
          throw new IOException("No space left on device");
        }
        out.write(STATE);
      };
    }

    @Override
    public void restore(InputStream snapshot) {}

    @Override
    public void onLeaderStart(long term) {}

    @Override
    public void onLeaderStop(long term) {}

    @Override
    public void onFollowing(int leaderId, long term) {}
  }

  private static final class NoRoles implements AppliedCommands.Roles {
    @Override
    public void onLeading(long term) {}

    @Override
    public long onLeadingEnds() {
      return -1;
    }

    @Override
    public void onFollowing(int leaderId, long term) {}

    @Override
    public void onVoters(List<Integer> nodeIds) {}
  }

  /** As JRaft's own, without its table. */
  private final class Writer extends SnapshotWriter {
    @Override
    public boolean init(@Nullable Void options) {
      return true;
    }

    @Override
    public void shutdown() {}

    @Override
    public boolean saveMeta(SnapshotMeta meta) {
      return true;
    }

    @Override
    public boolean addFile(String name, @Nullable Message meta) {
      return added.add(name);
    }

    @Override
    public boolean removeFile(String name) {
      return added.remove(name);
    }

    @Override
    public void close(boolean keepDataOnError) {}

    @Override
    public void close() {}

    @Override
    public String getPath() {
      return directory.toString();
    }

    @Override
    public Set<String> listFiles() {
      return added;
    }

    @Override
    public @Nullable Message getFileMeta(String name) {
      return null;
    }
  }
}
