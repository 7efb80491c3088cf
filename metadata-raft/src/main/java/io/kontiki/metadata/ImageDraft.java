package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The image while one command changes it: copies a part on its first change, shares the rest. Not
 * thread-safe; lives as long as the command.
 */
final class ImageDraft {
  private final ClusterImage before;
  private final long index;
  private Uid clusterId;
  private int featureLevel;
  private SortedMap<Integer, VoterImage> voters;
  private SortedMap<Integer, BrokerImage> brokers;
  private SortedMap<TopicId, TopicImage> topics;
  private SortedMap<String, TopicId> topicNames;
  private SortedMap<TopicId, Tombstone> tombstones;
  private long nextProducerId;
  private long nextThinProducerId;
  private long catchUpBytesPerSecond;
  private SortedMap<PartitionId, List<LogEndReport>> logEnds;
  private int groupShards;
  // Folded into the topics at the end: a command may change thousands of partitions of one topic.
  private final TreeMap<TopicId, PartitionImage[]> changed = new TreeMap<>();
  private final TreeMap<TopicId, TreeSet<Integer>> former = new TreeMap<>();
  private final List<PartitionId> recovered = new ArrayList<>();

  ImageDraft(ClusterImage before, long index) {
    this.before = before;
    this.index = index;
    clusterId = before.clusterId();
    featureLevel = before.featureLevel();
    voters = before.voters();
    brokers = before.brokers();
    topics = before.topics();
    topicNames = before.topicNames();
    tombstones = before.tombstones();
    nextProducerId = before.nextProducerId();
    nextThinProducerId = before.nextThinProducerId();
    catchUpBytesPerSecond = before.catchUpBytesPerSecond();
    logEnds = before.logEnds();
    groupShards = before.groupShards();
  }

  /** The image before the command; what this draft changed is not in it. */
  ClusterImage before() {
    return before;
  }

  /** Of the command's entry. */
  long index() {
    return index;
  }

  void form(Uid id, int level, int shards) {
    clusterId = id;
    featureLevel = level;
    groupShards = shards;
  }

  void put(VoterImage voter) {
    voters = owned(voters, before.voters());
    voters.put(voter.id(), voter);
  }

  void removeVoter(int voterId) {
    voters = owned(voters, before.voters());
    voters.remove(voterId);
  }

  void put(BrokerImage broker) {
    brokers = owned(brokers, before.brokers());
    brokers.put(broker.id(), broker);
  }

  /** Nothing waits for its disk any more: neither tombstones nor topics that left it (M20). */
  void remove(BrokerImage broker) {
    brokers = owned(brokers, before.brokers());
    brokers.remove(broker.id());
    dropLogEnds(broker.id());
    for (Tombstone tombstone : before.tombstones().values()) {
      if (tombstone.pendingBrokers().contains(broker.id())) {
        put(
            new Tombstone(
                tombstone.id(),
                tombstone.name(),
                without(tombstone.pendingBrokers(), broker.id())));
      }
    }
    for (TopicImage topic : before.topics().values()) {
      if (topic.former().contains(broker.id())) {
        put(
            new TopicImage(
                topic.id(),
                topic.name(),
                topic.config(),
                topic.partitions(),
                without(topic.former(), broker.id())));
      }
    }
  }

  private static List<Integer> without(List<Integer> ids, int gone) {
    return ids.stream().filter(id -> id != gone).toList();
  }

  /** What the broker may do now; FENCED if it is not registered. */
  State state(int brokerId) {
    BrokerImage broker = brokers.get(brokerId);
    return broker == null ? State.FENCED : broker.state();
  }

  void put(TopicImage topic) {
    topics = owned(topics, before.topics());
    topicNames = owned(topicNames, before.topicNames());
    topics.put(topic.id(), topic);
    topicNames.put(topic.name(), topic.id());
  }

  void remove(TopicImage topic) {
    topics = owned(topics, before.topics());
    topicNames = owned(topicNames, before.topicNames());
    topics.remove(topic.id());
    topicNames.remove(topic.name());
    for (int i = 0; i < topic.partitions().size(); i++) {
      dropLogEnds(new PartitionId(topic.id(), i));
    }
  }

  void put(Tombstone tombstone) {
    tombstones = owned(tombstones, before.tombstones());
    if (tombstone.pendingBrokers().isEmpty()) {
      tombstones.remove(tombstone.id());
    } else {
      tombstones.put(tombstone.id(), tombstone);
    }
  }

  void limitCatchUp(long bytesPerSecond) {
    catchUpBytesPerSecond = bytesPerSecond;
  }

