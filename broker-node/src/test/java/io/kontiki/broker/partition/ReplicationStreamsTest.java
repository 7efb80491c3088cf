package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.broker.replication.PacedCatchUp;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Data;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.replication.Resignation;
import io.kontiki.replication.StreamId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How logs travel: streams, batching, bounds, and what ends them. */
class ReplicationStreamsTest {
  private final TestCluster cluster = new TestCluster(1, Durability.FSYNC);
  private final List<PartitionId> ids = new ArrayList<>();

  @BeforeEach
  void start() {
    cluster.startAll();
    ids.add(TestCluster.P0);
    for (int i = 1; i < 20; i++) {
      PartitionId id = new PartitionId(new TopicId(7, 7), i);
      ids.add(id);
      cluster.controller.create(id, List.of(1, 2, 3));
    }
    cluster.settle();
  }

  private int append(PartitionId id, int bytes) {
    int[] acked = new int[1];
    TestNode node = cluster.node(1);
    long deadline = cluster.time.clock().nanoTime() + 60_000 * TestCluster.MS;
    node.loop.run(
        () ->
            node.partition(id)
                .append(
                    new Append(-1, Acks.ALL, TestBatches.of(1, 1, bytes), deadline),
                    result -> acked[0]++));
    return acked[0];
  }

  private TestLog log(int broker, PartitionId id) {
    return cluster.node(broker).log(id);
  }

  @Test
  void oneStreamCarriesAllPartitionsThatFollowOneLeader() {
    assertEquals(2, cluster.network.open().size(), "from broker 2 and from broker 3");
  }

  @Test
  void aTurnIsOneMessageForAllPartitionsOfAStream() {
    cluster.network.sent.clear();
    cluster
        .node(1)
        .loop
        .run(
            () -> {
              for (PartitionId id : ids) {
                cluster
                    .node(1)
                    .partition(id)
                    .append(
                        new Append(-1, Acks.ALL, TestBatches.of(1), Long.MAX_VALUE), result -> {});
              }
            });
    cluster.time.advanceMs(6);
    List<ReplicationMessage> data =
        cluster.network.sent.stream().filter(Data.class::isInstance).toList();
    assertEquals(2, data.size(), "one for each follower");
    assertEquals(20, ((Data) data.get(0)).parts().size());
    long acks =
        cluster.network.sent.stream()
            .filter(ReplicationMessage.Acks.class::isInstance)
            .mapToLong(message -> ((ReplicationMessage.Acks) message).ends().size())
            .sum();
    assertEquals(40, acks);
    assertTrue(
        cluster.network.sent.stream().filter(ReplicationMessage.Acks.class::isInstance).count()
            <= 40);
  }

  @Test
  void theHighWatermarkComesAloneAfterTenMsR39() {
    append(TestCluster.P0, 8);
    cluster.time.advanceMs(5);
    assertEquals(1, cluster.node(1).partition(TestCluster.P0).highWatermark());
    assertEquals(0, cluster.node(2).partition(TestCluster.P0).highWatermark());
    cluster.time.advanceMs(12);
    assertEquals(1, cluster.node(2).partition(TestCluster.P0).highWatermark());
  }

  @Test
  void aBrokenStreamIsOpenedAgainAndNobodyLeavesTheInSyncSet() {
    List.copyOf(cluster.network.open()).forEach(TestNetwork.Stream::reset);
    append(TestCluster.P0, 8);
    cluster.time.advanceMs(200);
    assertEquals(2, cluster.network.open().size());
    assertEquals(1, cluster.node(1).partition(TestCluster.P0).highWatermark());
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
  }

  @Test
  void whatIsInFlightIsBoundedAndEverythingArrivesR33() {
    ReplicationLimits limits = ReplicationLimits.DEFAULT;
    for (int i = 0; i < 60; i++) {
      append(ids.get(i % 3), 200_000);
    }
    long before = cluster.network.sentDataBytes();
    assertTrue(before <= 2L * (3 * (limits.partitionInFlight() + limits.message())), "" + before);
    cluster.time.advanceMs(2_000);
    for (PartitionId id : ids.subList(0, 3)) {
      assertEquals(20, log(2, id).heldEndOffset());
      assertEquals(20, cluster.node(1).partition(id).highWatermark());
    }
  }

