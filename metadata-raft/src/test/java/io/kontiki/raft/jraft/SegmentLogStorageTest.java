package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
    append(1, 100, 1);
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
