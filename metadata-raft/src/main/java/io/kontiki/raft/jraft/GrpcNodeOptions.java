package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.option.NodeOptions;

/** JRaft's options, with what our RPC client of the same node needs. */
final class GrpcNodeOptions extends NodeOptions {
  private final RaftChannels channels;
  private final FollowerProgress progress;

  GrpcNodeOptions(RaftChannels channels, FollowerProgress progress) {
    this.channels = channels;
    this.progress = progress;
  }

  RaftChannels channels() {
    return channels;
  }

  FollowerProgress progress() {
    return progress;
  }

  /**
   * How long a majority may be silent before the leader steps down. JRaft allows no more than the
   * election timeout, which nodes that start on a busy machine miss now and then; each time costs
   * an election of half a second to a second. Nothing else rests on it: reads are confirmed by a
   * round (M4, M14), and followers stand by their own timers.
   */
  @Override
  public int getLeaderLeaseTimeoutMs() {
    return 2 * getElectionTimeoutMs();
  }
}