  @Test
  void aFollowerThatWasAwayReadsFromTheLogAndJoinsAgainR12() {
    cluster.node(3).kill(false);
    cluster.controller.fence(3);
    cluster.settle();
    for (int i = 0; i < 50; i++) {
      append(TestCluster.P0, 100_000);
      cluster.time.advanceMs(5);
    }
    log(1, TestCluster.P0).coldBelow = 45;
    cluster.node(3).start();
    cluster.settle();
    assertEquals(50, log(3, TestCluster.P0).heldEndOffset());
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
  }

  @Test
  void whoIsFarBehindCatchesUpOnItsOwnLaneAndComesBackR33() {
    cluster.node(3).kill(false);
    cluster.controller.fence(3);
    cluster.settle();
    for (int i = 0; i < 120; i++) {
      append(TestCluster.P0, 100_000);
      cluster.time.advanceMs(5);
    }
    cluster.network.opened.clear();
    cluster.node(3).start();
    cluster.settle();
    assertEquals(List.of(Lane.LIVE, Lane.CATCH_UP), cluster.network.opened);
    assertEquals(120, log(3, TestCluster.P0).heldEndOffset());
    assertTrue(cluster.network.open().stream().allMatch(stream -> stream.lane == Lane.LIVE));
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
  }

  /** Broker 3 was away while so many batches of 100 kB were appended to each of some partitions. */
  private void missing(int partitions, int batches) {
    cluster.node(3).kill(false);
    cluster.controller.fence(3);
    cluster.settle();
    for (int i = 0; i < batches; i++) {
      for (PartitionId id : ids.subList(0, partitions)) {
        append(id, 100_000);
      }
      cluster.time.advanceMs(5);
    }
    cluster.settle();
  }

  @Test
  void catchingUpTakesTurnsOverThePartitionsAndKeepsToItsBudgetR33() {
    missing(4, 100);
    long[] bytes = new long[1];
    int[] replicas = new int[1];
    cluster.meters =
        new ReplicationMeters() {
          @Override
          public void onResignation(Resignation.Cause cause) {}

          @Override
          public void onCatchUp(int more, long shipped) {
            replicas[0] += more;
            bytes[0] += shipped;
          }

          @Override
          public void onNoRoom(int replicas) {}
        };
    cluster.catchUp = new PacedCatchUp(5_000_000, cluster.time.clock().nanoTime());
    restartAsLeader();
    cluster.node(3).start();
    cluster.settle();
    assertEquals(4, replicas[0]);
    cluster.time.advanceMs(1_500); // it begins slowly
    long before = bytes[0];
    long[] ends = ids.subList(0, 4).stream().mapToLong(id -> log(3, id).logEndOffset()).toArray();
    cluster.time.advanceMs(2_000);
    assertEquals(10_000_000, bytes[0] - before, 1_100_000, "of 2 s at 5 MB/s");
    for (int i = 0; i < 4; i++) {
      long more = log(3, ids.get(i)).logEndOffset() - ends[i];
      assertTrue(more >= 15 && more <= 35, "partition " + i + " got " + more + " of about 100");
    }
    cluster.time.advanceMs(8_000);
    assertEquals(0, replicas[0]);
    for (PartitionId id : ids.subList(0, 4)) {
      assertEquals(100, log(3, id).heldEndOffset());
      assertEquals(3, cluster.controller.partitions.get(id).isr.size());
    }
  }

  /** The policy of a broker is that of its start: broker 1 is down for a moment and leads again. */
  private void restartAsLeader() {
    cluster.node(1).kill(false);
    cluster.node(1).start();
    cluster.settle();
    ids.forEach(id -> cluster.controller.move(id, 1));
    cluster.settle();
  }

