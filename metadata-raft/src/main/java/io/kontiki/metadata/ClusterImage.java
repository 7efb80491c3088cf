package io.kontiki.metadata;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything the cluster has agreed on, as of one Raft index. Immutable and equal on every node
 * that has applied the same index; parts that a command does not touch are shared with the image
 * before, so that a change is found by comparing references.
 *
 * @param index of the last Raft entry applied, also one without a command; 0 before any
 * @param clusterId {@link Uid#NONE} until the cluster has formed
 * @param featureLevel what may be used of new formats and decisions
 * @param nextProducerId lowest id of the raw API (below 2^52) that was never handed out
 * @param nextThinProducerId the same of LogService (from 2^52)
 * @param catchUpBytesPerSecond most that each broker ships to replicas that come or catch up; 0: no
 *     limit, {@link #OWN_LIMIT}: each broker's own
 * @param logEnds what balanced recovery has been told of partitions that wait for it (rule R19)
 * @param groupShards Raft groups of consumer groups, fixed when the cluster forms; 0 until then
 */
public record ClusterImage(
    long index,
    Uid clusterId,
    int featureLevel,
    SortedMap<Integer, VoterImage> voters,
    SortedMap<Integer, BrokerImage> brokers,
    SortedMap<TopicId, TopicImage> topics,
    SortedMap<String, TopicId> topicNames,
    SortedMap<TopicId, Tombstone> tombstones,
    long nextProducerId,
    long nextThinProducerId,
    long catchUpBytesPerSecond,
    SortedMap<PartitionId, List<LogEndReport>> logEnds,
    int groupShards) {
  /** First id that LogService hands out (API README, section 1). */
  public static final long FIRST_THIN_PRODUCER_ID = 1L << 52;

  /** Of {@link #catchUpBytesPerSecond}: what a broker is configured to. */
  public static final long OWN_LIMIT = -1;

  /** Before the first command. */
  public static final ClusterImage EMPTY =
      new ClusterImage(
          0,
          Uid.NONE,
          0,
          new TreeMap<>(),
          new TreeMap<>(),
          new TreeMap<>(),
          new TreeMap<>(),
          new TreeMap<>(),
          0,
          FIRST_THIN_PRODUCER_ID,
          OWN_LIMIT,
          new TreeMap<>(),
          0);

  public ClusterImage {
    voters = Collections.unmodifiableSortedMap(voters);
    brokers = Collections.unmodifiableSortedMap(brokers);
    topics = Collections.unmodifiableSortedMap(topics);
    topicNames = Collections.unmodifiableSortedMap(topicNames);
    tombstones = Collections.unmodifiableSortedMap(tombstones);
    logEnds = Collections.unmodifiableSortedMap(logEnds);
  }

  /** Whether a cluster id has been committed. */
  public boolean formed() {
    return !clusterId.equals(Uid.NONE);
  }

  /** The topic that the name means now. */
  public @Nullable TopicImage topic(String name) {
    TopicId id = topicNames.get(name);
    return id == null ? null : topics.get(id);
  }

  /** The partition, if topic and partition exist. */
  public @Nullable PartitionImage partition(PartitionId id) {
    TopicImage topic = topics.get(id.topicId());
    if (topic == null || id.partition() < 0 || id.partition() >= topic.partitions().size()) {
      return null;
    }
    return topic.partitions().get(id.partition());
  }

  /** Whether the broker is registered and not fenced. */
  public boolean unfenced(int brokerId) {
    BrokerImage broker = brokers.get(brokerId);
    return broker != null && broker.unfenced();
  }

  /** The same state as of a later entry that brought no command. */
  public ClusterImage at(long laterIndex) {
    return new ClusterImage(
        laterIndex,
        clusterId,
        featureLevel,
        voters,
        brokers,
        topics,
        topicNames,
        tombstones,
        nextProducerId,
        nextThinProducerId,
        catchUpBytesPerSecond,
        logEnds,
        groupShards);
  }
}
