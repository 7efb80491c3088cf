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

/** A partition that only a lost disk was to hold, before anything was there (P1, R19). */
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
