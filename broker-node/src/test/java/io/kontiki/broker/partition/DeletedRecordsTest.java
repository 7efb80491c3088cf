package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What was deleted for certain never comes back, whoever leads (rules D5, R12, R19). */
class DeletedRecordsTest {
  private static final int SEEDS = Integer.getInteger("kontiki.sim.seeds", 60);
  private static final long FIRST = Long.getLong("kontiki.sim.seed", 1);

  private static void append(TestNode node, long value) {
    append(node, value, 1);
  }

  private static void append(TestNode node, long value, int records) {
    Partition partition = node.partition(TestCluster.P0);
    long deadline = node.loop.clock().nanoTime() + 500 * TestCluster.MS;
    node.loop.run(
        () ->
            partition.append(
                new Append(
                    Requests.ANY_EPOCH, Acks.ALL, TestBatches.of(value, records, 16), deadline),
                answer -> {}));
  }

  private static List<Result<Long>> delete(TestNode node, long before, long withinMs) {
    List<Result<Long>> answers = new ArrayList<>();
    Partition partition = node.partition(TestCluster.P0);
    long deadline = node.loop.clock().nanoTime() + withinMs * TestCluster.MS;
    node.loop.run(() -> partition.deleteRecords(before, deadline, answers::add));
    return answers;
  }

  private static ErrorReason reason(Result<Long> result) {
    return result.fold(ok -> ErrorReason.INTERNAL, error -> error.reason());
  }

  private static TestCluster filled() {
    TestCluster cluster = new TestCluster(1, Durability.FSYNC);
    cluster.startAll();
    for (int i = 0; i < 10; i++) {
      append(cluster.node(1), i);
    }
    cluster.settle();
    return cluster;
  }

  @Test
  void theAnswerWaitsForTheSlowestReplicaThatIsInSync() {
    TestCluster cluster = filled();
    cluster.node(3).slowDiskMs(700);
    List<Result<Long>> answers = delete(cluster.node(1), 7, 5_000);
    cluster.time.advanceMs(500);
    assertEquals(7, cluster.node(2).log(TestCluster.P0).logStartOffset());
    assertEquals(List.of(), answers);
    cluster.time.advanceMs(500);
    assertEquals(List.of(Result.ok(7L)), answers);
    assertEquals(7, cluster.node(3).log(TestCluster.P0).durableLogStart());
  }

  @Test
  void aReplicaThatLeavesTheInSyncSetIsNotWaitedForAndComesBackOnlyWithTheNewStart() {
    TestCluster cluster = filled();
    cluster.network.cutLink(1, 3);
    List<Result<Long>> answers = delete(cluster.node(1), 7, 60_000);
    append(cluster.node(1), 11); // so that the silence is noticed
    cluster.time.advanceMs(1_000);
    assertEquals(List.of(), answers);
    cluster.time.advanceMs(2_500);
    cluster.settle();
    assertEquals(List.of(Result.ok(7L)), answers);
    assertEquals(0, cluster.node(3).log(TestCluster.P0).durableLogStart());
    cluster.network.mendLinks();
    boolean back = false;
    for (int i = 0; i < 200 && !back; i++) {
      cluster.settle();
      back = cluster.controller.partitions.get(TestCluster.P0).isr.contains(3);
      assertTrue(
          !back || cluster.node(3).log(TestCluster.P0).durableLogStart() >= 7,
          "in sync with deleted records");
    }
    assertTrue(back);
  }

  @Test
  void aReplicaBeginsWithTheBatchInWhichTheLogStartLiesR32() {
    for (boolean engine : List.of(false, true)) {
      TestCluster cluster = new TestCluster(1, Durability.FSYNC, engine);
      cluster.startAll();
      cluster.network.cutLink(1, 3);
      for (int i = 0; i < 4; i++) {
        append(cluster.node(1), i, 3);
      }
      cluster.time.advanceMs(3_500);
      cluster.settle();
      List<Result<Long>> answers = delete(cluster.node(1), 7, 5_000);
      cluster.settle();
      assertEquals(List.of(Result.ok(7L)), answers);
      cluster.network.mendLinks();
      for (int i = 0; i < 40; i++) {
        cluster.settle();
      }
      TestController.Entry entry = cluster.controller.partitions.get(TestCluster.P0);
      assertTrue(entry.isr.contains(3), "in sync " + entry.isr);
      Partition third = cluster.node(3).partition(TestCluster.P0);
      assertEquals(7, cluster.node(3).loop.call(() -> third.describe().logStartOffset()));
      assertEquals(12, cluster.node(3).loop.call(third::logEndOffset));
    }
  }

