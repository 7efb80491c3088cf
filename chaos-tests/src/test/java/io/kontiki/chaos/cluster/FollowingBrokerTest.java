package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Three voters and a broker that does not vote: it follows the metadata and holds replicas. */
final class FollowingBrokerTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 4;

  @Test
  void aBrokerThatDoesNotVoteServesAndOutlivesItsVoters() {
    try (ProcessCluster cluster = ProcessCluster.start("following", 3, 1, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 4, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 4);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        // Whichever it watches is among them.
        for (int voter = 1; voter <= 3; voter++) {
          load.awaitAcked(100);
          cluster.node(voter).kill();
          load.awaitAllGoOn();
          String during = "during-" + voter;
          cluster.createTopic(during, 1, 1, Map.of());
          await("the broker that does not vote knows " + during)
              .atMost(Duration.ofSeconds(10))
              .until(() -> cluster.node(4).knows(during));
          cluster.startAll();
          cluster.awaitInSync(TOPIC, PARTITIONS, 4);
        }
        cluster.node(4).kill();
        load.awaitAllGoOn();
        cluster.startAll();
        cluster.awaitInSync(TOPIC, PARTITIONS, 4);
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
    }
  }
}
