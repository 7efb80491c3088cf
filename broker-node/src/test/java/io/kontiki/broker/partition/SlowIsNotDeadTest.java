package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.Result;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Rule R38 on whole partitions: brokers that live, as the metadata leader sees it, and are of no
 * use. However long the fault lasts, writes go on within a bound, and nobody is voted in and out
 * again and again.
 */
class SlowIsNotDeadTest {
  private static final long MS = TestCluster.MS;

  /** One writer with acks=all that always knows the leader, and everybody learns within 5 ms. */
  private static final class Writer {
    final TestCluster cluster;
    long everyMs = 20;
    long nextWrite;
    long lastAck;
    long longestPause;
    int acknowledged;
    int value;

    Writer(TestCluster cluster) {
      this.cluster = cluster;
      this.lastAck = now();
    }

    private long now() {
      return cluster.time.clock().nanoTime();
    }

    Writer forMs(long ms) {
      for (long end = now() + ms * MS; now() < end; cluster.time.advanceMs(5)) {
        for (TestNode node : cluster.nodes.values()) {
          node.learn();
          node.unfence();
        }
        if (now() >= nextWrite) {
          nextWrite = now() + everyMs * MS;
          write();
        }
        longestPause = Math.max(longestPause, now() - lastAck);
      }
      return this;
    }

    private void write() {
      int leader = cluster.controller.partitions.get(TestCluster.P0).leader;
      TestNode node = leader < 0 ? null : cluster.node(leader);
      if (node == null || node.paused() || !node.partition(TestCluster.P0).leading()) {
        return;
      }
      Append append =
          new Append(Requests.ANY_EPOCH, Acks.ALL, TestBatches.of(++value), now() + 30_000 * MS);
      node.loop.run(
          () ->
              node.partition(TestCluster.P0)
                  .append(
                      append,
                      end -> {
                        if (end instanceof Result.Ok<?>) {
                          acknowledged++;
                          lastAck = now();
                        }
                      }));
    }

    long pauseMs() {
      return longestPause / MS;
    }
  }

  private static TestController.Entry entry(TestCluster cluster) {
    return cluster.controller.partitions.get(TestCluster.P0);
  }

  /** Writes before, through and after a fault; returns the longest time without an ack. */
  private static long longestPauseMs(
      boolean engine, long seed, long faultMs, Consumer<TestCluster> fault) {
    TestCluster cluster = new TestCluster(seed, Durability.FSYNC, engine);
    cluster.startAll();
    Writer writer = new Writer(cluster).forMs(1_000 + 37 * seed);
    assertTrue(writer.pauseMs() < 50, "before the fault: " + writer.pauseMs());
    fault.accept(cluster);
    writer.forMs(faultMs);
    long pause = writer.pauseMs();
    int acknowledged = writer.acknowledged;
    cluster.network.mendLinks();
    cluster.nodes.values().forEach(node -> node.slowDiskMs(0));
    cluster.nodes.values().forEach(node -> node.stickDiskMs(0));
    writer.forMs(3_000);
    assertTrue(writer.acknowledged > acknowledged, "writes after the fault");
    writer.everyMs = 200;
    writer.forMs(40_000);
    assertEquals(List.of(1, 2, 3), List.copyOf(entry(cluster).isr), "in sync after the fault");
    assertTrue(cluster.controller.version < 40, cluster.controller.version + " metadata entries");
    return pause;
  }

  private static long worst(boolean engine, long faultMs, Consumer<TestCluster> fault) {
    return LongStream.range(1, 6)
        .map(seed -> longestPauseMs(engine, seed, faultMs, fault))
        .max()
        .orElseThrow();
  }

  private static void cut(TestCluster cluster, int from, int to) {
    cluster.network.cutLink(from, to);
  }

  @Test
  void aLeaderCutOffFromItsFollowersOnlyCostsAboutFourSeconds() {
    long pause =
        worst(
            false,
            15_000,
            cluster -> {
              for (int follower = 2; follower <= 3; follower++) {
                cut(cluster, 1, follower);
                cut(cluster, follower, 1);
              }
            });
    assertTrue(pause > 2_000 && pause < 4_200, pause + " ms");
  }

  @Test
  void aLeaderThatItsFollowersDoNotHearCostsAboutFourSeconds() {
    long pause =
        worst(
            false,
            15_000,
            cluster -> {
              cut(cluster, 1, 2);
              cut(cluster, 1, 3);
            });
    assertTrue(pause < 4_200, pause + " ms");
  }

