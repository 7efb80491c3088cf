package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.metadata.codec.CommandOutcomeCodec;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.PartitionId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Random commands, good, late and senseless ones; what must hold holds after each. */
class MetadataMachinePropertyTest {
  private static final int STEPS = 250;
  private final TreeSet<String> outcomesSeen = new TreeSet<>();
  private int recoveries;
  private int finished;
  private int cancelled;
  private int unclean;

  @Test
  void whatMustHoldHoldsAfterEveryRandomCommand() throws IOException {
    int seeds = Integer.getInteger("kontiki.seeds", 100);
    for (long seed = 0; seed < seeds; seed++) {
      try {
        run(seed, STEPS);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    // A loop that never reaches a decision tests nothing.
    assertTrue(
        outcomesSeen.containsAll(
            List.of(
                "APPLIED",
                "BROKER_ALIVE",
                "BROKER_NOT_FOUND",
                "Done",
                "FENCED",
                "INELIGIBLE",
                "LEADER_EXISTS",
                "NO_ELIGIBLE_LEADER",
                "NOT_ENOUGH_REPLICAS",
                "Number",
                "STALE",
                "TOPIC_EXISTS",
                "WOULD_LOSE_DATA")),
        outcomesSeen::toString);
    assertTrue(finished > 5 && cancelled > 10, finished + " finished, " + cancelled + " cancelled");
    assertTrue(unclean > 0, "no unclean election happened");
    assertTrue(recoveries > 0, "no balanced recovery happened");
  }

  /** One seed, for whoever looks for what this test notices. */
  static void playSeed(long seed) throws IOException {
    new MetadataMachinePropertyTest().run(seed, STEPS);
  }

  private void run(long seed, int steps) throws IOException {
    Random random = new Random(seed);
    ClusterImage image = Cluster.formed(3).image();
    ClusterImage replayed = image;
    List<MetadataCommand> sent = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      MetadataCommand command =
          !sent.isEmpty() && random.nextInt(10) == 0
              ? sent.get(random.nextInt(sent.size())) // a late copy (M2)
              : RandomCommands.next(image, random);
      sent.add(command);
      long index = image.index() + 1 + random.nextInt(2);
      ApplyResult result = MetadataMachine.apply(image, index, command);
      recoveries += result.recovered().size();
      note(result.outcome());
      count(image, result, command);
      check(image, result.image(), command);
      MetadataCommand copy =
          MetadataCommandCodec.decode(index, MetadataCommandCodec.encode(command));
      assertEquals(command, copy);
      assertEquals(
          result.outcome(),
          CommandOutcomeCodec.decode(CommandOutcomeCodec.encode(result.outcome())));
      replayed = MetadataMachine.apply(replayed, index, copy).image();
      image = result.image();
      if (step % 25 == 0) {
        image = roundTrip(image);
      }
    }
    assertEquals(ClusterImageCodec.digest(image), ClusterImageCodec.digest(replayed));
  }

  private static ClusterImage roundTrip(ClusterImage image) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ClusterImageCodec.write(image, out);
    ClusterImage read = ClusterImageCodec.read(new ByteArrayInputStream(out.toByteArray()));
    assertEquals(image, read);
    assertEquals(ClusterImageCodec.digest(image), ClusterImageCodec.digest(read));
    return read;
  }

  private void note(CommandOutcome outcome) {
    if (outcome instanceof CommandOutcome.Rejected rejected) {
      outcomesSeen.add(rejected.error().reason().name());
    } else if (outcome instanceof CommandOutcome.IsrOutcomes isr) {
      isr.outcomes().forEach(one -> outcomesSeen.add(one.kind().name()));
    } else {
      outcomesSeen.add(outcome.getClass().getSimpleName());
    }
  }

  private void count(ClusterImage before, ApplyResult result, MetadataCommand command) {
    boolean done = !(result.outcome() instanceof CommandOutcome.Rejected);
    if (command instanceof MetadataCommand.FinishReassignments
        && result.outcome() instanceof CommandOutcome.Number number) {
      finished += (int) number.value();
    } else if (command instanceof MetadataCommand.ReassignPartitions reassign && done) {
      PartitionImage was = before.partition(reassign.moves().get(0).partition());
      cancelled += was != null && was.original().equals(reassign.moves().get(0).replicas()) ? 1 : 0;
    } else if (command instanceof MetadataCommand.ElectUnclean && done) {
      unclean++;
    }
  }

