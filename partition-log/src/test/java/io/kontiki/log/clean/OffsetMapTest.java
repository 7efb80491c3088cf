package io.kontiki.log.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The memory of a pass is bounded, and its mark tells less than the truth rather than more. */
class OffsetMapTest {
  @Test
  void aMapKnowsTheNewestOffsetOfEachKeyAndRefusesWhatDoesNotFit() {
    for (int seed = 1; seed <= 50; seed++) {
      SeededRandom random = new SeededRandom(seed);
      int slots = 3 + random.nextInt(2_000);
      OffsetMap map = new OffsetMap(slots * OffsetMap.ENTRY_BYTES);
      Map<Integer, Long> expected = new TreeMap<>();
      boolean full = false;
      for (long offset = 0; offset < 4_000; offset++) {
        int key = random.nextInt(3_000);
        if (map.put(key(key), offset)) {
          expected.put(key, offset);
        } else {
          full = true;
          assertFalse(expected.containsKey(key), "a key that is there always fits");
        }
      }
      assertEquals(expected.size(), map.size());
      assertTrue(map.size() <= slots && (!full || map.size() >= 0.9 * slots - 1), "seed " + seed);
      for (int key = 0; key < 3_000; key++) {
        assertEquals(expected.getOrDefault(key, OffsetMap.NONE), map.newest(key(key)));
      }
    }
  }

  @Test
  void aMarkThatCannotBeReadMeansNothingIsCleanAndAnyTombstoneMayBeMissing() {
    MemoryFileStore store = new MemoryFileStore();
    store.createDirectories("d");
    assertEquals(CleanMark.NONE, CleanMark.read(store, "d"));
    CleanMark mark = new CleanMark(70, 40);
    mark.write(store, "d");
    assertEquals(mark, CleanMark.read(store, "d"));
    assertEquals(new CleanMark(50, 40), mark.cutTo(50));
    int size = mark.encode().remaining();
    for (int at = 0; at < size; at++) {
      store.flip("d/" + CleanMark.FILE, at, 1);
      if (at != 6 && at != 7) {
        assertEquals(new CleanMark(0, Long.MAX_VALUE), CleanMark.read(store, "d"), "byte " + at);
      }
      store.flip("d/" + CleanMark.FILE, at, 1);
    }
  }

  private static ByteBuffer key(int number) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(0, number);
  }
}
