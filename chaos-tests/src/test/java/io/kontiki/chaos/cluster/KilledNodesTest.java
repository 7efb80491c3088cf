package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * P1, P4 to P8 with real processes: three nodes, acks=all, SIGKILL under load. The killed come back
 * and are in sync again.
 */
final class KilledNodesTest {
  private static final long BOUND_MS = 5_000;

  /** Three processes that load their classes one by one need 3 s of both cores for that alone. */
  private static final long START_BOUND_MS = ServerProgram.hasClassArchive() ? 5_000 : 8_000;

  private static final int ROUNDS = Integer.getInteger("kontiki.chaos.rounds", 2);
  private static final int PARTITIONS = 3;
  private static final int PRODUCERS = 4;

  private enum Victim {
    PARTITION_LEADER,
    FOLLOWER,
    METADATA_LEADER,
    BOTH_LEADERS
  }

  @Test
  void losingAnyOneNodeLosesNothing() {
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start("kill-one", 3, Map.of())) {
      for (int round = 0; round < ROUNDS; round++) {
        for (Victim victim : Victim.values()) {
          // A new topic has one leader on each node, whatever happened before.
          String topic = victim.name().toLowerCase(Locale.ROOT) + "-" + round;
          cluster.createTopic(topic, PARTITIONS, 3, Map.of());
          cluster.awaitInSync(topic, PARTITIONS, 3);
          pauses.add("SIGKILL of " + victim, killOne(cluster, topic, victim));
        }
      }
    }
    pauses.judge(BOUND_MS);
  }

  /** Kills and brings back; the longest time without an acknowledgement after the kill, in ms. */
  private static long killOne(ProcessCluster cluster, String topic, Victim victim) {
    int metadataLeader = cluster.metadataLeader().orElseThrow();
    int partition = 0;
    boolean led = cluster.leader(topic, partition).orElseThrow() == metadataLeader;
    while (led != (victim == Victim.BOTH_LEADERS)) {
      partition++;
      led = cluster.leader(topic, partition).orElseThrow() == metadataLeader;
    }
    int leader = cluster.leader(topic, partition).orElseThrow();
    int dead =
        switch (victim) {
          case PARTITION_LEADER -> leader;
          case FOLLOWER -> 6 - leader - metadataLeader;
          case METADATA_LEADER, BOTH_LEADERS -> metadataLeader;
        };
    try (Load load = Load.start(cluster, topic, List.of(partition), PRODUCERS)) {
      load.awaitAcked(200);
      load.resetPauses();
      cluster.node(dead).kill();
      load.awaitAllGoOn();
      load.awaitAcked(200);
      long pause = load.longestPauseMs();
      assertNotEquals(dead, cluster.leader(topic, partition).orElseThrow());
      cluster.startAll();
      cluster.awaitInSync(topic, PARTITIONS, 3);
      load.awaitAcked(50);
      assertEquals(List.of(), load.finish());
      return pause;
    }
  }

  @Test
  void losingAllNodesAtOnceLosesNothingThatIsOnDisk() {
    killAll("kill-all-fsync", "fsync");
  }

  /** Only a power cut may lose something here; the page cache outlives processes. */
  @Test
  void losingAllNodesAtOnceLosesNothingThatIsReplicated() {
    killAll("kill-all-replicated", "replicated");
  }

  private static void killAll(String name, String durability) {
    String topic = "orders";
    Pauses pauses = new Pauses();
    try (ProcessCluster cluster = ProcessCluster.start(name, 3, Map.of())) {
      cluster.createTopic(topic, PARTITIONS, 3, Map.of("durability", durability));
      try (Load load = Load.start(cluster, topic, PARTITIONS, PRODUCERS)) {
        for (int round = 0; round < ROUNDS; round++) {
          load.awaitAcked(200);
          cluster.killAll();
          load.resetPauses();
          long before = load.acked();
          cluster.startNodes();
          load.awaitAllGoOn();
          assertTrue(load.acked() > before);
          pauses.add("start after SIGKILL of all, " + durability, load.longestPauseMs());
          cluster.awaitReady();
          cluster.awaitInSync(topic, PARTITIONS, 3);
        }
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
    }
    pauses.judge(START_BOUND_MS);
  }
}
