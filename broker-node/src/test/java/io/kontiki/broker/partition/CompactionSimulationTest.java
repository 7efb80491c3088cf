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
import io.kontiki.log.LogSettings;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Three brokers on the storage engine with a compacted topic; each compacts for itself (rule L6).
 * More with {@code -Dkontiki.test.runs=N}; one seed with {@code -Dkontiki.test.seed=S}.
 */
class CompactionSimulationTest {
  private static final long RUNS = Long.getLong("kontiki.test.runs", 20);
  private static final long FIRST = Long.getLong("kontiki.test.seed", 1);
  private static final LogConfig CONFIG =
      TestStorage.Engine.CONFIG
          .withHot(0, 0)
          .withScrub(new LogConfig.Scrub(1 << 20, 200))
          .withCleaner(new LogConfig.Cleaner(1 << 16, 1L << 30, 50));

  static {
    ((Logger) LoggerFactory.getLogger("io.kontiki.log.LogDamage")).setLevel(Level.ERROR);
    ((Logger) LoggerFactory.getLogger("io.kontiki.broker.partition.LeaderRole"))
        .setLevel(Level.OFF);
    ((Logger) LoggerFactory.getLogger("io.kontiki.broker.partition.FollowerRole"))
        .setLevel(Level.OFF);
  }

  private static TestCluster cluster(long seed, long deleteRetentionMs) {
    TestCluster cluster = new TestCluster(seed, Durability.FSYNC, true);
    LogSettings settings =
        LogSettings.defaults(Durability.FSYNC)
            .withSegments(1_000, 3_600_000)
            .withIndexInterval(200)
            .withCompaction(new LogSettings.Compaction(0, deleteRetentionMs, 0));
    cluster.controller.settings = settings;
    for (TestNode node : cluster.nodes.values()) {
      TestStorage.Engine engine = (TestStorage.Engine) node.storage;
      engine.config = CONFIG;
      engine.settings = settings;
    }
    cluster.startAll();
    return cluster;
  }

  private static ByteBuffer batch(String key, String value) {
    return new RecordBatchBuilder(Compression.NONE)
        .append(
            1_000,
            key == null ? null : key.getBytes(StandardCharsets.UTF_8),
            value == null ? null : value.getBytes(StandardCharsets.UTF_8),
            List.of())
        .build();
  }

  private static TestNode leader(TestCluster cluster) {
    for (TestNode node : cluster.nodes.values()) {
      if (node.up()
          && node.partition(TestCluster.P0) != null
          && node.partition(TestCluster.P0).leading()) {
        return node;
      }
    }
    return null;
  }

  /** Returns null while there is no answer. */
  private static AtomicReference<Result<Requests.Appended>> append(
      TestCluster cluster, ByteBuffer batch) {
    AtomicReference<Result<Requests.Appended>> answer = new AtomicReference<>();
    TestNode node = leader(cluster);
    if (node != null) {
      long deadline = cluster.time.clock().nanoTime() + 500 * TestCluster.MS;
      node.loop.run(
          () ->
              node.partition(TestCluster.P0)
                  .append(new Append(Requests.ANY_EPOCH, Acks.ALL, batch, deadline), answer::set));
    }
    return answer;
  }

  private static void put(TestCluster cluster, String key, String value) {
    for (int tries = 0; tries < 200; tries++) {
      AtomicReference<Result<Requests.Appended>> answer = append(cluster, batch(key, value));
      for (int i = 0; i < 60 && answer.get() == null; i++) {
        cluster.nodes.values().forEach(TestNode::learn);
        cluster.time.advanceMs(10);
      }
      if (answer.get() instanceof Result.Ok<Requests.Appended>) {
        return;
      }
      cluster.settle();
    }
    fail(key + " is not acknowledged");
  }

  /** Overwrites of one key, so that segments are closed and a pass begins. */
  private static void fill(TestCluster cluster, int times) {
    for (int i = 0; i < times; i++) {
      put(cluster, "filler", "x".repeat(150) + i);
    }
    cluster.settle();
    cluster.settle();
  }

