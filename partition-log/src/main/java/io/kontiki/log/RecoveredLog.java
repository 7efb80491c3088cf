package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.Segment;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * A log as recovery found it, before its loop has it.
 *
 * @param segments by base offset; the last has its indexes on the heap
 * @param snapshots offsets of the producer snapshots
 * @param recoveryPoint exclusive end of what is synced: the log end, but for damage
 * @param damagedFrom offset from which on it cannot be read, or -1
 * @param plain whether it is what checkpoint and journal say, and may be unsynced: see {@link
 *     LogRecovery}
 * @param savedEpochs what the file of epochs has
 * @param underivedBytes of the log that indexes and producers on disk do not cover, about
 * @param mark how far it has been compacted
 */
record RecoveredLog(
    PartitionId id,
    String topicName,
    Durability durability,
    long logStart,
    long logEnd,
    List<Segment> segments,
    EpochHistory epochs,
    ProducerState producers,
    NavigableSet<Long> snapshots,
    long highWatermark,
    long recoveryPoint,
    boolean doubtful,
    long damagedFrom,
    boolean plain,
    List<EpochHistory.Entry> savedEpochs,
    int underivedBytes,
    CleanMark mark) {
  /** A new one. */
  static RecoveredLog empty(PartitionId id, String topicName, Durability durability) {
    return new RecoveredLog(
        id,
        topicName,
        durability,
        0,
        0,
        List.of(),
        new EpochHistory(),
        new ProducerState(),
        new TreeSet<>(),
        0,
        0,
        false,
        -1,
        true,
        List.of(),
        0,
        CleanMark.NONE);
  }

  /** The same once its epochs are in their file. */
  RecoveredLog withSavedEpochs() {
    return new RecoveredLog(
        id,
        topicName,
        durability,
        logStart,
        logEnd,
        segments,
        epochs,
        producers,
        snapshots,
        highWatermark,
        recoveryPoint,
        doubtful,
        damagedFrom,
        plain,
        epochs.entries(),
        underivedBytes,
        mark);
  }

  /** For the checkpoint. */
  CheckpointRow row() {
    Segment last = segments.isEmpty() ? null : segments.get(segments.size() - 1);
    return new CheckpointRow(
        new PartitionMeta(id, durability, topicName),
        logStart,
        recoveryPoint,
        Math.min(highWatermark, logEnd),
        last == null ? -1 : last.baseOffset(),
        last == null ? 0 : last.sizeBytes(),
        doubtful,
        epochs.entries());
  }
}
