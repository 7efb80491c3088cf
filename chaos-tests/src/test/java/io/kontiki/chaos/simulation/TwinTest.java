package io.kontiki.chaos.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.metadata.BrokerImage;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/**
 * Two processes with one node id: the second one ends, and the first one is not disturbed (R35).
 */
class TwinTest {
  @BeforeAll
  static void quiet() {
    ((Logger) LoggerFactory.getLogger("io.kontiki")).setLevel(Level.OFF);
  }

  @ParameterizedTest(name = "node {0} of four, of which three vote; copied: {1}")
  @CsvSource({"1, true", "1, false", "4, true", "4, false"})
  void aSecondProcessWithANodeIdIsRefused(int node, boolean copied) {
    World world = new World(7, Plan.small(4), new Trace(false));
    world.startAll();
    world.producer(world.partitions("t0"), 20);
    world.runMs(1_000);
    BrokerImage before = world.image().brokers().get(node);
    world.startTwin(node, copied);
    assertTrue(world.twinRuns(node));
    world.await("the second process ends", 10_000, () -> !world.twinRuns(node));
    List<String> refusals = world.refusals();
    assertEquals(1, refusals.size(), refusals.toString());
    assertTrue(refusals.get(0).contains("(R35)"), refusals.get(0));
    world.runMs(2_000);
    assertEquals(before, world.image().brokers().get(node), "the same registration, still active");
    world.healAndCheck();
    assertFalse(world.twinRuns(node));
  }
}
