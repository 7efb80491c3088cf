package io.kontiki.kafka.api;

import io.kontiki.broker.api.Metadata;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** The cluster as Kafka clients see it: only brokers that they can reach. */
final class ClusterView {
  private static final int NONE = -1;
  private static final long CONFIRM_MS = 5_000;

  private final Metadata metadata;

  ClusterView(Metadata metadata) {
    this.metadata = metadata;
  }

  ClusterImage image() {
    return metadata.image();
  }

  /**
   * An image that the quorum has confirmed, before the answer that something does not exist (rule
   * P13).
   *
   * @param completion on the call's loop, within 5 s
   */
  void confirmed(Call call, Completion<Result<ClusterImage>> completion) {
    metadata.readLatest(call.within(CONFIRM_MS).answerByNanos(), call.unbounded().home(completion));
  }

  /** Brokers that serve Kafka clients, by id. */
  SortedMap<Integer, Endpoint> brokers(ClusterImage image) {
    SortedMap<Integer, Endpoint> reachable = new TreeMap<>();
    for (BrokerImage broker : image.brokers().values()) {
      Endpoint kafka = broker.endpoints().kafka();
      if (broker.unfenced() && kafka != null) {
        reachable.put(broker.id(), kafka);
      }
    }
    return reachable;
  }

  /** The broker that leads the metadata, if clients can reach it; else any that they can. */
  int controllerId(ClusterImage image) {
    SortedMap<Integer, Endpoint> brokers = brokers(image);
    int leader = metadata.quorum().leaderId();
    return brokers.containsKey(leader) ? leader : brokers.isEmpty() ? NONE : brokers.firstKey();
  }

  /**
   * A partition for clients.
   *
   * @param error NONE or why nobody can be asked
   * @param leader or -1
   * @param offline replicas that are down
   */
  record PartitionView(
      Errors error,
      int leader,
      int leaderEpoch,
      List<Integer> replicas,
      List<Integer> isr,
      List<Integer> offline) {}

  PartitionView partition(ClusterImage image, PartitionImage partition) {
    List<Integer> offline = new ArrayList<>();
    for (int replica : partition.replicas()) {
      if (!image.unfenced(replica)) {
        offline.add(replica);
      }
    }
    BrokerImage leader = image.brokers().get(partition.leader());
    boolean reachable = leader != null && leader.unfenced() && leader.endpoints().kafka() != null;
    return new PartitionView(
        reachable ? Errors.NONE : Errors.LEADER_NOT_AVAILABLE,
        reachable ? partition.leader() : NONE,
        partition.leaderEpoch(),
        partition.replicas(),
        partition.isr(),
        offline);
  }

  /** The partition of a topic by name, if both exist as far as this broker knows. */
  @Nullable PartitionId partition(String topic, int partition) {
    return partition(image(), topic, partition);
  }

  /** The same as far as an image knows. */
  static @Nullable PartitionId partition(ClusterImage image, String topic, int partition) {
    return known(image.topic(topic), partition);
  }

  /** The partition of a topic by id, if both exist as far as this broker knows. */
  @Nullable PartitionId partition(Uuid topic, int partition) {
    return known(image().topics().get(topicId(topic)), partition);
  }

  private static @Nullable PartitionId known(@Nullable TopicImage topic, int partition) {
    return topic == null || partition < 0 || partition >= topic.partitions().size()
        ? null
        : new PartitionId(topic.id(), partition);
  }

  /** Who leads a partition now. */
  record Leader(int id, int epoch, @Nullable Endpoint kafka) {}

  @Nullable Leader leader(PartitionId id) {
    ClusterImage image = image();
    PartitionImage partition = image.partition(id);
    if (partition == null || partition.leader() == PartitionImage.NO_LEADER) {
      return null;
    }
    BrokerImage broker = image.brokers().get(partition.leader());
    return new Leader(
        partition.leader(),
        partition.leaderEpoch(),
        broker == null ? null : broker.endpoints().kafka());
  }

  static TopicId topicId(Uuid id) {
    return new TopicId(id.getMostSignificantBits(), id.getLeastSignificantBits());
  }

  static Uuid uuid(TopicId id) {
    return new Uuid(id.high(), id.low());
  }
}
