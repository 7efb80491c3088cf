package io.kontiki.broker.partition;

import io.kontiki.log.LogSettings;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.replication.IsrState;
import java.util.List;

/**
 * A partition of which this broker holds a replica, as metadata say it.
 *
 * @param topic its name, for messages to people
 * @param state leader and in-sync set
 * @param replicas broker ids, those being added included
 * @param minIsr smallest in-sync set that takes acks=all
 * @param log settings of its log
 * @param maxBatchBytes largest batch that is taken from a client
 */
public record PartitionAssignment(
    PartitionId id,
    String topic,
    IsrState state,
    List<Integer> replicas,
    int minIsr,
    LogSettings log,
    int maxBatchBytes) {
  public PartitionAssignment {
    replicas = List.copyOf(replicas);
  }

  /** The same with another state. */
  PartitionAssignment withState(IsrState other, List<Integer> otherReplicas) {
    return new PartitionAssignment(id, topic, other, otherReplicas, minIsr, log, maxBatchBytes);
  }

  /** What "held" means (rule R36). */
  public Durability durability() {
    return log.durability();
  }

  /** For messages: {@code topic-partition}. */
  String name() {
    return topic + "-" + id.partition();
  }
}
