package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * R34 with real processes: the replicas of a topic move to other brokers under load, while nodes
 * die, and nothing is lost, doubled or reordered. And what an operator fences stays fenced.
 */
final class ReassignmentTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  @Test
  void replicasMoveUnderLoadThoughTheMetadataLeaderDiesAndTheirOldDataGo() {
    try (ProcessCluster cluster = ProcessCluster.start("reassign", 3, 2, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      String topicId = topicId(cluster);
      moveAll(cluster, List.of(1, 2, 3));
      awaitMoved(cluster, List.of(1, 2, 3));
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(1_000);
        int victim = cluster.awaitMetadataLeader();
        int stays = IntStream.rangeClosed(1, 3).filter(id -> id != victim).max().orElseThrow();
        List<Integer> target = List.of(4, 5, stays);
        moveAll(cluster, target);
        // In the middle of it: the next controller goes on, and the dead one's replicas leave too.
        cluster.node(victim).kill();
        load.awaitAllGoOn();
        awaitMoved(cluster, target);
        load.awaitAcked(200);
        for (int partition = 0; partition < PARTITIONS; partition++) {
          assertTrue(target.contains(cluster.leader(TOPIC, partition).orElseThrow()));
        }
        // Who was down deletes when it is back.
        cluster.startAll();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        load.awaitAcked(200);
        drainAndRemove(cluster, load, 5, topicId);
        assertEquals(List.of(), load.finish());
      }
      for (ServerNode node : cluster.nodes()) {
        long holds =
            IntStream.range(0, PARTITIONS)
                .filter(partition -> cluster.replicas(TOPIC, partition).contains(node.id()))
                .count();
        await("directories of node " + node.id())
            .atMost(PATIENCE)
            .untilAsserted(() -> assertEquals(holds, logs(node, topicId).size()));
      }
    }
  }

  /** All that it has moves to others; stopped, it is forgotten. */
  private static void drainAndRemove(
      ProcessCluster cluster, Load load, int broker, String topicId) {
    JsonObject drain = broker(broker);
    drain.addProperty("moveReplicas", true);
    cluster.change("DrainBroker", drain);
    await("broker " + broker + " has nothing")
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              for (int partition = 0; partition < PARTITIONS; partition++) {
                List<Integer> replicas = cluster.replicas(TOPIC, partition);
                assertTrue(replicas.size() == 3 && !replicas.contains(broker), replicas::toString);
              }
              assertEquals(0, logs(cluster.node(broker), topicId).size());
            });
    load.awaitAllGoOn();
    cluster.node(broker).kill();
    await("broker " + broker + " is fenced")
        .atMost(PATIENCE)
        .until(() -> state(cluster, broker), "BROKER_STATE_FENCED"::equals);
    cluster.change("RemoveBroker", broker(broker));
    assertEquals("", state(cluster, broker));
    load.awaitAcked(200);
  }

  @Test
  void whoIsFencedByAnOperatorHandsOverAndStaysFencedOverARestart() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("operator-fence", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(200);
        int victim = cluster.leader(TOPIC, 0).orElseThrow();
        cluster.change("FenceBroker", broker(victim));
        await("two in sync")
            .atMost(PATIENCE)
            .until(() -> !cluster.inSync(TOPIC, 0).contains(victim));
        load.awaitAllGoOn();
        assertTrue(!cluster.leaders(TOPIC).containsValue(victim));
        cluster.node(victim).kill();
        cluster.node(victim).start();
        await("registered again, and fenced still")
            .atMost(PATIENCE)
            .until(
                () ->
                    cluster.node(victim).logLines("registered").size() > 1
                        ? state(cluster, victim)
                        : "",
                "BROKER_STATE_FENCED_BY_OPERATOR"::equals);
        load.awaitAcked(200);
        assertEquals("BROKER_STATE_FENCED_BY_OPERATOR", state(cluster, victim));
        cluster.change("UnfenceBroker", broker(victim));
        cluster.awaitReady();
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        JsonObject elect = new JsonObject();
        elect.add("partition", partition(0));
        int preferred = cluster.replicas(TOPIC, 0).get(0);
        assertEquals(preferred, cluster.change("ElectLeader", elect).get("leader").getAsInt());
        load.awaitAllGoOn();
        assertEquals(List.of(), load.finish());
      }
    }
  }

  private static JsonObject broker(int id) {
    JsonObject request = new JsonObject();
    request.addProperty("brokerId", id);
    return request;
  }

  private static JsonObject partition(int number) {
    JsonObject partition = new JsonObject();
    partition.addProperty("topic", TOPIC);
    partition.addProperty("partition", number);
    return partition;
  }

  /** Of a broker, as a node that answers knows it; empty if none does. */
  private static String state(ProcessCluster cluster, int id) {
    JsonArray brokers =
        cluster
            .ask("ListBrokers", new JsonObject())
            .map(answer -> answer.getAsJsonArray("brokers"))
            .orElseGet(JsonArray::new);
    for (JsonElement broker : brokers) {
      if (broker.getAsJsonObject().get("brokerId").getAsInt() == id) {
        return broker.getAsJsonObject().get("state").getAsString();
      }
    }
    return "";
  }

  private static String topicId(ProcessCluster cluster) {
    JsonObject request = new JsonObject();
    request.addProperty("name", TOPIC);
    return cluster
        .change("DescribeTopic", request)
        .getAsJsonObject("topic")
        .get("topicId")
        .getAsString();
  }

  private static void moveAll(ProcessCluster cluster, List<Integer> replicas) {
    JsonArray moves = new JsonArray();
    for (int number = 0; number < PARTITIONS; number++) {
      JsonArray ids = new JsonArray();
      replicas.forEach(ids::add);
      JsonObject move = new JsonObject();
      move.add("partition", partition(number));
      move.add("replicas", ids);
      moves.add(move);
    }
    JsonObject request = new JsonObject();
    request.add("reassignments", moves);
    cluster.change("ReassignPartitions", request);
  }

  private static void awaitMoved(ProcessCluster cluster, List<Integer> replicas) {
    for (int number = 0; number < PARTITIONS; number++) {
      int partition = number;
      await(TOPIC + "-" + number + " on " + replicas)
          .atMost(PATIENCE)
          .until(() -> cluster.replicas(TOPIC, partition), replicas::equals);
    }
  }

  private static List<Path> logs(ServerNode node, String topicId) {
    try (Stream<Path> all = Files.list(node.dataDir().resolve("log"))) {
      return all.filter(dir -> dir.getFileName().toString().startsWith(topicId + "-")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
