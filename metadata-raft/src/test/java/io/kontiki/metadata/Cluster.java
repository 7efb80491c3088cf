package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.CommandOutcome.IsrOutcome;
import io.kontiki.metadata.CommandOutcome.IsrOutcomes;
import io.kontiki.metadata.CommandOutcome.Number;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A cluster's metadata under test: applies commands one after another. */
public final class Cluster {
  public static final Uid ID = new Uid(7, 7);
  private ClusterImage image = ClusterImage.EMPTY;
  private ApplyResult last = new ApplyResult(image, new CommandOutcome.Done(), List.of());
  private long incarnations;

  /** Formed, with voters 1 to n, nobody registered. */
  public static Cluster formed(int voters) {
    Cluster cluster = new Cluster();
    List<VoterImage> list = new ArrayList<>();
    for (int id = 1; id <= voters; id++) {
      list.add(new VoterImage(id, new Endpoint("host", 7600 + id), directory(id)));
    }
    cluster.apply(new MetadataCommand.FormCluster(1, ID, 1, list, 1));
    return cluster;
  }

  /** Formed, brokers 1 to n active. */
  public static Cluster active(int brokers) {
    Cluster cluster = formed(Math.min(brokers, 3));
    for (int id = 1; id <= brokers; id++) {
      cluster.register(id);
      cluster.unfence(id);
    }
    return cluster;
  }

  public static Uid directory(int broker) {
    return new Uid(100, broker);
  }

  public static TopicId topicId(String name) {
    return new TopicId(5, name.hashCode());
  }

  public static Endpoints endpoints(int id) {
    Endpoint endpoint = new Endpoint("host" + id, 7600);
    return new Endpoints(endpoint, endpoint, endpoint, endpoint, null);
  }

  public CommandOutcome apply(MetadataCommand command) {
    last = MetadataMachine.apply(image, image.index() + 1, command);
    image = last.image();
    return last.outcome();
  }

  public ApplyResult last() {
    return last;
  }

  public ClusterImage image() {
    return image;
  }

  public long epoch(int broker) {
    return image.brokers().get(broker).epoch();
  }

  public PartitionImage partition(String topic) {
    return image.topic(topic).partitions().get(0);
  }

  public PartitionId id(String topic) {
    return new PartitionId(topicId(topic), 0);
  }

  public MetadataCommand.RegisterBroker registration(int broker, Uid directory, long cleanEpoch) {
    return new MetadataCommand.RegisterBroker(
        1, broker, ID, directory, new Uid(9, ++incarnations), endpoints(broker), cleanEpoch, "1");
  }

  /** A new process without a clean marker. */
  public CommandOutcome register(int broker) {
    return apply(registration(broker, directory(broker), -1));
  }

  /** A new process with a good clean marker. */
  public CommandOutcome registerClean(int broker) {
    return apply(registration(broker, directory(broker), epoch(broker)));
  }

  public CommandOutcome unfence(int broker, PartitionId... doubtful) {
    return apply(
        new MetadataCommand.UnfenceBroker(2, broker, epoch(broker), Arrays.asList(doubtful)));
  }

  public CommandOutcome fence(int broker) {
    return apply(new MetadataCommand.FenceBroker(3, broker, epoch(broker), "test"));
  }

  public CommandOutcome stop(int broker) {
    return apply(new MetadataCommand.StopBroker(4, broker, epoch(broker)));
  }

  public CommandOutcome create(String topic, Map<String, String> config, Integer... replicas) {
    return apply(
        new MetadataCommand.CreateTopic(
            5, topicId(topic), topic, new TreeMap<>(config), List.of(List.of(replicas))));
  }

  /** The leader proposes an in-sync set, knowing everything. */
  public IsrOutcome alter(String topic, Integer... isr) {
    PartitionImage now = partition(topic);
    return propose(topic, now.leader(), now.leaderEpoch(), now.partitionEpoch(), isr);
  }

  public IsrOutcome propose(
      String topic, int leader, int leaderEpoch, int partitionEpoch, Integer... isr) {
    List<IsrMember> members = new ArrayList<>();
    for (int member : isr) {
      members.add(new IsrMember(member, epoch(member)));
    }
    IsrChange change = new IsrChange(id(topic), leaderEpoch, partitionEpoch, members);
    CommandOutcome outcome =
        apply(new MetadataCommand.AlterPartitions(6, leader, epoch(leader), List.of(change)));
    return ((IsrOutcomes) outcome).outcomes().get(0);
  }

  public static String reason(CommandOutcome outcome) {
    return outcome instanceof Rejected rejected
        ? rejected.error().reason().name()
        : outcome.toString();
  }

  public static long number(CommandOutcome outcome) {
    return ((Number) outcome).value();
  }
}
