package io.kontiki.broker.api;

import io.kontiki.record.Record;
import java.util.List;

/**
 * Consecutive records of one partition.
 *
 * @param records at least one
 * @param nextOffset where to go on behind them
 * @param leaderEpoch of the last of the records
 * @param highWatermark -1: not known yet (rule R40)
 * @param sizeBytes of keys, values and headers, about
 */
public record RecordChunk(
    int partition,
    List<Record> records,
    long nextOffset,
    int leaderEpoch,
    long highWatermark,
    int sizeBytes) {}
