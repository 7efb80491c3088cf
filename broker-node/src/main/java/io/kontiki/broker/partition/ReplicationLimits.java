package io.kontiki.broker.partition;

/**
 * Bounds of log shipping on one loop (rule R33), in bytes.
 *
 * @param message size at which a message is sent and another one begun
 * @param streamInFlight shipped on a stream and not acknowledged as held
 * @param partitionInFlight the same of one partition
 * @param partitionTail appended last and kept for shipping, of one partition
 * @param loopTail the same of all partitions
 * @param catchUpChunk shipped of one partition before the next one's turn on the catch-up lane
 * @param catchUpInFlight like {@code streamInFlight}, on the catch-up lane
 * @param farBehind a follower that lacks more, and for which no acknowledgement waits, is shipped
 *     to on the catch-up lane
 * @param caughtUp there, until it lacks no more than this
 */
public record ReplicationLimits(
    int message,
    int streamInFlight,
    int partitionInFlight,
    int partitionTail,
    long loopTail,
    int catchUpChunk,
    int catchUpInFlight,
    long farBehind,
    long caughtUp) {
  /** For servers. */
  public static final ReplicationLimits DEFAULT =
      new ReplicationLimits(
          1 << 20, 8 << 20, 2 << 20, 1 << 20, 32L << 20, 512 << 10, 4 << 20, 8L << 20, 4L << 20);
}