  long takeProducerIds(boolean thin, int count) {
    long first = thin ? nextThinProducerId : nextProducerId;
    if (thin) {
      nextThinProducerId += count;
    } else {
      nextProducerId += count;
    }
    return first;
  }

  /** The partition as this command has left it so far. */
  @Nullable PartitionImage partition(PartitionId id) {
    PartitionImage[] own = changed.get(id.topicId());
    if (own != null && id.partition() >= 0 && id.partition() < own.length) {
      return own[id.partition()];
    }
    return before.partition(id);
  }

  /** Changes one partition that exists, then elects (R19); gives the result. */
  PartitionImage change(PartitionId id, PartitionChange change, PartitionImage old) {
    change.elect(this::state);
    change.recover(logEnds.getOrDefault(id, List.of()), this::state);
    PartitionImage after = change.build();
    if (after == old) {
      return old;
    }
    if (change.recovered()) {
      recovered.add(id);
    }
    if (!change.awaitsRecovery()) {
      dropLogEnds(id);
    }
    changed.computeIfAbsent(id.topicId(), this::partitionsOf)[id.partition()] = after;
    return after;
  }

  private PartitionImage[] partitionsOf(TopicId topic) {
    return Objects.requireNonNull(before.topics().get(topic))
        .partitions()
        .toArray(PartitionImage[]::new);
  }

  /** Changes all partitions that the filter takes, in order, and elects in each (R19, R42). */
  void changeAll(Predicate<PartitionImage> filter, BiConsumer<TopicImage, PartitionChange> how) {
    for (TopicImage topic : before.topics().values()) {
      PartitionImage[] own = changed.get(topic.id());
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage old = own == null ? topic.partitions().get(i) : own[i];
        if (!filter.test(old)) {
          continue;
        }
        PartitionChange change = new PartitionChange(old, topic.minIsr(old));
        how.accept(topic, change);
        change(new PartitionId(topic.id(), i), change, old);
      }
    }
  }

  /** These are no replicas of the topic's partition any more, but may have its data (M20). */
  void noteFormer(TopicId topic, List<Integer> gone) {
    former.computeIfAbsent(topic, id -> new TreeSet<>()).addAll(gone);
  }

  private List<Integer> former(TopicImage topic) {
    TreeSet<Integer> more = former.get(topic.id());
    if (more == null) {
      return topic.former();
    }
    more.addAll(topic.former());
    return List.copyOf(more);
  }

  void putLogEnd(PartitionId id, LogEndReport report) {
    logEnds = owned(logEnds, before.logEnds());
    List<LogEndReport> reports = new ArrayList<>(logEnds.getOrDefault(id, List.of()));
    reports.removeIf(other -> other.brokerId() == report.brokerId());
    reports.add(report);
    reports.sort((a, b) -> Integer.compare(a.brokerId(), b.brokerId()));
    logEnds.put(id, List.copyOf(reports));
  }

  /** What a broker reported ends with its fence: the log may change before it is back. */
  void dropLogEnds(int brokerId) {
    for (PartitionId id : List.copyOf(logEnds.keySet())) {
      List<LogEndReport> rest = new ArrayList<>(logEnds.get(id));
      if (rest.removeIf(report -> report.brokerId() == brokerId)) {
        logEnds = owned(logEnds, before.logEnds());
        if (rest.isEmpty()) {
          logEnds.remove(id);
        } else {
          logEnds.put(id, List.copyOf(rest));
        }
      }
    }
  }

  private void dropLogEnds(PartitionId id) {
    if (logEnds.containsKey(id)) {
      logEnds = owned(logEnds, before.logEnds());
      logEnds.remove(id);
    }
  }

  /** What balanced recovery has been told of a partition. */
  List<LogEndReport> logEnds(PartitionId id) {
    return logEnds.getOrDefault(id, List.of());
  }

  List<PartitionId> recovered() {
    return recovered;
  }

  ClusterImage build() {
    for (var entry : changed.entrySet()) {
      TopicImage old = topics.get(entry.getKey());
      if (old != null) {
        topics = owned(topics, before.topics());
        topics.put(
            old.id(),
            new TopicImage(
                old.id(), old.name(), old.config(), Arrays.asList(entry.getValue()), former(old)));
      }
    }
    return new ClusterImage(
        index,
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

  private static <K, V> SortedMap<K, V> owned(SortedMap<K, V> now, SortedMap<K, V> original) {
    return now == original ? new TreeMap<>(original) : now;
  }
}