  /** Broker 3 is alone, elected uncleanly, and its disk is stuck since it began anew at 7. */
  private static TestCluster ledByOneThatBeginsAnew(boolean engine) {
    TestCluster cluster = new TestCluster(1, Durability.FSYNC, engine);
    cluster.startAll();
    cluster.network.cutLink(1, 3);
    for (int i = 0; i < 10; i++) {
      append(cluster.node(1), i);
    }
    cluster.time.advanceMs(3_500);
    cluster.settle();
    List<Result<Long>> answers = delete(cluster.node(1), 7, 5_000);
    cluster.settle();
    assertEquals(List.of(Result.ok(7L)), answers);
    TestNode third = cluster.node(3);
    third.stickDiskMs(10_000);
    cluster.network.mendLinks();
    for (int i = 0; i < 10 && begin(third) < 7; i++) {
      cluster.settle();
    }
    assertEquals(7, begin(third));
    cluster.node(1).kill(false);
    cluster.node(2).kill(false);
    cluster.controller.fence(1);
    cluster.controller.fence(2);
    cluster.controller.electUnclean(TestCluster.P0, 3);
    cluster.settle();
    return cluster;
  }

  private static long begin(TestNode node) {
    Partition partition = node.partition(TestCluster.P0);
    return node.loop.call(() -> partition.describe().logStartOffset());
  }

  private static Result<Requests.FoundOffset> offset(TestNode node, Requests.OffsetQuery query) {
    List<Result<Requests.FoundOffset>> answers = new ArrayList<>();
    Partition partition = node.partition(TestCluster.P0);
    node.loop.run(() -> partition.listOffset(Requests.ANY_EPOCH, query, answers::add));
    return answers.get(0);
  }

  private static void assertShows(TestNode node, long begin, long end) {
    assertEquals(
        List.of(begin, end),
        List.of(
            offset(node, new Requests.OffsetQuery.Earliest()).fold(ok -> ok.offset(), error -> -1L),
            offset(node, new Requests.OffsetQuery.Latest()).fold(ok -> ok.offset(), error -> -1L)));
  }

  @Test
  void whoIsElectedUncleanlyLeadsOnceItsNewBeginningIsDurableD8() {
    for (boolean engine : List.of(false, true)) {
      TestCluster cluster = ledByOneThatBeginsAnew(engine);
      TestNode third = cluster.node(3);
      assertEquals(
          ErrorReason.LEADER_UNAVAILABLE,
          offset(third, new Requests.OffsetQuery.Latest())
              .fold(ok -> ErrorReason.INTERNAL, error -> error.reason()));
      assertFalse(third.partition(TestCluster.P0).leading());
      cluster.time.advanceMs(10_000);
      assertTrue(third.partition(TestCluster.P0).leading());
      assertShows(third, 7, 7);
    }
  }

  @Test
  void nothingWasShownOfANewBeginningThatAPowerCutUndoesD8() {
    TestCluster cluster = ledByOneThatBeginsAnew(true);
    TestNode third = cluster.node(3);
    assertFalse(third.partition(TestCluster.P0).leading());
    third.kill(true);
    cluster.controller.fence(3);
    third.stickDiskMs(0);
    third.start();
    cluster.settle();
    assertTrue(third.partition(TestCluster.P0).leading());
    assertShows(third, 0, 0);
  }

  @Test
  void aReplicaJoinsBelowMinIsrThoughTheNewLeaderKnowsNoHighWatermark() {
    TestCluster cluster = filled();
    cluster.network.cutLink(1, 3);
    List<Result<Long>> answers = delete(cluster.node(1), 7, 60_000);
    append(cluster.node(1), 11);
    cluster.time.advanceMs(3_500);
    cluster.settle();
    assertEquals(List.of(Result.ok(7L)), answers);
    cluster.node(2).kill(false);
    cluster.controller.fence(2);
    cluster.node(1).log(TestCluster.P0).noteHighWatermark(0); // its checkpoint is that old
    cluster.node(1).kill(false);
    cluster.controller.fence(1);
    cluster.network.mendLinks();
    cluster.node(1).start();
    for (int i = 0; i < 20; i++) {
      cluster.settle();
    }
    TestController.Entry entry = cluster.controller.partitions.get(TestCluster.P0);
    assertEquals(1, entry.leader);
    assertTrue(entry.isr.contains(3), "in sync " + entry.isr);
    assertEquals(7, cluster.node(3).log(TestCluster.P0).logStartOffset());
  }

