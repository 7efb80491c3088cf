package io.kontiki.chaos.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** An operator does not wait for those who hold what is committed (R19). */
class UncleanElectionTest {
  private final Logger all = (Logger) LoggerFactory.getLogger("io.kontiki");
  private final Logger machine = (Logger) LoggerFactory.getLogger(MetadataStateMachine.class);
  private final ListAppender<ILoggingEvent> said = new ListAppender<>();

  @BeforeEach
  void listen() {
    all.setLevel(Level.OFF);
    machine.setLevel(Level.WARN);
    machine.setAdditive(false);
    said.start();
    machine.addAppender(said);
  }

  @AfterEach
  void silence() {
    machine.detachAppender(said);
    machine.setAdditive(true);
    machine.setLevel(null);
  }

  @Test
  void everyBrokerSaysThatRecordsMayBeLostAndOnlyThoseAre() {
    World world = new World(5, Plan.small(6), new Trace(false));
    world.startAll();
    world.createTopic(new TopicPlan("thin", 6, 2, 1, Durability.FSYNC));
    PartitionId id = outsideOfTheQuorum(world);
    PartitionImage before = partition(world, id);
    int leader = before.leader();
    int behind = before.replicas().get(before.replicas().get(0) == leader ? 1 : 0);
    SimProducer producer = world.producer(List.of(id), 5);
    world.consumer(List.of(id));
    world.runMs(2_000);
    world.machine(behind).kill();
    world.await(
        "the follower is out", 5_000, () -> partition(world, id).isr().equals(List.of(leader)));
    world.runMs(2_000); // only the leader has this
    world.machine(leader).kill();
    world.await("nobody leads", 5_000, () -> partition(world, id).leader() < 0);
    world.machine(behind).start();
    world.runMs(2_000);
    assertEquals(PartitionImage.NO_LEADER, partition(world, id).leader(), "never by itself");
    assertEquals(List.of(), warnings());

    world.admin().electUnclean("thin", id.partition());
    world.await("somebody leads", 10_000, () -> partition(world, id).leader() == behind);

    assertEquals(1, world.seen().uncleanElections());
    world.runMs(500);
    List<String> warnings = warnings();
    assertEquals(
        world.machines().stream().filter(SimMachine::up).count(),
        warnings.size(),
        "each broker applies it: " + warnings);
    for (String warning : warnings) {
      assertTrue(
          warning.startsWith(
              "unclean election, as an operator asked: broker "
                  + behind
                  + " leads thin-"
                  + id.partition()),
          warning);
      assertTrue(warning.contains("are lost (R19); reason: "), warning);
    }
    world.healAndCheck();
    assertTrue(world.seen().of(id).promised(), "what it had, and what came after it, counts again");
    assertTrue(producer.done());
  }

  private List<String> warnings() {
    return new ArrayList<>(said.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
  }

  private static PartitionImage partition(World world, PartitionId id) {
    return java.util.Objects.requireNonNull(world.image().partition(id));
  }

  /** Its replicas can be down while the voters, 1 to 3, are up, but for one. */
  private static PartitionId outsideOfTheQuorum(World world) {
    for (PartitionId id : world.partitions("thin")) {
      if (partition(world, id).replicas().stream().filter(node -> node <= 3).count() == 0) {
        return id;
      }
    }
    throw new AssertionError("each partition has a voter");
  }
}