  private static void check(ClusterImage before, ClusterImage after, MetadataCommand command) {
    for (TopicImage topic : after.topics().values()) {
      assertEquals(topic.id(), after.topicNames().get(topic.name()));
      TopicImage oldTopic = before.topics().get(topic.id());
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage now = topic.partitions().get(i);
        checkEntry(after, topic, now, command);
        if (oldTopic != null) {
          if (i < oldTopic.partitions().size()) {
            PartitionImage was = oldTopic.partitions().get(i);
            checkStep(was, now, command, topic.minIsr(now) > oldTopic.minIsr(was));
            checkReplicas(topic, was, now, command);
          }
        }
      }
    }
    assertEquals(after.topics().size(), after.topicNames().size());
    for (BrokerImage broker : after.brokers().values()) {
      assertTrue(
          !broker.wish().fences() || !broker.state().inService(), broker + " after " + command);
      assertEquals(
          broker.state().inService() && broker.wish().drains(),
          broker.state() == BrokerImage.State.DRAINING,
          broker + " after " + command);
    }
    for (Tombstone tombstone : after.tombstones().values()) {
      assertTrue(
          !tombstone.pendingBrokers().isEmpty() && !after.topics().containsKey(tombstone.id()));
    }
    for (PartitionId id : after.logEnds().keySet()) {
      PartitionImage waiting = after.partition(id);
      assertTrue(waiting != null && waiting.leader() == PartitionImage.NO_LEADER, id.toString());
    }
  }

  private static void checkEntry(
      ClusterImage image, TopicImage topic, PartitionImage now, MetadataCommand command) {
    String what = now + " after " + command;
    assertTrue(now.replicas().containsAll(now.isr()), what);
    assertTrue(Collections.disjoint(now.isr(), now.elr()), what);
    assertTrue(Collections.disjoint(now.isr(), now.lastKnownElr()), what);
    assertTrue(Collections.disjoint(now.elr(), now.lastKnownElr()), what);
    assertTrue(now.replicas().containsAll(now.original()), "R34: " + what);
    assertEquals(new TreeSet<>(now.replicas()).size(), now.replicas().size(), what);
    assertTrue(Collections.disjoint(now.target(), now.removing()), what);
    assertTrue(now.target().containsAll(now.adding()) && !now.target().isEmpty(), what);
    assertTrue(Collections.disjoint(now.original(), now.adding()), what);
    assertEquals(
        now.reassigning(), !now.adding().isEmpty() || !now.removing().isEmpty(), "R34: " + what);
    if (now.isr().size() >= topic.minIsr(now)) {
      assertTrue(now.elr().isEmpty() && now.lastKnownElr().isEmpty(), "R18: " + what);
    }
    for (int member : now.isr()) {
      assertTrue(image.unfenced(member), "fenced broker in the ISR: " + what);
    }
    if (now.leader() != PartitionImage.NO_LEADER) {
      assertTrue(now.isr().contains(now.leader()), what);
    } else {
      for (int member : now.isr()) {
        assertTrue(
            image.brokers().get(member).state() == BrokerImage.State.STOPPING,
            "R19: no leader though " + member + " can lead: " + what);
      }
      if (now.isr().isEmpty()) {
        for (int member : now.elr()) {
          BrokerImage broker = image.brokers().get(member);
          assertTrue(broker.state() != BrokerImage.State.ACTIVE, "R19: " + what);
        }
      }
    }
  }

  private static void checkStep(
      PartitionImage was, PartitionImage now, MetadataCommand command, boolean raised) {
    String what = was + " -> " + now + " by " + command;
    if (was == now) {
      return;
    }
    assertEquals(was.partitionEpoch() + 1, now.partitionEpoch(), what);
    // R18: whoever leads learns of a greater min ISR before it can change its in-sync set.
    boolean sameLeader = was.leader() == now.leader();
    boolean shrunk = !now.replicas().containsAll(was.replicas());
    int elected = sameLeader && !shrunk && !(raised && was.leader() >= 0) ? 0 : 1;
    assertEquals(was.leaderEpoch() + elected, now.leaderEpoch(), what);
    boolean hadCandidates =
        !was.isr().isEmpty() || !was.elr().isEmpty() || !was.lastKnownElr().isEmpty();
    boolean has = !now.isr().isEmpty() || !now.elr().isEmpty() || !now.lastKnownElr().isEmpty();
    boolean diskGone = command instanceof MetadataCommand.RegisterBroker;
    assertTrue(!hadCandidates || has || diskGone, "the last candidate vanished: " + what);
    // Nobody becomes a candidate but by an in-sync set (R18) or by balanced recovery (R19).
    List<Integer> old = new ArrayList<>(was.isr());
    old.addAll(was.elr());
    if (!(command instanceof MetadataCommand.ReportLogEnds)
        && !(command instanceof MetadataCommand.RegisterBroker)) {
      List<Integer> fresh = new ArrayList<>(now.isr());
      fresh.addAll(now.elr());
      fresh.removeAll(old);
      assertTrue(
          fresh.isEmpty()
              || command instanceof MetadataCommand.AlterPartitions
              || command instanceof MetadataCommand.ElectUnclean,
          what);
    }
  }

  /** R34: grow, catch up, shrink; never below min ISR, never into the in-sync set. */
  private static void checkReplicas(
      TopicImage topic, PartitionImage was, PartitionImage now, MetadataCommand command) {
    String what = was + " -> " + now + " by " + command;
    if (command instanceof MetadataCommand.ReassignPartitions) {
      assertEquals(was.isr(), now.isr(), what);
    }
    if (!now.replicas().containsAll(was.replicas())) {
      assertTrue(command instanceof MetadataCommand.FinishReassignments, what);
      assertEquals(was.target(), now.replicas(), what);
      assertTrue(now.isr().containsAll(was.adding()), what);
      assertTrue(was.isr().containsAll(now.isr()), what);
      assertTrue(now.isr().size() >= topic.minIsr(now), what);
      assertTrue(now.isr().size() >= Math.min(topic.minIsr(was), now.replicas().size()), what);
      assertEquals(was.leader(), now.leader(), what);
      assertTrue(topic.former().containsAll(was.removing()), what);
    }
    if (command instanceof MetadataCommand.ElectUnclean && was != now) {
      assertTrue(was.leader() < 0 && now.isr().equals(List.of(now.leader())), what);
      assertTrue(now.elr().isEmpty() && now.lastKnownElr().isEmpty(), what);
    }
  }
}
