package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.broker.partition.TestDisk.Entry;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.record.RecordBatch;
import io.kontiki.replication.IsrState;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Real partitions of three brokers under random faults: broken streams, killed brokers, power cuts,
 * false fencing, moved leaders, lost and doubled proposals, metadata that lag, links that are cut
 * one way, stuck and slow disks, processes that stand still. Checked after each step: nothing
 * committed is missing or changed on the leader or on a member of the in-sync set, no high
 * watermark goes back within its epoch, readers never see two values. At the end everything heals,
 * and every acknowledged record is there once, at its offset, on all replicas.
 */
class ReplicationSimulationTest {
  private static final long RUNS = Long.getLong("kontiki.test.runs", 100);
  private static final long FIRST = Long.getLong("kontiki.test.seed", 1);
  private static final int STEPS = 1000;

  @Test
  void nothingAcknowledgedIsLostWithFsync() {
    run(Durability.FSYNC, false, RUNS);
  }

  @Test
  void nothingAcknowledgedIsLostInThePageCacheByKills() {
    run(Durability.REPLICATED, false, RUNS);
  }

  @Test
  void nothingAcknowledgedIsLostOnTheStorageEngine() {
    run(Durability.FSYNC, true, (RUNS + 3) / 4);
  }

  /** One seed, for whoever looks for what this test notices. */
  static void playSeed(long seed, String durability, boolean engine) {
    new Run(seed, Durability.valueOf(durability), engine).go();
  }

  private static void run(Durability durability, boolean engine, long runs) {
    long acked = 0;
    long faults = 0;
    for (long seed = FIRST; seed < FIRST + runs; seed++) {
      Run run = new Run(seed, durability, engine);
      try {
        run.go();
      } catch (RuntimeException | Error e) {
        throw new AssertionError(
            "seed " + seed + " " + durability + " step " + run.step + ": " + e.getMessage(), e);
      }
      acked += run.acked.values().stream().mapToInt(Map::size).sum();
      faults += run.faults;
    }
    assertTrue(acked > runs * 20, "too little happened: " + acked + " acknowledged");
    System.out.println(
        durability
            + (engine ? " engine: " : ": ")
            + runs
            + " runs, "
            + acked
            + " acknowledged, "
            + faults
            + " faults");
  }

  /** One run. */
  private static final class Run {
    final TestCluster cluster;
    final SeededRandom random;
    final Durability durability;
    final List<PartitionId> ids = List.of(TestCluster.P0, new PartitionId(new TopicId(7, 7), 1));

    /** By partition: offset to value. */
    final Map<PartitionId, TreeMap<Long, Long>> committed = new TreeMap<>();

    final Map<PartitionId, TreeMap<Long, Long>> acked = new TreeMap<>();
    final Set<Long> refused = new HashSet<>();
    final Map<String, Long> highWatermarks = new TreeMap<>();
    final int[] weights;
    long nextValue = 1;
    int step;
    int faults;

    Run(long seed, Durability durability, boolean engine) {
      this.cluster = new TestCluster(seed, durability, engine);
      this.random = new SeededRandom(seed * 31 + durability.ordinal());
      this.durability = durability;
      int[] base = {24, 10, 24, 30, 3, 2, 8, 1, 8, 2, 1, 1, 5, 1, 6};
      this.weights = base;
      for (int i = 4; i < base.length; i++) {
        int scale = random.nextInt(6);
        base[i] =
            i == 6 || i == 8 || i == 12 || i == 14 ? base[i] : scale == 0 ? 0 : base[i] * scale / 2;
      }
      for (PartitionId id : ids) {
        committed.put(id, new TreeMap<>());
        acked.put(id, new TreeMap<>());
      }
    }

    void go() {
      if (random.oneIn(2)) {
        // So small that bounds, cold reads and lanes come into play.
        cluster.limits = new ReplicationLimits(300, 2_000, 900, 500, 1_200, 200, 1_000, 1_000, 300);
      }
      cluster.startAll();
      cluster.create(ids.get(1), 2, 3, 1);
      cluster.faults = true;
      for (step = 0; step < STEPS; step++) {
        act();
        check();
      }
      heal();
    }

    private TestNode anyNode() {
      return cluster.node(1 + random.nextInt(3));
    }

    private PartitionId anyPartition() {
      return ids.get(random.nextInt(ids.size()));
    }

