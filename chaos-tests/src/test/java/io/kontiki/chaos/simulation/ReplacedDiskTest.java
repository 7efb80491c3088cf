package io.kontiki.chaos.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Durability;
import io.kontiki.model.Uid;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A disk that was replaced comes back for a while, and goes again only if nobody needs it. */
class ReplacedDiskTest {
  private static final int VOTER = 3;
  private static final int NODE = 6; // no voter

  @BeforeAll
  static void quiet() {
    ((Logger) LoggerFactory.getLogger("io.kontiki")).setLevel(Level.OFF);
  }

  private static Uid directory(World world, int node) {
    return Objects.requireNonNull(world.machine(node).directoryId());
  }

  private static void isTakenWithItsDisk(World world) {
    world.await(
        "n" + NODE + " is registered with the disk that it has",
        10_000,
        () -> {
          BrokerImage broker = world.image().brokers().get(NODE);
          return broker != null
              && broker.unfenced()
              && broker.directoryId().equals(world.machine(NODE).directoryId());
        });
  }

  /** What is only there is there after the machine was down, as everything is made to work. */
  @Test
  void theDiskOfABrokerThatIsDownStaysIfItIsCountedOn() {
    World world = new World(15, Plan.small(NODE), new Trace(false));
    world.startAll();
    world.machine(NODE).kill();
    world.machine(NODE).wipe();
    world.machine(NODE).start();
    isTakenWithItsDisk(world);
    assertTrue(world.mayLoseDisk(NODE));
    world.machine(NODE).kill();
    world.machine(NODE).swapDisks();
    world.machine(NODE).start();
    isTakenWithItsDisk(world);
    Uid taken = directory(world, NODE);
    world.createTopic(new TopicPlan("alone", NODE, 1, 1, Durability.FSYNC));
    world.producer(world.partitions("alone"), 5);
    world.runMs(1_000);
    assertFalse(world.mayLoseDisk(NODE), "one of the partitions is only there");

    world.machine(NODE).kill();
    world.healAndCheck();
    assertEquals(taken, directory(world, NODE));
  }

  /**
   * One that no process may run with is of no use to anybody (M16), though metadata know the broker
   * by it: the voter was admitted with a new disk, and did not get further.
   */
  @Test
  void theDiskThatAVoterIsRefusedForGoesAgain() {
    World world = new World(16, Plan.small(NODE), new Trace(false));
    world.startAll();
    Uid replaced = directory(world, VOTER);
    world.machine(VOTER).kill();
    world.machine(VOTER).wipe();
    world.machine(VOTER).start();
    Uid fresh = directory(world, VOTER);
    world.await("it is admitted", 10_000, () -> fresh.equals(voter(world).directoryId()));
    assertEquals(replaced, broker(world).directoryId());
    world.machine(VOTER).kill();
    world.machine(VOTER).swapDisks();
    world.machine(VOTER).start();
    world.await("it is refused", 10_000, () -> !world.machine(VOTER).up());
    assertEquals(replaced, broker(world).directoryId());

    world.machine(VOTER).swapBack();
    assertEquals(fresh, directory(world, VOTER));
    world.healAndCheck();
  }

  private static VoterImage voter(World world) {
    return Objects.requireNonNull(world.image().voters().get(VOTER));
  }

  private static BrokerImage broker(World world) {
    return Objects.requireNonNull(world.image().brokers().get(VOTER));
  }
}
