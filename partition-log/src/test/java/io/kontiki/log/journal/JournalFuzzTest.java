package io.kontiki.log.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/**
 * A replay of any bytes ends, hands over what was written and nothing else, and takes no memory
 * beyond the files. More rounds with {@code -Dkontiki.fuzz.rounds=N}.
 */
class JournalFuzzTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 2_000);
  private static final int GENERATION = 3;
  private static final PartitionId ORDERS = new PartitionId(new TopicId(7, 1), 0);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Test
  void aReplayOfAnyBytesHandsOverAPrefixOfWhatWasWritten() {
    for (int seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      MemoryFileStore store = new MemoryFileStore();
      store.createDirectories(JournalRing.DIRECTORY);
      int slots = 1 + random.nextInt(3);
      int records = 0;
      for (int slot = 0; slot < slots; slot++) {
        ByteBuffer bytes = ByteBuffer.allocate(4_096);
        for (int i = random.nextInt(8); i > 0; i--) {
          put(bytes, data(records), ++records);
        }
        put(bytes, JournalEntry.switchTo((slot + 1) % slots), records + 1);
        mutate(bytes, random);
        try (FileStore.File file = store.openOrCreate(JournalRing.path(slot))) {
          file.write(bytes.limit(random.oneIn(4) ? random.nextInt(4_096) : 4_096).rewind(), 0);
        }
      }
      long[] due = {1};
      String where = "seed " + seed;
      long before = THREADS.getCurrentThreadAllocatedBytes();
      JournalReader reader =
          new JournalReader(store, List.of(new JournalPosition(GENERATION, 1, 0, 1)));
      try {
        reader.replay(
            (entry, sequence) -> {
              assertEquals(due[0]++, sequence, where);
              assertEquals(data((int) sequence - 1), entry, where);
            });
      } catch (RuntimeException e) {
        throw new AssertionError(where, e);
      }
      assertTrue(reader.nextSequence() >= due[0], where);
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      assertTrue(allocated < (1 << 20) + 8L * slots * 4_096, where + ": " + allocated);
    }
  }

  @Test
  void aRecordWhoseChecksumFitsButNothingElseIsReadWithoutAnException() {
    for (int seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      ByteBuffer bytes = ByteBuffer.allocate(JournalEntry.HEADER_BYTES + random.nextInt(50));
      while (bytes.hasRemaining()) {
        bytes.put((byte) random.nextLong());
      }
      bytes.putInt(0, random.oneIn(3) ? (int) random.nextLong() : bytes.limit());
      bytes.putLong(8, GENERATION).put(52, (byte) (1 + random.nextInt(9))).put(53, (byte) 1);
      CRC32C crc = new CRC32C();
      crc.update(bytes.duplicate().position(8).limit(bytes.limit()));
      bytes.putInt(4, (int) crc.getValue()).rewind();
      JournalEntry.Stored read = JournalEntry.read(bytes, GENERATION);
      assertEquals(read == null ? 0 : bytes.limit(), bytes.position(), "seed " + seed);
    }
  }

  @Test
  void aFileLargerThanTheWindowIsReadInPiecesAndDamageInItIsTold() {
    for (int seed = 0; seed < 30; seed++) {
      SeededRandom random = new SeededRandom(seed);
      boolean large = random.oneIn(3);
      ByteBuffer bytes = ByteBuffer.allocate(8 << 20);
      List<Integer> starts = new ArrayList<>();
      List<JournalEntry> written = new ArrayList<>();
      int greatest = JournalWindow.BYTES;
      while (true) {
        int size = random.nextInt(large && random.oneIn(4) ? 3 << 20 : 20_000);
        if (bytes.remaining() < size + JournalEntry.HEADER_BYTES) {
          break;
        }
        greatest = Math.max(greatest, size + JournalEntry.HEADER_BYTES);
        byte[] payload = new byte[size];
        Arrays.fill(payload, (byte) written.size());
        JournalEntry entry =
            new JournalEntry(
                ORDERS, JournalEntry.Kind.DATA, 0, written.size(), ByteBuffer.wrap(payload));
        starts.add(bytes.position());
        written.add(entry);
        put(bytes, entry, written.size());
      }
      int bad = random.oneIn(2) ? written.size() : random.nextInt(written.size());
      if (bad < written.size()) {
        int at = starts.get(bad) + random.nextInt(written.get(bad).sizeBytes());
        bytes.put(at, (byte) (bytes.get(at) ^ 1));
      }
      MemoryFileStore store = new MemoryFileStore();
      store.createDirectories(JournalRing.DIRECTORY);
      try (FileStore.File file = store.openOrCreate(JournalRing.path(0))) {
        file.write(bytes.clear(), 0);
      }
      JournalReader reader =
          new JournalReader(store, List.of(new JournalPosition(GENERATION, 1, 0, 1)));
      int[] read = {0};
      String where = "seed " + seed;
      long before = THREADS.getCurrentThreadAllocatedBytes();
      reader.replay((entry, sequence) -> assertEquals(written.get(read[0]++), entry, where));
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      assertEquals(bad, read[0], where);
      assertEquals(bad < written.size() - 1, reader.damaged(), where);
      // A window may have grown several times.
      assertTrue(allocated < (large ? 5L : 2L) * greatest, where + ": " + allocated);
    }
  }

  private static JournalEntry data(int number) {
    ByteBuffer payload = ByteBuffer.wrap(("value " + number).repeat(number % 9).getBytes());
    return new JournalEntry(ORDERS, JournalEntry.Kind.DATA, 0, number, payload);
  }

  private static void put(ByteBuffer into, JournalEntry entry, long sequence) {
    entry.putHeader(into, GENERATION, sequence, sequence);
    into.put(entry.payload().duplicate());
  }

  private static void mutate(ByteBuffer bytes, SeededRandom random) {
    int end = Math.max(1, bytes.position());
    for (int i = random.nextInt(4); i > 0; i--) {
      int at = random.nextInt(end);
      if (random.oneIn(3)) {
        bytes.putInt(Math.min(at, bytes.capacity() - 4), (int) random.nextLong());
      } else {
        bytes.put(at, (byte) random.nextLong());
      }
    }
    if (random.oneIn(4)) {
      int from = random.nextInt(end);
      ByteBuffer again = bytes.duplicate().flip().position(from);
      bytes.put(again.limit(Math.min(again.limit(), from + bytes.remaining())));
    }
    bytes.clear();
  }
}