    private void act() {
      int total = 0;
      for (int weight : weights) {
        total += weight;
      }
      int pick = random.nextInt(total);
      int action = 0;
      while (pick >= weights[action]) {
        pick -= weights[action++];
      }
      TestNode node = anyNode();
      switch (action) {
        case 0 -> produce(anyPartition());
        case 1 -> consume(anyPartition());
        case 2 -> node.learn();
        case 3 ->
            cluster.time.advance(
                random.nextInt(
                    random.oneIn(40) ? 2_000_000_000 : random.oneIn(10) ? 400_000_000 : 8_000_000));
        case 4 -> {
          if (!cluster.network.open().isEmpty()) {
            faults++;
            cluster.network.open().get(random.nextInt(cluster.network.open().size())).reset();
          }
        }
        case 5 -> {
          if (node.up()) {
            faults++;
            node.kill(durability == Durability.FSYNC && random.oneIn(2));
          }
        }
        case 6 -> {
          if (!node.up()) {
            node.start();
          }
        }
        case 7 -> {
          faults++;
          cluster.controller.fence(node.id);
        }
        case 8 -> {
          node.unfence();
          if (!node.up()) {
            cluster.controller.fence(node.id);
          }
        }
        case 9 -> cluster.controller.move(anyPartition(), node.id);
        case 10 -> node.leased = random.nextInt(3) > 0;
        case 11 -> {
          faults++;
          cluster.network.cutLink(node.id, anyNode().id);
        }
        case 12 -> {
          if (random.oneIn(2)) {
            cluster.network.mendLinks();
          }
        }
        case 13 -> {
          faults++;
          if (random.oneIn(2)) {
            node.stickDiskMs(random.nextInt(random.oneIn(4) ? 8_000 : 1_000));
          } else {
            node.slowDiskMs(random.nextInt(random.oneIn(4) ? 3_000 : 100));
          }
        }
        case 14 -> {
          if (node.paused()) {
            node.pause(false);
          } else if (node.up() && random.oneIn(8)) {
            faults++;
            node.pause(true);
          }
          node.slowDiskMs(0);
        }
        default -> throw new AssertionError();
      }
    }

    private void produce(PartitionId id) {
      for (TestNode node : cluster.nodes.values()) {
        Partition partition = node.up() && !node.paused() ? node.partition(id) : null;
        if (partition == null || !partition.leading() || random.oneIn(4)) {
          continue;
        }
        long value = nextValue++;
        long deadline = cluster.time.clock().nanoTime() + 500 * TestCluster.MS;
        int records = 1 + random.nextInt(3);
        node.loop.run(
            () ->
                partition.append(
                    new Append(
                        Requests.ANY_EPOCH,
                        Acks.ALL,
                        TestBatches.of(value, records, 8 + random.nextInt(64)),
                        deadline),
                    result -> onProduced(id, value, result)));
      }
    }

    private void onProduced(PartitionId id, long value, Result<Requests.Appended> result) {
      if (result instanceof Result.Ok<Requests.Appended> ok) {
        acked.get(id).put(ok.value().baseOffset(), value);
        commit(id, ok.value().baseOffset(), value);
      } else if (((Result.Err<Requests.Appended>) result).error().definite()) {
        refused.add(value);
      }
    }

    private void consume(PartitionId id) {
      for (TestNode node : cluster.nodes.values()) {
        Partition partition = node.up() && !node.paused() ? node.partition(id) : null;
        if (partition == null || !partition.leading()) {
          continue;
        }
        long offset = random.nextInt(1 + committed.get(id).size() * 2);
        long deadline = cluster.time.clock().nanoTime() + 20 * TestCluster.MS;
        node.loop.run(
            () ->
                partition.read(
                    new Read(Requests.ANY_EPOCH, offset, Requests.ANY_EPOCH, 4096, 1, deadline),
                    answer -> {
                      if (answer instanceof ReadAnswer.Records records) {
                        for (ByteBuffer batch : records.batches()) {
                          RecordBatch header = RecordBatch.at(batch);
                          commit(id, header.baseOffset(), TestBatches.value(header));
                        }
                      }
                    }));
      }
    }

