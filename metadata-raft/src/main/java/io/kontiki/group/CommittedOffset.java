package io.kontiki.group;

/**
 * What a group has committed for a partition.
 *
 * @param offset of the next record to read
 * @param leaderEpoch of the record before it, or -1
 * @param timeMs milliseconds since 1970 when it was proposed, for display
 */
public record CommittedOffset(long offset, int leaderEpoch, String metadata, long timeMs) {}