  @Test
  void aLoadGreaterThanTheBudgetDoesNotKeepAReplicaAwayR33() {
    missing(1, 120);
    cluster.catchUp = new PacedCatchUp(2_000_000, cluster.time.clock().nanoTime());
    restartAsLeader();
    cluster.node(3).start();
    cluster.settle();
    int rounds = 0;
    // 10 MB/s is written, the budget is 2 MB/s, the backlog is 12 MB.
    while (cluster.controller.partitions.get(TestCluster.P0).isr.size() < 3) {
      append(TestCluster.P0, 100_000);
      cluster.time.advanceMs(10);
      cluster.nodes.values().forEach(TestNode::learn);
      assertTrue(++rounds < 1_000, "not in sync after " + rounds * 10 + " ms");
    }
    assertTrue(rounds > 200, "it was not paced: " + rounds * 10 + " ms");
    cluster.settle();
    assertTrue(cluster.network.open().stream().allMatch(stream -> stream.lane == Lane.LIVE));
  }

  @Test
  void aMemberOfTheInSyncSetIsShippedToOnTheLiveLaneHoweverFarBehind() {
    cluster.network.cut(3, true);
    for (int i = 0; i < 120; i++) {
      append(TestCluster.P0, 100_000);
    }
    cluster.network.opened.clear();
    cluster.network.cut(3, false);
    cluster.time.advanceMs(1_000);
    assertEquals(120, log(3, TestCluster.P0).heldEndOffset());
    assertEquals(120, cluster.node(1).partition(TestCluster.P0).highWatermark());
    assertTrue(cluster.network.opened.stream().allMatch(lane -> lane == Lane.LIVE));
  }

  @Test
  void whoFallsFarBehindOnTheLiveLaneMakesRoomThereR33() {
    missing(1, 10);
    TestNode three = cluster.node(3);
    three.start();
    three.learn();
    three.learn();
    // Registered, subscribed and fenced: not in sync, and its disk stands still.
    three.stickDiskMs(2_000);
    cluster.network.opened.clear();
    for (int i = 0; i < 150; i++) {
      append(TestCluster.P0, 100_000);
      cluster.time.advanceMs(5);
    }
    cluster.time.advanceMs(3_000);
    assertTrue(cluster.network.opened.contains(Lane.CATCH_UP), "" + cluster.network.opened);
    cluster.settle();
    assertEquals(160, log(3, TestCluster.P0).heldEndOffset());
  }

  @Test
  void whatIsReadAheadForManyPartitionsIsBoundedR33() {
    missing(20, 20);
    int[] reading = new int[2];
    for (PartitionId id : ids) {
      TestLog log = log(1, id);
      log.coldBelow = 100;
      log.onColdRead =
          change -> {
            reading[0] += change;
            reading[1] = Math.max(reading[1], reading[0]);
          };
    }
    cluster.limits = ReplicationLimits.DEFAULT;
    cluster.node(3).start();
    cluster.settle();
    ids.forEach(id -> assertEquals(20, log(3, id).heldEndOffset()));
    int most = ReplicationLimits.DEFAULT.streamInFlight() / ReplicationLimits.DEFAULT.message();
    assertTrue(reading[1] > 1 && reading[1] <= most, reading[1] + " reads at a time");
  }

  @Test
  void aFollowerBehindTheLogStartBeginsThereR32() {
    cluster.node(3).kill(false);
    cluster.controller.fence(3);
    cluster.settle();
    for (int i = 0; i < 10; i++) {
      append(TestCluster.P0, 8);
    }
    cluster.time.advanceMs(50);
    cluster.node(1).loop.run(() -> log(1, TestCluster.P0).advanceLogStart(7));
    cluster.node(3).start();
    cluster.settle();
    assertEquals(7, log(3, TestCluster.P0).logStartOffset());
    assertEquals(10, log(3, TestCluster.P0).heldEndOffset());
    append(TestCluster.P0, 8);
    cluster.time.advanceMs(50);
    assertEquals(7, log(2, TestCluster.P0).logStartOffset(), "the log start travels with the data");
  }

  @Test
  void badDataEndsTheSubscriptionNotTheReplicaR30() {
    log(2, TestCluster.P0).refuseNext = true;
    append(TestCluster.P0, 8);
    cluster.time.advanceMs(10);
    assertEquals(0, log(2, TestCluster.P0).logEndOffset());
    cluster.time.advanceMs(200);
    assertEquals(1, log(2, TestCluster.P0).heldEndOffset());
    assertEquals(1, cluster.node(1).partition(TestCluster.P0).highWatermark());
  }

