package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.log.LogConfig;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.Result;
import io.kontiki.runtime.FileStore;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Damage of what the leader has deleted meanwhile: nobody can mend it (rules D9, R32). */
class DamagedAndDeletedTest {
  private static final LogConfig COLD =
      TestStorage.Engine.CONFIG.withHot(0, 0).withScrub(new LogConfig.Scrub(1 << 20, 200));
  private static final int LENGTH = 10;
  private static final int PAYLOAD = 62;
  private static final String DIRECTORY = TestCluster.P0.directoryName();
  private static final int BATCHES = 40;

  private final TestCluster cluster = new TestCluster(1, Durability.FSYNC, true);

  @Test
  void whoCannotReadThroughWhatIsDeletedBeginsAnewR32() {
    TestNode third = damagedAndDeletedBehind(5, LENGTH, 8);
    assertWhole(third, 8);
  }

  @Test
  void whatIsDeletedNeedsNoMendingD9() {
    TestNode third = damagedAndDeletedBehind(5, PAYLOAD, 8);
    assertWhole(third, 8);
  }

  /**
   * Broker 3 is cut off, bytes of one of its batches rot, which it finds; what is deleted then ends
   * behind that batch, in the same segment.
   */
  private TestNode damagedAndDeletedBehind(int batch, int ofBatch, long before) {
    for (TestNode node : cluster.nodes.values()) {
      TestStorage.Engine engine = (TestStorage.Engine) node.storage;
      engine.config = COLD;
      engine.settings = engine.settings.withSegments(2_000, 3_600_000).withIndexInterval(200);
    }
    cluster.startAll();
    TestNode first = cluster.node(1);
    for (int i = 0; i < BATCHES; i++) {
      append(first, i);
    }
    cluster.settle();
    cluster.network.cutLink(1, 3);
    append(first, BATCHES); // so that the silence is noticed
    cluster.time.advanceMs(3_500);
    cluster.settle();
    TestNode third = cluster.node(3);
    rot(third, batch, ofBatch);
    for (int i = 0; i < 50 && damage(third) < 0; i++) {
      cluster.time.advanceMs(200);
    }
    assertEquals(batch, damage(third));
    List<Result<Long>> answers = new ArrayList<>();
    long deadline = first.loop.clock().nanoTime() + 5_000 * TestCluster.MS;
    first.loop.run(
        () -> first.partition(TestCluster.P0).deleteRecords(before, deadline, answers::add));
    cluster.settle();
    assertEquals(List.of(Result.ok(before)), answers);
    cluster.network.mendLinks();
    for (int i = 0; i < 60 && !whole(third); i++) {
      cluster.settle();
    }
    return third;
  }

  private void assertWhole(TestNode node, long start) {
    assertTrue(
        whole(node),
        () ->
            "damaged from "
                + damage(node)
                + ", in sync "
                + cluster.controller.partitions.get(TestCluster.P0).isr);
    Partition partition = node.partition(TestCluster.P0);
    assertEquals(start, node.loop.call(() -> partition.describe().logStartOffset()));
    assertEquals(BATCHES + 1, node.loop.call(partition::logEndOffset));
  }

  private boolean whole(TestNode node) {
    return damage(node) < 0
        && cluster.controller.partitions.get(TestCluster.P0).isr.contains(node.id);
  }

  private static long damage(TestNode node) {
    Partition partition = node.partition(TestCluster.P0);
    return node.loop.call(() -> partition.log().damage().map(found -> found.offset()).orElse(-1L));
  }

  private static void rot(TestNode node, int batch, int ofBatch) {
    TestStorage.Engine engine = (TestStorage.Engine) node.storage;
    String path = DIRECTORY + "/00000000000000000000.log";
    long position = 0;
    for (int i = 0; i < batch; i++) {
      position += node.storage.entries(TestCluster.P0).get(i).bytes().remaining();
    }
    try (FileStore.File file = engine.store.open(path)) {
      assertTrue(position < file.size(), "all of it is in the first segment");
    }
    engine.store.flip(path, position + ofBatch, 1);
  }

  private static void append(TestNode node, long value) {
    Partition partition = node.partition(TestCluster.P0);
    long deadline = node.loop.clock().nanoTime() + 500 * TestCluster.MS;
    node.loop.run(
        () ->
            partition.append(
                new Append(Requests.ANY_EPOCH, Acks.ALL, TestBatches.of(value, 1, 16), deadline),
                answer -> {}));
  }
}
