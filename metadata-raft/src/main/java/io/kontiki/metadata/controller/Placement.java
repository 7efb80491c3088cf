package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Where the replicas of a new topic go (rule R43): on distinct brokers; first replicas spread
 * evenly, within the topic and then over all topics; and so are the second replicas of one broker's
 * partitions, else its death would move all its leaders to one node. Where that leaves a choice the
 * seed decides.
 *
 * <p>Brokers that are not active (fenced, stopping, voters never seen) are used only where there
 * are fewer active ones than replicas.
 */
public final class Placement {
  private final List<Integer> order;
  private final TreeSet<Integer> active = new TreeSet<>();
  // Counted by broker, and by (first, follower): of this topic, and of all.
  private final Counts topicFirsts = new Counts();
  private final Counts firsts = new Counts();
  private final Counts topicReplicas = new Counts();
  private final Counts replicas = new Counts();
  private final Counts topicPairs = new Counts();
  private final Counts pairs = new Counts();

  private Placement(ClusterImage image, long seed) {
    this.order = shuffled(candidates(image), seed);
    for (BrokerImage broker : image.brokers().values()) {
      if (broker.state() == BrokerImage.State.ACTIVE) {
        active.add(broker.id());
      }
    }
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        count(firsts, replicas, pairs, partition.replicas());
      }
    }
  }

  /** Brokers that a replica may be placed on: registered ones and voters, by id. */
  public static List<Integer> candidates(ClusterImage image) {
    TreeSet<Integer> ids = new TreeSet<>(image.brokers().keySet());
    ids.addAll(image.voters().keySet());
    return List.copyOf(ids);
  }

  /**
   * Places all partitions of a new topic.
   *
   * @param replicationFactor 1 to the number of {@link #candidates}
   * @return by partition: replicas in order of preference
   */
  public static List<List<Integer>> place(
      ClusterImage image, int partitions, int replicationFactor, long seed) {
    Placement placement = new Placement(image, seed);
    if (replicationFactor < 1 || replicationFactor > placement.order.size()) {
      throw new IllegalArgumentException(
          replicationFactor + " replicas on " + placement.order.size() + " brokers");
    }
    List<List<Integer>> assignments = new ArrayList<>(partitions);
    for (int i = 0; i < partitions; i++) {
      assignments.add(placement.next(replicationFactor));
    }
    return assignments;
  }

  /**
   * Places more partitions of a topic, next to those that it has.
   *
   * @param more how many
   * @return by partition: replicas in order of preference
   */
  public static List<List<Integer>> extend(
      ClusterImage image, TopicImage topic, int more, long seed) {
    Placement placement = new Placement(image, seed);
    for (PartitionImage partition : topic.partitions()) {
      count(
          placement.topicFirsts,
          placement.topicReplicas,
          placement.topicPairs,
          partition.replicas());
    }
    List<List<Integer>> assignments = new ArrayList<>(more);
    for (int i = 0; i < more; i++) {
      assignments.add(placement.next(topic.replicationFactor()));
    }
    return assignments;
  }

  private List<Integer> next(int replicationFactor) {
    boolean enoughActive = active.size() >= replicationFactor;
    List<Integer> free = new ArrayList<>(order);
    if (enoughActive) {
      free.removeIf(broker -> !active.contains(broker));
    }
    Integer first =
        least(
            free,
            Comparator.comparingInt((Integer broker) -> topicFirsts.of(broker))
                .thenComparingInt(firsts::of));
    List<Integer> chosen = new ArrayList<>(replicationFactor);
    chosen.add(first);
    free.remove(first);
    Comparator<Integer> byLoad =
        Comparator.comparingInt((Integer broker) -> active.contains(broker) ? 0 : 1)
            .thenComparingInt(broker -> topicPairs.of(first, broker))
            .thenComparingInt(topicReplicas::of)
            .thenComparingInt(broker -> pairs.of(first, broker))
            .thenComparingInt(replicas::of);
    while (chosen.size() < replicationFactor) {
      Integer follower = least(free, byLoad);
      chosen.add(follower);
      free.remove(follower);
    }
    count(topicFirsts, topicReplicas, topicPairs, chosen);
    count(firsts, replicas, pairs, chosen);
    return List.copyOf(chosen);
  }

  /** The first of equals, in the order that the seed gave. */
  private static Integer least(List<Integer> from, Comparator<Integer> by) {
    Integer best = from.get(0);
    for (Integer broker : from) {
      if (by.compare(broker, best) < 0) {
        best = broker;
      }
    }
    return best;
  }

  /** A pair counts its second replica only: that is who leads when the first dies. */
  private static void count(Counts firsts, Counts replicas, Counts pairs, List<Integer> chosen) {
    if (chosen.isEmpty()) {
      return;
    }
    firsts.add(chosen.get(0));
    chosen.forEach(replicas::add);
    if (chosen.size() > 1) {
      pairs.add(chosen.get(0), chosen.get(1));
    }
  }

  /** In an order that the seed decides, in every runtime the same. */
  static List<Integer> shuffled(List<Integer> ids, long seed) {
    List<Integer> order = new ArrayList<>(ids);
    long state = seed;
    for (int i = order.size() - 1; i > 0; i--) {
      // SplitMix64: well mixed for any seed, the same in every runtime.
      state += 0x9e3779b97f4a7c15L;
      long z = (state ^ (state >>> 30)) * 0xbf58476d1ce4e5b9L;
      z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
      int other = (int) Long.remainderUnsigned(z ^ (z >>> 31), i + 1);
      Integer swapped = order.get(i);
      order.set(i, order.get(other));
      order.set(other, swapped);
    }
    return order;
  }

  /** Counts by key; only looked up, never iterated. */
  private static final class Counts {
    private final Map<Long, Integer> counts = new HashMap<>();

    int of(int broker) {
      return counts.getOrDefault((long) broker, 0);
    }

    int of(int first, int follower) {
      return counts.getOrDefault(pair(first, follower), 0);
    }

    void add(int broker) {
      counts.merge((long) broker, 1, Integer::sum);
    }

    void add(int first, int follower) {
      counts.merge(pair(first, follower), 1, Integer::sum);
    }

    private static long pair(int first, int follower) {
      return ((long) first << 32) | follower;
    }
  }
}
