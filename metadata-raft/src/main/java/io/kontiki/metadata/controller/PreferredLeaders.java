package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Which leaderships should go back to the first replica (rule R43): only within the ISR, a few at a
 * time, and none that was elected a short while ago, because whoever has just died or resigned may
 * do so again. Looks at a bounded number of partitions per call.
 */
public final class PreferredLeaders {
  private PreferredLeaders() {}

  /**
   * What a part of the walk found.
   *
   * @param moves to propose, in the order of the partitions
   * @param at where the walk goes on, exclusive; null: it has come to the end
   */
  public record Found(List<LeaderMove> moves, @Nullable PartitionId at) {
    public Found {
      moves = List.copyOf(moves);
    }
  }

  /**
   * Walks on through the partitions, in their order.
   *
   * @param before an image of a while ago: who leads must have led in it already
   * @param after where the walk stands, exclusive; null: at its beginning
   * @param look partitions to look at, at most
   * @param limit moves, at most; positive
   */
  public static Found walk(
      ClusterImage before, ClusterImage now, @Nullable PartitionId after, int look, int limit) {
    List<LeaderMove> moves = new ArrayList<>();
    PartitionId at = after;
    int looked = 0;
    SortedMap<TopicId, TopicImage> rest =
        after == null ? now.topics() : now.topics().tailMap(after.topicId());
    for (TopicImage topic : rest.values()) {
      int first = after != null && topic.id().equals(after.topicId()) ? after.partition() + 1 : 0;
      for (int i = first; i < topic.partitions().size(); i++) {
        if (looked == look || moves.size() == limit) {
          return new Found(moves, at);
        }
        looked++;
        at = new PartitionId(topic.id(), i);
        PartitionImage partition = topic.partitions().get(i);
        if (misplaced(now, partition) && rested(before.partition(at), partition)) {
          moves.add(
              new LeaderMove(
                  at,
                  partition.replicas().get(0),
                  partition.leaderEpoch(),
                  partition.partitionEpoch()));
        }
      }
    }
    return new Found(moves, null);
  }

  private static boolean misplaced(ClusterImage image, PartitionImage partition) {
    int preferred = partition.replicas().get(0);
    BrokerImage broker = image.brokers().get(preferred);
    return partition.leader() != PartitionImage.NO_LEADER
        && partition.leader() != preferred
        && partition.isr().contains(preferred)
        && broker != null
        && broker.state() == BrokerImage.State.ACTIVE;
  }

  private static boolean rested(@Nullable PartitionImage before, PartitionImage now) {
    return before != null && before.leaderEpoch() == now.leaderEpoch();
  }
}
