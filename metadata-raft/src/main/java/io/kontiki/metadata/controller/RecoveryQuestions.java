package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.LogEndReport;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;

/** What balanced recovery wants to know of a broker's logs (rule R19). */
public final class RecoveryQuestions {
  private RecoveryQuestions() {}

  /**
   * Partitions whose log ends the broker should report, once it is active: they have no leader and
   * no candidate but those of lastKnownElr, the broker is one of these and has not reported yet.
   */
  public static List<PartitionId> of(ClusterImage image, int brokerId) {
    List<PartitionId> wanted = new ArrayList<>();
    BrokerImage broker = image.brokers().get(brokerId);
    if (broker == null || !broker.state().inService()) {
      return wanted;
    }
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        if (partition.leader() == PartitionImage.NO_LEADER
            && partition.isr().isEmpty()
            && partition.elr().isEmpty()
            && partition.lastKnownElr().contains(brokerId)) {
          PartitionId id = new PartitionId(topic.id(), i);
          if (!reported(image.logEnds().getOrDefault(id, List.of()), brokerId)) {
            wanted.add(id);
          }
        }
      }
    }
    return wanted;
  }

  private static boolean reported(List<LogEndReport> reports, int brokerId) {
    return reports.stream().anyMatch(report -> report.brokerId() == brokerId);
  }
}
