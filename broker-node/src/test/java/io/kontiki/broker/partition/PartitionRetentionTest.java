package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.log.LogSettings;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a leader lets go and its followers take over (rules D5, L6, R32, P17). */
class PartitionRetentionTest {
  private final TestCluster cluster = new TestCluster(1, Durability.FSYNC);

  @BeforeEach
  void start() {
    cluster.startAll();
    for (int i = 0; i < 10; i++) {
      long value = i;
      cluster
          .node(1)
          .loop
          .run(
              () ->
                  leader()
                      .append(
                          new Append(
                              Requests.ANY_EPOCH, Acks.ALL, TestBatches.of(value), inMs(1_000)),
                          answer -> {}));
    }
    cluster.settle();
  }

  private Partition leader() {
    return cluster.node(1).partition(TestCluster.P0);
  }

  private long inMs(long ms) {
    return cluster.time.clock().nanoTime() + ms * TestCluster.MS;
  }

  private long start(int broker) {
    return cluster.node(broker).log(TestCluster.P0).logStartOffset();
  }

  private Result<Long> delete(long before) {
    List<Result<Long>> answers = new ArrayList<>();
    cluster.node(1).loop.run(() -> leader().deleteRecords(before, inMs(5_000), answers::add));
    cluster.time.advanceMs(50);
    assertEquals(1, answers.size());
    return answers.get(0);
  }

  private static ErrorReason reason(Result<Long> result) {
    return result.fold(ok -> ErrorReason.INTERNAL, error -> error.reason());
  }

  @Test
  void theLeaderDecidesTheLogStartAndFollowersTakeItWithoutAnyNewData() {
    for (int broker = 2; broker <= 3; broker++) {
      cluster.node(broker).log(TestCluster.P0).retained = 9; // theirs does not count
    }
    cluster.time.advanceMs(1_500);
    assertEquals(0, start(2));
    cluster.node(1).log(TestCluster.P0).retained = 4;
    cluster.time.advanceMs(1_500);
    assertEquals(List.of(4L, 4L, 4L), List.of(start(1), start(2), start(3)));
  }

  @Test
  void everyReplicaClosesOldSegmentsItself() {
    cluster.time.advanceMs(3_100);
    for (int broker = 1; broker <= 3; broker++) {
      int rolls = cluster.node(broker).log(TestCluster.P0).rolls;
      assertTrue(rolls >= 3 && rolls <= 5, "closed " + rolls + " times in 3 s, once a second");
    }
  }

  @Test
  void everyReplicaForgetsIdleProducersItselfWhileItsClockCanBeTrusted() {
    cluster.node(3).conditions.trusted = false;
    int[] before = new int[4];
    for (int broker = 1; broker <= 3; broker++) {
      before[broker] = cluster.node(broker).log(TestCluster.P0).looksAtProducers;
    }
    cluster.time.advanceMs(2_100);
    for (int broker = 1; broker <= 3; broker++) {
      int looks = cluster.node(broker).log(TestCluster.P0).looksAtProducers - before[broker];
      assertTrue(broker == 3 ? looks == 0 : looks >= 2, "broker " + broker + ": " + looks);
    }
  }

  @Test
  void aClockThatIsNotTrustedLetsNothingGoByAge() {
    cluster.node(1).conditions.trusted = false;
    cluster.node(1).log(TestCluster.P0).retained = 4;
    cluster.time.advanceMs(1_500);
    assertEquals(0, start(1));
  }

  @Test
  void deletedRecordsAreGoneOnEveryReplicaAndOutOfRangeForReaders() {
    assertEquals(Result.ok(7L), delete(7));
    assertEquals(Result.ok(7L), delete(3), "it never goes back");
    cluster.settle();
    assertEquals(List.of(7L, 7L, 7L), List.of(start(1), start(2), start(3)));
    List<ReadAnswer> answers = new ArrayList<>();
    Read read = new Read(Requests.ANY_EPOCH, 6, Requests.ANY_EPOCH, 1 << 20, 1, inMs(10));
    cluster.node(1).loop.run(() -> leader().read(read, answers::add));
    assertEquals(
        ErrorReason.OFFSET_OUT_OF_RANGE, ((ReadAnswer.Failed) answers.get(0)).error().reason());
    assertEquals(Result.ok(10L), delete(Requests.HIGH_WATERMARK));
  }

  @Test
  void onlyWhatIsCommittedCanBeDeletedAndOnlyByTheLeader() {
    assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, reason(delete(11)));
    assertEquals(ErrorReason.OFFSET_OUT_OF_RANGE, reason(delete(-2)));
    List<Result<Long>> answers = new ArrayList<>();
    cluster
        .node(2)
        .loop
        .run(
            () ->
                cluster
                    .node(2)
                    .partition(TestCluster.P0)
                    .deleteRecords(3, inMs(5_000), answers::add));
    assertEquals(ErrorReason.NOT_LEADER, reason(answers.get(0)));
    cluster.node(1).leased = false;
    assertEquals(ErrorReason.LEADER_UNAVAILABLE, reason(delete(3)));
    assertEquals(0, start(1));
  }

  @Test
  void aReadThatIsUnderWayWhenItsRecordsGoEndsOutOfRange() {
    cluster.node(1).log(TestCluster.P0).coldBelow = 5;
    List<ReadAnswer> answers = new ArrayList<>();
    Read read = new Read(Requests.ANY_EPOCH, 2, Requests.ANY_EPOCH, 1 << 20, 1, inMs(500));
    cluster.node(1).loop.run(() -> leader().read(read, answers::add));
    cluster.node(1).log(TestCluster.P0).nothingWhenCold = true;
    delete(6);
    assertEquals(
        ErrorReason.OFFSET_OUT_OF_RANGE, ((ReadAnswer.Failed) answers.get(0)).error().reason());
  }

  @Test
  void changedSettingsReachRunningLogs() {
    LogSettings changed = LogSettings.defaults(Durability.FSYNC).withRetention(5, 6);
    cluster.controller.settings = changed;
    cluster.controller.version++;
    cluster.settle();
    for (int broker = 1; broker <= 3; broker++) {
      assertEquals(changed, cluster.node(broker).log(TestCluster.P0).settings);
    }
  }

  @Test
  void theWalkLooksAtEveryLogOnceInItsTimeHoweverManyThereAre() {
    java.util.TreeMap<PartitionId, Boolean> all = new java.util.TreeMap<>();
    for (int i = 0; i < 1_000; i++) {
      all.put(new PartitionId(new TopicId(1, i), 0), true);
    }
    RetentionWalk walk = new RetentionWalk(1, 300);
    java.util.TreeMap<PartitionId, Integer> seen = new java.util.TreeMap<>();
    for (int tick = 0; tick < 600; tick++) {
      List<PartitionId> due = walk.next(all);
      assertTrue(due.size() <= 4, "a few at each tick");
      due.forEach(id -> seen.merge(id, 1, Integer::sum));
    }
    assertEquals(1_000, seen.size());
    assertTrue(seen.values().stream().allMatch(times -> times == 2 || times == 1));
    assertEquals(List.of(), walk.next(new java.util.TreeMap<PartitionId, Boolean>()));
  }
}