  @Test
  void aLeaderThatDoesNotHearItsFollowersCostsAboutFourSeconds() {
    long pause =
        worst(
            false,
            15_000,
            cluster -> {
              cut(cluster, 2, 1);
              cut(cluster, 3, 1);
            });
    assertTrue(pause < 4_200, pause + " ms");
  }

  @Test
  void aFollowerThatIsCutOffCostsTwoSeconds() {
    long pause =
        worst(
            false,
            15_000,
            cluster -> {
              cut(cluster, 3, 1);
              cut(cluster, 1, 3);
            });
    assertTrue(pause < 2_100, pause + " ms");
  }

  @Test
  void aLeaderWithAStuckDiskCostsSevenSeconds() {
    for (boolean engine : new boolean[] {false, true}) {
      long pause = worst(engine, 20_000, cluster -> cluster.node(1).stickDiskMs(60_000));
      assertTrue(pause > 5_000 && pause < 7_200, pause + " ms");
    }
  }

  @Test
  void aFollowerWithAStuckDiskCostsTwoSeconds() {
    for (boolean engine : new boolean[] {false, true}) {
      long pause = worst(engine, 20_000, cluster -> cluster.node(2).stickDiskMs(60_000));
      assertTrue(pause < 2_200, pause + " ms");
    }
  }

  @Test
  void twoStuckDisksOfThreeEndInOneLeaderThatRefuses() {
    TestCluster cluster = new TestCluster(5, Durability.FSYNC);
    cluster.startAll();
    Writer writer = new Writer(cluster).forMs(1_000);
    cluster.node(1).stickDiskMs(60_000);
    cluster.node(2).stickDiskMs(60_000);
    writer.forMs(50_000);
    assertEquals(List.of(3), List.copyOf(entry(cluster).isr), "the one whose disk works");
    assertEquals(3, entry(cluster).leader);
    assertTrue(cluster.controller.version < 30, cluster.controller.version + " metadata entries");
    writer.forMs(30_000);
    assertEquals(List.of(1, 2, 3), List.copyOf(entry(cluster).isr));
    assertTrue(now(cluster) - writer.lastAck < 100 * MS);
  }

  @Test
  void whenEveryLinkIsCutLeadershipDoesNotGoRound() {
    TestCluster cluster = new TestCluster(6, Durability.FSYNC);
    cluster.startAll();
    Writer writer = new Writer(cluster).forMs(1_000);
    for (int from = 1; from <= 3; from++) {
      for (int to = 1; to <= 3; to++) {
        cut(cluster, from, to);
      }
    }
    writer.forMs(60_000);
    assertEquals(1, cluster.controller.resignations);
    cluster.network.mendLinks();
    writer.forMs(5_000);
    assertTrue(now(cluster) - writer.lastAck < 100 * MS, "writes go on when the links are back");
    assertEquals(List.of(1, 2, 3), List.copyOf(entry(cluster).isr));
  }

  @Test
  void aDiskThatIsAlwaysSlowCostsFewMetadataEntriesR38() {
    for (int slow = 1; slow <= 3; slow++) {
      TestCluster cluster = new TestCluster(slow, Durability.FSYNC);
      cluster.startAll();
      Writer writer = new Writer(cluster).forMs(1_000);
      long before = cluster.controller.version;
      writer.everyMs = 300;
      cluster.node(slow).slowDiskMs(6_000);
      writer.forMs(600_000);
      long entries = cluster.controller.version - before;
      assertTrue(entries <= 60, entries + " entries in ten minutes, slow disk of " + slow);
      assertTrue(now(cluster) - writer.lastAck < 400 * MS, "writes go on");
    }
  }

  @Test
  void aPausedLeaderThatWakesUpBlamesNobody() {
    TestCluster cluster = new TestCluster(8, Durability.FSYNC);
    cluster.startAll();
    Writer writer = new Writer(cluster).forMs(1_000);
    cluster.node(1).pause(true);
    writer.forMs(20_000);
    long before = cluster.controller.version;
    cluster.node(1).pause(false);
    writer.forMs(3_000);
    assertEquals(before, cluster.controller.version);
    assertEquals(1, entry(cluster).leader);
    assertTrue(now(cluster) - writer.lastAck < 100 * MS);
  }

  private static long now(TestCluster cluster) {
    return cluster.time.clock().nanoTime();
  }
}
