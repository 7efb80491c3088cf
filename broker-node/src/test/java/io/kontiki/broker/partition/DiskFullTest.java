package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rules D4, L4, P15. */
class DiskFullTest {
  private final TestCluster cluster = new TestCluster(1, Durability.FSYNC);

  @BeforeEach
  void start() {
    cluster.startAll();
  }

  private Partition leader() {
    return cluster.node(1).partition(TestCluster.P0);
  }

  private Result<Appended> append(long value) {
    return append(cluster, value);
  }

  private static Result<Appended> append(TestCluster cluster, long value) {
    List<Result<Appended>> answers = new ArrayList<>();
    long deadline = cluster.time.clock().nanoTime() + 5_000 * TestCluster.MS;
    cluster
        .node(1)
        .loop
        .run(
            () ->
                cluster
                    .node(1)
                    .partition(TestCluster.P0)
                    .append(
                        new Append(Requests.ANY_EPOCH, Acks.ALL, TestBatches.of(value), deadline),
                        answers::add));
    cluster.settle();
    assertEquals(1, answers.size());
    return answers.get(0);
  }

  private static String outcome(Result<Appended> result) {
    return result.fold(
        done -> "offset " + done.baseOffset(),
        error -> error.reason() + (error.definite() ? " definite" : " indefinite"));
  }

  @Test
  void aLeaderRefusesDefinitelyBelowItsReserveAndGoesOnByItself() {
    assertEquals("offset 0", outcome(append(1)));
    cluster.node(1).conditions.space = DiskSpace.SCARCE;
    assertEquals(ErrorReason.DISK_FULL + " definite", outcome(append(2)));
    List<ReadAnswer> reads = new ArrayList<>();
    Read read = new Read(Requests.ANY_EPOCH, 0, Requests.ANY_EPOCH, 1 << 20, 1, 0);
    cluster.node(1).loop.run(() -> leader().read(read, reads::add));
    assertEquals(1, ((ReadAnswer.Records) reads.get(0)).batches().size());
    cluster.node(1).conditions.space = DiskSpace.ENOUGH;
    assertEquals("offset 1", outcome(append(2)));
  }

  @Test
  void aFollowerBelowTheReserveGoesOn() {
    cluster.node(2).conditions.space = DiskSpace.SCARCE;
    assertEquals("offset 0", outcome(append(1)));
    assertEquals(List.of(1, 2, 3), leader().describe().isr());
    assertEquals(1, cluster.node(2).log(TestCluster.P0).logEndOffset());
  }

  @Test
  void aFollowerWithoutRoomLeavesAtOnceAndComesBackWhenThereIsRoom() {
    assertEquals("offset 0", outcome(append(1)));
    cluster.node(3).conditions.space = DiskSpace.EXHAUSTED;
    cluster.time.advanceMs(300);
    cluster.settle();
    // Nothing was outstanding: silence alone would never have put it out.
    assertEquals(List.of(1, 2), leader().describe().isr());
    assertEquals("offset 1", outcome(append(2)));
    assertEquals(1, cluster.node(3).log(TestCluster.P0).logEndOffset());
    cluster.node(3).conditions.space = DiskSpace.ENOUGH;
    for (int i = 0; i < 20; i++) {
      cluster.time.advanceMs(200);
      cluster.settle();
    }
    assertEquals(2, cluster.node(3).log(TestCluster.P0).logEndOffset());
    assertEquals(List.of(1, 2, 3), leader().describe().isr());
  }

