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
      JournalReader reader = new JournalReader(store, new JournalPosition(GENERATION, 1, 0, 1));
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
