package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** R43 with real processes: leaderships go back by themselves, and no send notices it much. */
final class PreferredLeadersTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 6;

  @Test
  void aReturningNodeLeadsWhatItLedBeforeAndNothingIsLost() {
    Pauses pauses = new Pauses();
    Map<String, String> settings = Map.of("auto.leader.rebalance.quiet.ms", "2s");
    try (ProcessCluster cluster = ProcessCluster.start("preferred", 3, settings)) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      List<Integer> preferred = leaders(cluster);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(100);
        int victim = preferred.get(0);
        cluster.node(victim).kill();
        load.awaitAllGoOn();
        assertFalse(leaders(cluster).contains(victim));
        cluster.startAll();
        load.resetPauses();
        await("the leaders of the beginning")
            .atMost(Duration.ofSeconds(60))
            .until(() -> leaders(cluster), preferred::equals);
        load.awaitAllGoOn();
        pauses.add("leaderships go back", load.longestPauseMs());
        load.awaitAcked(100);
        assertEquals(List.of(), load.finish());
      }
      List<String> moves = new ArrayList<>();
      cluster.nodes().forEach(node -> moves.addAll(node.logLines("moves leaderships")));
      assertFalse(moves.isEmpty());
    }
    pauses.judge(2_000);
  }

  private static List<Integer> leaders(ProcessCluster cluster) {
    List<Integer> leaders = new ArrayList<>();
    for (int partition = 0; partition < PARTITIONS; partition++) {
      leaders.add(cluster.leader(TOPIC, partition).orElse(-1));
    }
    return leaders;
  }
}
