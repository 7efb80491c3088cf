package io.kontiki.chaos.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A partition that only a lost disk was to hold, as far as metadata knew (P1, R19). */
class StillbornTest {
  private static final int NODE = 6; // no voter

  @BeforeAll
  static void quiet() {
    ((Logger) LoggerFactory.getLogger("io.kontiki")).setLevel(Level.OFF);
  }

  @Test
  void anOperatorElectsWhereTheDiskWentWhileTheTopicWasBeingMade() {
    World world = new World(13, Plan.small(6), new Trace(false));
    world.startAll();
    world.slowQuorum(400);
    world.admin().create(new TopicPlan("alone", 6, 1, 1, Durability.FSYNC));
    world.runMs(5);
    assertNull(world.topicId("alone"), "it is on its way");
    assertTrue(world.mayLoseDisk(NODE));
    world.machine(NODE).kill();
    world.machine(NODE).wipe();
    world.await("the topic is there", 5_000, () -> world.topicId("alone") != null);
    PartitionId id = on(NODE, world);
    assertFalse(world.mayLoseDisk(NODE), "from now on it is the only one");
    world.slowQuorum(0);
    world.machine(NODE).start();
    world.runMs(5_000);
    PartitionImage nobody = partition(world, id);
    assertEquals(PartitionImage.NO_LEADER, nobody.leader(), "never by itself");
    assertTrue(world.seen().stillborn(id, nobody), nobody::toString);

    world.healAndCheck();
    assertEquals(NODE, partition(world, id).leader());
    assertEquals(1, world.seen().uncleanElections());
    assertTrue(world.seen().of(id).promised(), "nothing was lost, and what comes counts");
  }

  /** The same end by a disk that went later is no business of the operator's. */
  @Test
  void aPartitionThatWasPlacedOnASoundDiskIsNotStillborn() {
    World world = new World(14, Plan.small(6), new Trace(false));
    world.startAll();
    world.createTopic(new TopicPlan("alone", 6, 1, 1, Durability.FSYNC));
    PartitionId id = on(NODE, world);
    world.machine(NODE).kill();
    world.machine(NODE).wipe();
    world.machine(NODE).start();
    world.await("nobody counts", 10_000, () -> nobodyCounts(partition(world, id)));
    assertFalse(world.seen().stillborn(id, partition(world, id)));
  }

  @Test
  void anOperatorElectsAgainWhereTheElectedBrokerHadLostItsDiskUnnoticed() {
    World world = new World(15, Plan.small(6), new Trace(false));
    Thin thin = thinWithoutItsLeader(world);
    PartitionId id = thin.id();
    int behind = thin.behind();
    world.slowQuorum(400);
    for (int i = 0; i < 8; i++) {
      world.admin().electUnclean("thin", id.partition()); // one of them before it is fenced
    }
    world.runMs(5);
    assertEquals(0, world.seen().uncleanElections(), "it is on its way");
    world.machine(behind).kill();
    world.machine(behind).wipe();
    world.await("it is elected", 5_000, () -> world.seen().uncleanElections() == 1);
    assertEquals(List.of(behind), partition(world, id).isr(), "nobody knows that it is gone");
    world.slowQuorum(0);
    world.runMs(2_000); // the others are refused
    world.machine(behind).start();
    world.machine(thin.leader()).start();
    world.await("nobody counts", 10_000, () -> nobodyCounts(partition(world, id)));
    world.runMs(5_000);
    PartitionImage nobody = partition(world, id);
    assertEquals(PartitionImage.NO_LEADER, nobody.leader(), "never by itself");
    assertTrue(world.seen().stillborn(id, nobody), nobody::toString);

    world.healAndCheck();
    assertEquals(2, world.seen().uncleanElections());
    assertFalse(world.seen().stillborn(id, partition(world, id)));
  }

  /** It counted, and nothing was lost with an election that was in vain. */
  @Test
  void aPartitionWhoseElectedBrokerLosesItsDiskLaterIsNotStillborn() {
    World world = new World(16, Plan.small(6), new Trace(false));
    Thin thin = thinWithoutItsLeader(world);
    PartitionId id = thin.id();
    int behind = thin.behind();
    world.admin().electUnclean("thin", id.partition());
    world.await("it leads", 5_000, () -> partition(world, id).leader() == behind);
    world.machine(behind).kill();
    world.machine(behind).wipe();
    world.machine(behind).start();
    world.await("nobody counts", 10_000, () -> nobodyCounts(partition(world, id)));
    assertFalse(world.seen().stillborn(id, partition(world, id)));
  }

  /** The leader was alone in sync and is down; the other replica is up. */
  private record Thin(PartitionId id, int leader, int behind) {}

  private static Thin thinWithoutItsLeader(World world) {
    world.startAll();
    world.createTopic(new TopicPlan("thin", 6, 2, 1, Durability.FSYNC));
    PartitionId id =
        world.partitions("thin").stream()
            .filter(one -> partition(world, one).replicas().stream().allMatch(node -> node > 3))
            .findFirst()
            .orElseThrow();
    world.producer(List.of(id), 5);
    world.runMs(2_000);
    int leader = partition(world, id).leader();
    List<Integer> replicas = partition(world, id).replicas();
    int behind = replicas.get(replicas.get(0) == leader ? 1 : 0);
    world.machine(behind).kill();
    world.await("it is out", 5_000, () -> partition(world, id).isr().equals(List.of(leader)));
    world.machine(leader).kill();
    world.await("nobody leads", 5_000, () -> partition(world, id).leader() < 0);
    world.machine(behind).start();
    world.runMs(2_000);
    return new Thin(id, leader, behind);
  }

  private static boolean nobodyCounts(PartitionImage partition) {
    return partition.isr().isEmpty()
        && partition.elr().isEmpty()
        && partition.lastKnownElr().isEmpty();
  }

  private static PartitionImage partition(World world, PartitionId id) {
    return Objects.requireNonNull(world.image().partition(id));
  }

  private static PartitionId on(int node, World world) {
    for (PartitionId id : world.partitions("alone")) {
      if (partition(world, id).replicas().equals(List.of(node))) {
        return id;
      }
    }
    throw new AssertionError("n" + node + " has no partition");
  }
}
