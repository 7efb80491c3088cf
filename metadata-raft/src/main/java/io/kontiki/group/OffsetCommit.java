package io.kontiki.group;

import io.kontiki.model.PartitionId;

/**
 * What is to be committed for one partition.
 *
 * @param offset of the next record to read; not negative
 * @param leaderEpoch of the record before it, or -1
 * @param metadata stored with the offset
 * @param back the member has gone back on purpose (rule G10): the offset may be lower than what is
 *     committed; else a lower one changes nothing
 */
public record OffsetCommit(
    PartitionId partition, long offset, int leaderEpoch, String metadata, boolean back) {}
