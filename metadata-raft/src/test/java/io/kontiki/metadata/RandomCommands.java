package io.kontiki.metadata;

import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** Commands of every kind: good, late and senseless ones. */
final class RandomCommands {
  private static final int BROKERS = 5;

  private RandomCommands() {}

  /** A command that may follow on the image, or may not. */
  static MetadataCommand next(ClusterImage image, Random random) {
    int broker = 1 + random.nextInt(BROKERS);
    BrokerImage registered = image.brokers().get(broker);
    long epoch = registered == null ? 3 : registered.epoch() - (random.nextInt(15) == 0 ? 1 : 0);
    switch (random.nextInt(28)) {
      case 0, 1 -> {
        Uid directory =
            random.nextInt(12) == 0
                ? new Uid(200, random.nextInt(100))
                : registered == null ? Cluster.directory(broker) : registered.directoryId();
        return new MetadataCommand.RegisterBroker(
            random.nextInt(1000),
            broker,
            random.nextInt(20) == 0 ? new Uid(4, 4) : Cluster.ID,
            directory,
            new Uid(9, random.nextLong()),
            Cluster.endpoints(broker),
            random.nextBoolean() ? epoch : -1,
            "1");
      }
      case 2, 3, 4, 5 -> {
        List<PartitionId> doubtful = new ArrayList<>();
        if (random.nextInt(4) == 0) {
          doubtful.add(somePartition(image, random));
        }
        return new MetadataCommand.UnfenceBroker(1, broker, epoch, doubtful);
      }
      case 6, 7 -> {
        return new MetadataCommand.FenceBroker(1, broker, epoch, "random");
      }
      case 8 -> {
        return random.nextInt(3) == 0
            ? new MetadataCommand.StopBroker(1, broker, epoch)
            : random.nextBoolean()
                ? new MetadataCommand.LimitCatchUp(
                    1, image.catchUpBytesPerSecond() - random.nextInt(2), random.nextInt(5) - 2)
                : new MetadataCommand.AllocateProducerIds(
                    1, random.nextBoolean(), random.nextInt(5));
      }
      case 9 -> {
        return create(random);
      }
      case 10 -> {
        PartitionId some = somePartition(image, random);
        return switch (random.nextInt(8)) {
          case 0 -> new MetadataCommand.DeleteTopic(1, some.topicId());
          case 6, 7 -> {
            PartitionImage there = image.partition(some);
            yield new MetadataCommand.MoveLeaders(
                1,
                List.of(
                    new MetadataCommand.LeaderMove(
                        some,
                        random.nextInt(BROKERS + 2),
                        there == null ? 0 : there.leaderEpoch() - random.nextInt(2),
                        there == null ? 0 : there.partitionEpoch())));
          }
          case 1 -> voters(image, random, broker, epoch);
          default ->
              new MetadataCommand.ConfirmDeletion(
                  1, broker, epoch, List.copyOf(image.tombstones().keySet()));
        };
      }
      case 11 -> {
        PartitionId id = somePartition(image, random);
        PartitionImage now = image.partition(id);
        if (now == null || now.leader() < 0) {
          return resign(broker, epoch, id, 0, 0, 1, false);
        }
        long leaderEpoch = image.brokers().get(now.leader()).epoch();
        return resign(
            now.leader(),
            leaderEpoch,
            id,
            now.leaderEpoch(),
            now.partitionEpoch(),
            random.nextInt(5),
            random.nextBoolean());
      }
      case 12 -> {
        List<MetadataCommand.LogEnd> ends = new ArrayList<>();
        for (TopicImage topic : image.topics().values()) {
          for (int i = 0; i < topic.partitions().size(); i++) {
            ends.add(
                new MetadataCommand.LogEnd(
                    new PartitionId(topic.id(), i), random.nextInt(5) - 1, random.nextInt(100)));
          }
        }
        return new MetadataCommand.ReportLogEnds(1, broker, epoch, ends);
      }
      case 13 -> {
        return alterConfig(image, random);
      }
      case 14 -> {
        return addPartitions(image, random);
      }
      case 18, 19 -> {
        return reassign(image, random);
      }
      case 20, 21 -> {
        List<MetadataCommand.PartitionAt> all = new ArrayList<>();
        for (TopicImage topic : image.topics().values()) {
          for (int i = 0; i < topic.partitions().size(); i++) {
            int at = topic.partitions().get(i).partitionEpoch() - random.nextInt(8) / 7;
            all.add(new MetadataCommand.PartitionAt(new PartitionId(topic.id(), i), at));
          }
        }
        return new MetadataCommand.FinishReassignments(1, all);
      }
      case 22 -> {
        PartitionId id = somePartition(image, random);
        PartitionImage now = image.partition(id);
        return new MetadataCommand.ElectUnclean(
            1,
            new MetadataCommand.PartitionAt(
                id, now == null ? 0 : now.partitionEpoch() - random.nextInt(10) / 9),
            random.nextInt(10) == 0 ? " " : "test");
      }
      case 23 -> {
        int wishes = registered == null ? 1 : registered.wishes();
        boolean ends = registered == null || registered.wish() != BrokerImage.Wish.NONE;
        // More often ended than begun, or soon nobody is left to lead.
        boolean next = ends || random.nextInt(3) == 0;
        BrokerImage.Wish[] all = BrokerImage.Wish.values();
        return new MetadataCommand.WishBroker(
            1,
            broker,
            ends && random.nextInt(3) > 0 ? BrokerImage.Wish.NONE : all[random.nextInt(all.length)],
            wishes + (next ? 1 : random.nextInt(3)),
            random.nextInt(4) == 0);
      }
      case 24 -> {
        return new MetadataCommand.RemoveBroker(
            1, broker, registered == null || random.nextInt(8) == 0 ? 1 : registered.epoch());
      }
      default -> {
        return alter(image, random, broker);
      }
    }
  }

