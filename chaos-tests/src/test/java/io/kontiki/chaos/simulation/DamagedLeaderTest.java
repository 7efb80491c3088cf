package io.kontiki.chaos.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * A leader that is alone in its in-sync set and cannot read its log, while an eligible replica
 * holds all that is committed (D9, P14). Found by seed 16079566341949 of an earlier plan.
 */
class DamagedLeaderTest {
  @BeforeAll
  static void quiet() {
    ((Logger) LoggerFactory.getLogger("io.kontiki")).setLevel(Level.OFF);
  }

  /** One whose followers can all be down while a majority of the voters, 1 to 3, is up. */
  private static PartitionId withoutNeedForTheQuorum(World world) {
    for (PartitionId id : world.partitions("one")) {
      PartitionImage partition = world.image().partition(id);
      if (partition.replicas().stream()
              .filter(node -> node <= 3 && node != partition.leader())
              .count()
          < 2) {
        return id;
      }
    }
    throw new AssertionError("each partition has two voters as followers");
  }

  @Test
  void itHandsOverToAnEligibleReplicaThatComesBackAndIsMended() {
    World world = new World(11, Plan.small(6), new Trace(false));
    world.startAll();
    world.createTopic(new TopicPlan("one", 6, 3, 2, Durability.FSYNC));
    PartitionId id = withoutNeedForTheQuorum(world);
    SimProducer producer = world.producer(List.of(id), 5);
    world.runMs(3_000);
    int leader = world.image().partition(id).leader();
    List<Integer> others = new ArrayList<>(world.image().partition(id).replicas());
    others.remove(Integer.valueOf(leader));
    assertTrue(world.mayRot(leader));
    for (int gone : others) {
      world.machine(gone).kill();
      world.await(
          "n" + gone + " is out", 5_000, () -> !world.image().partition(id).isr().contains(gone));
    }
    PartitionImage alone = world.image().partition(id);
    assertEquals(List.of(leader), alone.isr());
    assertEquals(List.of(others.get(1)), alone.elr());
    for (int file = 0; file < 100; file++) {
      world.machine(leader).rot(file, 500, 1 + file); // of each of its files at least once
    }
    world.consumer(List.of(id)); // finds it
    world.runMs(1_000);
    assertEquals(leader, world.image().partition(id).leader(), "the last one serves what it can");
    world.machine(others.get(1)).start();
    world.await(
        "the eligible replica leads",
        10_000,
        () -> world.image().partition(id).leader() == others.get(1));
    assertTrue(producer.toString().contains("pending"), producer.toString());
    world.healAndCheck();
    assertEquals(3, world.image().partition(id).isr().size());
  }

  /** What was acknowledged by it alone (min ISR 1) has rotted: it can never be mended (P14). */
  @Test
  void anOperatorElectsAnotherOneForWhatNobodyHasAnyMore() {
    World world = new World(12, Plan.small(6), new Trace(false));
    world.startAll();
    world.createTopic(new TopicPlan("one", 6, 3, 1, Durability.FSYNC));
    PartitionId id = withoutNeedForTheQuorum(world);
    world.producer(List.of(id), 5);
    world.runMs(1_000);
    int leader = world.image().partition(id).leader();
    assertTrue(world.mayRot(leader));
    List<Integer> others = new ArrayList<>(world.image().partition(id).replicas());
    others.remove(Integer.valueOf(leader));
    others.forEach(gone -> world.machine(gone).kill());
    world.await("the others are out", 5_000, () -> world.image().partition(id).isr().size() == 1);
    long shared = world.seen().acked();
    world.runMs(3_000);
    assertTrue(world.seen().acked() > shared + 100, "it went on alone");
    for (int file = 0; file < 400; file++) {
      world.machine(leader).rot(file, 500 + 311 * file, 1 + file % 100);
    }
    world.consumer(List.of(id)); // finds it
    world.runMs(1_000);
    world.healAndCheck();
    PartitionImage whole = world.image().partition(id);
    assertEquals(3, whole.isr().size());
    assertTrue(others.contains(whole.leader()), whole::toString);
    assertEquals(1, world.seen().uncleanElections());
  }
}
