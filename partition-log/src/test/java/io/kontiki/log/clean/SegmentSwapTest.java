package io.kontiki.log.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.segment.OpenFiles;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A stop between any two file operations leaves the old segments or the new one (rule L6). */
class SegmentSwapTest {
  private static final String DIRECTORY = "d";
  private static final long[] OLD = {0, 10, 25};
  private static final long END = 40;
  private static final int CHANCES = 60;

  /** The process is dead from here on. */
  private static final class Dead extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final MemoryFileStore store = new MemoryFileStore();

  @Test
  void aStopAtAnyPointLeavesOldOrNewAndNeverAMix() {
    int point = 0;
    int changed = 0;
    while (true) {
      boolean finished = false;
      for (int chance = 0; chance < CHANCES; chance++) {
        SegmentSwapTest one = new SegmentSwapTest();
        finished = one.swap(point);
        changed += one.stopAndRecover(chance, new SeededRandom(point * 1_000L + chance)) ? 1 : 0;
      }
      if (finished) {
        break;
      }
      point++;
    }
    assertTrue(point > 10 && changed > CHANCES, point + " points, " + changed + " times new");
  }

  /** Returns whether it came to its end before so many operations. */
  private boolean swap(int operations) {
    store.createDirectories(DIRECTORY);
    for (long base : OLD) {
      write(name(base) + ".log", "old " + base);
      write(name(base) + ".index", "old " + base);
    }
    write(name(END) + ".log", "next");
    write(name(0) + ".log.cleaned", "new");
    write(name(0) + ".index.cleaned", "new");
    write(name(0) + ".timeindex.cleaned", "new");
    store.syncDirectory("");
    store.syncDirectory(DIRECTORY);
    int[] left = {operations};
    store.faults(
        (operation, path) -> {
          if (--left[0] < 0) {
            throw new Dead();
          }
          return null;
        });
    try {
      swapOf().run();
      return true;
    } catch (Dead dead) {
      return false;
    } finally {
      store.faults(null);
    }
  }

  private SegmentSwap swapOf() {
    return new SegmentSwap(store, new OpenFiles(store, 8), DIRECTORY, 0, END, () -> {});
  }

  /** Returns whether the new one is there. */
  private boolean stopAndRecover(int chance, SeededRandom random) {
    // Starts may be stopped, too.
    for (int start = random.nextInt(3); start >= 0; start--) {
      if (chance % 4 == 0) {
        store.kill();
      } else {
        store.crash(random);
      }
      int[] left = {random.nextInt(8)};
      store.faults(
          (operation, path) -> {
            if (--left[0] < 0) {
              throw new Dead();
            }
            return null;
          });
      try {
        SegmentSwap.recover(store, new OpenFiles(store, 8), DIRECTORY, store.list(DIRECTORY));
      } catch (Dead dead) {
        // The next one.
      } finally {
        store.faults(null);
      }
    }
    store.crash(random);
    SegmentSwap.recover(store, new OpenFiles(store, 8), DIRECTORY, store.list(DIRECTORY));
    Map<String, String> found = new TreeMap<>();
    List<String> rest = new ArrayList<>();
    for (String name : store.list(DIRECTORY)) {
      if (name.endsWith(".log")) {
        found.put(name, read(name));
      } else if (!name.endsWith("index")) {
        rest.add(name);
      }
    }
    assertEquals(List.of(), rest);
    Map<String, String> old = new TreeMap<>(Map.of(name(END) + ".log", "next"));
    for (long base : OLD) {
      old.put(name(base) + ".log", "old " + base);
    }
    Map<String, String> made =
        new TreeMap<>(Map.of(name(END) + ".log", "next", name(0) + ".log", "new"));
    assertTrue(found.equals(old) || found.equals(made), found.toString());
    boolean isNew = found.equals(made);
    for (long base : OLD) {
      String index = name(base) + ".index";
      if (isNew && base > 0) {
        assertTrue(!store.exists(DIRECTORY + "/" + index), index + " is left");
      } else if (isNew) {
        assertEquals("new", read(index));
      }
    }
    return isNew;
  }

  private static String name(long offset) {
    String digits = Long.toString(offset);
    return "0".repeat(20 - digits.length()) + digits;
  }

  private void write(String name, String content) {
    try (FileStore.File file = store.openOrCreate(DIRECTORY + "/" + name)) {
      file.write(ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8)), 0);
      file.sync();
    }
  }

  private String read(String name) {
    try (FileStore.File file = store.open(DIRECTORY + "/" + name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }
  }
}
