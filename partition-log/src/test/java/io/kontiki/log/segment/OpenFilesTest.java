package io.kontiki.log.segment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What several threads sync of the same files (rules D1, L4). */
class OpenFilesTest {
  private final MemoryFileStore store = new MemoryFileStore();
  private final OpenFiles files = new OpenFiles(store, 8);

  private void write(String path) {
    files.write(path, List.of(ByteBuffer.wrap(new byte[] {1, 2, 3})), 0);
  }

  @Test
  void behindASyncThatFailedNoOtherSucceedsOfAnyFile() {
    write("a");
    write("b");
    store.failNext(Operation.SYNC, Kind.IO);
    assertThrows(StorageException.class, () -> files.sync("a"));
    // The disk would say that all is well: its pages count as clean.
    StorageException again = assertThrows(StorageException.class, () -> files.sync("a"));
    assertEquals(Kind.IO, again.kind());
    assertThrows(StorageException.class, () -> files.sync("b"));
    assertEquals(List.of("a", "b"), files.dirtyFiles(), "nothing became durable");
  }

  @Test
  void behindADirectoryThatCouldNotBeSyncedNoFileIsDurable() {
    store.createDirectories("d");
    write("d/a");
    files.markDirectory("d");
    store.failNext(Operation.SYNC_DIRECTORY, Kind.IO);
    assertThrows(StorageException.class, () -> files.syncDirectory("d"));
    assertThrows(StorageException.class, () -> files.sync("d/a"));
    assertThrows(StorageException.class, () -> files.syncDirectory("d"));
  }

  @Test
  void aSyncIsDoneOnceUntilTheFileIsWrittenAgain() {
    write("a");
    assertTrue(files.sync("a"));
    assertFalse(files.sync("a"));
    write("a");
    assertTrue(files.sync("a"));
  }
}
