package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Voters that come late, lose their disk, or come back with an old one (rules M15, M16, R35). */
final class VotersTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration END_PATIENCE = Duration.ofSeconds(60);
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final String WAITS = "does not vote and waits to be taken in";

  @Test
  void twoOfThreeFormTheClusterAndTheThirdJoinsLater() {
    try (ProcessCluster cluster = ProcessCluster.prepare("voters-late", 3, Map.of())) {
      cluster.node(1).start();
      cluster.node(2).start();
      awaitLeader(cluster);
      cluster.awaitReady(1, 2);
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2)) {
        load.awaitAcked(200);
        assertTrue(problems(cluster.node(1)).contains("3 "), () -> problems(cluster.node(1)));
        cluster.node(3).start();
        awaitVoters(cluster, 1, 1, 2, 3);
        cluster.awaitReady();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        // It votes: without it, one of the first two would be no majority.
        cluster.node(1).kill();
        load.awaitAllGoOn();
        createWithTwo(cluster);
        cluster.startAll();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void aVoterThatLostItsDataVotesAgainByItself() {
    try (ProcessCluster cluster = ProcessCluster.start("voters-lost", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2)) {
        for (int victim = 1; victim <= 3; victim++) {
          load.awaitAcked(100);
          cluster.node(victim).kill();
          cluster.node(victim).loseData();
          cluster.node(victim).start();
          awaitVoters(cluster, victim % 3 + 1, 1, 2, 3);
          cluster.awaitReady();
          cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        }
        // The last one votes: kill another.
        cluster.node(1).kill();
        load.awaitAllGoOn();
        createWithTwo(cluster);
        // What was learnt at the first start is what counts at the next.
        cluster.node(3).stop(END_PATIENCE);
        cluster.startAll();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void whileAnotherIsDownAVoterThatLostItsDataWaitsAndDoesNotVote() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("voters-waiting", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2)) {
        load.awaitAcked(200);
        cluster.node(2).kill();
        load.awaitAllGoOn();
        cluster.node(1).kill();
        cluster.node(1).loseData();
        // 3 has everything, 1 nothing: if 1 voted, there would be a majority (naive failure of
        // M16).
        cluster.node(1).start();
        await("1 says that it waits")
            .atMost(PATIENCE)
            .until(() -> cluster.node(1).logTail().contains(WAITS));
        long acked = load.acked();
        await("nothing is decided meanwhile")
            .during(Duration.ofSeconds(4))
            .atMost(Duration.ofSeconds(8))
            .until(() -> !hasLeader(cluster.node(3)) && load.acked() == acked);
        assertEquals(1, cluster.node(1).logLines("votes from here on").size(), "in its first life");
        cluster.node(2).start();
        awaitVoters(cluster, 2, 1, 2, 3);
        cluster.awaitReady();
        load.awaitAllGoOn();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        cluster.node(3).kill();
        load.awaitAllGoOn();
        cluster.startAll();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void aDiskThatWasReplacedIsRefusedWhenItComesBack() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("voters-replaced", 3, Map.of())) {
      cluster.node(2).stop(END_PATIENCE);
      ServerNode node = cluster.node(2);
      String other = "data.dir=" + node.dataDir().resolveSibling("other");
      node.start(other);
      awaitVoters(cluster, 1, 1, 2, 3);
      cluster.awaitReady();
      node.stop(END_PATIENCE);
      ServerNode.Ended ended = node.run(List.of(), END_PATIENCE);
      assertEquals(1, ended.exitCode(), ended::output);
      assertTrue(ended.output().contains("was replaced"), ended::output);
      // The other one is the node's, and goes on.
      node.start(other);
      cluster.awaitReady();
    }
  }

  @Test
  void aSecondProcessWithTheNodeIdOfAVoterIsRefused() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("voters-twice", 3, Map.of())) {
      ServerNode node = cluster.node(2);
      // Elsewhere, with a directory of its own.
      List<String> elsewhere = elsewhere(node, "second");
      ServerNode.Ended empty = node.run(elsewhere, END_PATIENCE);
      assertEquals(1, empty.exitCode(), empty::output);
      assertTrue(empty.output().contains("node id 2 is in use"), empty::output);
      // Elsewhere, with a copy of the directory.
      node.stop(END_PATIENCE);
      node.copyData("copy");
      node.start();
      cluster.awaitReady();
      ServerNode.Ended copy = node.run(elsewhere(node, "copy"), END_PATIENCE);
      assertEquals(1, copy.exitCode(), copy::output);
      assertTrue(copy.output().contains("node id 2 is in use"), copy::output);
      assertEquals("", node.unreadiness());
    }
  }

  @Test
  void aSecondProcessWithTheNodeIdOfABrokerThatDoesNotVoteIsRefused() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("voters-twice-other", 1, 1, Map.of())) {
      ServerNode node = cluster.node(2);
      node.stop(END_PATIENCE);
      node.copyData("copy");
      node.start();
      cluster.awaitReady();
      for (String directory : List.of("copy", "second")) {
        ServerNode.Ended ended = node.run(elsewhere(node, directory), END_PATIENCE);
        assertEquals(1, ended.exitCode(), ended::output);
        assertTrue(ended.output().contains("node id 2 is in use"), ended::output);
      }
      assertEquals("", node.unreadiness());
      node.kill();
      node.start(); // its own stale registration is not in its way
      cluster.awaitReady();
    }
  }

  private static List<String> elsewhere(ServerNode node, String directory) {
    NodePorts ports = NodePorts.free();
    return List.of(
        "data.dir=" + node.dataDir().resolveSibling(directory),
        "grpc.listen=127.0.0.1:" + ports.grpc(),
        "raft.listen=127.0.0.1:" + ports.raft(),
        "http.listen=127.0.0.1:" + ports.http(),
        "replication.listen=127.0.0.1:" + ports.replication());
  }

  private static void awaitLeader(ProcessCluster cluster) {
    await("a metadata leader").atMost(PATIENCE).until(() -> cluster.metadataLeader().isPresent());
  }

  private static boolean hasLeader(ServerNode node) {
    try {
      return quorum(node).has("leader");
    } catch (IOException e) {
      return false;
    }
  }

  /** Waits until a node says that these vote, and has heard of all of them lately if it leads. */
  private static void awaitVoters(ProcessCluster cluster, int asked, Integer... voters) {
    await("voters " + List.of(voters))
        .atMost(PATIENCE)
        .until(() -> voters(cluster.node(asked)).equals(new TreeSet<>(List.of(voters))));
  }

  private static TreeSet<Integer> voters(ServerNode node) {
    TreeSet<Integer> voters = new TreeSet<>();
    try {
      JsonArray members = quorum(node).getAsJsonArray("members");
      for (JsonElement member : members) {
        JsonObject one = member.getAsJsonObject();
        boolean heard = one.has("matchIndex") && !one.get("matchIndex").getAsString().equals("0");
        if (one.has("voter") && one.get("voter").getAsBoolean() && heard) {
          voters.add(one.get("nodeId").getAsInt());
        }
      }
    } catch (IOException e) {
      // not yet
    }
    return voters;
  }

  private static JsonObject quorum(ServerNode node) throws IOException {
    return node.admin("DescribeQuorum", new JsonObject())
        .getAsJsonArray("groups")
        .get(0)
        .getAsJsonObject();
  }

  private static String problems(ServerNode node) {
    try {
      return String.valueOf(node.admin("DescribeCluster", new JsonObject()).get("problems"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Refused, to be tried again, while the metadata do not know yet that a broker is dead (R43). */
  private static void createWithTwo(ProcessCluster cluster) {
    await("a topic with two replicas")
        .atMost(PATIENCE)
        .ignoreExceptions()
        .until(
            () -> {
              cluster.createTopic("with-two", 1, 2, Map.of());
              return true;
            });
  }
}
