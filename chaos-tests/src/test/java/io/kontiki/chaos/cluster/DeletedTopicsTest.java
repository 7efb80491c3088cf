package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** L6, M20, R46 with real processes: what is deleted is gone from every disk, and nothing else. */
final class DeletedTopicsTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @Test
  void aDeletedTopicLeavesEveryDiskAlsoOfANodeThatWasDownAndItsNameIsFreeAtOnce()
      throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("deleted", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(200);
        assertEquals(List.of(), load.finish());
      }
      List<String> old = logs(cluster.node(3));
      assertEquals(PARTITIONS, old.size());
      cluster.node(3).kill();
      cluster.awaitInSync(TOPIC, PARTITIONS, 2);
      cluster.deleteTopic(TOPIC);
      // The name is another topic's at once, while node 3 still has the old one's records.
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      for (int id = 1; id <= 2; id++) {
        awaitGone(cluster.node(id), old);
      }
      assertEquals(PARTITIONS, logs(cluster.node(3)).size(), "it is down");
      cluster.start(3);
      awaitGone(cluster.node(3), old);
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(100);
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void aDirectoryThatTheClusterDoesNotKnowIsPutAsideWithAllItsBytes() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("unknown", 1, Map.of())) {
      cluster.createTopic(TOPIC, 1, 1, Map.of());
      try (Load load = Load.start(cluster, TOPIC, 1, 4)) {
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
      ServerNode node = cluster.node(1);
      cluster.stopAll(PATIENCE);
      Path known = node.dataDir().resolve("log").resolve(logs(node).get(0));
      // As a disk that was in another cluster before: a log whose topic nobody has heard of.
      String stranger = "AAAAAAAAAAAAAAAAAAAAAQ-0";
      Path copy = known.resolveSibling(stranger);
      Files.createDirectory(copy);
      byte[] records = Files.readAllBytes(known.resolve("00000000000000000000.log"));
      Files.write(copy.resolve("00000000000000000000.log"), records);
      cluster.start(1);
      await("it is put aside").atMost(PATIENCE).until(() -> !logs(node).contains(stranger));
      Path aside = known.resolveSibling(stranger + ".0.quarantine");
      assertEquals(
          records.length, Files.size(aside.resolve("00000000000000000000.log")), "nothing is lost");
      cluster.awaitInSync(TOPIC, 1, 1);
    }
  }

  private static void awaitGone(ServerNode node, List<String> logs) {
    await("the old logs are gone on node " + node.id())
        .atMost(PATIENCE)
        .until(() -> names(node).stream().noneMatch(name -> begins(name, logs)));
  }

  private static boolean begins(String name, List<String> logs) {
    return logs.stream().anyMatch(name::startsWith);
  }

  private static List<String> logs(ServerNode node) throws IOException {
    return names(node).stream().filter(name -> name.matches(".{22}-\\d+")).toList();
  }

  private static List<String> names(ServerNode node) throws IOException {
    try (Stream<Path> all = Files.list(node.dataDir().resolve("log"))) {
      return all.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
