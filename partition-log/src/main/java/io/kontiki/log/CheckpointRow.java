package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.model.Durability;
import java.util.List;
import java.util.Optional;

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
  // Beyond it a history goes into its own file: it would be written with each checkpoint.
  private static final int MOST_EPOCHS = 8;

  /** Whether its history of epochs is short enough to stand in the checkpoint. */
  static boolean takes(List<EpochHistory.Entry> epochs) {
    return epochs.size() <= MOST_EPOCHS;
  }

  /**
   * For the file.
   *
   * @param withEpochs the file of epochs has others
   */
  LogCheckpoint.Entry entry(boolean withEpochs) {
    return new LogCheckpoint.Entry(
        meta.durability() == Durability.FSYNC,
        logStart,
        recoveryPoint,
        highWatermark,
        lastSegment,
        lastSegmentBytes,
        doubtful,
        0,
        false,
        withEpochs ? Optional.of(epochs) : Optional.empty());
  }
}