  @Test
  void withTooFewInSyncNothingIsDeletedAndWithoutAnAnswerInTimeItIsUnknown() {
    TestCluster cluster = filled();
    cluster.network.cutLink(1, 3);
    List<Result<Long>> late = delete(cluster.node(1), 3, 300);
    cluster.time.advanceMs(400);
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, reason(late.get(0)));
    cluster.node(2).kill(false);
    cluster.node(3).kill(false);
    cluster.controller.fence(2);
    cluster.controller.fence(3);
    cluster.settle();
    assertEquals(ErrorReason.NOT_ENOUGH_REPLICAS, reason(delete(cluster.node(1), 5, 1_000).get(0)));
    assertEquals(3, cluster.node(1).log(TestCluster.P0).logStartOffset());
  }

  @Test
  void deletedRecordsNeverComeBackThroughAnyKillsAndElections() {
    simulate(false, SEEDS);
  }

  @Test
  void norWithTheLogsOfTheStorageEngine() {
    simulate(true, Math.max(1, SEEDS / 4));
  }

  private static void simulate(boolean engine, int seeds) {
    int acked = 0;
    int elections = 0;
    for (long seed = FIRST; seed < FIRST + seeds; seed++) {
      Run run = new Run(seed, engine);
      try {
        run.go();
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + " step " + run.step + ": " + e.getMessage(), e);
      }
      acked += run.acked;
      elections += run.cluster.controller.partitions.get(TestCluster.P0).leaderEpoch;
    }
    assertTrue(acked > seeds && elections > 2 * seeds, acked + " deletions, " + elections);
  }

  private static final class Run {
    final TestCluster cluster;
    final SeededRandom random;
    long deletedTo;
    long nextValue;
    int acked;
    int step;

    Run(long seed, boolean engine) {
      cluster = new TestCluster(seed, Durability.FSYNC, engine);
      random = new SeededRandom(seed * 31);
    }

    void go() {
      cluster.startAll();
      cluster.faults = true;
      for (step = 0; step < 300; step++) {
        act(cluster.node(1 + random.nextInt(3)));
        check();
      }
    }

    private void act(TestNode node) {
      Partition partition = node.up() ? node.partition(TestCluster.P0) : null;
      switch (random.nextInt(14)) {
        case 0, 1, 2 -> {
          if (partition != null && partition.leading()) {
            append(node, nextValue++);
          }
        }
        case 3, 4 -> {
          if (partition != null && partition.leading()) {
            delete(partition, node);
          }
        }
        case 5 -> {
          if (node.up() && random.oneIn(3)) {
            node.kill(random.oneIn(2));
          }
        }
        case 6 -> {
          if (!node.up()) {
            node.start();
          }
        }
        case 7 -> cluster.controller.move(TestCluster.P0, node.id);
        case 8 -> {
          node.unfence();
          if (!node.up()) {
            cluster.controller.fence(node.id);
          }
        }
        case 9 -> {
          if (random.oneIn(4)) {
            cluster.network.cutLink(node.id, 1 + random.nextInt(3));
          } else {
            cluster.network.mendLinks();
          }
        }
        case 10 -> node.slowDiskMs(random.oneIn(4) ? random.nextInt(1_000) : 0);
        default -> {
          cluster.nodes.values().forEach(TestNode::learn);
          cluster.time.advanceMs(random.nextInt(random.oneIn(10) ? 3_000 : 60));
        }
      }
    }

    private void delete(Partition partition, TestNode node) {
      long before = random.nextInt((int) nextValue + 1);
      long deadline = cluster.time.clock().nanoTime() + 2_000 * TestCluster.MS;
      node.loop.run(
          () ->
              partition.deleteRecords(
                  before,
                  deadline,
                  answer -> {
                    if (answer instanceof Result.Ok<Long> start) {
                      acked++;
                      deletedTo = Math.max(deletedTo, start.value());
                    }
                  }));
    }

    /** Whoever may be elected by the rules begins behind what was deleted for certain. */
    private void check() {
      TestController.Entry entry = cluster.controller.partitions.get(TestCluster.P0);
      for (TestNode node : cluster.nodes.values()) {
        Partition partition = node.up() ? node.partition(TestCluster.P0) : null;
        boolean candidate = entry.isr.contains(node.id) || entry.elr.contains(node.id);
        if (partition != null
            && candidate
            && cluster.controller.epochs.get(node.id) == node.epoch()) {
          long start = node.loop.call(partition::describe).logStartOffset();
          assertTrue(
              start >= deletedTo,
              () ->
                  "replica "
                      + node.id
                      + " may lead and begins at "
                      + start
                      + ", deleted up to "
                      + deletedTo);
        }
      }
    }
  }
}
