package io.kontiki.chaos.simulation;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Who does, once everything works again, what is left to people: brokers that are fenced or drained
 * by hand are let in again, and where a damaged leader lacks what nobody can give it any more, it
 * is fenced and another replica elected (P14, R19). A partition that was placed on a disk which was
 * gone by then, so that nobody counts, gets a leader (R19). Nothing is done about a partition that
 * may come back by itself in time.
 */
final class Operator {
  private static final long MS = 1_000_000;

  /** A partition that is not whole for so long does not become so by itself. */
  private static final long PATIENCE_NANOS = 30_000 * MS;

  /** Another leader comes within it, or another operation is tried. */
  private static final long OPERATION_NANOS = 15_000 * MS;

  private final World world;
  private final TreeMap<PartitionId, Long> brokenSince = new TreeMap<>();
  private final TreeMap<PartitionId, Operation> operations = new TreeMap<>();

  /** A leader is made to go. */
  private record Operation(int damaged, long until) {}

  Operator(World world) {
    this.world = world;
  }

  /** Looks at the cluster; every now and then from when everything works again. */
  void looks(ClusterImage image) {
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        looks(new PartitionId(topic.id(), i), topic, topic.partitions().get(i));
      }
    }
    operations.keySet().removeIf(id -> image.partition(id) == null);
    TreeSet<Integer> out = new TreeSet<>();
    operations.values().forEach(operation -> out.add(operation.damaged));
    for (BrokerImage broker : image.brokers().values()) {
      if (broker.wish() != BrokerImage.Wish.NONE && !out.contains(broker.id())) {
        world.admin().unfence(broker.id());
      }
    }
  }

  private void looks(PartitionId id, TopicImage topic, PartitionImage partition) {
    Operation operation = operations.get(id);
    if (operation != null) {
      boolean done =
          partition.leader() != PartitionImage.NO_LEADER && partition.leader() != operation.damaged;
      if (done || world.now() >= operation.until) {
        operations.remove(id);
        brokenSince.remove(id);
      } else if (partition.leader() == PartitionImage.NO_LEADER) {
        world.admin().electUnclean(topic.name(), id.partition());
      }
      return;
    }
    if (world.seen().stillborn(id, partition)) {
      world.admin().electUnclean(topic.name(), id.partition());
    }
    int leader = partition.leader();
    if (partition.isr().size() >= partition.replicas().size()
        || leader == PartitionImage.NO_LEADER
        || !world.machine(leader).rotted()) {
      brokenSince.remove(id);
      return;
    }
    if (world.now() - brokenSince.computeIfAbsent(id, unused -> world.now()) >= PATIENCE_NANOS) {
      operations.put(id, new Operation(leader, world.now() + OPERATION_NANOS));
      world.admin().forceFence(leader);
    }
  }
}
