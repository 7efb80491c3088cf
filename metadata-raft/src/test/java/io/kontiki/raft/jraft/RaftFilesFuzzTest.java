package io.kontiki.raft.jraft;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.ParserFuzz;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The files of a Raft group, of any bytes: what was written, or a refusal (rules M9, M10, D1). */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RaftFilesFuzzTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 10_000);

  private static boolean isCorrupt(Exception e) {
    return e instanceof StorageException damaged && damaged.kind() == StorageException.Kind.CORRUPT;
  }

  private static byte[] content(FileStore store, String name) {
    try (FileStore.File file = store.open(name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return bytes.array();
    }
  }

  private static MemoryFileStore with(String name, byte[] bytes) {
    MemoryFileStore store = new MemoryFileStore();
    try (FileStore.File file = store.openOrCreate(name)) {
      file.write(ByteBuffer.wrap(bytes), 0);
    }
    return store;
  }

  @Test
  void theVoteIsReadOrRefused() {
    MemoryFileStore store = new MemoryFileStore();
    new SealedFile(store, "vote", 0x4b564f54, 1)
        .write(ByteBuffer.allocate(12).putLong(7).putInt(2).flip());
    new ParserFuzz("vote", List.of(content(store, "vote")), RaftFilesFuzzTest::isCorrupt)
        .run(ROUNDS, bytes -> new VoteStorage(with("vote", bytes), (what, cause) -> {}));
  }

  @Test
  void aLogSegmentIsReadOrRefusedAlsoTheNewestWhoseTailMayBeTorn() {
    MemoryFileStore store = new MemoryFileStore();
    RaftLogSegment segment = RaftLogSegment.create(store, 5, 1);
    for (int i = 0; i < 6; i++) {
      byte[] body = ("entry " + i).repeat(3).getBytes(StandardCharsets.UTF_8);
      long bytes = RaftLogSegment.ENTRY_HEADER_BYTES + body.length;
      segment.publish(segment.write(List.of(body)), (int) bytes);
    }
    String name = store.list("").get(0);
    ParserFuzz fuzz =
        new ParserFuzz("segment", List.of(content(store, name)), RaftFilesFuzzTest::isCorrupt);
    for (boolean newest : new boolean[] {true, false}) {
      fuzz.run(
          ROUNDS, bytes -> RaftLogSegment.open(with(name, bytes), name, newest, Long.MAX_VALUE));
    }
  }

  @Test
  void aSnapshotIsCheckedOrRefused(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("state");
    SnapshotFile.write(
        file, out -> out.write("a state of some bytes".getBytes(StandardCharsets.UTF_8)));
    new ParserFuzz("snapshot", List.of(Files.readAllBytes(file)), RaftFilesFuzzTest::isCorrupt)
        .run(
            ROUNDS / 10,
            bytes -> {
              Files.write(file, bytes);
              SnapshotFile.check(file);
            });
  }
}
