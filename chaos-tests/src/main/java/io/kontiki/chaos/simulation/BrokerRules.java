package io.kontiki.chaos.simulation;

import io.kontiki.broker.partition.Partition;
import io.kontiki.metadata.ApplyResult;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.AlterPartitions;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What holds of brokers and in-sync sets, whatever records there are: nobody acts before it has
 * seen its own registration (R1) or behind its fence (R5), who joins an in-sync set has
 * acknowledged in that leader's epoch, in its present life (R11 to R13), what was refused once is
 * never applied (R17), leaders count all of the in-sync set (R9), and nobody is elected who cannot
 * lead or is about to stop (R7).
 */
final class BrokerRules {
  private final World world;
  private final TreeMap<Integer, Spoken> spoken = new TreeMap<>();
  private final Set<Change> refused = new HashSet<>();

  BrokerRules(World world) {
    this.world = world;
  }

  /** A change that a leader asked for, by the life of its broker. */
  private record Change(long brokerEpoch, IsrChange change) {}

  /** Each loop has its own numbers. */
  private record Asked(int loop, long subscription) {}

  /** What one process has said as a follower. */
  private static final class Spoken {
    private final SimProcess process;
    private final Map<Asked, SubscribeRequest> asked = new HashMap<>();
    private final TreeMap<PartitionId, Integer> acknowledged = new TreeMap<>();

    Spoken(SimProcess process) {
      this.process = process;
    }
  }

  /** A loop of a process says something to a leader. */
  void says(SimProcess process, int loop, ReplicationMessage message) {
    if (message instanceof ReplicationMessage.Subscribe subscribe) {
      Spoken by = spoken(process);
      subscribe.requests().forEach(one -> by.asked.put(new Asked(loop, one.subscription()), one));
    } else if (message instanceof ReplicationMessage.Acks acks) {
      Spoken by = spoken(process);
      for (ReplicationMessage.HeldEnd end : acks.ends()) {
        SubscribeRequest request = by.asked.get(new Asked(loop, end.subscription()));
        if (request != null) {
          by.acknowledged.merge(request.partition(), request.leaderEpoch(), Math::max);
        }
      }
    }
  }

  private Spoken spoken(SimProcess process) {
    Spoken known = spoken.get(process.machine());
    if (known == null || known.process != process) {
      known = new Spoken(process);
      spoken.put(process.machine(), known);
    }
    return known;
  }

  /** A command was applied for the first time. */
  void onApplied(ClusterImage before, MetadataCommand command, ApplyResult result) {
    if (command instanceof AlterPartitions alter
        && result.outcome() instanceof CommandOutcome.IsrOutcomes all) {
      for (int i = 0; i < all.outcomes().size(); i++) {
        onChange(new Change(alter.brokerEpoch(), alter.changes().get(i)), all.outcomes().get(i));
      }
    }
    ClusterImage after = result.image();
    if (before.brokers() != after.brokers()) {
      after
          .brokers()
          .values()
          .forEach(broker -> unfenced(before.brokers().get(broker.id()), broker));
    }
    if (before.topics() != after.topics()) {
      after
          .topics()
          .values()
          .forEach(
              topic -> {
                TopicImage was = before.topics().get(topic.id());
                joined(was, topic, after);
                elected(was, topic, after);
              });
    }
  }

  /** Nobody is elected who is fenced (R19) or about to stop (R7). */
  private static void elected(@Nullable TopicImage before, TopicImage topic, ClusterImage after) {
    for (int i = 0; i < topic.partitions().size(); i++) {
      int leader = topic.partitions().get(i).leader();
      int known =
          before == null || i >= before.partitions().size()
              ? PartitionImage.NO_LEADER
              : before.partitions().get(i).leader();
      if (leader == PartitionImage.NO_LEADER || leader == known) {
        continue;
      }
      BrokerImage broker = after.brokers().get(leader);
      if (broker == null || !broker.state().inService()) {
        throw new Violation(
            "R7", topic.name() + "-" + i + ": " + leader + " is elected, which is " + broker);
      }
    }
  }

  private void onChange(Change change, CommandOutcome.IsrOutcome outcome) {
    if (outcome.kind() == CommandOutcome.Kind.INELIGIBLE) {
      refused.add(change);
    } else if (outcome.kind() == CommandOutcome.Kind.APPLIED && refused.contains(change)) {
      throw new Violation("R17", "applied, and was refused before: " + change);
    }
  }

  private void unfenced(@Nullable BrokerImage before, BrokerImage broker) {
    SimProcess process = world.machine(broker.id()).process();
    if (broker.unfenced()
        && (before == null || !before.unfenced())
        && process != null
        && process.brokerEpoch() == broker.epoch()
        && process.metadata().image().index() < broker.epoch()) {
      throw new Violation(
          "R1",
          process.name()
              + " is unfenced in epoch "
              + broker.epoch()
              + ", and has applied "
              + process.metadata().image().index());
    }
  }

  private void joined(@Nullable TopicImage before, TopicImage topic, ClusterImage image) {
    if (before == null || before == topic) {
      return;
    }
    for (int i = 0; i < before.partitions().size() && i < topic.partitions().size(); i++) {
      PartitionImage was = before.partitions().get(i);
      PartitionImage now = topic.partitions().get(i);
      if (was.leaderEpoch() != now.leaderEpoch()) {
        continue; // an election; who is elected is looked at by R18
      }
      PartitionId id = new PartitionId(topic.id(), i);
      for (int member : now.isr()) {
        if (!was.isr().contains(member)) {
          joins(id, now, member, image);
        }
      }
    }
  }

  private void joins(PartitionId id, PartitionImage now, int member, ClusterImage image) {
    SimProcess process = world.machine(member).process();
    BrokerImage broker = image.brokers().get(member);
    if (process == null || broker == null || process.brokerEpoch() != broker.epoch()) {
      return; // its process is gone, which the metadata do not know yet
    }
    Integer epoch = spoken(process).acknowledged.get(id);
    if (epoch == null || epoch != now.leaderEpoch()) {
      throw new Violation(
          "R13",
          id
              + ": "
              + process.name()
              + " joins the ISR "
              + now.isr()
              + " in leader epoch "
              + now.leaderEpoch()
              + " and has acknowledged "
              + (epoch == null ? "nothing" : "in epoch " + epoch));
    }
  }

  /**
   * A leader counts every member of the in-sync set, also of one that it does not know yet: else it
   * commits without somebody who may be elected (R9, R13, R14, R16, R17).
   */
  void checkLeader(int broker, Partition partition, @Nullable PartitionImage state) {
    if (state == null
        || state.leader() != broker
        || state.leaderEpoch() != partition.assignment().state().leaderEpoch()) {
      return; // it leads no more, or does not know its new epoch yet
    }
    for (int member : state.isr()) {
      if (!partition.waitsFor(member)) {
        throw new Violation(
            "R9",
            partition.id()
                + ": the ISR is "
                + state.isr()
                + ", and leader "
                + broker
                + " does not count "
                + member);
      }
    }
  }

  /** Nobody who is fenced holds a lease (R5). */
  void check(SimProcess process, ClusterImage image) {
    BrokerImage broker = image.brokers().get(process.machine());
    if (broker != null
        && !broker.unfenced()
        && broker.epoch() == process.brokerEpoch()
        && process.holdsLease()) {
      throw new Violation("R5", process.name() + " is fenced and holds a lease");
    }
  }
}