  private static List<Record> records(TestNode node) {
    List<Record> all = new ArrayList<>();
    long due = -1;
    for (Entry entry : node.storage.entries(TestCluster.P0)) {
      RecordBatch batch = RecordBatch.at(entry.bytes());
      assertEquals(batch.crc(), batch.computeCrc());
      assertTrue(due < 0 || batch.baseOffset() == due, "no offset is missing");
      due = batch.nextOffset();
      all.addAll(RecordReader.readAll(batch, 1 << 20));
    }
    return all;
  }

  private static Map<String, String> newest(List<Record> records) {
    Map<String, String> map = new TreeMap<>();
    for (Record record : records) {
      map.put(text(record.key()), text(record.value()));
    }
    map.remove("filler");
    map.values().removeIf(java.util.Objects::isNull);
    return map;
  }

  private static String text(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  /** As a consumer does from the earliest offset on. */
  private static List<Record> consume(TestCluster cluster) {
    List<Record> all = new ArrayList<>();
    TestNode node = leader(cluster);
    Partition partition = node.partition(TestCluster.P0);
    long offset = node.loop.call(() -> partition.describe().logStartOffset());
    long end = node.loop.call(partition::highWatermark);
    while (offset < end) {
      AtomicReference<ReadAnswer> answer = new AtomicReference<>();
      long from = offset;
      long deadline = cluster.time.clock().nanoTime() + 100 * TestCluster.MS;
      node.loop.run(
          () ->
              partition.read(
                  new Read(Requests.ANY_EPOCH, from, Requests.ANY_EPOCH, 700, 1, deadline),
                  answer::set));
      cluster.time.runUntil(() -> answer.get() != null, 1_000 * TestCluster.MS);
      ReadAnswer.Records found = (ReadAnswer.Records) answer.get();
      for (ByteBuffer bytes : found.batches()) {
        RecordBatch batch = RecordBatch.at(bytes);
        for (Record record : RecordReader.readAll(batch, 1 << 20)) {
          if (record.offset() >= from) {
            all.add(record);
          }
        }
      }
      assertTrue(found.nextOffset() > offset, "a consumer gets on");
      offset = found.nextOffset();
    }
    return all;
  }

  private static Map<String, String> overwrite(TestCluster cluster, int times) {
    Map<String, String> expected = new TreeMap<>();
    for (int i = 0; i < times; i++) {
      String key = "k" + i % 7;
      put(cluster, key, "v" + i);
      expected.put(key, "v" + i);
    }
    return expected;
  }

  @Test
  void aConsumerSeesTheLastValueOfEachKeyAndAnEmptyFollowerCatchesUp() {
    TestCluster cluster = cluster(1, 10_000);
    Map<String, String> expected = overwrite(cluster, 150);
    fill(cluster, 30);
    for (TestNode node : cluster.nodes.values()) {
      assertTrue(records(node).size() < 50, "node " + node.id + " has compacted");
      assertEquals(expected, newest(records(node)));
    }
    List<Record> consumed = consume(cluster);
    assertEquals(expected, newest(consumed));
    assertTrue(consumed.size() < 50);
    TestNode third = cluster.node(3);
    third.kill(false);
    cluster.controller.fence(3);
    MemoryStores.wipe(third);
    cluster.settle();
    third.start();
    for (int i = 0; i < 20; i++) {
      cluster.settle();
    }
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
    assertEquals(expected, newest(records(third)));
    assertTrue(records(third).size() < 50, "it got the compacted log");
  }

  @Test
  void aReplicaThatWasAwayWhenATombstoneWentDoesNotBringTheKeyBack() {
    TestCluster cluster = cluster(2, 500);
    put(cluster, "gone", "old");
    put(cluster, "kept", "1");
    cluster.settle();
    cluster.node(3).kill(false);
    cluster.controller.fence(3);
    cluster.settle();
    put(cluster, "gone", null);
    for (int i = 0; i < 4; i++) {
      fill(cluster, 12);
      cluster.time.advanceMs(1_000);
    }
    TestNode leader = leader(cluster);
    assertTrue(
        records(leader).stream().noneMatch(record -> text(record.key()).equals("gone")),
        "the tombstone has gone");
    cluster.node(3).start();
    for (int i = 0; i < 20; i++) {
      cluster.settle();
    }
    assertEquals(3, cluster.controller.partitions.get(TestCluster.P0).isr.size());
    for (TestNode node : cluster.nodes.values()) {
      assertEquals(Map.of("kept", "1"), newest(records(node)), "node " + node.id);
    }
  }

  @Test
  void aRecordWithoutKeyIsRefused() {
    TestCluster cluster = cluster(3, 500);
    Result<Requests.Appended> answer = append(cluster, batch(null, "1")).get();
    assertEquals(ErrorReason.INVALID_RECORD, answer.fold(ok -> null, error -> error.reason()));
    put(cluster, "a", "1");
  }

  @Test
  void damageInCompactedSegmentsIsMendedOrFetchedAgain() {
    int flips = 0;
    for (long seed = FIRST; seed < FIRST + RUNS; seed++) {
      try {
        flips += damage(seed, 1 + (int) (seed % 3));
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    assertTrue(flips > RUNS * 10, flips + " bytes flipped");
  }

  private static int damage(long seed, int victim) {
    SeededRandom random = new SeededRandom(seed);
    TestCluster cluster = cluster(seed, 300);
    cluster.faults = random.oneIn(3);
    int flips = 0;
    for (int step = 0; step < 150; step++) {
      String key = "k" + random.nextInt(9);
      append(cluster, batch(key, random.oneIn(4) ? null : step + "x".repeat(random.nextInt(100))));
      if (step > 40 && random.oneIn(4)) {
        flips += flip(cluster.node(victim), random);
      }
      cluster.nodes.values().forEach(TestNode::learn);
      cluster.time.advanceMs(1 + random.nextInt(20));
    }
    cluster.faults = false;
    Map<String, String> expected = new TreeMap<>();
    for (int i = 0; i < 9; i++) {
      String value = i % 3 == 0 ? null : "last" + i;
      put(cluster, "k" + i, value);
      if (value != null) {
        expected.put("k" + i, value);
      }
    }
    String state = "";
    for (int i = 0; i < 100; i++) {
      cluster.settle();
      state = unhealed(cluster);
      if (i > 3 && state.isEmpty()) {
        for (TestNode node : cluster.nodes.values()) {
          assertEquals(expected, newest(records(node)), "node " + node.id);
        }
        return flips;
      }
    }
    return fail("not healed: " + state);
  }

  private static String unhealed(TestCluster cluster) {
    TestController.Entry entry = cluster.controller.partitions.get(TestCluster.P0);
    if (entry.isr.size() < 3) {
      return "in sync " + entry.isr + ", leader " + entry.leader;
    }
    for (TestNode node : cluster.nodes.values()) {
      Partition partition = node.partition(TestCluster.P0);
      if (node.loop.call(() -> partition.log().damage()).isPresent()) {
        return "damage on " + node.id;
      }
      try {
        records(node);
      } catch (RuntimeException | AssertionError e) {
        return "node " + node.id + ": " + e;
      }
    }
    return "";
  }

  private static int flip(TestNode node, SeededRandom random) {
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
        return 1;
      }
    }
    return 0;
  }

  /** What happens to a machine's disk. */
  private static final class MemoryStores {
    static void wipe(TestNode node) {
      TestStorage.Engine engine = (TestStorage.Engine) node.storage;
      for (String name : engine.store.list("")) {
        engine.store.deleteRecursively(name);
      }
      engine.store.syncDirectory("");
    }
  }
}
