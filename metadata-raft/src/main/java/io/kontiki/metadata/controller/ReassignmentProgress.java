package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;

/**
 * What a reassignment that is under way needs next (rule R34): the replicas that come catch up and
 * join by themselves; then the leader goes to a replica that stays, as a controlled move, and last
 * those that go are taken out. Every step is a command of its own and looks at the image alone, so
 * that a new controller goes on where the old one stopped.
 */
public final class ReassignmentProgress {
  private ReassignmentProgress() {}

  /** What to do. */
  public enum Step {
    /** Nothing: a replica is not in sync yet, or nobody who stays can lead. */
    WAIT,
    /** Move the leadership to {@link #successor}. */
    MOVE_LEADER,
    /** Take out what goes, as soon as none of it can believe that it leads (rule R5). */
    FINISH
  }

  /** The next step of a partition. */
  public static Step next(ClusterImage image, TopicImage topic, PartitionImage partition) {
    if (!topic.canShrink(partition) || partition.leader() == PartitionImage.NO_LEADER) {
      return Step.WAIT;
    }
    if (!partition.removing().contains(partition.leader())) {
      return Step.FINISH;
    }
    return successor(image, partition) == PartitionImage.NO_LEADER ? Step.WAIT : Step.MOVE_LEADER;
  }

  /**
   * Who shall lead: the first replica that stays, is in sync and active, or for want of one
   * draining; or {@link PartitionImage#NO_LEADER}.
   */
  public static int successor(ClusterImage image, PartitionImage partition) {
    int draining = PartitionImage.NO_LEADER;
    for (int replica : partition.target()) {
      BrokerImage broker = image.brokers().get(replica);
      if (broker == null || !partition.isr().contains(replica)) {
        continue;
      }
      if (broker.state() == BrokerImage.State.ACTIVE) {
        return replica;
      }
      if (broker.state() == BrokerImage.State.DRAINING && draining == PartitionImage.NO_LEADER) {
        draining = replica;
      }
    }
    return draining;
  }
}