  @Test
  void aDivergingFollowerCutsToTheCommonPointR28D8() {
    append(TestCluster.P0, 8);
    cluster.time.advanceMs(30);
    // Broker 1 is cut off with two records that nobody else has.
    cluster.network.cut(1, true);
    append(TestCluster.P0, 8);
    append(TestCluster.P0, 8);
    cluster.controller.fence(1);
    cluster.node(2).learn();
    cluster.node(3).learn();
    TestNode two = cluster.node(2);
    two.loop.run(
        () ->
            two.partition(TestCluster.P0)
                .append(
                    new Append(-1, Acks.ALL, TestBatches.of(9, 1, 8), Long.MAX_VALUE), r -> {}));
    cluster.time.advanceMs(50);
    assertEquals(3, log(1, TestCluster.P0).logEndOffset());
    cluster.network.cut(1, false);
    cluster.settle();
    assertEquals(2, log(1, TestCluster.P0).logEndOffset());
    assertEquals(
        log(2, TestCluster.P0).disk.cached.epochs(), log(1, TestCluster.P0).disk.cached.epochs());
    cluster.settle();
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
  }

  /** The other end of a stream that a test opens by hand. */
  private static final class HandMade implements ReplicaStream {
    String closed = "";

    @Override
    public void send(ReplicationMessage message) {}

    @Override
    public void close(String why) {
      closed = why;
    }
  }

  private HandMade hello(Uid cluster, int leader, StreamId stream) {
    HandMade end = new HandMade();
    TestNode node = this.cluster.node(1);
    node.loop.run(() -> node.partitions.accept(new Hello(cluster, leader, stream), end));
    return end;
  }

  @Test
  void strangersAndOlderIncarnationsAreSentAwayR27() {
    Uid own = TestController.CLUSTER;
    long epoch = cluster.controller.epochs.get(2);
    assertTrue(
        hello(new Uid(8, 8), 1, new StreamId(2, epoch, Lane.LIVE, 1, 1))
            .closed
            .contains("cluster"));
    assertTrue(hello(own, 4, new StreamId(2, epoch, Lane.LIVE, 1, 1)).closed.contains("broker 1"));
    assertTrue(hello(own, 1, new StreamId(2, epoch - 1, Lane.LIVE, 1, 1)).closed.contains("newer"));
    assertEquals("", hello(own, 1, new StreamId(2, epoch, Lane.LIVE, 1, 1)).closed);
  }

  @Test
  void aNewerHelloEndsTheOlderStreamOfItsLaneR27() {
    Uid own = TestController.CLUSTER;
    long epoch = cluster.controller.epochs.get(2);
    HandMade first = hello(own, 1, new StreamId(2, epoch, Lane.LIVE, 5, 1));
    HandMade otherLane = hello(own, 1, new StreamId(2, epoch, Lane.CATCH_UP, 5, 1));
    HandMade second = hello(own, 1, new StreamId(2, epoch, Lane.LIVE, 5, 2));
    assertFalse(first.closed.isEmpty());
    assertEquals("", otherLane.closed);
    assertFalse(hello(own, 1, new StreamId(2, epoch, Lane.LIVE, 5, 1)).closed.isEmpty());
    HandMade restarted = hello(own, 1, new StreamId(2, epoch + 100, Lane.LIVE, 5, 1));
    assertEquals("", restarted.closed);
    assertFalse(second.closed.isEmpty(), "a newer incarnation ends all its lanes");
    assertFalse(otherLane.closed.isEmpty());
  }

  @Test
  void aLeaderThatIsRegisteredAgainIsDialledAnew() {
    cluster.node(1).kill(false);
    cluster.node(1).start();
    cluster.settle();
    int leader = cluster.controller.partitions.get(TestCluster.P0).leader;
    assertEquals(2, cluster.network.open().stream().filter(s -> s.server == leader).count());
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
  }

  @Test
  void whenNobodyFollowsTheStreamIsClosed() {
    TestNode three = cluster.node(3);
    three.loop.run(() -> ids.forEach(id -> three.partitions.remove(id, log -> {})));
    cluster.time.advanceMs(20);
    assertEquals(1, cluster.network.open().size());
    assertTrue(cluster.node(1).partition(TestCluster.P0).leading());
  }
}
