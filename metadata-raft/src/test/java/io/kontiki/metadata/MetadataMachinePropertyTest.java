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
  private final TreeSet<String> outcomesSeen = new TreeSet<>();
  private int recoveries;

  @Test
  void whatMustHoldHoldsAfterEveryRandomCommand() throws IOException {
    int seeds = Integer.getInteger("kontiki.seeds", 100);
    for (long seed = 0; seed < seeds; seed++) {
      try {
        run(seed, 250);
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
                "NOT_ENOUGH_REPLICAS",
                "Number",
                "STALE",
                "TOPIC_EXISTS")),
        outcomesSeen::toString);
    assertTrue(recoveries > 0, "no balanced recovery happened");
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

  private static void check(ClusterImage before, ClusterImage after, MetadataCommand command) {
    for (TopicImage topic : after.topics().values()) {
      assertEquals(topic.id(), after.topicNames().get(topic.name()));
      TopicImage oldTopic = before.topics().get(topic.id());
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage now = topic.partitions().get(i);
        checkEntry(after, topic, now, command);
        if (oldTopic != null) {
          if (i < oldTopic.partitions().size()) {
            checkStep(
                oldTopic.partitions().get(i), now, command, topic.minIsr() > oldTopic.minIsr());
          }
        }
      }
    }
    assertEquals(after.topics().size(), after.topicNames().size());
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
    if (now.isr().size() >= topic.minIsr()) {
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
    int elected = sameLeader && !(raised && was.leader() >= 0) ? 0 : 1;
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
      assertTrue(fresh.isEmpty() || command instanceof MetadataCommand.AlterPartitions, what);
    }
  }
}
