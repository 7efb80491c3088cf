package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JRaft's log in append-only segment files.
 *
 * <ul>
 *   <li>When {@link #appendEntries} returns, its entries are on stable storage.
 *   <li>A failed write or sync is final (rule D1): from then on every append is refused, JRaft puts
 *       the node into its error state, and only a restart reads the files again.
 *   <li>JRaft calls everything that writes from one thread a group; reads come from any thread and
 *       do not wait for a sync.
 * </ul>
 *
 * <p>The directory holds {@link RaftLogSegment}s and the {@link SealedFile} {@code first}, magic
 * "KFST", version 1:
 *
 * <pre>
 * offset 0  i64  index of the first entry that counts
 *        8  i64  generation: how often the log was reset; segments of older ones are void
 *       16  i64  entries from this index on are being cut; 2^63-1 for none
 * </pre>
 */
final class SegmentLogStorage implements LogStorage {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentLogStorage.class);
  private static final int FIRST_MAGIC = 0x4b465354;
  private static final int FIRST_VERSION = 1;
  private static final long NONE = 0;
  private static final long NO_CUT = Long.MAX_VALUE;

  private final FileStore store;
  private final int segmentBytes;
  private final SealedFile firstFile;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final Lock readLock = lock.readLock();
  private final Lock writeLock = lock.writeLock();
  private final TreeMap<Long, RaftLogSegment> segments = new TreeMap<>();
  private long firstIndex = 1;
  private long generation;
  private long cutFrom = NO_CUT;
  private long lastIndex = NONE;
  private boolean open;

  private SegmentLogStorage(FileStore store, int segmentBytes) {
    this.store = store;
    this.segmentBytes = segmentBytes;
    this.firstFile = new SealedFile(store, "first", FIRST_MAGIC, FIRST_VERSION);
  }

  /**
   * Opens the log of a directory and checks all of it.
   *
   * @param segmentBytes a segment that has reached this size gets no further entries
   * @throws StorageException on damage, a gap or a missing segment; only a torn tail of the newest
   *     segment is cut
   */
  static SegmentLogStorage open(FileStore store, int segmentBytes) {
    SegmentLogStorage log = new SegmentLogStorage(store, segmentBytes);
    try {
      log.loadFirst();
      log.openSegments();
    } catch (StorageException e) {
      log.closeAll();
      throw e;
    }
    log.open = true;
    return log;
  }

  @Override
  public boolean init(LogStorageOptions options) {
    readLock.lock();
    try {
      loadConfigurations(options.getConfigurationManager());
      return true;
    } catch (StorageException e) {
      LOG.error("Configurations cannot be read", e);
      return false;
    } finally {
      readLock.unlock();
    }
  }

  @Override
  public void shutdown() {
    writeLock.lock();
    try {
      open = false;
      closeAll();
    } finally {
      writeLock.unlock();
    }
  }

  @Override
  public long getFirstLogIndex() {
    readLock.lock();
    try {
      return firstIndex;
    } finally {
      readLock.unlock();
    }
  }

  /** 0 when the log is empty. */
  @Override
  public long getLastLogIndex() {
    readLock.lock();
    try {
      return lastIndex;
    } finally {
      readLock.unlock();
    }
  }

  @Override
  public @Nullable LogEntry getEntry(long index) {
    readLock.lock();
    try {
      if (!open || index < firstIndex || index > lastIndex) {
        return null;
      }
      return decode(index);
    } catch (StorageException e) {
      LOG.error("Raft log entry {} cannot be read", index, e);
      return null; // JRaft then stops the node
    } finally {
      readLock.unlock();
    }
  }

  @Override
  @Deprecated
  public long getTerm(long index) {
    LogEntry entry = getEntry(index);
    return entry == null ? 0 : entry.getId().getTerm();
  }

  @Override
  public boolean appendEntry(LogEntry entry) {
    return appendEntries(List.of(entry)) == 1;
  }

  @Override
  public int appendEntries(List<LogEntry> entries) {
    int done = 0;
    try {
      while (done < entries.size()) {
        RaftLogSegment tail = segmentFor(entries.get(done).getId().getIndex());
        List<byte[]> bodies = new ArrayList<>();
        int bytes = 0;
        while (done + bodies.size() < entries.size()
            && (bytes == 0 || tail.sizeBytes() + bytes < segmentBytes)) {
          LogEntry entry = entries.get(done + bodies.size());
          requireIndex(entry.getId().getIndex(), tail.endIndex() + bodies.size());
          byte[] body = LogEntryV2CodecFactory.getInstance().encoder().encode(entry);
          bodies.add(body);
          bytes += RaftLogSegment.ENTRY_HEADER_BYTES + body.length;
        }
        int[] positions = tail.write(bodies);
        tail.sync();
        writeLock.lock();
        try {
          tail.publish(positions, bytes);
          lastIndex = tail.endIndex() - 1;
        } finally {
          writeLock.unlock();
        }
        done += bodies.size();
      }
    } catch (StorageException e) {
      fail("append to", e);
    }
    return done;
  }

  @Override
  public boolean truncatePrefix(long firstIndexKept) {
    writeLock.lock();
    try {
      saveFirst(firstIndexKept, generation, NO_CUT);
      dropSegmentsBelow(firstIndexKept);
      return true;
    } catch (StorageException e) {
      fail("truncate the prefix of", e);
      return false;
    } finally {
      writeLock.unlock();
    }
  }

  @Override
  public boolean truncateSuffix(long lastIndexKept) {
    writeLock.lock();
    try {
      // Bytes of a cut that was not durable may come back, some of them (D8): the mark voids them.
      saveFirst(firstIndex, generation, lastIndexKept + 1);
      while (!segments.isEmpty() && segments.lastKey() > lastIndexKept) {
        drop(segments.lastKey());
      }
      store.syncDirectory("");
      if (!segments.isEmpty() && segments.lastEntry().getValue().endIndex() > lastIndexKept + 1) {
        segments.lastEntry().getValue().truncateTo(lastIndexKept + 1);
      }
      saveFirst(firstIndex, generation, NO_CUT);
      lastIndex = endOfSegments();
      return true;
    } catch (StorageException e) {
      fail("truncate the suffix of", e);
      return false;
    } finally {
      writeLock.unlock();
    }
  }

  /**
   * Drops everything; the next entry to be appended has the given index. JRaft calls it when a
   * snapshot contradicts the log.
   */
  @Override
  public boolean reset(long nextLogIndex) {
    writeLock.lock();
    try {
      saveFirst(nextLogIndex, generation + 1, NO_CUT);
      for (long base : List.copyOf(segments.keySet())) {
        drop(base);
      }
      store.syncDirectory("");
      lastIndex = NONE;
      return true;
    } catch (StorageException e) {
      fail("reset", e);
      return false;
    } finally {
      writeLock.unlock();
    }
  }

  private LogEntry decode(long index) {
    Map.Entry<Long, RaftLogSegment> segment = segments.floorEntry(index);
    if (segment == null) {
      throw damaged("", "no segment holds index " + index);
    }
    LogEntry entry =
        LogEntryV2CodecFactory.getInstance().decoder().decode(segment.getValue().read(index));
    if (entry == null) {
      throw damaged(segment.getValue().name(), "holds no Raft entry at index " + index);
    }
    return entry;
  }

  private void openSegments() {
    List<String> names = store.list("").stream().filter(RaftLogSegment::isSegment).toList();
    for (int i = 0; i < names.size(); i++) {
      if (RaftLogSegment.baseIndex(names.get(i)) >= cutFrom) {
        store.delete(names.get(i));
        continue;
      }
      RaftLogSegment segment =
          RaftLogSegment.open(store, names.get(i), i == names.size() - 1, cutFrom);
      if (segment == null || isVoid(segment)) {
        if (segment != null) {
          segment.close();
        }
        store.delete(names.get(i));
        continue;
      }
      long expected = segments.isEmpty() ? firstIndex : endOfSegments() + 1;
      segments.put(segment.baseIndex(), segment);
      if (segments.size() == 1 ? segment.baseIndex() > expected : segment.baseIndex() != expected) {
        throw damaged(
            segment.name(),
            "does not follow index " + (expected - 1) + "; what is between is gone");
      }
    }
    store.syncDirectory("");
    lastIndex = endOfSegments();
    if (cutFrom != NO_CUT) {
      saveFirst(firstIndex, generation, NO_CUT);
    }
  }

  /** Whether a deletion was not durable: some of several that went together may have come back. */
  private boolean isVoid(RaftLogSegment segment) {
    if (segment.generation() > generation) {
      segment.close();
      throw damaged(
          segment.name(), "has generation " + segment.generation() + ", the log has " + generation);
    }
    return segment.generation() < generation || segment.endIndex() <= firstIndex;
  }

  private RaftLogSegment segmentFor(long index) {
    if (!open) {
      throw new StorageException(
          StorageException.Kind.IO, "", -1, "the Raft log is closed or has failed before");
    }
    RaftLogSegment tail = segments.isEmpty() ? null : segments.lastEntry().getValue();
    if (tail != null && tail.sizeBytes() < segmentBytes) {
      return tail;
    }
    requireIndex(index, tail == null ? firstIndex : tail.endIndex());
    RaftLogSegment created = RaftLogSegment.create(store, index, generation);
    store.syncDirectory("");
    writeLock.lock();
    try {
      segments.put(index, created);
    } finally {
      writeLock.unlock();
    }
    return created;
  }

  private static void requireIndex(long index, long next) {
    if (index != next) {
      throw damaged("", "index " + index + " where " + next + " is next");
    }
  }

  /** Deletes the segments that lie wholly below an index. */
  private void dropSegmentsBelow(long index) {
    boolean dropped = false;
    while (!segments.isEmpty() && segments.firstEntry().getValue().endIndex() <= index) {
      drop(segments.firstKey());
      dropped = true;
    }
    if (dropped) {
      store.syncDirectory("");
    }
    lastIndex = endOfSegments();
  }

  private void drop(long baseIndex) {
    RaftLogSegment segment = segments.remove(baseIndex);
    if (segment != null) {
      segment.close();
      store.delete(segment.name());
    }
  }

  private long endOfSegments() {
    if (segments.isEmpty()) {
      return NONE;
    }
    long last = segments.lastEntry().getValue().endIndex() - 1;
    return last < firstIndex ? NONE : last;
  }

  private void loadConfigurations(@Nullable ConfigurationManager configurations) {
    if (configurations == null) {
      return;
    }
    for (long index = firstIndex; index <= lastIndex; index++) {
      LogEntry entry = decode(index);
      if (entry.getType() == EntryType.ENTRY_TYPE_CONFIGURATION) {
        ConfigurationEntry configuration = new ConfigurationEntry();
        configuration.setId(new LogId(index, entry.getId().getTerm()));
        configuration.setConf(new Configuration(entry.getPeers(), entry.getLearners()));
        if (entry.getOldPeers() != null) {
          configuration.setOldConf(new Configuration(entry.getOldPeers(), entry.getOldLearners()));
        }
        configurations.add(configuration);
      }
    }
  }

  private void loadFirst() {
    ByteBuffer content = firstFile.read();
    if (content != null) {
      firstIndex = content.getLong(0);
      generation = content.getLong(8);
      cutFrom = content.getLong(16);
    }
  }

  private void saveFirst(long index, long newGeneration, long newCutFrom) {
    ByteBuffer content = ByteBuffer.allocate(24);
    firstFile.write(content.putLong(index).putLong(newGeneration).putLong(newCutFrom).flip());
    firstIndex = index;
    generation = newGeneration;
    cutFrom = newCutFrom;
  }

  private void fail(String what, StorageException cause) {
    LOG.error("Cannot {} the Raft log; it takes nothing until a restart", what, cause);
    writeLock.lock();
    try {
      open = false;
    } finally {
      writeLock.unlock();
    }
  }

  private void closeAll() {
    segments.values().forEach(RaftLogSegment::close);
    segments.clear();
  }

  private static StorageException damaged(String path, String what) {
    return new StorageException(StorageException.Kind.CORRUPT, path, -1, what);
  }
}
