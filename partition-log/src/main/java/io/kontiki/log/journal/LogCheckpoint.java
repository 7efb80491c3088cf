package io.kontiki.log.journal;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
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
 *      0    4 count of generations of the journal, the oldest first
 *      4  28n generations: 8 generation, 8 sequence of its first record to be replayed, 4 file to
 *             begin with, 8 sequence of the first record in that file
 *      …    4 count
 *      …      logs, each 69 bytes: 16 topic id, 4 partition, 1 flags (1 fsync, 2 doubtful, 4 gone,
 *             8 epochs), 8 log start, 8 recovery point, 8 high watermark, 8 base offset and 8 bytes
 *             of the last segment (-1 and 0: no segment), 8 settled; with flag 8 then 4 count of
 *             epochs, and of each 4 epoch, 8 start offset
 * </pre>
 *
 * <p>There is more than one generation from a start after a crash until its first checkpoint: what
 * was replayed is not synced until then, and would be replayed once more (rule D10).
 *
 * @param positions where a replay begins in each generation, at least one
 * @param logs by partition; the map is not changed
 */
public record LogCheckpoint(List<JournalPosition> positions, TreeMap<PartitionId, Entry> logs) {
  /** Name of the file. */
  public static final String FILE = "checkpoint";

  private static final int POSITION_BYTES = 28;
  private static final int ENTRY_BYTES = 69;
  private static final int EPOCH_BYTES = 12;
  private static final SealedFile FORMAT = SealedFile.of("KCHK", 3, 1 << 30);

  /** Copies the list. */
  public LogCheckpoint {
    positions = List.copyOf(positions);
  }

  /** With one generation. */
  public LogCheckpoint(JournalPosition position, TreeMap<PartitionId, Entry> logs) {
    this(List.of(position), logs);
  }

  /**
   * One log.
   *
   * @param recoveryPoint exclusive end of what has been synced (rule D2)
   * @param highWatermark a lower bound
   * @param lastSegment base offset of the segment that ends at the recovery point, or -1
   * @param lastSegmentBytes of it
   * @param doubtful recovery or a read found damage or doubt (rule D2), not resolved yet
   * @param settled records of the journal below this sequence are in the files durably and in this
   *     row: a replay leaves them out
   * @param gone there is no such log; records below {@code settled} are of one that there was
   * @param epochs the whole history of leader epochs, if the file of it may have another one; it
   *     spares a file for each log when the leaders of many change at once
   */
  public record Entry(
      boolean fsync,
      long logStart,
      long recoveryPoint,
      long highWatermark,
      long lastSegment,
      long lastSegmentBytes,
      boolean doubtful,
      long settled,
      boolean gone,
      Optional<List<EpochHistory.Entry>> epochs) {
    /** The same, with records below a sequence settled. */
    public Entry settledBelow(long sequence) {
      return new Entry(
          fsync,
          logStart,
          recoveryPoint,
          highWatermark,
          lastSegment,
          lastSegmentBytes,
          doubtful,
          sequence,
          gone,
          epochs);
    }

    /** A log that was removed by the replay of its last records. */
    public static Entry gone(long settled) {
      return new Entry(false, 0, 0, 0, -1, 0, false, settled, true, Optional.empty());
    }
  }

  /** Replaces the file and syncs the directory: the ring behind is free on return. */
  public void write(FileStore store) {
    int epochBytes = 0;
    for (Entry log : logs.values()) {
      epochBytes += log.epochs.map(all -> Integer.BYTES + all.size() * EPOCH_BYTES).orElse(0);
    }
    ByteBuffer payload =
        ByteBuffer.allocate(
            8 + positions.size() * POSITION_BYTES + logs.size() * ENTRY_BYTES + epochBytes);
    payload.putInt(positions.size());
    for (JournalPosition position : positions) {
      payload.putLong(position.generation()).putLong(position.sequence());
      payload.putInt(position.slot()).putLong(position.slotSequence());
    }
    payload.putInt(logs.size());
    logs.forEach(
        (id, log) -> {
          payload.putLong(id.topicId().high()).putLong(id.topicId().low()).putInt(id.partition());
          payload.put(
              (byte)
                  ((log.fsync ? 1 : 0)
                      | (log.doubtful ? 2 : 0)
                      | (log.gone ? 4 : 0)
                      | (log.epochs.isPresent() ? 8 : 0)));
          payload.putLong(log.logStart).putLong(log.recoveryPoint);
          payload.putLong(log.highWatermark).putLong(log.lastSegment);
          payload.putLong(log.lastSegmentBytes).putLong(log.settled);
          log.epochs.ifPresent(
              all -> {
                payload.putInt(all.size());
                all.forEach(each -> payload.putInt(each.epoch()).putLong(each.startOffset()));
              });
        });
    FORMAT.write(store, FILE, payload.flip());
    store.syncDirectory("");
  }

  /** Reads the file; empty if there is none. */
  public static Optional<LogCheckpoint> read(FileStore store) {
    return FORMAT.read(store, FILE, LogCheckpoint::parse);
  }

  private static LogCheckpoint parse(ByteBuffer payload) {
    List<JournalPosition> positions = new ArrayList<>();
    for (int i = SealedFile.count(payload, POSITION_BYTES); i > 0; i--) {
      JournalPosition position =
          new JournalPosition(
              payload.getLong(), payload.getLong(), payload.getInt(), payload.getLong());
      JournalPosition before = positions.isEmpty() ? null : positions.get(positions.size() - 1);
      if (position.slot() < 0
          || position.slotSequence() > position.sequence()
          || (before != null
              && (before.generation() >= position.generation()
                  || before.sequence() > position.sequence()))) {
        throw new IllegalArgumentException("impossible journal position " + position);
      }
      positions.add(position);
    }
    if (positions.isEmpty()) {
      throw new IllegalArgumentException("no journal position");
    }
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
              (flags & 2) != 0,
              payload.getLong(),
              (flags & 4) != 0,
              (flags & 8) != 0 ? Optional.of(epochs(payload)) : Optional.empty());
      if (id.partition() < 0
          || entry.logStart < 0
          || entry.recoveryPoint < entry.logStart
          || entry.lastSegment < -1
          || entry.lastSegmentBytes < 0) {
        throw new IllegalArgumentException(id + ": " + entry);
      }
      logs.put(id, entry);
    }
    return new LogCheckpoint(positions, logs);
  }

  private static List<EpochHistory.Entry> epochs(ByteBuffer payload) {
    List<EpochHistory.Entry> found = new ArrayList<>();
    for (int i = SealedFile.count(payload, EPOCH_BYTES); i > 0; i--) {
      found.add(new EpochHistory.Entry(payload.getInt(), payload.getLong()));
    }
    return EpochHistory.of(found).entries();
  }
}
