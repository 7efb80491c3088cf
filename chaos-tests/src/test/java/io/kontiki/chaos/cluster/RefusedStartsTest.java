package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A server that must not run says why and ends with 1. */
final class RefusedStartsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static ProcessCluster running;
  private static ProcessCluster stopped;

  /** One node that runs throughout, and one that has run. */
  @BeforeAll
  static void start() {
    running = ProcessCluster.start("refused-running", 1, Map.of());
    stopped = ProcessCluster.start("refused-stopped", 1, Map.of());
    stopped.node(1).stop(PATIENCE);
  }

  @AfterAll
  static void end() {
    running.close();
    stopped.close();
  }

  @Test
  void theDirectoryOfAnotherNodeIsRefused() {
    NodePorts ports = stopped.node(1).ports();
    refused(List.of("node.id=7", "cluster.voters=7@127.0.0.1:" + ports.raft()), "node 1", "7");
  }

  @Test
  void theDirectoryOfAnotherClusterIsRefused() {
    // A broker that does not vote, with the directory of a node of another cluster.
    refused(List.of("cluster.voters=2@127.0.0.1:" + running.node(1).ports().raft()), "cluster");
  }

  @Test
  void theDirectoryOfAVoterOfAnotherClusterIsRefused() {
    try (ProcessCluster cluster = ProcessCluster.start("refused-foreign", 3, Map.of())) {
      ServerNode node = cluster.node(1);
      node.stop(PATIENCE);
      // The same node, alone with another directory, is another cluster.
      String other = "data.dir=" + node.dataDir().resolveSibling("other");
      node.start(other, "cluster.voters=1@127.0.0.1:" + node.ports().raft());
      cluster.awaitReady();
      node.stop(PATIENCE);
      ServerNode.Ended ended = node.run(List.of(other), PATIENCE);
      assertEquals(1, ended.exitCode(), ended::output);
      contains(ended, "belongs to cluster");
    }
  }

  @Test
  void aDirectoryInUseIsRefused() {
    ServerNode.Ended ended = running.node(1).run(List.of(), PATIENCE);
    assertEquals(1, ended.exitCode(), ended::output);
    contains(ended, running.node(1).dataDir().toString());
    contains(ended, "process");
  }

  @Test
  void portsInUseAreRefused() throws IOException {
    try (ServerSocket taken = new ServerSocket()) {
      taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      String address = "127.0.0.1:" + taken.getLocalPort();
      for (String key :
          List.of("grpc.listen", "raft.listen", "http.listen", "replication.listen")) {
        refused(List.of(key + "=" + address), key, address, "in use");
      }
      // Nothing was appended meanwhile: the clean stop before all this still counts (R3).
      String clean =
          stopped.node(1).logLines().stream()
              .filter(line -> line.contains("closed cleanly in "))
              .map(line -> line.substring(line.indexOf("broker epoch")))
              .findFirst()
              .orElseThrow();
      refused(List.of("grpc.listen=" + address), "after a clean stop in " + clean);
    }
  }

  @Test
  void unknownKeysAndValuesAreRefused() {
    refused(List.of("grpc.lisen=127.0.0.1:1"), "grpc.lisen", "grpc.listen");
    refused(List.of("topic.default.durability=maybe"), "durability", "maybe", "fsync");
    refused(List.of("node.id=none"), "node.id", "none");
  }

  @Test
  void differentListsOfVotersDoNotForm() {
    NodePorts third = NodePorts.free();
    try (ProcessCluster cluster = ProcessCluster.prepare("refused-lists", 3, Map.of())) {
      String other =
          "1@127.0.0.1:"
              + cluster.node(1).ports().raft()
              + ",2@127.0.0.1:"
              + cluster.node(2).ports().raft()
              + ",3@127.0.0.1:"
              + third.raft();
      cluster.node(1).start();
      cluster.node(2).start("cluster.voters=" + other);
      // Whoever hears of the other's list first refuses; the other one may wait for it from then
      // on.
      List<ServerNode> both = List.of(cluster.node(1), cluster.node(2));
      await("a refusal")
          .atMost(PATIENCE)
          .until(() -> both.stream().anyMatch(node -> !node.isAlive()));
      for (ServerNode node : both) {
        if (!node.isAlive()) {
          assertEquals(1, node.stop(PATIENCE), node::logTail);
          assertTrue(node.logTail().contains("has cluster.voters = "), node::logTail);
        }
      }
    }
  }

  private static void refused(List<String> overrides, String... words) {
    ServerNode.Ended ended = stopped.node(1).run(overrides, PATIENCE);
    assertEquals(1, ended.exitCode(), ended::output);
    for (String word : words) {
      contains(ended, word);
    }
  }

  private static void contains(ServerNode.Ended ended, String word) {
    assertTrue(ended.output().contains(word), () -> word + " is not in\n" + ended.output());
  }
}
