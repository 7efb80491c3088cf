package io.kontiki.replication;

/**
 * Which replication stream (rule R27).
 *
 * @param followerId broker that opened it
 * @param brokerEpoch of the follower's incarnation
 * @param lane what it is for
 * @param loop of the follower, from 0
 * @param sequence grows with each stream of the incarnation
 */
public record StreamId(int followerId, long brokerEpoch, Lane lane, int loop, long sequence) {
  /** Whether this stream ends the other one. */
  public boolean supersedes(StreamId other) {
    if (followerId != other.followerId) {
      return false;
    }
    if (brokerEpoch != other.brokerEpoch) {
      return brokerEpoch > other.brokerEpoch;
    }
    return lane == other.lane && loop == other.loop && sequence > other.sequence;
  }

  @Override
  public String toString() {
    return followerId + "@" + brokerEpoch + "/" + lane + "/" + loop + "#" + sequence;
  }
}
