package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SegmentLogStorageTest {
  private static final int SEGMENT_BYTES = 2000;
  private MemoryFileStore store = new MemoryFileStore();
  private SegmentLogStorage log = SegmentLogStorage.open(store, SEGMENT_BYTES);

  @Test
  void entriesComeBackAfterReopening() {
    append(1, 100, 1);
    reopen();
    assertRange(1, 100);
    assertEquals(1, log.getEntry(57).getId().getTerm());
    assertArrayEquals(payload(57), bytes(log.getEntry(57)));
    assertNull(log.getEntry(101));
    assertTrue(segmentFiles().size() > 3);
  }

  @Test
  void configurationsAreFoundWhenTheLogIsOpened() {
    append(1, 5, 1);
    LogEntry configuration = new LogEntry(EntryType.ENTRY_TYPE_CONFIGURATION);
    configuration.setId(new LogId(6, 1));
    configuration.setPeers(List.of(RaftPeers.peer(1)));
    assertTrue(log.appendEntry(configuration));
    log.shutdown();
    ConfigurationManager found = new ConfigurationManager();
    log = SegmentLogStorage.open(store, SEGMENT_BYTES);
    assertTrue(log.init(options(found)));
    assertEquals(6, found.getLastConfiguration().getId().getIndex());
    assertEquals(List.of(1), RaftPeers.nodeIds(found.getLastConfiguration().getConf()));
  }

  @Test
  void aTornLastWriteIsCutWhereverItTore() {
    for (int cut = 1; cut < 60; cut += 7) {
      store = new MemoryFileStore();
      log = SegmentLogStorage.open(store, SEGMENT_BYTES);
      append(1, 10, 1);
      log.shutdown();
      cutLast(cut);
      log = SegmentLogStorage.open(store, SEGMENT_BYTES);
      assertRange(1, 9);
      append(10, 12, 2);
      reopen();
      assertRange(1, 12);
      assertEquals(2, log.getEntry(10).getId().getTerm());
    }
  }

  @Test
  void aWriteThatTornInItsMiddleIsCutBeforeTheTear() {
    append(1, 5, 1);
    append(6, 12, 1);
    log.shutdown();
    long sixth = 28;
    for (int i = 1; i <= 5; i++) {
      sixth += entryBytes(i);
    }
    flip(last(), (int) sixth + entryBytes(6) + 30); // in entry 7; 8 to 12 are good
    reopen();
    assertRange(1, 6);
  }

  private static int entryBytes(int index) {
    return RaftLogSegment.ENTRY_HEADER_BYTES
        + LogEntryV2CodecFactory.getInstance().encoder().encode(entry(index, 1)).length;
  }

  @Test
  void aTailOfZerosIsCut() {
    append(1, 10, 1);
    log.shutdown();
    edit(last(), file -> file.write(ByteBuffer.allocate(500), file.size()));
    reopen();
    assertRange(1, 10);
  }

  @Test
  void aSegmentWhoseHeaderWasTornIsDropped() {
    append(1, 10, 1);
    log.shutdown();
    try (FileStore.File file = store.openOrCreate("00000000000000000011.log")) {
      file.write(ByteBuffer.allocate(13), 0);
    }
    reopen();
    assertRange(1, 10);
    append(11, 100, 1);
    assertRange(1, 100);
  }

  @Test
  void aFlippedByteBeforeValidEntriesStopsTheStart() {
    for (int from = 1; from <= 100; from += 4) {
      append(from, from + 3, 1);
    }
    log.shutdown();
    for (String name : List.of(segmentFiles().get(0), last())) {
      flip(name, 70);
      StorageException e = assertThrows(StorageException.class, this::open);
      assertEquals(StorageException.Kind.CORRUPT, e.kind());
      assertEquals(name, e.path());
      flip(name, 70);
    }
    reopen();
    assertRange(1, 100);
  }

  @Test
  void aMissingSegmentStopsTheStart() {
    append(1, 100, 1);
    log.shutdown();
    store.delete(segmentFiles().get(1));
    StorageException e = assertThrows(StorageException.class, this::open);
    assertEquals(StorageException.Kind.CORRUPT, e.kind());
  }

  @Test
  void aMissingFirstSegmentStopsTheStart() {
    append(1, 100, 1);
    log.shutdown();
    store.delete(segmentFiles().get(0));
    assertThrows(StorageException.class, this::open);
  }

  @Test
  void aSegmentOfTheNextVersionStopsTheStart() {
    append(1, 3, 1);
    log.shutdown();
    edit(last(), file -> file.write(ByteBuffer.allocate(4).putInt(2).flip(), 4));
    StorageException e = assertThrows(StorageException.class, this::open);
    assertTrue(e.getMessage().contains("has version 2, this program reads 1"), e.getMessage());
  }

  @Test
  void aByteFlippedUnderARunningLogIsNotServed() {
    append(1, 10, 1);
    flip(last(), 60);
    assertNull(log.getEntry(1));
    assertNotNull(log.getEntry(2));
  }

  @Test
  void aGapIsRefusedAndAFailedLogStaysFailed() {
    append(1, 3, 1);
    assertEquals(0, log.appendEntries(List.of(entry(5, 1))));
    assertEquals(0, log.appendEntries(List.of(entry(4, 1))), "D1");
  }

  @Test
  void resetStartsAtTheGivenIndex() {
    append(1, 50, 1);
    assertTrue(log.reset(1000));
    assertEquals(1000, log.getFirstLogIndex());
    assertEquals(0, log.getLastLogIndex());
    append(1000, 1010, 3);
    reopen();
    assertRange(1000, 1010);
  }

  @Test
  void segmentsFromBeforeAResetThatCameBackAreVoid() {
    append(1, 50, 1);
    String name = last();
    byte[] old = content(name);
    assertTrue(log.reset(45));
    log.shutdown();
    try (FileStore.File file = store.openOrCreate(name)) {
      file.write(ByteBuffer.wrap(old), 0);
    }
    reopen();
    assertEquals(0, log.getLastLogIndex());
    append(45, 60, 3);
    assertRange(45, 60);
  }

  /** The power goes before a random file operation of a random call. */
  @Test
  void aPowerCutInTheMiddleOfACallLosesNothingThatWasAcknowledged() {
    for (long seed = 1; seed <= 500; seed++) {
      Random random = new Random(seed);
      store = new MemoryFileStore();
      log = SegmentLogStorage.open(store, SEGMENT_BYTES);
      long first = 1;
      long end = 1; // exclusive
      for (int round = 0; round < 4; round++) {
        for (int i = random.nextInt(4); i > 0; i--) {
          int count = 1 + random.nextInt(40);
          append(end, end + count - 1, 1);
          end += count;
        }
        int[] left = {random.nextInt(12)};
        store.faults((operation, path) -> left[0]-- > 0 ? null : StorageException.Kind.IO);
        long lowFirst = first;
        long highFirst = first;
        long lowEnd = end;
        long highEnd = end;
        switch (random.nextInt(4)) {
          case 0 -> {
            highFirst = first + random.nextInt((int) (end - first) + 3);
            log.truncatePrefix(highFirst);
          }
          case 1 -> {
            lowEnd = first + random.nextInt((int) (end - first) + 1);
            log.truncateSuffix(lowEnd - 1);
          }
          case 2 -> {
            highFirst = first + random.nextInt((int) (end - first) + 20);
            lowEnd = first;
            log.reset(highFirst);
          }
          default -> {
            List<LogEntry> entries = new ArrayList<>();
            for (int i = 1 + random.nextInt(60); i > 0; i--) {
              entries.add(entry(end + entries.size(), 1));
            }
            lowEnd = end + log.appendEntries(entries);
            highEnd = end + entries.size();
          }
        }
        log.shutdown();
        store.faults(null);
        store.crash(new SeededRandom(random.nextLong()));
        String where = "seed " + seed + " round " + round;
        log = assertDoesNotThrow(this::open, where);
        first = log.getFirstLogIndex();
        long last = log.getLastLogIndex();
        assertTrue(first == lowFirst || first == highFirst, where);
        end = last == 0 ? first : last + 1;
        assertTrue(end >= Math.max(first, lowEnd) && end <= Math.max(first, highEnd), where);
        for (long index = first; index < end; index++) {
          assertArrayEquals(payload(index), bytes(log.getEntry(index)), where);
        }
      }
      log.shutdown();
    }
  }

  /** Against a plain list, over random operations and reopenings, some of them power cuts. */
  @Test
  void behavesLikeAListUnderRandomOperationsAndPowerCuts() {
    for (long seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      List<Long> terms = new ArrayList<>(); // of indexes first..first+size-1
      long first = 1;
      long term = 1;
      store = new MemoryFileStore();
      log = SegmentLogStorage.open(store, SEGMENT_BYTES);
      for (int step = 0; step < 120; step++) {
        long next = first + terms.size();
        switch (random.nextInt(9)) {
          case 0 -> {
            long keep = first + random.nextInt(terms.size() + 1) - 1;
            assertTrue(log.truncateSuffix(keep), "seed " + seed);
            while (first + terms.size() - 1 > keep) {
              terms.remove(terms.size() - 1);
            }
            term++;
          }
          case 1 -> {
            long keep = first + random.nextInt(terms.size() + 3);
            assertTrue(log.truncatePrefix(keep), "seed " + seed);
            while (first < keep) {
              if (!terms.isEmpty()) {
                terms.remove(0);
              }
              first++;
            }
          }
          case 2 -> reopen();
          case 3 -> {
            log.shutdown();
            store.crash(new SeededRandom(random.nextLong()));
            log = SegmentLogStorage.open(store, SEGMENT_BYTES);
          }
          default -> {
            int count = 1 + random.nextInt(30);
            append(next, next + count - 1, term);
            for (int i = 0; i < count; i++) {
              terms.add(term);
            }
          }
        }
        String where = "seed " + seed + " step " + step;
        assertEquals(first, log.getFirstLogIndex(), where);
        assertEquals(terms.isEmpty() ? 0 : first + terms.size() - 1, log.getLastLogIndex(), where);
        for (int i = 0; i < terms.size(); i += 1 + random.nextInt(10)) {
          LogEntry entry = log.getEntry(first + i);
          assertNotNull(entry, where);
          assertEquals(terms.get(i), entry.getId().getTerm(), where);
          assertArrayEquals(payload(first + i), bytes(entry), where);
        }
      }
      log.shutdown();
    }
  }

  private SegmentLogStorage open() {
    return SegmentLogStorage.open(store, SEGMENT_BYTES);
  }

  private void reopen() {
    log.shutdown();
    log = open();
  }

  private static LogStorageOptions options(ConfigurationManager configurations) {
    LogStorageOptions options = new LogStorageOptions();
    options.setLogEntryCodecFactory(LogEntryV2CodecFactory.getInstance());
    options.setConfigurationManager(configurations);
    return options;
  }

  private void append(long from, long to, long term) {
    List<LogEntry> entries = new ArrayList<>();
    for (long i = from; i <= to; i++) {
      entries.add(entry(i, term));
    }
    assertEquals(entries.size(), log.appendEntries(entries));
  }

  private static LogEntry entry(long index, long term) {
    LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_DATA);
    entry.setId(new LogId(index, term));
    entry.setData(ByteBuffer.wrap(payload(index)));
    return entry;
  }

  private static byte[] payload(long index) {
    byte[] bytes = new byte[20 + (int) (index % 50)];
    new Random(index).nextBytes(bytes);
    return bytes;
  }

  private static byte[] bytes(LogEntry entry) {
    byte[] bytes = new byte[entry.getData().remaining()];
    entry.getData().duplicate().get(bytes);
    return bytes;
  }

  private void assertRange(long first, long last) {
    assertEquals(first, log.getFirstLogIndex());
    assertEquals(last, log.getLastLogIndex());
    for (long i = first; i <= last; i++) {
      assertNotNull(log.getEntry(i), "index " + i);
    }
  }

  private interface Edit {
    void apply(FileStore.File file);
  }

  private void edit(String name, Edit edit) {
    try (FileStore.File file = store.open(name)) {
      edit.apply(file);
    }
  }

  private void cutLast(int bytes) {
    edit(last(), file -> file.truncate(file.size() - bytes));
  }

  private void flip(String name, int at) {
    edit(
        name,
        file -> {
          ByteBuffer one = ByteBuffer.allocate(1);
          file.read(one, at);
          file.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 1)}), at);
        });
  }

  private byte[] content(String name) {
    try (FileStore.File file = store.open(name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return bytes.array();
    }
  }

  private List<String> segmentFiles() {
    return store.list("").stream().filter(RaftLogSegment::isSegment).toList();
  }

  private String last() {
    List<String> files = segmentFiles();
    return files.get(files.size() - 1);
  }
}