    /** Somebody was told that this value is at this offset. */
    private void commit(PartitionId id, long offset, long value) {
      Long before = committed.get(id).put(offset, value);
      if (before != null && before != value) {
        fail(id + " offset " + offset + " was " + before + " and is " + value);
      }
      if (refused.contains(value)) {
        fail("value " + value + " was refused for certain and is at " + offset + " (P4)");
      }
    }

    private void check() {
      for (PartitionId id : ids) {
        TestController.Entry entry = cluster.controller.partitions.get(id);
        for (TestNode node : cluster.nodes.values()) {
          Partition partition = node.up() ? node.partition(id) : null;
          if (partition == null) {
            continue;
          }
          List<Entry> log = node.storage.entries(id);
          Requests.Description now = describe(node, id);
          if (now.leading()) {
            String epoch = id + "/" + node.id + "/" + now.leaderEpoch();
            long hw = partition.highWatermark();
            Long before = highWatermarks.put(epoch, hw);
            assertTrue(before == null || before <= hw, epoch + " went from " + before);
            for (Entry batch : log) {
              if (batch.next() <= hw) {
                commit(id, batch.base(), TestBatches.value(RecordBatch.at(batch.bytes())));
              }
            }
            if (entry.leader == node.id && entry.leaderEpoch == now.leaderEpoch()) {
              holdsAll(id, "leader " + node.id, log);
            }
          }
          boolean candidate = entry.isr.contains(node.id) || entry.elr.contains(node.id);
          if (candidate && cluster.controller.epochs.get(node.id) == node.epoch()) {
            holdsAll(id, "member " + node.id, log);
          }
        }
      }
    }

    private void holdsAll(PartitionId id, String who, List<Entry> log) {
      Map<Long, Long> held = new TreeMap<>();
      for (Entry batch : log) {
        held.put(batch.base(), TestBatches.value(RecordBatch.at(batch.bytes())));
      }
      committed
          .get(id)
          .forEach(
              (offset, value) ->
                  assertEquals(
                      value,
                      held.get(offset),
                      () -> who + " of " + id + " at committed offset " + offset));
    }

    private void heal() {
      cluster.faults = false;
      cluster.network.mendLinks();
      for (TestNode node : cluster.nodes.values()) {
        node.leased = true;
        node.slowDiskMs(0);
        node.stickDiskMs(0);
        if (node.paused()) {
          node.pause(false);
        }
        if (!node.up()) {
          node.start();
        }
      }
      String state = "";
      for (int i = 0; i < 60; i++) {
        cluster.settle();
        check();
        if (i == 3) {
          ids.forEach(this::produce);
        }
        state = unhealed();
        if (i > 4 && state.isEmpty()) {
          finish();
          return;
        }
      }
      fail("not healed: " + state);
    }

    private static Requests.Description describe(TestNode node, PartitionId id) {
      return node.loop.call(node.partition(id)::describe);
    }

    private String unhealed() {
      for (PartitionId id : ids) {
        TestController.Entry entry = cluster.controller.partitions.get(id);
        if (entry.leader == IsrState.NO_LEADER || entry.isr.size() < 3) {
          return id + " leader " + entry.leader + " isr " + entry.isr + " elr " + entry.elr;
        }
        Requests.Description leader = describe(cluster.node(entry.leader), id);
        for (TestNode node : cluster.nodes.values()) {
          long end = describe(node, id).logEndOffset();
          if (end != leader.logEndOffset() || leader.highWatermark() != leader.logEndOffset()) {
            return id + " on " + node.id + " ends at " + end + ", leader " + leader;
          }
        }
      }
      return "";
    }

    private void finish() {
      for (PartitionId id : ids) {
        List<List<Long>> contents = new ArrayList<>();
        for (TestNode node : cluster.nodes.values()) {
          List<Long> content = new ArrayList<>();
          for (Entry batch : node.storage.entries(id)) {
            content.add(batch.base());
            content.add((long) batch.epoch());
            long value = TestBatches.value(RecordBatch.at(batch.bytes()));
            content.add(value);
            assertTrue(!refused.contains(value), "refused " + value + " is in the log (P4)");
          }
          contents.add(content);
          holdsAll(id, "healed " + node.id, node.storage.entries(id));
        }
        assertEquals(contents.get(0), contents.get(1), "logs of 1 and 2");
        assertEquals(contents.get(0), contents.get(2), "logs of 1 and 3");
      }
    }
  }
}
