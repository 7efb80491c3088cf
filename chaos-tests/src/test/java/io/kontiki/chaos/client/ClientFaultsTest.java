package io.kontiki.chaos.client;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.client.SdkLoad.Fate;
import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.cluster.ServerNode;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import io.kontiki.client.StartAt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * The Java client while its brokers die and freeze (P1, P4 to P8): idempotent producers with every
 * compression, several threads each, and a consumer that reads along.
 */
final class ClientFaultsTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final int ROUNDS = 2;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final ProducerOptions BATCHING =
      ProducerOptions.DEFAULT.withBatching(Duration.ofMillis(5), 4 * 1024);

  private interface Fault {
    void happen(ProcessCluster cluster, SdkLoad load);
  }

  @Test
  void killedLeadersLoseDoubleAndReorderNothing() throws Exception {
    underLoad(
        "sdk-kill-leader",
        (cluster, load) -> {
          int leader = cluster.leader(TOPIC, 0).orElseThrow();
          cluster.node(leader).kill();
          awaitOtherLeader(cluster, leader);
          awaitAcked(load, 200);
        });
  }

  @Test
  void frozenLeadersLoseDoubleAndReorderNothing() throws Exception {
    underLoad(
        "sdk-freeze-leader",
        (cluster, load) -> {
          ServerNode leader = cluster.node(cluster.leader(TOPIC, 0).orElseThrow());
          long frozenAt = System.nanoTime();
          leader.freeze();
          awaitAcked(load, 200);
          // The rest of three seconds: it wakes up long after it has been replaced.
          await("frozen for 3 s").until(() -> System.nanoTime() - frozenAt >= 3_000_000_000L);
          leader.thaw();
          awaitAcked(load, 200);
        });
  }

  @Test
  void recordsFailAtTheirDeadlineWhenNoBrokerAnswers() throws Exception {
    try (ProcessCluster cluster = ProcessCluster.start("sdk-deadline", 3, Map.of());
        KontikiClient client = connect(cluster)) {
      cluster.createTopic(TOPIC, 1, 3, Map.of());
      Producer producer =
          client.newProducer(
              ProducerOptions.DEFAULT.withTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(1)));
      assertEquals(0, send(producer, "first").get(10, TimeUnit.SECONDS).offset());

      cluster.nodes().forEach(ServerNode::freeze);
      long begin = System.nanoTime();
      List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        sent.add(send(producer, "frozen-" + i));
      }
      List<Boolean> definite = new ArrayList<>();
      for (CompletableFuture<RecordMetadata> future : sent) {
        definite.add(failure(future).definite());
      }
      long tookMs = (System.nanoTime() - begin) / 1_000_000;
      assertTrue(tookMs >= 1_500 && tookMs < 6_000, "deadline of 2 s after " + tookMs + " ms");

      cluster.nodes().forEach(ServerNode::thaw);
      cluster.awaitReady();
      await("a record after the thaw")
          .atMost(PATIENCE)
          .ignoreExceptions()
          .until(() -> send(producer, "last").get(10, TimeUnit.SECONDS) != null);
      Map<Integer, Long> ends =
          client.admin().listOffsets(TOPIC, List.of(), StartAt.END).get(30, TimeUnit.SECONDS);
      List<String> stored = readAll(client, 1, ends).get(0);
      for (int i = 0; i < sent.size(); i++) {
        String value = "frozen-" + i;
        long copies = stored.stream().filter(value::equals).count();
        assertTrue(copies <= (definite.get(i) ? 0 : 1), value + ": " + copies + " copies");
      }
      assertEquals("first", stored.get(0));
      producer.close();
    }
  }

  /** Each fault twice, each from a healthy cluster; then everything is read and judged. */
  private static void underLoad(String name, Fault fault) throws Exception {
    try (ProcessCluster cluster = ProcessCluster.start(name, 3, Map.of());
        KontikiClient client = connect(cluster)) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (SdkReader along = SdkReader.start(client, TOPIC, PARTITIONS);
          SdkLoad load = SdkLoad.start(client, TOPIC, PARTITIONS, BATCHING)) {
        for (int round = 0; round < ROUNDS; round++) {
          awaitAcked(load, 500);
          long readBefore = along.read(0);
          fault.happen(cluster, load);
          cluster.startAll();
          cluster.awaitInSync(TOPIC, PARTITIONS, 3);
          awaitAcked(load, 500);
          await("the consumer follows").atMost(PATIENCE).until(() -> along.read(0) > readBefore);
        }
        List<Fate> fates = load.finish();
        assertEquals(List.of(), load.surprises());
        Map<Integer, Long> ends =
            client.admin().listOffsets(TOPIC, List.of(), StartAt.END).get(30, TimeUnit.SECONDS);
        assertEquals(PARTITIONS, ends.size());
        await("the consumer reads to the end").atMost(PATIENCE).until(() -> along.isAt(ends));
        List<List<String>> stored = readAll(client, PARTITIONS, ends);
        assertEquals(stored, along.finish(), "what was read along is what a new reader sees");
        System.out.printf(
            "%s: %d sent, %d acknowledged, %d stored%n",
            name, fates.size(), load.acked(), stored.stream().mapToInt(List::size).sum());
        assertEquals(List.of(), judge(fates, stored));
        assertEquals(fates.size(), load.acked(), "within two minutes every record gets in");
      }
    }
  }

  /** What contradicts the promises; empty: nothing. */
  private static List<String> judge(List<Fate> fates, List<List<String>> stored) {
    List<String> wrong = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (int partition = 0; partition < stored.size(); partition++) {
      Map<String, String> lastOfThread = new TreeMap<>();
      for (String value : stored.get(partition)) {
        if (!seen.add(value)) {
          wrong.add(value + " is stored twice (P8)");
        }
        String thread = value.substring(0, value.lastIndexOf('/'));
        String before = lastOfThread.put(thread, value);
        if (before != null && before.compareTo(value) >= 0) {
          wrong.add(value + " is behind " + before + " in partition " + partition + " (P5)");
        }
      }
    }
    for (Fate fate : fates) {
      RecordMetadata ack = fate.stored();
      KontikiException failure = fate.failure();
      List<String> log = stored.get(fate.partition());
      if (ack != null
          && (ack.offset() < 0
              || ack.offset() >= log.size()
              || !log.get((int) ack.offset()).equals(fate.value()))) {
        wrong.add(fate.value() + " is not at " + ack + " (P1)");
      }
      if (failure != null && failure.definite() && seen.contains(fate.value())) {
        wrong.add(fate.value() + " is stored, but was refused: " + failure.error() + " (P4)");
      }
    }
    return wrong;
  }

  private static List<List<String>> readAll(
      KontikiClient client, int partitions, Map<Integer, Long> ends) throws Exception {
    try (SdkReader reader = SdkReader.start(client, TOPIC, partitions)) {
      await("a new reader reads to the end").atMost(PATIENCE).until(() -> reader.isAt(ends));
      return reader.finish();
    }
  }

  private static void awaitOtherLeader(ProcessCluster cluster, int dead) {
    OptionalInt leader =
        await("another leader")
            .atMost(PATIENCE)
            .until(
                () -> cluster.leader(TOPIC, 0),
                found -> found.isPresent() && found.getAsInt() != dead && found.getAsInt() > 0);
    assertNotEquals(dead, leader.getAsInt());
  }

  private static void awaitAcked(SdkLoad load, long more) {
    long target = load.acked() + more;
    await("acknowledged")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(10))
        .until(() -> load.acked() >= target);
  }

  private static CompletableFuture<RecordMetadata> send(Producer producer, String value) {
    return producer.send(ProducerRecord.of(TOPIC, null, value).toPartition(0));
  }

  private static KontikiException failure(CompletableFuture<?> future) throws Exception {
    try {
      throw new AssertionError("not refused: " + future.get(30, TimeUnit.SECONDS));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KontikiException error) {
        return error;
      }
      throw e;
    }
  }

  private static KontikiClient connect(ProcessCluster cluster) {
    return KontikiClient.connect(String.join(",", cluster.bootstrap()));
  }
}
