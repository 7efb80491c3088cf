package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** R19 with real processes: replicas that count what is in memory, and no clean stop. */
final class BalancedRecoveryTest {
  private static final String TOPIC = "orders";

  /** Node a dies first; b and c at once: what was acknowledged since is on these two alone. */
  @Test
  void aPartitionWaitsForEveryReplicaThatMayHoldMoreAndSaysThatRecordsMayBeLost() {
    try (ProcessCluster cluster = ProcessCluster.start("recover", 3, Map.of())) {
      cluster.createTopic(TOPIC, 1, 3, Map.of("durability", "replicated"));
      cluster.awaitInSync(TOPIC, 1, 3);
      try (Load load = Load.start(cluster, TOPIC, 1, 4)) {
        load.awaitAcked(100);
        cluster.node(1).kill();
        load.awaitAllGoOn();
        cluster.awaitInSync(TOPIC, 1, 2);
        load.awaitAcked(100);
        cluster.node(2).destroy();
        cluster.node(3).destroy();
        cluster.node(2).kill();
        cluster.node(3).kill();
        cluster.start(1, 2);
        await("nobody leads while node 3 may hold more")
            .during(Duration.ofSeconds(3))
            .atMost(Duration.ofSeconds(10))
            .until(() -> cluster.leader(TOPIC, 0), leader -> isNone(leader));
        cluster.start(3);
        load.awaitAllGoOn();
        cluster.awaitInSync(TOPIC, 1, 3);
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
      long warnings =
          cluster.nodes().stream()
              .flatMap(node -> node.logLines("possible data loss").stream())
              .filter(line -> line.contains("WARN") && line.contains(TOPIC + "-0"))
              .count();
      assertEquals(1, warnings);
      double counted =
          cluster.nodes().stream()
              .mapToDouble(
                  node -> node.metric("kontiki_controller_balanced_recoveries_total").orElse(0))
              .sum();
      assertEquals(1, counted);
    }
  }

  private static boolean isNone(OptionalInt leader) {
    return leader.isEmpty() || leader.getAsInt() < 1;
  }
}
