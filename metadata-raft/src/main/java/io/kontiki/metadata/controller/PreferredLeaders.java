package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;

/**
 * Which leaderships should go back to the first replica (rule R43): only within the ISR, a few at a
 * time, and not soon after a fence, because whoever has just died may do so again.
 */
public final class PreferredLeaders {
  /** Quiet time after a fence. */
  public static final long QUIET_NANOS = 30_000_000_000L;

  private PreferredLeaders() {}

  /** Leadership of a partition should go to the broker, from the entry with these epochs. */
  public record Move(PartitionId partition, int to, int leaderEpoch, int partitionEpoch) {}

  /**
   * Decides, in the order of the partitions.
   *
   * @param sinceFenceNanos since the caller last saw a broker be fenced
   * @param limit moves at most
   */
  public static List<Move> moves(ClusterImage image, long sinceFenceNanos, int limit) {
    List<Move> moves = new ArrayList<>();
    if (sinceFenceNanos < QUIET_NANOS) {
      return moves;
    }
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size() && moves.size() < limit; i++) {
        PartitionImage partition = topic.partitions().get(i);
        int preferred = partition.replicas().get(0);
        BrokerImage broker = image.brokers().get(preferred);
        if (partition.leader() != PartitionImage.NO_LEADER
            && partition.leader() != preferred
            && partition.isr().contains(preferred)
            && broker != null
            && broker.state() == BrokerImage.State.ACTIVE) {
          moves.add(
              new Move(
                  new PartitionId(topic.id(), i),
                  preferred,
                  partition.leaderEpoch(),
                  partition.partitionEpoch()));
        }
      }
    }
    return moves;
  }
}
