package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.ReassignmentDriver.Batch;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Reassignments under way, whatever happens meanwhile (R34, R5). */
class ReassignmentDriverTest {
  private static final long MS = 1_000_000;
  private static final TopicId TOPIC = new TopicId(3, 3);
  private static final int BROKERS = 6;
  private static final int PARTITIONS = 4;

  private ReassignmentDriver driver = new ReassignmentDriver();
  private ClusterImage image = ClusterImage.EMPTY;
  private long nowMs = -1_000_000;
  private long term = 4;

  /** What each broker has applied, and has told the present leader of the metadata. */
  private final Map<Integer, Long> applied = new TreeMap<>();

  private final Map<Integer, Long> told = new TreeMap<>();

  /** Index of the entry that took the leadership of a partition from a broker. */
  private final Map<PartitionId, Map<Integer, Long>> deposed = new TreeMap<>();

  private int finished;
  private int controllers;

  private ReassignmentDriverTest begin(Map<String, String> config) {
    List<VoterImage> voters = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      voters.add(new VoterImage(id, new Endpoint("h", id), new Uid(1, id)));
    }
    apply(new MetadataCommand.FormCluster(1, new Uid(7, 7), 1, voters, 1));
    for (int id = 1; id <= BROKERS; id++) {
      register(id);
      unfence(id);
    }
    List<List<Integer>> replicas = new ArrayList<>();
    for (int i = 0; i < PARTITIONS; i++) {
      replicas.add(List.of(i % 3 + 1, (i + 1) % 3 + 1, (i + 2) % 3 + 1));
    }
    apply(new MetadataCommand.CreateTopic(1, TOPIC, "t", new TreeMap<>(config), replicas));
    lead();
    return this;
  }

  private CommandOutcome apply(MetadataCommand command) {
    ClusterImage before = image;
    var result = MetadataMachine.apply(image, image.index() + 1, command);
    image = result.image();
    note(before, command);
    driver.onImage(image, now());
    return result.outcome();
  }

  private void note(ClusterImage before, MetadataCommand command) {
    TopicImage topic = image.topics().get(TOPIC);
    for (int i = 0; topic != null && i < topic.partitions().size(); i++) {
      PartitionId id = new PartitionId(TOPIC, i);
      PartitionImage was = before.partition(id);
      PartitionImage now = topic.partitions().get(i);
      if (was == null || was == now) {
        continue;
      }
      if (was.leader() >= 0 && was.leader() != now.leader()) {
        deposed.computeIfAbsent(id, key -> new TreeMap<>()).put(was.leader(), image.index());
      }
      String what = was + " -> " + now + " by " + command;
      assertTrue(now.replicas().containsAll(now.isr()), what);
      assertTrue(now.leader() < 0 || now.isr().contains(now.leader()), what);
      assertTrue(
          now.replicas().size() >= Math.min(was.replicationFactor(), was.target().size()), what);
      if (!now.replicas().containsAll(was.replicas())) {
        finished++;
        assertTrue(now.isr().size() >= topic.minIsr(now), "R34: " + what);
        for (int gone : was.removing()) {
          // P7: whoever led once knows that it leads no more before the others commit without it.
          long index = deposed.getOrDefault(id, Map.of()).getOrDefault(gone, 0L);
          assertTrue(
              !image.unfenced(gone) || applied.getOrDefault(gone, 0L) >= index,
              "R5: broker " + gone + " does not know of entry " + index + ": " + what);
        }
      }
    }
  }

  private void register(int id) {
    Endpoint at = new Endpoint("h" + id, 7601);
    BrokerImage old = image.brokers().get(id);
    apply(
        new MetadataCommand.RegisterBroker(
            1,
            id,
            image.clusterId(),
            new Uid(1, id),
            new Uid(2, image.index()),
            new Endpoints(at, at, at, at, null),
            old == null ? -1 : old.epoch(),
            "1"));
  }

  private void unfence(int id) {
    hear(id);
    apply(new MetadataCommand.UnfenceBroker(1, id, epoch(id), List.of()));
  }

  private void hear(int id) {
    applied.put(id, image.index());
    told.put(id, image.index());
  }

  private void lead() {
    told.clear();
    term++;
    controllers++;
    driver = new ReassignmentDriver();
    driver.onLeaderStart(term, image, now());
  }

  private long epoch(int broker) {
    return image.brokers().get(broker).epoch();
  }

  private Now now() {
    return new Now(nowMs * MS, nowMs);
  }

  private PartitionImage partition(int number) {
    return image.topics().get(TOPIC).partitions().get(number);
  }

  private CommandOutcome reassign(int number, List<Integer> replicas) {
    PartitionImage now = partition(number);
    Reassignment move =
        new Reassignment(new PartitionId(TOPIC, number), now.partitionEpoch(), replicas);
    return apply(new MetadataCommand.ReassignPartitions(1, List.of(move)));
  }

  /** The leader proposes all of its active replicas but some. */
  private void alter(int number, Random random, int leaveOut) {
    PartitionImage now = partition(number);
    if (now.leader() < 0) {
      return;
    }
    List<IsrMember> isr = new ArrayList<>();
    for (int replica : now.replicas()) {
      BrokerImage broker = image.brokers().get(replica);
      boolean active = broker.state().inService();
      if (replica == now.leader() || active && random.nextInt(100) >= leaveOut) {
        isr.add(new IsrMember(replica, broker.epoch()));
      }
    }
    apply(
        new MetadataCommand.AlterPartitions(
            1,
            now.leader(),
            epoch(now.leader()),
            List.of(
                new IsrChange(
                    new PartitionId(TOPIC, number),
                    now.leaderEpoch(),
                    now.partitionEpoch(),
                    isr))));
  }

  private Optional<Batch> tick() {
    nowMs += 50;
    return driver.onTick(
        broker -> image.unfenced(broker) ? told.getOrDefault(broker, 0L) : Long.MAX_VALUE, now());
  }

  private void end(Batch batch) {
    assertEquals(term, batch.term());
    apply(batch.command());
    driver.onProposed(batch.number(), now());
  }

  private void tickAndApply(int times) {
    for (int i = 0; i < times; i++) {
      tick().ifPresent(this::end);
    }
  }

  @Test
  void theLeaderMovesFirstAndWhoLedMustKnowItBeforeItIsTakenOutR5() {
    begin(Map.of());
    reassign(0, List.of(4, 5, 6));
    tickAndApply(100);
    assertEquals(1, partition(0).leader());
    alter(0, new Random(1), 0);
    tickAndApply(100);
    assertEquals(4, partition(0).leader());
    assertTrue(partition(0).reassigning(), "broker 1 has not said that it knows");
    hear(2);
    hear(3);
    tickAndApply(20);
    assertTrue(partition(0).reassigning());
    hear(1);
    tickAndApply(20);
    assertFalse(partition(0).reassigning());
    assertEquals(List.of(4, 5, 6), partition(0).replicas());
  }

  @Test
  void aNewLeaderOfTheMetadataGoesOnAndAsksAgainWhoKnowsWhatR5() {
    begin(Map.of());
    reassign(0, List.of(4, 5, 6));
    alter(0, new Random(1), 0);
    tickAndApply(60);
    assertEquals(4, partition(0).leader());
    hear(1);
    lead();
    tickAndApply(60);
    assertTrue(partition(0).reassigning(), "nobody has told the new one anything");
    hear(1);
    hear(2);
    hear(3);
    tickAndApply(60);
    assertFalse(partition(0).reassigning());
  }

  @Test
  void aFencedReplicaThatGoesIsNotWaitedFor() {
    begin(Map.of());
    reassign(1, List.of(2, 3, 4));
    apply(new MetadataCommand.FenceBroker(1, 1, epoch(1), "dead"));
    alter(1, new Random(1), 0);
    tickAndApply(10);
    assertEquals(List.of(2, 3, 4), partition(1).replicas());
  }

  @Test
  void oneBatchIsUnderWayAtATimeAndNoneWithoutTheLead() {
    begin(Map.of());
    for (int i = 0; i < PARTITIONS; i++) {
      reassign(i, List.of(4, 5, 6));
      alter(i, new Random(1), 0);
    }
    nowMs += 5_000;
    Batch first = tick().orElseThrow();
    assertEquals(PARTITIONS, ((MetadataCommand.MoveLeaders) first.command()).moves().size());
    assertTrue(tick().isEmpty());
    driver.onProposed(first.number(), now());
    assertTrue(tick().isEmpty(), "a pause after each");
    nowMs += 100;
    assertTrue(tick().isPresent(), "not applied: proposed again");
    driver.onLeaderStop();
    nowMs += 1000;
    assertTrue(tick().isEmpty());
  }

  @Test
  void replicasLeaveADrainedBrokerAlsoIfItIsDownAndComeNotBackR47() {
    begin(Map.of());
    wish(1, BrokerImage.Wish.DRAIN_REPLICAS, false);
    apply(new MetadataCommand.FenceBroker(1, 1, epoch(1), "down"));
    for (int i = 0; i < 60; i++) {
      for (int id = 2; id <= BROKERS; id++) {
        hear(id);
      }
      alter(i % PARTITIONS, new Random(1), 0);
      tick().ifPresent(this::end);
    }
    for (int i = 0; i < PARTITIONS; i++) {
      assertEquals(3, partition(i).replicas().size());
      assertFalse(partition(i).replicas().contains(1), partition(i).toString());
      assertFalse(partition(i).reassigning());
      assertTrue(partition(i).replicas().containsAll(List.of(2, 3)), "nothing else moved");
    }
    assertTrue(tick().isEmpty());
  }

  @Test
  void aReplicaWithNowhereToGoStaysUntilABrokerIsThere() {
    begin(Map.of());
    for (int id = 4; id <= BROKERS; id++) {
      apply(new MetadataCommand.FenceBroker(1, id, epoch(id), "down"));
    }
    wish(1, BrokerImage.Wish.DRAIN_REPLICAS, false);
    assertTrue(tick().isEmpty());
    unfence(5);
    Batch batch = tick().orElseThrow();
    MetadataCommand.ReassignPartitions moves = (MetadataCommand.ReassignPartitions) batch.command();
    assertEquals(PARTITIONS, moves.moves().size());
    assertEquals(List.of(5, 2, 3), moves.moves().get(0).replicas());
  }

  @Test
  void whateverHappensReassignmentsAreSafeAndEnd() {
    int done = 0;
    int leaders = 0;
    for (long seed = 0; seed < Integer.getInteger("kontiki.seeds", 100); seed++) {
      try {
        ReassignmentDriverTest run = new ReassignmentDriverTest();
        run.begin(seed % 3 == 0 ? Map.of("min.insync.replicas", "1") : Map.of());
        run.randomly(new Random(seed));
        done += run.finished;
        leaders += run.controllers;
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    assertTrue(done > 500 && leaders > 500, done + " ended, " + leaders + " controllers");
  }

  private void randomly(Random random) {
    for (int step = 0; step < 400; step++) {
      int broker = 1 + random.nextInt(BROKERS);
      int number = random.nextInt(PARTITIONS);
      switch (random.nextInt(20)) {
        case 0, 1 -> reassign(number, target(random, partition(number)));
        case 2 -> {
          if (partition(number).reassigning()) {
            reassign(number, partition(number).original());
          }
        }
        case 3 -> apply(new MetadataCommand.FenceBroker(1, broker, epoch(broker), "random"));
        case 4 -> {
          if (!image.unfenced(broker)) {
            register(broker);
          }
        }
        case 5, 6 -> unfence(broker);
        case 7 -> {
          BrokerImage.Wish[] all = BrokerImage.Wish.values();
          wish(broker, all[random.nextInt(all.length)], random.nextInt(3) == 0);
        }
        case 8 -> {
          if (random.nextInt(3) == 0) {
            lead();
          }
        }
        case 9 -> moveLeader(number, random);
        case 10, 11, 12, 13 -> alter(number, random, random.nextInt(60));
        default -> {
          hear(broker);
          tick().ifPresent(batch -> end(random, batch));
        }
      }
    }
    heal(random);
  }

  /** Applied at once, later with others between, or never. */
  private void end(Random random, Batch batch) {
    if (random.nextInt(10) > 0) {
      apply(batch.command());
    }
    driver.onProposed(batch.number(), now());
    if (random.nextInt(10) == 0) {
      apply(batch.command()); // a late copy (M2)
    }
  }

  private static List<Integer> target(Random random, PartitionImage now) {
    List<Integer> all = new ArrayList<>(List.of(1, 2, 3, 4, 5, 6));
    Collections.shuffle(all, random);
    int replicas = now.replicationFactor() + (random.nextInt(5) == 0 ? random.nextInt(3) - 1 : 0);
    return all.subList(0, Math.max(1, Math.min(BROKERS, replicas)));
  }

  private void moveLeader(int number, Random random) {
    PartitionImage now = partition(number);
    apply(
        new MetadataCommand.MoveLeaders(
            1,
            List.of(
                new MetadataCommand.LeaderMove(
                    new PartitionId(TOPIC, number),
                    1 + random.nextInt(BROKERS),
                    now.leaderEpoch(),
                    now.partitionEpoch()))));
  }

  private void wish(int broker, BrokerImage.Wish wish, boolean force) {
    int number = image.brokers().get(broker).wishes() + 1;
    apply(new MetadataCommand.WishBroker(1, broker, wish, number, force));
  }

  private void heal(Random random) {
    for (int id = 1; id <= BROKERS; id++) {
      wish(id, BrokerImage.Wish.NONE, false);
      unfence(id);
    }
    lead();
    for (int i = 0; i < 400; i++) {
      for (int id = 1; id <= BROKERS; id++) {
        hear(id);
      }
      alter(i % PARTITIONS, random, 0);
      tick().ifPresent(this::end);
    }
    for (int i = 0; i < PARTITIONS; i++) {
      assertFalse(partition(i).reassigning(), partition(i) + " does not end");
      assertTrue(partition(i).leader() >= 0, partition(i) + " has no leader");
    }
  }
}
