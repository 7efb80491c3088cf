package io.kontiki.broker.group;

/**
 * A place between two records of a partition.
 *
 * @param offset of the next record
 * @param leaderEpoch of the record before it; -1: not told
 * @param metadata of a commit; else empty
 */
public record Place(Named partition, long offset, int leaderEpoch, String metadata) {
  /** Most bytes of {@link #metadata}. */
  public static final int MAX_METADATA_BYTES = 4096;

  /** Leader epoch that is not told. */
  public static final int NO_EPOCH = -1;
}
