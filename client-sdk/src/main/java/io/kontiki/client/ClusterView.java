package io.kontiki.client;

import io.kontiki.config.TopicConfig;
import io.kontiki.model.Endpoint;
import io.kontiki.model.TopicId;
import io.kontiki.v1.Broker;
import io.kontiki.v1.PartitionDescription;
import io.kontiki.v1.TopicDescription;
import io.kontiki.v1.WatchClusterResponse;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Who leads what, as the watch has told so far. Immutable; pure.
 *
 * @param clusterId empty: not known
 * @param metadataIndex that it has reached
 * @param brokers their gRPC addresses, by id
 * @param away ids of those that serve nobody at the moment: fenced, or about to stop
 * @param topics by name
 * @param known topics of which it is known whether they exist
 */
record ClusterView(
    String clusterId,
    long metadataIndex,
    Map<Integer, Endpoint> brokers,
    Set<Integer> away,
    Map<String, TopicView> topics,
    Set<String> known) {
  /** Nothing is known. */
  static final ClusterView EMPTY =
      new ClusterView("", -1, new TreeMap<>(), new TreeSet<>(), new TreeMap<>(), new TreeSet<>());

  ClusterView {
    brokers = Collections.unmodifiableMap(new TreeMap<>(brokers));
    away = Collections.unmodifiableSet(new TreeSet<>(away));
    topics = Collections.unmodifiableMap(new TreeMap<>(topics));
    known = Collections.unmodifiableSet(new TreeSet<>(known));
  }

  /**
   * A topic.
   *
   * @param maxBatchBytes that it takes, {@code max.message.bytes}
   * @param partitions by number
   */
  record TopicView(TopicId id, String name, int maxBatchBytes, List<PartitionView> partitions) {
    TopicView {
      partitions = List.copyOf(partitions);
    }
  }

  /**
   * A partition.
   *
   * @param leaderId null: nobody leads
   */
  record PartitionView(int partition, @Nullable Integer leaderId, int leaderEpoch) {}

  /** A topic by name; null: it does not exist, or it is not known yet. */
  @Nullable TopicView topic(String name) {
    return topics.get(name);
  }

  /** False only if both name their clusters: one that is being formed has no name yet. */
  boolean isOfSameCluster(ClusterView other) {
    return clusterId.isEmpty() || other.clusterId.isEmpty() || clusterId.equals(other.clusterId);
  }

  /**
   * Whether this is news about the same cluster: a broker that is behind another must not take the
   * client back (rule M22).
   */
  boolean replaces(ClusterView older) {
    return metadataIndex > older.metadataIndex
        || (metadataIndex == older.metadataIndex && !known.equals(older.known));
  }

  /** Addresses of the brokers that serve, as far as is known. */
  List<Endpoint> serving() {
    return brokers.entrySet().stream()
        .filter(broker -> !away.contains(broker.getKey()))
        .map(Map.Entry::getValue)
        .toList();
  }

  /** Whether it is certain that there is no topic of this name. */
  boolean isMissing(String name) {
    return known.contains(name) && !topics.containsKey(name);
  }

  /** The leader with its address; null: nobody leads, or its address is not known. */
  @Nullable Leader leader(PartitionView partition) {
    Integer id = partition.leaderId();
    Endpoint endpoint = id == null ? null : brokers.get(id);
    return id == null || endpoint == null
        ? null
        : new Leader(id, endpoint, partition.leaderEpoch());
  }

  /**
   * The view after one message of a watch.
   *
   * @param base with a snapshot, what it builds on is nothing
   * @param watched the topics of the stream
   */
  static ClusterView apply(ClusterView base, WatchClusterResponse message, Set<String> watched) {
    ClusterView from = message.getSnapshot() ? EMPTY : base;
    Map<Integer, Endpoint> brokers = new TreeMap<>(from.brokers);
    Set<Integer> away = new TreeSet<>(from.away);
    for (Broker broker : message.getBrokersList()) {
      if (!broker.getGrpcAddress().isEmpty()) {
        brokers.put(broker.getBrokerId(), Endpoint.parse(broker.getGrpcAddress()));
      }
      away.remove(broker.getBrokerId());
      switch (broker.getState()) {
        case BROKER_STATE_FENCED, BROKER_STATE_FENCED_BY_OPERATOR, BROKER_STATE_STOPPING ->
            away.add(broker.getBrokerId());
        default -> {}
      }
    }
    message.getRemovedBrokerIdsList().forEach(brokers::remove);
    message.getRemovedBrokerIdsList().forEach(away::remove);

    Map<String, TopicView> topics = new TreeMap<>(from.topics);
    Set<TopicId> removed = new TreeSet<>();
    message.getRemovedTopicIdsList().forEach(id -> removed.add(TopicId.parse(id)));
    topics.values().removeIf(topic -> removed.contains(topic.id()));
    for (TopicDescription description : message.getTopicsList()) {
      topics.merge(description.getName(), topicOf(description), ClusterView::merge);
    }
    return new ClusterView(
        message.getClusterId().isEmpty() ? from.clusterId : message.getClusterId(),
        message.getMetadataIndex(),
        brokers,
        away,
        topics,
        message.getComplete() ? watched : from.known);
  }

  /** In a change only partitions that changed are there. */
  private static TopicView merge(TopicView old, TopicView change) {
    if (!old.id().equals(change.id())) {
      return change;
    }
    Map<Integer, PartitionView> partitions = new TreeMap<>();
    old.partitions().forEach(partition -> partitions.put(partition.partition(), partition));
    change.partitions().forEach(partition -> partitions.put(partition.partition(), partition));
    return new TopicView(
        change.id(), change.name(), change.maxBatchBytes(), List.copyOf(partitions.values()));
  }

  private static TopicView topicOf(TopicDescription description) {
    Map<Integer, PartitionView> partitions = new TreeMap<>();
    for (PartitionDescription partition : description.getPartitionsList()) {
      partitions.put(
          partition.getPartition(),
          new PartitionView(
              partition.getPartition(),
              partition.hasLeader() ? partition.getLeader() : null,
              partition.getLeaderEpoch()));
    }
    return new TopicView(
        TopicId.parse(description.getTopicId()),
        description.getName(),
        maxBatchBytes(description.getConfigMap()),
        List.copyOf(partitions.values()));
  }

  private static int maxBatchBytes(Map<String, String> config) {
    String text = config.getOrDefault("max.message.bytes", "");
    // What is not among the settings has its built-in default.
    return text.matches("[0-9]{1,9}")
        ? Integer.parseInt(text)
        : TopicConfig.DEFAULT.maxMessageBytes();
  }
}
