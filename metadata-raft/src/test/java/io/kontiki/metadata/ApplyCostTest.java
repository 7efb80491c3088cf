package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Prints what commands cost with 10,000 partitions; the bound is far above it. */
class ApplyCostTest {
  private static final int PARTITIONS = 10_000;
  private static final long BOUND_MICROS = 2_000_000;

  @Test
  void commandsStayCheapWithTenThousandPartitionsInOneTopic() {
    measure(1);
  }

  @Test
  void commandsStayCheapWithTwoThousandTopics() {
    measure(2_000);
  }

  private static void measure(int topics) {
    Cluster cluster = Cluster.active(3);
    for (int t = 0; t < topics; t++) {
      List<List<Integer>> assignments = new ArrayList<>();
      for (int i = 0; i < PARTITIONS / topics; i++) {
        int first = (t + i) % 3;
        assignments.add(List.of(first + 1, (first + 1) % 3 + 1, (first + 2) % 3 + 1));
      }
      cluster.apply(
          new MetadataCommand.CreateTopic(
              1, new TopicId(1, t), "t" + t, new TreeMap<>(), assignments));
    }
    long alter = Long.MAX_VALUE;
    long fence = Long.MAX_VALUE;
    long unfence = Long.MAX_VALUE;
    long ids = Long.MAX_VALUE;
    for (int round = 0; round < 30; round++) {
      PartitionId id =
          topics == 1
              ? new PartitionId(new TopicId(1, 0), 3 * round)
              : new PartitionId(new TopicId(1, 3L * round), 0);
      PartitionImage now = cluster.image().partition(id);
      assertEquals(1, now.leader());
      IsrChange change =
          new IsrChange(
              id,
              now.leaderEpoch(),
              now.partitionEpoch(),
              List.of(new IsrMember(1, cluster.epoch(1)), new IsrMember(2, cluster.epoch(2))));
      alter =
          Math.min(
              alter,
              micros(
                  cluster,
                  new MetadataCommand.AlterPartitions(1, 1, cluster.epoch(1), List.of(change))));
      ids = Math.min(ids, micros(cluster, new MetadataCommand.AllocateProducerIds(1, true, 1)));
    }
    for (int round = 0; round < 10; round++) {
      // Every partition that is left with two in sync changes: the worst that one entry does.
      ClusterImage image = cluster.image();
      fence =
          Math.min(
              fence,
              micros(image, new MetadataCommand.FenceBroker(1, 3, cluster.epoch(3), "cost")));
      ClusterImage fenced =
          MetadataMachine.apply(
                  image,
                  image.index() + 1,
                  new MetadataCommand.FenceBroker(1, 3, cluster.epoch(3), "cost"))
              .image();
      unfence =
          Math.min(
              unfence,
              micros(fenced, new MetadataCommand.UnfenceBroker(1, 3, cluster.epoch(3), List.of())));
    }
    long reassign = reassign(cluster, topics);
    System.out.printf(
        "%d topics, %d partitions: alter one %d us, producer ids %d us, fence %d us, unfence %d us, reassign 500 and"
            + " back %d us%n",
        topics, PARTITIONS, alter, ids, fence, unfence, reassign);
    assertTrue(Math.max(Math.max(alter, fence), Math.max(unfence, ids)) < BOUND_MICROS);
    assertTrue(reassign < BOUND_MICROS);
  }

  /** As many as a controller lets be under way, to fewer replicas and back again. */
  private static long reassign(Cluster cluster, int topics) {
    long best = Long.MAX_VALUE;
    for (int round = 0; round < 10; round++) {
      List<MetadataCommand.Reassignment> moves = new ArrayList<>();
      List<MetadataCommand.PartitionAt> ends = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        PartitionId id =
            topics == 1
                ? new PartitionId(new TopicId(1, 0), i)
                : new PartitionId(new TopicId(1, i), 0);
        PartitionImage now = cluster.image().partition(id);
        moves.add(
            new MetadataCommand.Reassignment(
                id, now.partitionEpoch(), now.replicas().subList(0, 2)));
        ends.add(new MetadataCommand.PartitionAt(id, now.partitionEpoch() + 1));
      }
      ClusterImage image = cluster.image();
      long start = System.nanoTime();
      image =
          MetadataMachine.apply(
                  image, image.index() + 1, new MetadataCommand.ReassignPartitions(1, moves))
              .image();
      CommandOutcome outcome =
          MetadataMachine.apply(
                  image, image.index() + 1, new MetadataCommand.FinishReassignments(1, ends))
              .outcome();
      best = Math.min(best, (System.nanoTime() - start) / 1000);
      assertTrue(Cluster.number(outcome) > 0);
    }
    return best;
  }

  private static long micros(Cluster cluster, MetadataCommand command) {
    long start = System.nanoTime();
    cluster.apply(command);
    return (System.nanoTime() - start) / 1000;
  }

  private static long micros(ClusterImage image, MetadataCommand command) {
    long start = System.nanoTime();
    MetadataMachine.apply(image, image.index() + 1, command);
    return (System.nanoTime() - start) / 1000;
  }
}
