package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alipay.sofa.jraft.entity.PeerId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The vote and the content of a snapshot: what was written comes back, or nothing does. */
class SealedStateTest {
  private final MemoryFileStore store = new MemoryFileStore();
  private final List<String> faults = new ArrayList<>();

  private VoteStorage vote() {
    return new VoteStorage(store, (what, cause) -> faults.add(what));
  }

  @Test
  void aVoteSurvivesAPowerCut() {
    assertFalse(vote().found());
    vote().setTermAndVotedFor(7, RaftPeers.peer(3));
    store.crash(new SeededRandom(1));
    VoteStorage read = vote();
    assertTrue(read.found());
    assertEquals(7, read.getTerm());
    assertEquals(RaftPeers.peer(3), read.getVotedFor());
    read.setTerm(8);
    read.setVotedFor(PeerId.emptyPeer());
    store.crash(new SeededRandom(2));
    assertEquals(8, vote().getTerm());
    assertTrue(vote().getVotedFor().isEmpty());
  }

  @Test
  void aVoteThatCannotBeStoredIsAFaultAndNotGiven() {
    MemoryFileStore full = new MemoryFileStore(10);
    VoteStorage vote = new VoteStorage(full, (what, cause) -> faults.add(what));
    assertThrows(StorageException.class, () -> vote.setTermAndVotedFor(1, RaftPeers.peer(1)));
    assertEquals(List.of("term 1 and vote 1 cannot be stored (D1)"), faults);
    assertEquals(0, vote.getTerm());
  }

  @Test
  void noByteOfAVoteCanChangeUnseen() {
    vote().setTermAndVotedFor(7, RaftPeers.peer(3));
    for (int at = 0; at < 28; at++) {
      flip(at);
      assertThrows(StorageException.class, this::vote, "byte " + at);
      flip(at);
    }
    assertEquals(7, vote().getTerm());
  }

  @Test
  void noByteOfASnapshotCanChangeUnseen(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("state");
    byte[] content = {1, 2, 3, 4, 5};
    SnapshotFile.write(file, out -> out.write(content));
    SnapshotFile.check(file);
    try (InputStream in = SnapshotFile.content(file)) {
      assertArrayEquals(content, in.readAllBytes());
    }
    byte[] good = Files.readAllBytes(file);
    for (int at = 0; at < good.length; at++) {
      byte[] bad = good.clone();
      bad[at] ^= 1;
      Files.write(file, bad);
      assertThrows(StorageException.class, () -> SnapshotFile.check(file), "byte " + at);
      Files.write(file, Arrays.copyOf(good, at));
      assertThrows(StorageException.class, () -> SnapshotFile.check(file), "cut at " + at);
    }
  }

  private void flip(int at) {
    try (FileStore.File file = store.open("vote")) {
      ByteBuffer one = ByteBuffer.allocate(1);
      file.read(one, at);
      file.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 1)}), at);
    }
  }
}
