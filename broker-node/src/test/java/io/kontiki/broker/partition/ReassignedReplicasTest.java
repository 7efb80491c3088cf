package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.Result;
import io.kontiki.replication.Lane;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Replicas that come and go, with real roles: the data moves, and nobody notices (R34, R20). */
class ReassignedReplicasTest {
  private static final List<Integer> NEW = List.of(4, 5, 6);

  private final List<Result<Appended>> answers = new ArrayList<>();
  private final List<Integer> sent = new ArrayList<>();

  private static TestCluster start(boolean engine) {
    TestCluster cluster = new TestCluster(1, Durability.FSYNC, engine, 6);
    cluster.startAll();
    return cluster;
  }

  private void append(TestCluster cluster, int bytes) {
    int leader = cluster.controller.partitions.get(TestCluster.P0).leader;
    TestNode node = cluster.node(leader);
    long deadline = cluster.time.clock().nanoTime() + 60_000 * TestCluster.MS;
    sent.add(leader);
    node.loop.run(
        () ->
            node.partition(TestCluster.P0)
                .append(
                    new Append(-1, Acks.ALL, TestBatches.of(sent.size(), 1, bytes), deadline),
                    answers::add));
  }

  private static void learn(TestCluster cluster, int ms) {
    cluster.nodes.values().forEach(TestNode::learn);
    cluster.time.advanceMs(ms);
  }

  private List<Integer> isr(TestCluster cluster) {
    return List.copyOf(cluster.controller.partitions.get(TestCluster.P0).isr);
  }

  private void whatIsWrittenIsOnTheNewBrokersAndNowhereElse(boolean engine) {
    TestCluster cluster = start(engine);
    for (int i = 0; i < 50; i++) {
      append(cluster, 10_000);
      learn(cluster, 5);
    }
    cluster.controller.reassign(TestCluster.P0, NEW);
    boolean moved = false;
    for (int i = 0; i < 400; i++) {
      learn(cluster, 5);
      append(cluster, 100);
      assertTrue(isr(cluster).size() >= 3, "min ISR is never in danger");
      if (!moved && isr(cluster).containsAll(NEW)) {
        cluster.time.advanceMs(200); // everything that is under way is acknowledged
        cluster.controller.move(TestCluster.P0, 4);
        moved = true;
      }
      if (moved && i % 20 == 0 && cluster.controller.shrink(TestCluster.P0)) {
        break;
      }
    }
    assertEquals(NEW, isr(cluster));
    for (int i = 0; i < 20; i++) {
      learn(cluster, 20);
      append(cluster, 100);
    }
    cluster.settle();
    assertEquals(sent.size(), answers.size());
    for (Result<Appended> answer : answers) {
      answer.fold(ok -> true, error -> fail(error.toString()));
    }
    List<TestDisk.Entry> expected = cluster.node(4).storage.entries(TestCluster.P0);
    assertEquals(sent.size(), expected.get(expected.size() - 1).next());
    for (int id : List.of(5, 6)) {
      assertEquals(expected, cluster.node(id).storage.entries(TestCluster.P0));
    }
    for (int id : List.of(1, 2, 3)) {
      assertNull(cluster.node(id).partition(TestCluster.P0));
      if (engine) {
        assertFalse(
            ((TestStorage.Engine) cluster.node(id).storage)
                .store
                .list("")
                .contains(TestCluster.P0.directoryName()));
      } else {
        assertNull(cluster.node(id).log(TestCluster.P0));
      }
    }
  }

  private static boolean fail(String message) {
    throw new AssertionError(message);
  }

  @Test
  void whatIsWrittenIsOnTheNewBrokersAndNowhereElse() {
    whatIsWrittenIsOnTheNewBrokersAndNowhereElse(false);
  }

  @Test
  void whatIsWrittenIsOnTheNewBrokersAndNowhereElseOnTheStorageEngine() {
    whatIsWrittenIsOnTheNewBrokersAndNowhereElse(true);
  }

  @Test
  void whoComesCatchesUpOnItsOwnLaneR33() {
    TestCluster cluster = start(false);
    for (int i = 0; i < 120; i++) {
      append(cluster, 100_000);
      cluster.time.advanceMs(5);
    }
    cluster.network.opened.clear();
    cluster.controller.reassign(TestCluster.P0, List.of(1, 2, 4));
    cluster.settle();
    assertEquals(List.of(Lane.LIVE, Lane.CATCH_UP, Lane.LIVE), cluster.network.opened);
    assertEquals(List.of(1, 2, 3, 4), isr(cluster));
    assertTrue(cluster.controller.shrink(TestCluster.P0));
    cluster.settle();
    assertEquals(120, cluster.node(4).log(TestCluster.P0).heldEndOffset());
    assertEquals(List.of(1, 2, 4), isr(cluster));
  }

  @Test
  void whoComesIsKnownToALeaderThatWasToldOfANewerStateByTheAnswerToAProposalR20() {
    TestCluster cluster = start(false);
    cluster.node(3).kill(false);
    append(cluster, 100);
    cluster.controller.reassign(TestCluster.P0, List.of(1, 2, 4));
    cluster.time.advanceMs(4_000); // nobody learns of that, and the leader gives up broker 3
    assertEquals(List.of(1, 2), isr(cluster));
    learn(cluster, 20);
    cluster.settle();
    assertEquals(List.of(1, 2, 4), isr(cluster));
  }

  @Test
  void producersGoOnWaitingWhereTheLeaderLeadsOnInTheNewEpochR20() {
    TestCluster cluster = start(false);
    cluster.controller.reassign(TestCluster.P0, List.of(1, 2));
    cluster.settle();
    cluster.node(2).slowDiskMs(300);
    append(cluster, 100);
    cluster.time.advanceMs(20);
    assertTrue(answers.isEmpty());
    int epoch = cluster.controller.partitions.get(TestCluster.P0).leaderEpoch;
    assertTrue(cluster.controller.shrink(TestCluster.P0));
    learn(cluster, 20);
    append(cluster, 100);
    assertTrue(answers.isEmpty(), answers::toString);
    cluster.node(2).slowDiskMs(0);
    cluster.settle();
    assertEquals(2, answers.size());
    assertEquals(
        List.of(epoch, epoch + 1),
        answers.stream().map(answer -> answer.fold(Appended::leaderEpoch, error -> -1)).toList());
  }

  @Test
  void whoIsTakenOutAndBroughtBackInOneJumpIsComparedAnewM8() {
    TestCluster cluster = start(false);
    append(cluster, 100);
    cluster.settle();
    TestNode away = cluster.node(3);
    away.pause(true);
    cluster.controller.reassign(TestCluster.P0, List.of(1, 2));
    assertTrue(cluster.controller.shrink(TestCluster.P0));
    for (int i = 0; i < 5; i++) {
      learn(cluster, 20);
      append(cluster, 100);
    }
    cluster.settle();
    assertEquals(6, answers.size());
    cluster.controller.reassign(TestCluster.P0, List.of(1, 2, 3));
    learn(cluster, 20);
    assertEquals(List.of(1, 2), isr(cluster));
    away.pause(false);
    cluster.settle();
    assertEquals(List.of(1, 2, 3), isr(cluster));
    assertEquals(6, away.log(TestCluster.P0).heldEndOffset());
  }
}
