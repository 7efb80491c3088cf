package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** P1, P4 to P8 with real processes: acks=all, durability=fsync, three nodes, faults under load. */
final class AcknowledgedRecordsSurviveTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final int ROUNDS = 3;

  @Test
  void killingTheLeaderOfAPartitionLosesNothing() {
    underLoad(
        "kill-leader",
        (cluster, load) -> {
          int leader = cluster.leader(TOPIC, 0).orElseThrow();
          cluster.node(leader).kill();
          load.awaitAcked(100);
          assertNotEquals(leader, cluster.leader(TOPIC, 0).orElseThrow());
        });
  }

  @Test
  void killingAFollowerLosesNothing() {
    underLoad(
        "kill-follower",
        (cluster, load) -> {
          int leader = cluster.leader(TOPIC, 0).orElseThrow();
          cluster.node(leader % 3 + 1).kill();
        });
  }

  @Test
  void killingTheMetadataLeaderLosesNothing() {
    underLoad(
        "kill-metadata-leader",
        (cluster, load) -> cluster.node(cluster.metadataLeader().orElseThrow()).kill());
  }

  @Test
  void killingAllNodesAtOnceLosesNothing() {
    underLoad(
        "kill-all",
        (cluster, load) -> {
          cluster.killAll();
          cluster.startAll();
        });
  }

  @Test
  void freezingTheLeaderLosesNothing() {
    underLoad(
        "freeze-leader",
        (cluster, load) -> {
          ServerNode leader = cluster.node(cluster.leader(TOPIC, 0).orElseThrow());
          leader.freeze();
          load.awaitAcked(100);
          leader.thaw();
        });
  }

  @Test
  void stoppingNodesInTurnLosesNothing() {
    underLoad(
        "rolling-stop",
        (cluster, load) -> {
          for (ServerNode node : cluster.nodes()) {
            assertEquals(0, node.stop(Duration.ofSeconds(20)), node::logTail);
            load.awaitAcked(50);
            cluster.startAll();
            cluster.awaitInSync(TOPIC, PARTITIONS, 3);
          }
        });
  }

  private interface Fault {
    void happen(ProcessCluster cluster, Load load);
  }

  /** The fault three times, each from a healthy cluster; then everything is read and judged. */
  private static void underLoad(String name, Fault fault) {
    try (ProcessCluster cluster = ProcessCluster.start(name, 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        for (int round = 0; round < ROUNDS; round++) {
          load.awaitAcked(100);
          load.resetPauses();
          fault.happen(cluster, load);
          load.awaitAcked(100);
          System.out.printf(
              "%s: longest pause %d ms, %d acknowledged%n",
              name, load.longestPauseMs(), load.acked());
          cluster.startAll();
          cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        }
        assertEquals(List.of(), load.finish());
      }
    }
  }
}
