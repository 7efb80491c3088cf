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
}
