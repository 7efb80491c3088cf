package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.model.Durability;
import java.util.List;

/**
 * What a checkpoint writes of one log, taken on its loop.
 *
 * @param recoveryPoint exclusive end of what will have been synced before the checkpoint is written
 */
record CheckpointRow(
    PartitionMeta meta,
    long logStart,
    long recoveryPoint,
    long highWatermark,
    long lastSegment,
    long lastSegmentBytes,
    boolean doubtful,
    List<EpochHistory.Entry> epochs) {
  LogCheckpoint.Entry entry() {
    return new LogCheckpoint.Entry(
        meta.durability() == Durability.FSYNC,
        logStart,
        recoveryPoint,
        highWatermark,
        lastSegment,
        lastSegmentBytes,
        doubtful,
        0,
        false);
  }
}