  /**
   * No reserve warned of it: another program filled the disk, or there is a quota. What it costs is
   * bounded, it is visible, and nobody has to do anything but make room.
   */
  @Test
  void aFollowerWhoseAppendFindsNoRoomLeavesAtOnceTriesSeldomAndComesBack() {
    int[] noRoom = {0};
    TestCluster engines = new TestCluster(1, Durability.FSYNC, true);
    engines.meters =
        new ReplicationMeters() {
          @Override
          public void onResignation(Resignation.Cause cause) {}

          @Override
          public void onCatchUp(int replicas, long bytes) {}

          @Override
          public void onNoRoom(int replicas) {
            noRoom[0] += replicas;
          }
        };
    engines.startAll();
    assertEquals("offset 0", outcome(append(engines, 1)));
    MemoryFileStore disk = ((TestStorage.Engine) engines.node(3).storage).store;
    disk.capacity(disk.totalBytes() - disk.usableBytes() + 30);
    assertEquals("offset 1", outcome(append(engines, 2)));
    assertEquals(List.of(1, 2), isr(engines));
    assertEquals(1, noRoom[0]);
    AtomicInteger writes = new AtomicInteger();
    disk.faults(
        (operation, path) -> {
          if (operation == Operation.WRITE && path.endsWith(".log")) {
            writes.incrementAndGet();
          }
          return null;
        });
    for (int i = 0; i < 60; i++) {
      assertEquals("offset " + (2 + i), outcome(append(engines, 3 + i)));
      engines.time.advanceMs(600);
    }
    assertTrue(writes.get() >= 3 && writes.get() <= 12, "tried " + writes + " times in a minute");
    assertEquals(1, noRoom[0]);
    assertEquals(1, end(engines, 3));
    disk.capacity(1L << 40);
    for (int i = 0; i < 30; i++) {
      engines.time.advanceMs(500);
      engines.settle();
    }
    assertEquals(62, end(engines, 3));
    assertEquals(List.of(1, 2, 3), isr(engines));
    assertEquals(0, noRoom[0]);
  }

  @Test
  void aFollowerThatStartsWithoutRoomComesWhenThereIsRoomD4() {
    assertEquals("offset 0", outcome(append(1)));
    cluster.node(3).kill(false);
    cluster.node(3).conditions.space = DiskSpace.EXHAUSTED;
    cluster.node(3).start();
    for (int i = 0; i < 5; i++) {
      cluster.time.advanceMs(200);
      cluster.settle();
    }
    assertEquals("offset 1", outcome(append(2)));
    assertEquals(1, cluster.node(3).log(TestCluster.P0).logEndOffset());
    cluster.node(3).conditions.space = DiskSpace.ENOUGH;
    for (int i = 0; i < 20; i++) {
      cluster.time.advanceMs(200);
      cluster.settle();
    }
    assertEquals(2, cluster.node(3).log(TestCluster.P0).logEndOffset());
    assertEquals(List.of(1, 2, 3), leader().describe().isr());
  }

  private static List<Integer> isr(TestCluster cluster) {
    Partition leading = cluster.node(1).partition(TestCluster.P0);
    return cluster.node(1).loop.call(() -> leading.describe().isr());
  }

  private static long end(TestCluster cluster, int broker) {
    Partition partition = cluster.node(broker).partition(TestCluster.P0);
    return cluster.node(broker).loop.call(partition::logEndOffset);
  }

  @Test
  void allFollowersWithoutRoomDoNotMakeTheLeaderResignToOneOfThem() {
    cluster.node(2).conditions.space = DiskSpace.EXHAUSTED;
    cluster.node(3).conditions.space = DiskSpace.EXHAUSTED;
    for (int i = 0; i < 20; i++) {
      cluster.time.advanceMs(200);
      cluster.settle();
    }
    assertTrue(leader().leading());
    assertEquals(List.of(1), leader().describe().isr());
    assertEquals(ErrorReason.NOT_ENOUGH_REPLICAS + " definite", outcome(append(1)));
  }

  @Test
  void theReserveIsLeftAndEnteredAtDifferentMarks() {
    DiskReserve reserve = new DiskReserve(1_000);
    assertEquals(DiskSpace.ENOUGH, reserve.judge(1_000));
    assertEquals(DiskSpace.SCARCE, reserve.judge(999));
    assertEquals(DiskSpace.SCARCE, reserve.judge(1_499));
    assertEquals(DiskSpace.ENOUGH, reserve.judge(1_500));
    assertEquals(DiskSpace.ENOUGH, reserve.judge(1_001));
    assertEquals(DiskSpace.EXHAUSTED, reserve.judge(499));
    assertEquals(DiskSpace.EXHAUSTED, reserve.judge(999));
    assertEquals(DiskSpace.SCARCE, reserve.judge(1_000));
    assertEquals(DiskSpace.ENOUGH, reserve.judge(1_500));
    assertEquals(1L << 30, DiskReserve.bytes(1L << 30, 5, 1L << 40));
    assertEquals(50_000_000, DiskReserve.bytes(1L << 30, 5, 1_000_000_000));
    assertEquals(DiskSpace.ENOUGH, new DiskReserve(0).judge(0));
  }
}