  private static MetadataCommand voters(ClusterImage image, Random random, int broker, long epoch) {
    List<Integer> now = List.copyOf(image.voters().keySet());
    List<Integer> before = random.nextInt(6) == 0 ? List.of(1, 2) : now;
    int some = random.nextInt(BROKERS + 1);
    VoterImage voter = image.voters().get(some);
    return switch (random.nextInt(4)) {
      case 0 -> new MetadataCommand.AddVoter(1, broker, epoch, before);
      case 1 -> new MetadataCommand.RemoveVoter(1, some, before);
      default ->
          new MetadataCommand.AdmitVoter(
              1, some, voter == null ? null : voter.directoryId(), new Uid(3, random.nextInt(3)));
    };
  }

  private static MetadataCommand reassign(ClusterImage image, Random random) {
    List<MetadataCommand.Reassignment> moves = new ArrayList<>();
    for (int i = 0; i <= random.nextInt(8) / 6; i++) {
      PartitionId id = somePartition(image, random);
      PartitionImage now = image.partition(id);
      List<Integer> target = new ArrayList<>(List.of(1, 2, 3, 4, 5));
      Collections.shuffle(target, random);
      int replicas = now == null ? 1 : now.replicationFactor();
      if (random.nextInt(4) == 0) {
        replicas += random.nextInt(3) - 1;
      }
      target = target.subList(0, Math.max(0, Math.min(5, replicas)));
      if (random.nextInt(30) == 0) {
        target = List.of(1, 1);
      }
      if (now != null && now.reassigning() && random.nextInt(3) == 0) {
        target = now.original();
      }
      int epoch = now == null ? 0 : now.partitionEpoch() - random.nextInt(20) / 19;
      moves.add(new MetadataCommand.Reassignment(id, epoch, target));
    }
    return new MetadataCommand.ReassignPartitions(1, moves);
  }

