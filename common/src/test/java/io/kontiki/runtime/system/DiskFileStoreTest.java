package io.kontiki.runtime.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskFileStoreTest {
  @TempDir Path directory;

  @Test
  void writesGatherAndReadBack() {
    DiskFileStore store = new DiskFileStore(directory.resolve("store"));
    try (FileStore.File file = store.openOrCreate("a")) {
      List<ByteBuffer> parts = new ArrayList<>();
      for (int i = 0; i < 3000; i++) {
        parts.add(bytes(i + ","));
      }
      file.write(parts, 5);
      assertTrue(parts.stream().noneMatch(ByteBuffer::hasRemaining));
      file.write(bytes("hello"), 0);
      file.sync();
      file.truncate(9);
      file.sync();
      assertEquals(9, file.size());
      assertEquals("hello0,1,", text(file));
    }
    store.syncDirectory("");
    assertEquals(9, store.open("a").size());
  }

  @Test
  void namesAreListedRenamedAndDeleted() {
    DiskFileStore store = new DiskFileStore(directory);
    FileStore child = store.child("x/y");
    child.openOrCreate("b").close();
    child.openOrCreate("a").close();
    assertEquals(List.of("a", "b"), store.list("x/y"));
    child.rename("a", "b");
    assertEquals(List.of("b"), child.list(""));
    assertEquals(List.of(), store.list("nothing"));
    store.deleteRecursively("x");
    store.deleteRecursively("x");
    assertFalse(store.exists("x"));
    store.delete("x");
  }

  @Test
  void aMissingFileAndAPathOutsideAreRefused() {
    DiskFileStore store = new DiskFileStore(directory);
    StorageException failure = assertThrows(StorageException.class, () -> store.open("missing"));
    assertEquals(Kind.IO, failure.kind());
    assertThrows(IllegalArgumentException.class, () -> store.open("../outside"));
  }

  @Test
  void noSpaceIsToldFromOtherFailures() {
    assertEquals(
        Kind.NO_SPACE,
        DiskFileStore.failure("a", 1, new IOException("No space left on device")).kind());
    assertEquals(
        Kind.IO, DiskFileStore.failure("a", 1, new IOException("Input/output error")).kind());
    assertEquals(Kind.IO, DiskFileStore.failure("a", 1, new IOException()).kind());
  }

  @Test
  void aDirectoryIsLockedOnceAndTheErrorNamesTheHolder() {
    DirectoryLock lock = DirectoryLock.acquire(directory, "kontiki.pid");
    StorageException failure =
        assertThrows(StorageException.class, () -> DirectoryLock.acquire(directory, "kontiki.pid"));
    assertEquals(Kind.LOCKED, failure.kind());
    assertTrue(
        failure.getMessage().contains("process " + ProcessHandle.current().pid()),
        failure.getMessage());
    lock.close();
    lock.close();
    DirectoryLock.acquire(directory, "kontiki.pid").close();
  }

  @Test
  void aWorkerRunsTasksInOrderReportsFaultsAndFinishesOnClose() throws Exception {
    List<String> trace = new ArrayList<>();
    CountDownLatch faulted = new CountDownLatch(1);
    ThreadWorker worker = new ThreadWorker("w", 10, (what, cause) -> faulted.countDown());
    worker.execute(
        () -> {
          throw new IllegalStateException("broken");
        });
    worker.execute(() -> trace.add("one"));
    worker.execute(() -> trace.add("two"));
    worker.close();
    assertTrue(faulted.await(10, TimeUnit.SECONDS));
    assertEquals(List.of("one", "two"), trace);
    worker.execute(() -> trace.add("dropped"));
    assertEquals(2, trace.size());
  }

  @Test
  void moreTasksThanAgreedAreAFaultAndNotAWait() throws Exception {
    CountDownLatch hold = new CountDownLatch(1);
    List<String> faults = new ArrayList<>();
    try (ThreadWorker worker = new ThreadWorker("w", 3, (what, cause) -> faults.add(what))) {
      for (int i = 0; i < 10; i++) {
        worker.execute(
            () -> {
              try {
                hold.await(10, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
      }
      assertFalse(faults.isEmpty());
      hold.countDown();
    }
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String text(FileStore.File file) {
    ByteBuffer into = ByteBuffer.allocate((int) file.size());
    file.read(into, 0);
    return new String(into.array(), StandardCharsets.US_ASCII);
  }
}
