package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.log.LogConfig;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * What records that are acknowledged by three brokers cost each of them, with the brokers' own
 * partitions, streams and logs (rules L5, L9).
 */
class CommitCostTest {
  private final TestCluster cluster = new TestCluster(1, Durability.FSYNC, true);
  private final List<PartitionId> ids = new ArrayList<>();

  /** By broker. */
  private final TreeMap<Integer, TreeMap<String, Integer>> operations = new TreeMap<>();

  private void start(int partitions) {
    for (TestNode node : cluster.nodes.values()) {
      // What runs in the background, checkpoints and new journal files, comes later.
      ((TestStorage.Engine) node.storage).config =
          LogConfig.defaults()
              .withJournal(new CommitJournal.Sizes(4 << 20, 4, 1 << 20))
              .withCheckpoints(1_000_000, 1 << 20);
      node.start();
    }
    cluster.settle();
    for (int i = 0; i < partitions; i++) {
      PartitionId id = new PartitionId(new TopicId(7, 7), i);
      ids.add(id);
      cluster.create(id, 1, 2, 3);
    }
    for (TestNode node : cluster.nodes.values()) {
      TreeMap<String, Integer> counts = new TreeMap<>();
      operations.put(node.id, counts);
      ((TestStorage.Engine) node.storage)
          .store.faults(
              (operation, path) -> {
                counts.merge(
                    operation + (path.startsWith("journal/") ? " journal" : " elsewhere"),
                    1,
                    Integer::sum);
                return null;
              });
    }
  }

  private int count(int broker, Operation operation, String where) {
    return operations.get(broker).getOrDefault(operation + " " + where, 0);
  }

  /** One batch to each partition in one turn of the leader's loop; ends when all is committed. */
  private void round(long value) {
    operations.values().forEach(TreeMap::clear);
    List<Result<Appended>> answers = new ArrayList<>();
    TestNode leader = cluster.node(1);
    long deadline = cluster.time.clock().nanoTime() + 1_000 * TestCluster.MS;
    leader.loop.run(
        () -> {
          for (PartitionId id : ids) {
            leader
                .partition(id)
                .append(
                    new Append(Requests.ANY_EPOCH, Acks.ALL, TestBatches.of(value), deadline),
                    answers::add);
          }
        });
    cluster.time.advanceMs(30);
    assertEquals(ids.size(), answers.size());
    assertTrue(answers.stream().allMatch(answer -> answer instanceof Result.Ok<Appended>));
  }

  private void costs(int partitions) {
    start(partitions);
    // With the first batch directories and segments are made, with the others not.
    for (int round = 0; round < 3; round++) {
      round(round);
      for (int broker = 1; broker <= 3; broker++) {
        String who = "broker " + broker + ", round " + round + ": " + operations.get(broker);
        assertEquals(1, count(broker, Operation.SYNC, "journal"), who);
        assertEquals(0, count(broker, Operation.SYNC, "elsewhere"), who);
        assertEquals(0, count(broker, Operation.SYNC_DIRECTORY, "journal"), who);
        assertEquals(0, count(broker, Operation.SYNC_DIRECTORY, "elsewhere"), who);
        int writes =
            count(broker, Operation.WRITE, "journal") + count(broker, Operation.WRITE, "elsewhere");
        if (round > 0) {
          assertTrue(writes <= 2 * partitions, who);
        }
      }
    }
  }

  @Test
  void aRecordOfOnePartitionCostsEachReplicaOneSyncAndTwoWrites() {
    costs(1);
  }

  @Test
  void recordsOfManyPartitionsCostEachReplicaOneSyncAllTheSame() {
    costs(60);
  }
}
