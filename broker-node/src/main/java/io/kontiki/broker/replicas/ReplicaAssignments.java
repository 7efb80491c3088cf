package io.kontiki.broker.replicas;

import io.kontiki.broker.partition.BrokerInfo;
import io.kontiki.broker.partition.Brokers;
import io.kontiki.broker.partition.PartitionAssignment;
import io.kontiki.config.TimestampType;
import io.kontiki.config.TopicConfig;
import io.kontiki.log.LogSettings;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.Tombstone;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.replication.IsrState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What changes for this broker's replicas from one image to the next. Acts on the resulting state,
 * whatever lay between (rule M8), and by topic id (rule R46). Begins with the first image that
 * shows this process's own registration (rule R1). Owned by the control loop.
 */
public final class ReplicaAssignments {
  private final int brokerId;
  private final SortedMap<PartitionId, PartitionImage> mine = new TreeMap<>();

  /** Whose logs are being deleted, with what they shall be again as soon as they are gone. */
  private final SortedMap<PartitionId, Optional<PartitionAssignment>> leaving = new TreeMap<>();

  private ClusterImage applied = ClusterImage.EMPTY;
  private long brokerEpoch = -1;

  /** Of this broker. */
  public ReplicaAssignments(int brokerId) {
    this.brokerId = brokerId;
  }

  /**
   * What to do.
   *
   * @param brokers of the image
   * @param changed replicas that are new or whose entry changed, but for those that still leave
   * @param removed replicas that this broker should not have any more, their topics still there
   * @param deleted topics whose deletion this broker has not confirmed (rule M20)
   */
  public record Change(
      Brokers brokers,
      List<PartitionAssignment> changed,
      List<PartitionId> removed,
      List<TopicId> deleted) {}

  /** This process was registered. */
  public void onRegistered(long epoch) {
    brokerEpoch = epoch;
  }

  /**
   * Compares an image with the one before.
   *
   * @return null: it does not show this process's registration yet
   */
  public @Nullable Change onImage(ClusterImage image) {
    BrokerImage self = image.brokers().get(brokerId);
    if (brokerEpoch < 0 || self == null || self.epoch() != brokerEpoch) {
      return null;
    }
    List<PartitionAssignment> changed = new ArrayList<>();
    TreeSet<PartitionId> removed = new TreeSet<>();
    for (TopicImage topic : image.topics().values()) {
      if (applied.topics().get(topic.id()) != topic) {
        compare(topic, changed, removed);
      }
    }
    mine.keySet().removeIf(id -> !image.topics().containsKey(id.topicId()));
    for (PartitionAssignment assignment : List.copyOf(changed)) {
      if (leaving.replace(assignment.id(), Optional.of(assignment)) != null) {
        changed.remove(assignment);
      }
    }
    leaving.replaceAll((id, again) -> mine.containsKey(id) ? again : Optional.empty());
    List<TopicId> deleted = new ArrayList<>();
    for (Tombstone tombstone : image.tombstones().values()) {
      if (tombstone.pendingBrokers().contains(brokerId)) {
        deleted.add(tombstone.id());
      }
    }
    applied = image;
    return new Change(brokers(image), changed, List.copyOf(removed), deleted);
  }

  /** The log of a replica is being deleted: nobody may open it before {@link #onGone}. */
  public void onLeaving(PartitionId id) {
    leaving.put(id, Optional.empty());
  }

  /**
   * It is gone.
   *
   * @return what the replica shall be again, if the metadata brought it back meanwhile
   */
  public Optional<PartitionAssignment> onGone(PartitionId id) {
    Optional<PartitionAssignment> again = leaving.remove(id);
    return again == null ? Optional.empty() : again;
  }

  private void compare(
      TopicImage topic, List<PartitionAssignment> changed, TreeSet<PartitionId> removed) {
    // One for all of a topic: ten thousand partitions share it.
    TopicConfig config = null;
    LogSettings settings = null;
    for (int number = 0; number < topic.partitions().size(); number++) {
      PartitionId id = new PartitionId(topic.id(), number);
      PartitionImage partition = topic.partitions().get(number);
      if (!partition.replicas().contains(brokerId)) {
        if (mine.remove(id) != null) {
          removed.add(id);
        }
        continue;
      }
      TopicImage before = applied.topics().get(topic.id());
      boolean sameSettings = before != null && before.config().equals(topic.config());
      if (mine.put(id, partition) == partition && sameSettings) {
        continue;
      }
      if (config == null || settings == null) {
        config = TopicConfig.of(topic.config());
        settings = logSettings(config);
      }
      changed.add(assignment(id, topic, partition, config, settings));
    }
  }

  private static PartitionAssignment assignment(
      PartitionId id,
      TopicImage topic,
      PartitionImage partition,
      TopicConfig config,
      LogSettings settings) {
    return new PartitionAssignment(
        id,
        topic.name(),
        state(partition),
        partition.replicas(),
        topic.minIsr(partition),
        settings,
        config.maxMessageBytes());
  }

  private static LogSettings logSettings(TopicConfig config) {
    return LogSettings.defaults(config.durability())
        .withSegments(config.segmentBytes(), config.segmentMs())
        .withAppendTime(config.timestampType() == TimestampType.LOG_APPEND_TIME)
        .withRetention(
            config.cleanupPolicy().deletes() ? config.retentionMs() : -1,
            config.cleanupPolicy().deletes() ? config.retentionBytes() : -1)
        .withCompaction(
            config.cleanupPolicy().compacts()
                ? new LogSettings.Compaction(
                    config.minCompactionLagMs(),
                    config.maxCompactionLagMs(),
                    config.deleteRetentionMs(),
                    config.minCleanableDirtyRatio())
                : null);
  }

  /** The part of an entry that replication knows. */
  static IsrState state(PartitionImage partition) {
    return new IsrState(
        partition.leader(),
        partition.leaderEpoch(),
        partition.partitionEpoch(),
        partition.isr(),
        partition.elr());
  }

  private Brokers brokers(ClusterImage image) {
    SortedMap<Integer, BrokerInfo> infos = new TreeMap<>();
    for (BrokerImage broker : image.brokers().values()) {
      infos.put(
          broker.id(),
          new BrokerInfo(
              broker.id(),
              broker.epoch(),
              broker.endpoints().replication(),
              broker.state().inService()));
    }
    return new Brokers(image.clusterId(), brokerId, brokerEpoch, infos);
  }
}
