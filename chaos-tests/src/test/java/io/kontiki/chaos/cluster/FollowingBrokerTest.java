package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Three voters, and two brokers that do not vote (M22): they join by their configuration alone,
 * hold replicas, lead, and follow the metadata through every change of voter; their images never go
 * back.
 */
final class FollowingBrokerTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 5;

  @Test
  void brokersThatDoNotVoteServeAndOutliveEveryVoter() {
    try (ProcessCluster cluster = ProcessCluster.prepare("following", 3, 2, Map.of())) {
      cluster.start(1, 2, 3);
      cluster.start(4, 5);
      cluster.createTopic(TOPIC, PARTITIONS, 5, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 5);
      TreeSet<Integer> leaders = new TreeSet<>();
      for (int partition = 0; partition < PARTITIONS; partition++) {
        leaders.add(cluster.leader(TOPIC, partition).orElseThrow());
      }
      assertTrue(leaders.containsAll(List.of(4, 5)), leaders::toString);
      Images images = new Images(cluster);
      try (images;
          Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        // Whichever they watch is among them.
        for (int voter = 1; voter <= 3; voter++) {
          load.awaitAcked(50);
          cluster.node(voter).kill();
          load.awaitAllGoOn();
          awaitBothKnow(cluster, "killed-" + voter);
          cluster.startAll();
          cluster.awaitInSync(TOPIC, PARTITIONS, 5);
        }
        for (int voter = 1; voter <= 3; voter++) {
          load.awaitAcked(50);
          cluster.node(voter).freeze();
          load.awaitAllGoOn();
          awaitBothKnow(cluster, "frozen-" + voter);
          cluster.node(voter).thaw();
          cluster.awaitReady();
          cluster.awaitInSync(TOPIC, PARTITIONS, 5);
        }
        images.close();
        assertEquals(List.of(), images.steppedBack());
        cluster.node(4).kill();
        load.awaitAllGoOn();
        cluster.startAll();
        cluster.awaitInSync(TOPIC, PARTITIONS, 5);
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
    }
  }

  /** A topic that is made now reaches them. */
  private static void awaitBothKnow(ProcessCluster cluster, String topic) {
    List<String> refusals = new ArrayList<>();
    await(topic + " is made")
        .atMost(Duration.ofSeconds(40))
        .untilAsserted(
            () ->
                assertTrue(
                    cluster.node(4).knows(topic) || isMade(cluster, topic, refusals),
                    refusals::toString));
    for (int id = 4; id <= 5; id++) {
      ServerNode node = cluster.node(id);
      await("node " + id + " knows " + topic)
          .atMost(Duration.ofSeconds(20))
          .until(() -> node.knows(topic));
    }
  }

  /** False: the call went to the leader that froze just now, and its outcome is not known. */
  private static boolean isMade(ProcessCluster cluster, String topic, List<String> refusals) {
    try {
      cluster.createTopic(4, topic, 1, 1, Map.of());
      return true;
    } catch (UncheckedIOException e) {
      refusals.add(Instant.now() + " " + e.getMessage());
      return false;
    }
  }

  /** Looks at the image's index of both, again and again. */
  private static final class Images implements AutoCloseable {
    private final List<String> steppedBack = new ArrayList<>();
    private final Thread thread;
    private volatile boolean closed;

    Images(ProcessCluster cluster) {
      thread = new Thread(() -> watch(cluster), "images");
      thread.setDaemon(true);
      thread.start();
    }

    private void watch(ProcessCluster cluster) {
      Map<Integer, Double> last = new TreeMap<>();
      while (!closed) {
        for (int id = 4; id <= 5; id++) {
          double index = cluster.node(id).metric("kontiki_metadata_index").orElse(Double.NaN);
          Double before = Double.isNaN(index) ? null : last.put(id, index);
          if (before != null && index < before) {
            steppedBack.add("node " + id + ": " + before + " -> " + index);
          }
        }
      }
    }

    @Override
    public void close() {
      closed = true;
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    List<String> steppedBack() {
      return steppedBack;
    }
  }
}
