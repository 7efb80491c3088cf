package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;

/** Which replicas should begin to leave the brokers that operators drain of them (R34, R47). */
public final class Drains {
  private Drains() {}

  /** Whether an operator wants replicas to leave a broker. */
  public static boolean wanted(ClusterImage image) {
    for (BrokerImage broker : image.brokers().values()) {
      if (broker.wish().movesReplicas()) {
        return true;
      }
    }
    return false;
  }

  /**
   * The next moves, in the order of the partitions. One that has nowhere to go stays, until there
   * is a broker for it; one whose replicas are on their way already is left alone.
   *
   * @param limit of moves; positive
   */
  public static List<Reassignment> next(ClusterImage image, int limit) {
    List<Reassignment> moves = new ArrayList<>();
    ReplicaSpread spread = ReplicaSpread.of(image, image.index());
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size() && moves.size() < limit; i++) {
        PartitionImage partition = topic.partitions().get(i);
        int gone = partition.reassigning() ? PartitionImage.NO_LEADER : leaver(image, partition);
        List<Integer> target =
            gone == PartitionImage.NO_LEADER ? List.of() : spread.without(partition, gone);
        if (!target.isEmpty()) {
          moves.add(
              new Reassignment(new PartitionId(topic.id(), i), partition.partitionEpoch(), target));
        }
      }
    }
    return moves;
  }

  private static int leaver(ClusterImage image, PartitionImage partition) {
    for (int replica : partition.replicas()) {
      BrokerImage broker = image.brokers().get(replica);
      if (broker != null && broker.wish().movesReplicas()) {
        return replica;
      }
    }
    return PartitionImage.NO_LEADER;
  }
}
