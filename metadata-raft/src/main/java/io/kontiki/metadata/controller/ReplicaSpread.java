package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * New places for the replicas of partitions that exist, with as few moves as make brokers evenly
 * used: away from brokers that are not active, and from those that have at least two replicas more
 * than another. The same for who is preferred to lead.
 */
final class ReplicaSpread {
  private final List<Integer> order;
  private final SortedMap<Integer, Integer> replicas = new TreeMap<>();
  private final SortedMap<Integer, Integer> firsts = new TreeMap<>();

  private ReplicaSpread(ClusterImage image, long seed) {
    List<Integer> active = new ArrayList<>();
    for (BrokerImage broker : image.brokers().values()) {
      if (broker.state() == BrokerImage.State.ACTIVE) {
        active.add(broker.id());
      }
    }
    this.order = Placement.shuffled(active, seed);
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        partition.target().forEach(replica -> replicas.merge(replica, 1, Integer::sum));
        firsts.merge(partition.target().get(0), 1, Integer::sum);
      }
    }
  }

  /** New replicas of these partitions, as many as each is to have now. */
  static SortedMap<PartitionId, List<Integer>> choose(
      ClusterImage image, List<PartitionId> partitions, long seed) {
    SortedMap<PartitionId, List<Integer>> chosen = new TreeMap<>();
    if (partitions.isEmpty()) {
      return chosen;
    }
    ReplicaSpread spread = new ReplicaSpread(image, seed);
    for (PartitionId id : partitions) {
      PartitionImage partition = image.partition(id);
      if (partition != null) {
        List<Integer> target = new ArrayList<>(partition.target());
        spread.spread(target);
        spread.prefer(target);
        chosen.put(id, List.copyOf(target));
      }
    }
    return chosen;
  }

  /** Of the replicas as they are on their way to be. */
  static ReplicaSpread of(ClusterImage image, long seed) {
    return new ReplicaSpread(image, seed);
  }

  /**
   * The same partition's replicas without one that shall be elsewhere: the least used of the active
   * brokers has it instead, in its place in the order, and counts as used so from now on.
   *
   * @return empty: none of them is free
   */
  List<Integer> without(PartitionImage partition, int gone) {
    List<Integer> target = new ArrayList<>(partition.target());
    Integer best = null;
    for (Integer broker : order) {
      if (!target.contains(broker) && (best == null || load(broker) < load(best))) {
        best = broker;
      }
    }
    if (best == null) {
      return List.of();
    }
    move(target, target.indexOf(gone), best);
    return List.copyOf(target);
  }

  private void move(List<Integer> target, int place, int to) {
    int from = target.set(place, to);
    replicas.merge(from, -1, Integer::sum);
    replicas.merge(to, 1, Integer::sum);
    if (place == 0) {
      firsts.merge(from, -1, Integer::sum);
      firsts.merge(to, 1, Integer::sum);
    }
  }

  private void spread(List<Integer> target) {
    for (int moves = 0; moves < target.size(); moves++) {
      int busiest = 0;
      for (int i = 1; i < target.size(); i++) {
        busiest = load(target.get(i)) > load(target.get(busiest)) ? i : busiest;
      }
      int from = target.get(busiest);
      int to = from;
      for (int broker : order) {
        if (!target.contains(broker) && load(broker) < load(to) - (to == from ? 1 : 0)) {
          to = broker;
        }
      }
      if (to == from) {
        return;
      }
      move(target, busiest, to);
    }
  }

  /** The first of the replicas leads, when all is well. */
  private void prefer(List<Integer> target) {
    int first = target.get(0);
    int best = first;
    for (int replica : target) {
      int margin = best == first && order.contains(first) ? 1 : 0;
      if (order.contains(replica)
          && (!order.contains(best) || leads(replica) < leads(best) - margin)) {
        best = replica;
      }
    }
    if (best != first) {
      target.set(target.indexOf(best), first);
      target.set(0, best);
      firsts.merge(first, -1, Integer::sum);
      firsts.merge(best, 1, Integer::sum);
    }
  }

  private int leads(int broker) {
    return firsts.getOrDefault(broker, 0);
  }

  /** A broker that is not active has more than any other: everything should leave it. */
  private int load(int broker) {
    return order.contains(broker) ? replicas.getOrDefault(broker, 0) : Integer.MAX_VALUE;
  }
}
