package io.kontiki.runtime.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MemoryFileStoreTest {
  @Test
  void whatASyncCoversSurvivesEveryCrash() {
    for (long seed = 0; seed < 2000; seed++) {
      SeededRandom random = new SeededRandom(seed);
      MemoryFileStore store = new MemoryFileStore();
      FileStore.File file = store.openOrCreate("a");
      store.syncDirectory("");
      // For each byte the value that must survive, or -1 where it may be anything.
      int[] safe = new int[40_000];
      int[] now = new int[40_000];
      long safeSize = 0;
      for (int step = 0; step < 20; step++) {
        int at = random.nextInt(20_000);
        int count = 1 + random.nextInt(10_000);
        int value = 1 + random.nextInt(100);
        byte[] bytes = new byte[count];
        Arrays.fill(bytes, (byte) value);
        file.write(List.of(ByteBuffer.wrap(bytes)), at);
        Arrays.fill(now, at, at + count, value);
        Arrays.fill(safe, at, at + count, -1);
        if (random.oneIn(3)) {
          file.sync();
          safe = now.clone();
          safeSize = file.size();
        }
      }
      store.crash(random);
      FileStore.File again = store.open("a");
      assertTrue(again.size() >= safeSize, "seed " + seed);
      byte[] read = read(again);
      for (int i = 0; i < safeSize; i++) {
        assertTrue(safe[i] == -1 || safe[i] == read[i], "seed " + seed + " byte " + i);
      }
    }
  }

  @Test
  void whatNoSyncCoversIsLostKeptOrMixed() {
    Set<String> seen = new HashSet<>();
    for (long seed = 0; seed < 200; seed++) {
      MemoryFileStore store = new MemoryFileStore();
      FileStore.File file = store.openOrCreate("a");
      store.syncDirectory("");
      file.write(filled(2000, 1), 0);
      file.sync();
      file.write(filled(2000, 2), 0);
      store.crash(new SeededRandom(seed));
      byte[] read = read(store.open("a"));
      int fresh = 0;
      for (byte b : read) {
        fresh += b == 2 ? 1 : 0;
      }
      boolean prefix = fresh > 0 && fresh < 2000 && read[fresh - 1] == 2 && read[fresh] == 1;
      seen.add(fresh == 0 ? "lost" : fresh == 2000 ? "kept" : prefix ? "prefix" : "mixed");
    }
    assertEquals(Set.of("lost", "kept", "prefix", "mixed"), seen);
  }

  @Test
  void anUnsyncedTruncationMayComeUndoneAndASyncedOneMayNot() {
    Set<Long> unsynced = new HashSet<>();
    for (long seed = 0; seed < 100; seed++) {
      MemoryFileStore store = new MemoryFileStore();
      FileStore.File file = store.openOrCreate("a");
      store.syncDirectory("");
      file.write(filled(1000, 1), 0);
      file.sync();
      file.truncate(100);
      if (seed % 2 == 0) {
        file.sync();
      }
      store.crash(new SeededRandom(seed));
      long size = store.open("a").size();
      if (seed % 2 == 0) {
        assertEquals(100, size, "seed " + seed);
      } else {
        unsynced.add(size);
      }
    }
    assertEquals(Set.of(100L, 1000L), unsynced);
  }

  @Test
  void namesSurviveWhenTheirDirectoryWasSyncedAndOthersMayNot() {
    boolean lost = false;
    boolean kept = false;
    for (long seed = 0; seed < 100; seed++) {
      MemoryFileStore store = new MemoryFileStore();
      store.createDirectories("d");
      store.openOrCreate("d/safe");
      store.syncDirectory("d");
      store.syncDirectory("");
      store.openOrCreate("d/loose");
      store.crash(new SeededRandom(seed));
      assertTrue(store.exists("d/safe"), "seed " + seed);
      kept |= store.exists("d/loose");
      lost |= !store.exists("d/loose");
    }
    assertTrue(lost && kept);
  }

  @Test
  void aRenameOverAFileLeavesTheOldOrTheNewOneWholly() {
    Set<Integer> found = new HashSet<>();
    for (long seed = 0; seed < 200; seed++) {
      MemoryFileStore store = new MemoryFileStore();
      put(store, "target", 1);
      store.syncDirectory("");
      put(store, "target.tmp", 2);
      store.rename("target.tmp", "target");
      store.crash(new SeededRandom(seed));
      found.add((int) read(store.open("target"))[0]);
    }
    assertEquals(Set.of(1, 2), found);
  }

  @Test
  void aRenameWithDirectorySyncIsDurable() {
    for (long seed = 0; seed < 100; seed++) {
      MemoryFileStore store = new MemoryFileStore();
      put(store, "a.tmp", 2);
      store.rename("a.tmp", "a");
      store.syncDirectory("");
      store.crash(new SeededRandom(seed));
      assertEquals(2, read(store.open("a"))[0], "seed " + seed);
      assertFalse(store.exists("a.tmp"), "seed " + seed);
    }
  }

  @Test
  void aDirectoryThatIsLostTakesItsFilesWithIt() {
    MemoryFileStore store = new MemoryFileStore();
    boolean lost = false;
    for (long seed = 0; seed < 50 && !lost; seed++) {
      store = new MemoryFileStore();
      store.createDirectories("d");
      put(store, "d/a", 1);
      store.syncDirectory("d");
      store.crash(new SeededRandom(seed));
      lost = !store.exists("d");
    }
    assertTrue(lost);
    assertEquals(List.of(), store.list("d"));
    assertFalse(store.exists("d/a"));
  }

  @Test
  void afterAFailedSyncTheNextOneMakesNothingOfItDurable() {
    boolean lost = false;
    for (long seed = 0; seed < 100; seed++) {
      MemoryFileStore store = new MemoryFileStore();
      put(store, "a", 1);
      store.syncDirectory("");
      FileStore.File file = store.open("a");
      file.write(filled(10, 2), 0);
      store.failNext(Operation.SYNC, Kind.IO);
      assertThrows(StorageException.class, file::sync);
      file.sync();
      store.crash(new SeededRandom(seed));
      lost |= read(store.open("a"))[0] == 1;
    }
    assertTrue(lost, "rule D1");
  }

  @Test
  void aFullDiskRefusesWithNoSpaceInTheMiddleOfAWriteAndRecovers() {
    MemoryFileStore store = new MemoryFileStore(1000);
    FileStore.File file = store.openOrCreate("a");
    file.write(filled(900, 1), 0);
    StorageException failure =
        assertThrows(StorageException.class, () -> file.write(filled(200, 2), 900));
    assertEquals(Kind.NO_SPACE, failure.kind());
    assertEquals(1000, file.size());
    assertEquals(0, store.usableBytes());
    file.truncate(500);
    assertEquals(500, store.usableBytes());
    store.delete("a");
    assertEquals(1000, store.usableBytes());
  }

  @Test
  void handlesOfTheDeadProcessAreInvalid() {
    MemoryFileStore store = new MemoryFileStore();
    FileStore.File file = store.openOrCreate("a");
    file.write(filled(10, 1), 0);
    store.kill();
    assertThrows(StorageException.class, () -> file.write(filled(10, 1), 0));
    assertEquals(10, store.open("a").size(), "the machine did not die");
  }

  @Test
  void rotChangesWhatIsReadNowAndAfterACrash() {
    MemoryFileStore store = new MemoryFileStore();
    put(store, "a", 1);
    store.syncDirectory("");
    store.flip("a", 3, 0x80);
    assertEquals((byte) 0x81, read(store.open("a"))[3]);
    store.crash(new SeededRandom(1));
    assertEquals((byte) 0x81, read(store.open("a"))[3]);
  }

  @Test
  void aChildSeesItsPartOfTheSameDisk() {
    MemoryFileStore store = new MemoryFileStore();
    FileStore child = store.child("x/y");
    child.openOrCreate("f").write(filled(3, 7), 0);
    assertEquals(List.of("y"), store.list("x"));
    assertArrayEquals(new byte[] {7, 7, 7}, read(store.open("x/y/f")));
    store.deleteRecursively("x");
    assertEquals(List.of(), store.list(""));
    assertThrows(StorageException.class, () -> store.open("x/y/f"));
  }

  private static void put(FileStore store, String path, int value) {
    FileStore.File file = store.openOrCreate(path);
    file.write(filled(10, value), 0);
    file.sync();
  }

  private static ByteBuffer filled(int count, int value) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private static byte[] read(FileStore.File file) {
    ByteBuffer into = ByteBuffer.allocate((int) file.size());
    assertEquals(into.capacity(), file.read(into, 0));
    return into.array();
  }
}