  private static MetadataCommand create(Random random) {
    String name = "topic-" + random.nextInt(8);
    List<List<Integer>> assignments = new ArrayList<>();
    int replicas = 1 + random.nextInt(3);
    for (int i = 0; i <= random.nextInt(3); i++) {
      List<Integer> all = new ArrayList<>(List.of(1, 2, 3, 4, 5));
      Collections.shuffle(all, random);
      assignments.add(List.copyOf(all.subList(0, replicas)));
    }
    TreeMap<String, String> config = new TreeMap<>();
    if (random.nextBoolean()) {
      config.put("durability", "replicated");
    }
    if (random.nextInt(3) == 0) {
      config.put("min.insync.replicas", "1");
    }
    return new MetadataCommand.CreateTopic(
        1, new TopicId(1, random.nextInt(50)), name, config, assignments);
  }

  private static MetadataCommand alterConfig(ClusterImage image, Random random) {
    TopicId id = somePartition(image, random).topicId();
    TopicImage topic = image.topics().get(id);
    TreeMap<String, String> before =
        new TreeMap<>(topic == null ? new TreeMap<>() : topic.config());
    TreeMap<String, String> after = new TreeMap<>(before);
    switch (random.nextInt(4)) {
      case 0 -> after.put("retention.ms", String.valueOf(random.nextInt(3)));
      case 1 -> after.remove("min.insync.replicas");
      case 2 -> after.put("min.insync.replicas", String.valueOf(1 + random.nextInt(4)));
      default -> after.put("durability", "replicated");
    }
    if (random.nextInt(10) == 0) {
      before.put("segment.ms", "1");
    }
    return new MetadataCommand.AlterTopicConfig(1, id, before, after);
  }

  private static MetadataCommand addPartitions(ClusterImage image, Random random) {
    TopicId id = somePartition(image, random).topicId();
    TopicImage topic = image.topics().get(id);
    List<Integer> all = new ArrayList<>(List.of(1, 2, 3, 4, 5));
    Collections.shuffle(all, random);
    int replicas = topic == null ? 1 : topic.replicationFactor() + (random.nextInt(9) == 0 ? 1 : 0);
    int before = topic == null ? 1 : topic.partitions().size() - (random.nextInt(9) == 0 ? 1 : 0);
    return new MetadataCommand.AddPartitions(
        1, id, before, List.of(all.subList(0, Math.min(replicas, 5))));
  }

  private static MetadataCommand alter(ClusterImage image, Random random, int stranger) {
    PartitionId id = somePartition(image, random);
    PartitionImage now = image.partition(id);
    int leader = now == null || now.leader() < 0 ? stranger : now.leader();
    List<IsrMember> isr = new ArrayList<>();
    if (now != null) {
      for (int replica : now.replicas()) {
        BrokerImage member = image.brokers().get(replica);
        boolean mayJoin = member != null && member.unfenced() && random.nextInt(4) > 0;
        if (replica == leader || mayJoin || random.nextInt(8) == 0) {
          isr.add(new IsrMember(replica, member == null ? 1 : member.epoch()));
        }
      }
    }
    BrokerImage from = image.brokers().get(leader);
    IsrChange change =
        new IsrChange(
            id,
            now == null ? 0 : now.leaderEpoch() - (random.nextInt(20) == 0 ? 1 : 0),
            now == null ? 0 : now.partitionEpoch() - (random.nextInt(20) == 0 ? 1 : 0),
            isr);
    return new MetadataCommand.AlterPartitions(
        1, leader, from == null ? 1 : from.epoch(), List.of(change));
  }

  private static MetadataCommand resign(
      int broker,
      long epoch,
      PartitionId id,
      int leaderEpoch,
      int partitionEpoch,
      int successor,
      boolean damaged) {
    return new MetadataCommand.Resign(
        1,
        broker,
        epoch,
        List.of(
            new MetadataCommand.Farewell(
                new MetadataCommand.LeaderMove(id, successor, leaderEpoch, partitionEpoch),
                damaged)));
  }

  private static PartitionId somePartition(ClusterImage image, Random random) {
    List<TopicId> ids = List.copyOf(image.topics().keySet());
    return ids.isEmpty() || random.nextInt(20) == 0
        ? new PartitionId(new TopicId(77, 77), random.nextInt(3) - 1)
        : new PartitionId(ids.get(random.nextInt(ids.size())), random.nextInt(2));
  }
}
