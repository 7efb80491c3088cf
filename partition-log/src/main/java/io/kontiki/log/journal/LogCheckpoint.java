package io.kontiki.log.journal;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The one checkpoint file of a log directory (rules L9, D2, R39): where a replay begins, and what
 * is durable of each log without it.
 *
 * <p>File {@code checkpoint}, sealed as {@link SealedFile} with kind "KCHK":
 *
 * <pre>
 * offset size field
 *      0    8 generation of the journal
 *      8    8 sequence of the first record to be replayed
 *     16    4 file to begin with
 *     20    8 sequence of the first record in that file
 *     28    4 count
 *     32  61n logs: 16 topic id, 4 partition, 1 flags (1 fsync, 2 doubtful), 8 log start,
 *             8 recovery point, 8 high watermark, 8 base offset and 8 bytes of the last segment
 *             (-1 and 0: no segment)
 * </pre>
 *
 * @param logs by partition; the map is not changed
 */
public record LogCheckpoint(JournalPosition position, TreeMap<PartitionId, Entry> logs) {
  /** Name of the file. */
  public static final String FILE = "checkpoint";

  private static final int ENTRY_BYTES = 61;
  private static final SealedFile FORMAT = SealedFile.of("KCHK", 1, 1 << 30);

  /**
   * One log.
   *
   * @param recoveryPoint exclusive end of what has been synced (rule D2)
   * @param highWatermark a lower bound
   * @param doubtful recovery or a read found damage or doubt (rule D2), not resolved yet
   */
  public record Entry(
      boolean fsync,
      long logStart,
      long recoveryPoint,
      long highWatermark,
      long lastSegment,
      long lastSegmentBytes,
      boolean doubtful) {}

  /** Replaces the file and syncs the directory: the ring behind is free on return. */
  public void write(FileStore store) {
    ByteBuffer payload = ByteBuffer.allocate(32 + logs.size() * ENTRY_BYTES);
    payload.putLong(position.generation()).putLong(position.sequence());
    payload.putInt(position.slot()).putLong(position.slotSequence()).putInt(logs.size());
    logs.forEach(
        (id, log) -> {
          payload.putLong(id.topicId().high()).putLong(id.topicId().low()).putInt(id.partition());
          payload.put((byte) ((log.fsync ? 1 : 0) | (log.doubtful ? 2 : 0)));
          payload.putLong(log.logStart).putLong(log.recoveryPoint);
          payload.putLong(log.highWatermark).putLong(log.lastSegment);
          payload.putLong(log.lastSegmentBytes);
        });
    FORMAT.write(store, FILE, payload.flip());
    store.syncDirectory("");
  }

  /** Reads the file; empty if there is none. */
  public static Optional<LogCheckpoint> read(FileStore store) {
    return FORMAT.read(store, FILE, LogCheckpoint::parse);
  }

  private static LogCheckpoint parse(ByteBuffer payload) {
    JournalPosition position =
        new JournalPosition(
            payload.getLong(), payload.getLong(), payload.getInt(), payload.getLong());
    int count = SealedFile.count(payload, ENTRY_BYTES);
    TreeMap<PartitionId, Entry> logs = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      PartitionId id = new PartitionId(TopicId.of(payload), payload.getInt());
      int flags = payload.get();
      Entry entry =
          new Entry(
              (flags & 1) != 0,
              payload.getLong(),
              payload.getLong(),
              payload.getLong(),
              payload.getLong(),
              payload.getLong(),
              (flags & 2) != 0);
      if (id.partition() < 0
          || entry.logStart < 0
          || entry.recoveryPoint < entry.logStart
          || entry.lastSegment < -1
          || entry.lastSegmentBytes < 0) {
        throw new IllegalArgumentException(id + ": " + entry);
      }
      logs.put(id, entry);
    }
    if (position.slot() < 0 || position.slotSequence() > position.sequence()) {
      throw new IllegalArgumentException("impossible journal position " + position);
    }
    return new LogCheckpoint(position, logs);
  }
}
