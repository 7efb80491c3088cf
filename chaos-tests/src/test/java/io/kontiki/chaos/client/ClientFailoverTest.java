package io.kontiki.chaos.client;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kontiki.chaos.cluster.Pauses;
import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.cluster.ServerNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/**
 * How soon clients of every kind get on when a leader dies, freezes or stops (R45, I5), and that
 * nothing is lost, doubled or reordered by it. The bounds are wide: this is no measurement.
 */
final class ClientFailoverTest {
  private static final int PARTITIONS = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private interface Fault {
    void happen(ServerNode node);
  }

  @Test
  void everyClientGetsOnSoonAfterALeaderDied() throws Exception {
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("clients-kill", 3, Map.of())) {
      under(cluster, "kill-leader", false, ServerNode::kill, pauses);
      under(cluster, "kill-both", true, ServerNode::kill, pauses);
    }
    pauses.judge(2_000);
  }

  @Test
  void everyClientGetsOnSoonAfterALeaderFroze() throws Exception {
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("clients-freeze", 3, Map.of())) {
      under(cluster, "freeze-leader", false, ServerNode::freeze, pauses);
      under(cluster, "freeze-both", true, ServerNode::freeze, pauses);
    }
    pauses.judge(6_000);
  }

  @Test
  void everyClientGetsOnSoonAfterALeaderWasStopped() throws Exception {
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("clients-stop", 3, Map.of())) {
      under(cluster, "stop-leader", false, node -> node.stop(Duration.ofSeconds(20)), pauses);
    }
    pauses.judge(2_000);
  }

  /**
   * @param both the node is metadata leader, too
   */
  private static void under(
      ProcessCluster cluster, String topic, boolean both, Fault fault, Pauses pauses)
      throws Exception {
    cluster.createTopic(topic, PARTITIONS, 3, Map.of());
    cluster.awaitInSync(topic, PARTITIONS, 3);
    int metadata =
        await("a metadata leader")
            .atMost(PATIENCE)
            .until(cluster::metadataLeader, found -> found.orElse(0) > 0)
            .orElseThrow();
    int victim = victim(cluster, topic, metadata, both);
    int through = 1 + victim % 3;
    try (EveryClient clients = new EveryClient(cluster, topic, PARTITIONS, through)) {
      clients.awaitAllGoOn();
      clients.awaitAllGoOn();
      clients.resetPauses();
      ServerNode node = cluster.node(victim);
      fault.happen(node);
      clients.awaitAllGoOn();
      clients.longestPausesMs().forEach((kind, ms) -> pauses.add(topic + ", " + kind, ms));
      if (node.isAlive()) {
        node.thaw();
      }
      cluster.startAll();
      cluster.awaitInSync(topic, PARTITIONS, 3);
      clients.awaitAllGoOn();
      assertEquals(List.of(), clients.finish());
    }
  }

  /** A node that leads a partition of the topic, which is new, so that its leaders are spread. */
  private static int victim(ProcessCluster cluster, String topic, int metadata, boolean both) {
    for (int partition = 0; partition < PARTITIONS; partition++) {
      OptionalInt leader = cluster.leader(topic, partition);
      if (leader.isPresent() && (leader.getAsInt() == metadata) == both) {
        return leader.getAsInt();
      }
    }
    throw new AssertionError("no leader of " + topic + " for this: metadata leader " + metadata);
  }
}
