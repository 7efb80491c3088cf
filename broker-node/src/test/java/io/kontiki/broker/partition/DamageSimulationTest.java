package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.broker.partition.TestCluster.TestNode;
import io.kontiki.broker.partition.TestDisk.Entry;
import io.kontiki.log.LogConfig;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Three brokers on the storage engine, and bytes that change on the disk of one of them: no reader
 * sees a wrong one, nothing acknowledged is lost, and every byte comes back (P14, D9). More with
 * {@code -Dkontiki.test.runs=N}; one seed with {@code -Dkontiki.test.seed=S}.
 */
class DamageSimulationTest {
  private static final long RUNS = Long.getLong("kontiki.test.runs", 20);
  private static final long FIRST = Long.getLong("kontiki.test.seed", 1);
  private static final int STEPS = 200;
  private static final LogConfig COLD =
      TestStorage.Engine.CONFIG.withHot(0, 0).withScrub(new LogConfig.Scrub(1 << 20, 200));

  static {
    // Each flip is a warning, and there are a thousand.
    ((Logger) LoggerFactory.getLogger("io.kontiki.log.LogDamage")).setLevel(Level.ERROR);
    ((Logger) LoggerFactory.getLogger("io.kontiki.broker.partition.LeaderRole"))
        .setLevel(Level.OFF);
  }

  private final TreeMap<Long, Long> acked = new TreeMap<>();
  private int flips;
  private int answers;

  @Test
  void flippedBytesOfOneReplicaAreMendedAndSeenByNobody() {
    for (long seed = FIRST; seed < FIRST + RUNS; seed++) {
      try {
        run(seed, 1 + (int) (seed % 3));
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    assertTrue(flips > RUNS * 40, flips + " bytes flipped");
    assertTrue(answers > RUNS * 50, answers + " reads answered");
  }

  private static TestCluster cluster(long seed) {
    TestCluster cluster = new TestCluster(seed, Durability.FSYNC, true);
    for (TestNode node : cluster.nodes.values()) {
      TestStorage.Engine engine = (TestStorage.Engine) node.storage;
      engine.config = COLD;
      engine.settings = engine.settings.withSegments(1_000, 3_600_000).withIndexInterval(200);
    }
    cluster.startAll();
    return cluster;
  }

  /** Broker 1 leads: with victim 1 it is the leader's disk. */
  private void run(long seed, int victim) {
    SeededRandom random = new SeededRandom(seed);
    TestCluster cluster = cluster(seed);
    acked.clear();
    cluster.faults = random.oneIn(3);
    for (int step = 0; step < STEPS; step++) {
      produce(cluster, random, step + 1);
      consume(cluster, random);
      if (step > 50 && random.oneIn(3)) {
        flip(cluster.node(victim), random);
      }
      cluster.nodes.values().forEach(TestNode::learn);
      cluster.time.advanceMs(1 + random.nextInt(10));
    }
    cluster.faults = false;
    String state = "";
    for (int i = 0; i < 100; i++) {
      cluster.settle();
      consume(cluster, random);
      state = unhealed(cluster);
      if (i > 3 && state.isEmpty()) {
        check(cluster);
        return;
      }
    }
    fail("not healed: " + state);
  }

  private void flip(TestNode node, SeededRandom random) {
    TestStorage.Engine engine = (TestStorage.Engine) node.storage;
    String directory = TestCluster.P0.directoryName();
    List<String> logs = new ArrayList<>();
    for (String name : engine.store.list(directory)) {
      if (name.endsWith(".log")) {
        logs.add(directory + "/" + name);
      }
    }
    String path = logs.get(random.nextInt(logs.size()));
    try (FileStore.File file = engine.store.open(path)) {
      if (file.size() > 0) {
        engine.store.flip(path, random.nextInt((int) file.size()), 1 << random.nextInt(8));
        flips++;
      }
    }
  }

  private void produce(TestCluster cluster, SeededRandom random, long value) {
    long deadline = cluster.time.clock().nanoTime() + 500 * TestCluster.MS;
    for (TestNode node : cluster.nodes.values()) {
      Partition partition = node.partition(TestCluster.P0);
      if (partition.leading()) {
        node.loop.run(
            () ->
                partition.append(
                    new Append(
                        Requests.ANY_EPOCH,
                        Acks.ALL,
                        TestBatches.of(value, 1 + random.nextInt(3), 8 + random.nextInt(64)),
                        deadline),
                    result -> {
                      if (result instanceof Result.Ok<Requests.Appended> ok) {
                        acked.put(ok.value().baseOffset(), value);
                      }
                    }));
      }
    }
  }

  private void consume(TestCluster cluster, SeededRandom random) {
    long deadline = cluster.time.clock().nanoTime() + 20 * TestCluster.MS;
    long from = acked.isEmpty() ? 0 : random.nextInt((int) (acked.lastKey() + 1));
    for (TestNode node : cluster.nodes.values()) {
      Partition partition = node.partition(TestCluster.P0);
      if (partition.leading()) {
        node.loop.run(
            () ->
                partition.read(
                    new Read(Requests.ANY_EPOCH, from, Requests.ANY_EPOCH, 4096, 1, deadline),
                    this::onRead));
      }
    }
  }

  private void onRead(ReadAnswer answer) {
    answers++;
    if (answer instanceof ReadAnswer.Failed failed) {
      // Two sound replicas are there: nobody is told that the bytes are gone.
      assertTrue(failed.error().reason() != ErrorReason.CORRUPT_LOG, failed.toString());
    } else if (answer instanceof ReadAnswer.Records records) {
      for (ByteBuffer bytes : records.batches()) {
        RecordBatch batch = RecordBatch.at(bytes);
        assertEquals(batch.crc(), batch.computeCrc());
        Long value = acked.get(batch.baseOffset());
        assertTrue(
            value == null || value == TestBatches.value(batch),
            "offset " + batch.baseOffset() + " is not " + value);
      }
    }
  }

  private static String unhealed(TestCluster cluster) {
    TestController.Entry entry = cluster.controller.partitions.get(TestCluster.P0);
    if (entry.isr.size() < 3) {
      return "in sync " + entry.isr + ", leader " + entry.leader;
    }
    List<List<Entry>> logs = new ArrayList<>();
    for (TestNode node : cluster.nodes.values()) {
      Partition partition = node.partition(TestCluster.P0);
      if (node.loop.call(() -> partition.log().damage()).isPresent()) {
        return "damage on " + node.id;
      }
      try {
        logs.add(node.storage.entries(TestCluster.P0));
      } catch (RuntimeException e) {
        return "node " + node.id + ": " + e;
      }
    }
    return logs.get(0).equals(logs.get(1)) && logs.get(1).equals(logs.get(2))
        ? ""
        : "the logs differ";
  }

  private void check(TestCluster cluster) {
    TreeMap<Long, Long> found = new TreeMap<>();
    for (Entry entry : cluster.node(1).storage.entries(TestCluster.P0)) {
      RecordBatch batch = RecordBatch.at(entry.bytes());
      assertEquals(batch.crc(), batch.computeCrc());
      found.put(entry.base(), TestBatches.value(batch));
    }
    acked.forEach((offset, value) -> assertEquals(value, found.get(offset), "offset " + offset));
  }
}
