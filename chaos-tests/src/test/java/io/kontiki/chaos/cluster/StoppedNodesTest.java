package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.ErrorReason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Controlled stops by SIGTERM (R3, R7), and the smallest cluster. */
final class StoppedNodesTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final Duration STOP = Duration.ofSeconds(20);
  private static final long BOUND_MS = 5_000;

  @Test
  void aStoppedNodeHandsOverAndComesBack() {
    FailoverEvent event = FailoverEvent.STOP_NODE;
    try (Failover failover = Failover.start("stop-one", LoadShape.TESTED)) {
      FailoverTests.run(
          failover,
          List.of(event, event, event),
          BOUND_MS,
          run -> {
            ServerNode node = failover.cluster().node(run.target().node());
            assertTrue(foundCleanMarker(node), node::logTail);
          });
    }
  }

  @Test
  void noAcknowledgementIsRefusedWhileANodeStopsR7() {
    try (ProcessCluster cluster = ProcessCluster.start("stop-refusals", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        for (ServerNode node : cluster.nodes()) {
          load.awaitAcked(100);
          assertEquals(0, node.stop(STOP), node::logTail);
          load.awaitAcked(100);
          // Two in-sync replicas are left, as many as an acknowledgement needs.
          assertEquals(0, load.refusals(ErrorReason.NOT_ENOUGH_REPLICAS), node::logTail);
          cluster.startAll();
          cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        }
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void allNodesStopAtOnceAndFindEverythingAgain() {
    Pauses pauses = new Pauses();
    Pauses stops = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("stop-all", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(200);
        long begin = System.nanoTime();
        Map<Integer, Integer> codes = cluster.stopAll(STOP);
        stops.add("SIGTERM of all, until the last has ended", millisSince(begin));
        assertEquals(Map.of(1, 0, 2, 0, 3, 0), codes);
        load.resetPauses();
        cluster.startNodes();
        load.awaitAllGoOn();
        pauses.add("start after SIGTERM of all", load.longestPauseMs());
        cluster.awaitReady();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        for (ServerNode node : cluster.nodes()) {
          assertTrue(foundCleanMarker(node), node::logTail);
        }
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
    }
    stops.judge(3_000);
    pauses.judge(ServerProgram.hasClassArchive() ? BOUND_MS : 8_000);
  }

  /** Nobody can take over, and no metadata leader answers: it serves until it flushes (R7). */
  @Test
  void theLastInSyncReplicaServesUntilItsFlush() {
    try (ProcessCluster cluster = ProcessCluster.start("stop-last", 3, Map.of())) {
      cluster.createTopic(TOPIC, 1, 3, Map.of("min.insync.replicas", "1"));
      cluster.awaitInSync(TOPIC, 1, 3);
      int last = cluster.leader(TOPIC, 0).orElseThrow();
      try (Load load = Load.start(cluster, TOPIC, 1, 4)) {
        load.awaitAcked(100);
        for (ServerNode node : cluster.nodes()) {
          if (node.id() != last) {
            assertEquals(0, node.stop(STOP), node::logTail);
            load.awaitAllGoOn();
          }
        }
        ServerNode node = cluster.node(last);
        node.terminate();
        load.awaitAcked(10);
        assertTrue(node.isAlive(), "it ended before it was seen to serve");
        assertEquals(0, node.stop(STOP), node::logTail);
        cluster.startAll();
        load.awaitAllGoOn();
        cluster.awaitInSync(TOPIC, 1, 3);
        cluster.nodes().forEach(each -> assertTrue(foundCleanMarker(each), each::logTail));
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void oneNodeAloneFindsEverythingAgain() {
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("alone", 1, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 1, Map.of());
      ServerNode node = cluster.node(1);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(100);
        node.kill();
        load.resetPauses();
        cluster.startNodes();
        load.awaitAllGoOn();
        pauses.add("start of one node after SIGKILL", load.longestPauseMs());
        load.awaitAcked(100);
        assertEquals(0, node.stop(STOP), node::logTail);
        load.resetPauses();
        cluster.startNodes();
        load.awaitAllGoOn();
        pauses.add("start of one node after SIGTERM", load.longestPauseMs());
        assertTrue(foundCleanMarker(node), node::logTail);
        assertEquals(List.of(), load.finish());
      }
    }
    pauses.judge(BOUND_MS);
  }

  /** Whether the last start of the node found a marker of a clean stop, as its log says. */
  private static boolean foundCleanMarker(ServerNode node) {
    List<String> starts =
        node.logLines().stream().filter(line -> line.contains("logs open")).toList();
    return !starts.isEmpty() && !starts.get(starts.size() - 1).contains("no clean marker");
  }

  private static long millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1_000_000;
  }
}
