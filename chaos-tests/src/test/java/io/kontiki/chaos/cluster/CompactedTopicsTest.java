package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.kontiki.client.Consumer;
import io.kontiki.client.ConsumerOptions;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import io.kontiki.client.StartAt;
import io.kontiki.client.TopicPartition;
import io.kontiki.record.Compression;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * L6 with real processes: of each key the newest record stays, at its offset, whatever is killed in
 * the middle of a cleaning; tombstones go after their time; a new replica gets what is left.
 */
final class CompactedTopicsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final int KEYS = 40;
  private static final int ROUNDS = 50;

  /** Nobody is taken for dead here that was not killed: a busy machine must not look so. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "log.cleaner.backoff.ms", "200",
          "log.cleaner.io.max.bytes.per.second", "128k",
          "retention.check.ms", "1000",
          "session.timeout.ms", "10000",
          "lease.ms", "8000",
          "replica.silent.ms", "12000",
          "replica.lag.ms", "30000");

  /** What was acknowledged, and what is therefore due to readers. */
  private static final class Changelog implements AutoCloseable {
    private final String topic;
    private final KontikiClient client;
    private final Producer producer;
    private final TreeMap<Long, ProducerRecord> written = new TreeMap<>();
    private final TreeMap<String, Long> newest = new TreeMap<>();

    Changelog(ProcessCluster cluster, String topic) {
      this.topic = topic;
      client = KontikiClient.connect(String.join(",", cluster.bootstrap()));
      producer = client.newProducer(ProducerOptions.DEFAULT.withCompression(Compression.ZSTD));
    }

    void put(List<ProducerRecord> records) {
      List<CompletableFuture<RecordMetadata>> answers = new ArrayList<>();
      records.forEach(record -> answers.add(producer.send(record.toPartition(0))));
      for (int i = 0; i < records.size(); i++) {
        long offset = answers.get(i).join().offset();
        written.put(offset, records.get(i));
        newest.merge(text(records.get(i).key()), offset, Math::max);
      }
    }

    ProducerRecord record(String key, @Nullable String value) {
      return ProducerRecord.of(topic, key, value);
    }

    /** Each key once, with a value of its own. */
    void round(int number) {
      List<ProducerRecord> records = new ArrayList<>();
      for (int key = 0; key < KEYS; key++) {
        records.add(record("key-" + key, number + "-" + key + "-" + noise(number * KEYS + key)));
      }
      put(records);
    }

    /** Reads all that is left, across the holes, and checks each record. */
    List<ConsumerRecord> read() {
      List<ConsumerRecord> all = new ArrayList<>();
      TopicPartition partition = new TopicPartition(topic, 0);
      try (Consumer consumer =
          client.newConsumer(ConsumerOptions.DEFAULT.withStartAt(StartAt.BEGINNING))) {
        consumer.assign(List.of(partition));
        await("the newest record of " + topic)
            .atMost(PATIENCE)
            .until(
                () -> {
                  all.addAll(consumer.poll(Duration.ofMillis(200)));
                  return !all.isEmpty() && all.get(all.size() - 1).offset() >= written.lastKey();
                });
      }
      long before = -1;
      for (ConsumerRecord record : all) {
        assertTrue(record.offset() > before, record.offset() + " behind " + before);
        before = record.offset();
        ProducerRecord original = written.get(record.offset());
        assertNotNull(original, "nobody wrote what is at offset " + record.offset());
        assertEquals(text(original.key()), text(record.key()), "at " + record.offset());
        assertEquals(text(original.value()), text(record.value()), "at " + record.offset());
      }
      return all;
    }

    /** Of each key the newest record is there, or it is a tombstone. */
    void check(List<ConsumerRecord> read) {
      TreeMap<String, Long> found = new TreeMap<>();
      read.forEach(record -> found.put(text(record.key()), record.offset()));
      newest.forEach(
          (key, offset) -> {
            ProducerRecord last = written.get(offset);
            assertNotNull(last);
            if (last.value() != null || found.containsKey(key)) {
              assertEquals(offset, found.get(key), "the newest record of " + key);
            }
          });
    }

    boolean isThere(String prefix, List<ConsumerRecord> read) {
      return read.stream().anyMatch(record -> text(record.key()).startsWith(prefix));
    }

    @Override
    public void close() {
      producer.close();
      client.close();
    }
  }

  /** Does not compress well. */
  private static String noise(int seed) {
    StringBuilder text = new StringBuilder();
    new Random(seed).ints(200, 'a', 'z' + 1).forEach(letter -> text.append((char) letter));
    return text.toString();
  }

  private static String text(byte @Nullable [] bytes) {
    return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
  }

  private static int count(ServerNode node, String text) {
    return node.logLines(text).size();
  }

  private static void awaitPass(ServerNode node, int more) {
    int before = count(node, "compacted up to");
    await("node " + node.id() + " compacts")
        .atMost(PATIENCE)
        .until(() -> count(node, "compacted up to") >= before + more);
  }

  @Test
  void theNewestRecordOfEachKeyStaysThroughAKillAmidACleaningAndReachesANewReplica() {
    String topic = "changelog";
    try (ProcessCluster cluster = ProcessCluster.start("compacted", 3, SETTINGS)) {
      cluster.createTopic(
          topic,
          1,
          2,
          Map.of(
              "cleanup.policy", "compact",
              "segment.bytes", "10240",
              "min.insync.replicas", "1",
              "min.cleanable.dirty.ratio", "0.01",
              "delete.retention.ms", "1000"));
      cluster.awaitInSync(topic, 1, 2);
      try (Changelog log = new Changelog(cluster, topic)) {
        log.put(List.of(log.record("gone-1", "value"), log.record("gone-2", "value")));
        for (int round = 0; round < ROUNDS; round++) {
          log.round(round);
        }
        log.put(List.of(log.record("gone-1", null), log.record("gone-2", null)));
        log.round(ROUNDS);
        List<Integer> replicas = cluster.replicas(topic, 0);
        ServerNode leader = cluster.node(cluster.leader(topic, 0).orElseThrow());
        int other = replicas.stream().filter(id -> id != leader.id()).findFirst().orElseThrow();
        awaitBytes(leader);
        int passes = count(leader, "compacted up to");
        leader.kill();
        assertEquals(passes, count(leader, "compacted up to"), "it was in the middle of a pass");
        log.check(log.read());
        leader.start();
        cluster.awaitReady();
        cluster.awaitInSync(topic, 1, 2);
        for (int round = 1; round <= 3; round++) {
          log.round(ROUNDS + round);
        }
        awaitPass(leader, 1);
        // Tombstones go with a pass that begins a second after the one that came past them.
        int[] rounds = {ROUNDS + 4};
        await("tombstones go")
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(500))
            .until(
                () -> {
                  log.round(rounds[0]++);
                  return !log.isThere("gone-", log.read());
                });
        List<ConsumerRecord> left = log.read();
        log.check(left);
        assertTrue(
            left.size() < log.written.size() / 4,
            left.size() + " of " + log.written.size() + " records are left");
        // The third node knows nothing yet; then it is the only one that is up and has the log.
        int third = 6 - leader.id() - other;
        move(cluster, topic, List.of(other, third));
        cluster.awaitInSync(topic, 1, 2);
        cluster.node(other).kill();
        await("node " + third + " leads")
            .atMost(PATIENCE)
            .until(() -> cluster.leader(topic, 0).orElse(-1) == third);
        List<ConsumerRecord> copied = log.read();
        log.check(copied);
        assertTrue(!log.isThere("gone-", copied), "no key comes back");
        assertTrue(copied.size() < log.written.size() / 4);
        log.round(0);
        log.check(log.read());
      }
    }
  }

  @Test
  void withCompactAndDeleteOldSegmentsGoAndWhatStaysIsCompacted() {
    String topic = "recent";
    try (ProcessCluster cluster = ProcessCluster.start("compacted-deleted", 1, SETTINGS)) {
      cluster.createTopic(
          topic,
          1,
          1,
          Map.of(
              "cleanup.policy", "compact",
              "segment.bytes", "10240",
              "min.cleanable.dirty.ratio", "1.0",
              "max.compaction.lag.ms", "3000"));
      try (Changelog log = new Changelog(cluster, topic)) {
        for (int round = 0; round < 10; round++) {
          log.round(round);
        }
        // No share of bytes is above 1.0: its greatest lag lets it be compacted.
        awaitPass(cluster.node(1), 1);
        log.check(log.read());
        JsonObject settings = new JsonObject();
        settings.addProperty("cleanup.policy", "compact,delete");
        settings.addProperty("retention.bytes", "20000");
        JsonObject alter = new JsonObject();
        alter.addProperty("name", topic);
        alter.add("config", settings);
        cluster.change("AlterTopicConfig", alter);
        for (int round = 10; round < 20; round++) {
          log.round(round);
        }
        await("the log begins later")
            .atMost(PATIENCE)
            .until(
                () ->
                    log.client
                            .admin()
                            .listOffsets(topic, List.of(), StartAt.BEGINNING)
                            .join()
                            .get(0)
                        > 0);
        List<ConsumerRecord> left = log.read();
        // Of a key whose newest record was deleted by size nothing is left; none is older than due.
        left.forEach(record -> assertTrue(record.offset() >= left.get(0).offset()));
        assertTrue(left.size() < log.written.size() / 2, left.size() + " records are left");
      }
    }
  }

  private static void awaitBytes(ServerNode node) {
    await("node " + node.id() + " is amid a pass")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> node.metric("kontiki_log_cleaner_bytes").orElse(0) > 20_000);
  }

  private static void move(ProcessCluster cluster, String topic, List<Integer> replicas) {
    JsonObject partition = new JsonObject();
    partition.addProperty("topic", topic);
    partition.addProperty("partition", 0);
    JsonArray ids = new JsonArray();
    replicas.forEach(ids::add);
    JsonObject move = new JsonObject();
    move.add("partition", partition);
    move.add("replicas", ids);
    JsonArray moves = new JsonArray();
    moves.add(move);
    JsonObject request = new JsonObject();
    request.add("reassignments", moves);
    cluster.change("ReassignPartitions", request);
    await(topic + " on " + replicas)
        .atMost(PATIENCE)
        .until(() -> cluster.replicas(topic, 0), replicas::equals);
  }
}
