package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** SIGSTOP proves nothing about a process: sessions and election timers decide (R6, M13). */
final class FrozenNodesTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;

  @Test
  void aFrozenLeaderIsReplacedAndDoesNoHarmWhenItGoesOn() {
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("freeze-leader", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(100);
        load.resetPauses();
        ServerNode leader = cluster.node(cluster.metadataLeader().orElseThrow());
        leader.freeze();
        load.awaitAllGoOn();
        load.awaitAcked(100);
        pauses.add("SIGSTOP of both leaders", load.longestPauseMs());
        leader.thaw();
        cluster.awaitReady();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
    }
    // A try at the frozen node ends with the client's deadline of 5 s.
    pauses.judge(10_000);
  }
}
