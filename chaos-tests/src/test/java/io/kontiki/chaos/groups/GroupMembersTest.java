package io.kontiki.chaos.groups;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.cluster.ServerNode;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.HistoryChecker;
import io.kontiki.chaos.history.Log;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Three groups with ten members each, on real processes: members leave and join all the time, are
 * killed and frozen for longer than their sessions, and brokers are killed meanwhile. P9, P10.
 */
final class GroupMembersTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 12;
  private static final int PROCESSES = 10;
  private static final List<String> GROUPS = List.of("billing", "shipping", "audit-static");
  private static final Duration PATIENCE = Duration.ofSeconds(180);
  private static final long LEAST_COMMITS = 2_000;

  /** So long a broker waits for the answer to a ping before it gives a client up, and 3 s. */
  private static final long FROZEN_MS = 33_000;

  private final long seed = Long.getLong("kontiki.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final History history = new History();
  private final Map<MemberLine.Kind, Long> counts = new EnumMap<>(MemberLine.Kind.class);

  /** By group and partition: the offsets that somebody was given. */
  private final Map<String, BitSet> delivered = new TreeMap<>();

  /** By partition: the offset behind the last that was acknowledged. */
  private final Map<Integer, Long> ends = new TreeMap<>();

  private final List<MemberProcess> members = new ArrayList<>();
  private String brokers = "";
  private Path log = Path.of("");
  private int started;

  /** Every line that a member told, with the time at which it was read here. */
  private PrintStream lines = System.out;

  @Test
  void membersThatComeGoFreezeAndDieSkipNothingAndRepeatOnlyWhatWasNotCommitted() throws Exception {
    System.out.println("seed " + seed);
    Path kept = Path.of("target", "clusters", "groups").toAbsolutePath();
    Files.createDirectories(kept);
    log = kept.resolve("members.log");
    Files.deleteIfExists(log);
    try (PrintStream told = new PrintStream(kept.resolve("history.txt").toFile(), UTF_8)) {
      lines = told;
      play();
    }
    System.out.println("members' lines: " + counts + ", records " + ends);
    assertEquals(List.of(), HistoryChecker.check(history.events(), false), "seed " + seed);
    assertTrue(counts.getOrDefault(MemberLine.Kind.STORED, 0L) > LEAST_COMMITS, counts::toString);
  }

  private void play() throws Exception {
    try (ProcessCluster cluster = ProcessCluster.start("groups", 3, Map.of());
        KontikiClient client = KontikiClient.connect(String.join(",", cluster.bootstrap()));
        Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      brokers = String.join(",", cluster.bootstrap());
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      Load load = new Load(producer);
      try {
        for (int i = 0; i < PROCESSES; i++) {
          members.add(startMember());
        }
        awaitDelivered(load, 500);
        MemberProcess frozen = members.get(0);
        frozen.freeze();
        long frozenAt = System.nanoTime();
        for (ServerNode broker : cluster.nodes()) {
          replaceOneMember();
          broker.kill();
          awaitDelivered(load, 300);
          replaceOneMember();
          cluster.startAll();
          cluster.awaitInSync(TOPIC, PARTITIONS, 3);
          awaitDelivered(load, 300);
        }
        await("the frozen members' sessions are over")
            .atMost(PATIENCE)
            .until(() -> (System.nanoTime() - frozenAt) / 1_000_000 > FROZEN_MS);
        awaitDelivered(load, 300);
        frozen.thaw();
        awaitDelivered(load, 300);
        load.stop();
        await("every group has been given every record")
            .atMost(PATIENCE)
            .untilAsserted(() -> assertEquals(List.of(), missing()));
        for (MemberProcess member : members) {
          assertTrue(member.stop(), "its members did not leave");
        }
      } finally {
        load.stop();
        members.forEach(MemberProcess::close);
      }
    }
  }

  /** One dies, but not the first, and another comes. */
  private void replaceOneMember() throws IOException, InterruptedException {
    int index = 1 + random.nextInt(PROCESSES - 1);
    members.get(index).kill();
    members.set(index, startMember());
  }

  private MemberProcess startMember() throws IOException {
    String name = "m" + ++started;
    return new MemberProcess(brokers, name, seed + started, TOPIC, GROUPS, log, this::onLine);
  }

  private synchronized void onLine(MemberLine line) {
    counts.merge(line.kind(), 1L, Long::sum);
    lines.println(Instant.now() + " " + line);
    Event event = line.event(TOPIC);
    if (event != null) {
      history.add(event);
    }
    if (line.kind() == MemberLine.Kind.DELIVERED) {
      delivered
          .computeIfAbsent(line.group() + "-" + line.partition(), any -> new BitSet())
          .set((int) line.first(), (int) line.second());
    }
  }

  private synchronized void onAck(int partition, long offset) {
    ends.merge(partition, offset + 1, Math::max);
  }

  private synchronized long deliveredTo(String group) {
    long count = 0;
    for (int partition = 0; partition < PARTITIONS; partition++) {
      BitSet set = delivered.get(group + "-" + partition);
      count += set == null ? 0 : set.cardinality();
    }
    return count;
  }

  /** Records of which a group was not given all that are there. */
  private synchronized List<String> missing() {
    List<String> missing = new ArrayList<>();
    for (String group : GROUPS) {
      ends.forEach(
          (partition, end) -> {
            BitSet set = delivered.getOrDefault(group + "-" + partition, new BitSet());
            int first = set.nextClearBit(0);
            if (first < end) {
              missing.add(group + " of " + new Log(TOPIC, partition) + ": " + first + " of " + end);
            }
          });
    }
    return missing;
  }

  /** Until each group has been given so many more. */
  private void awaitDelivered(Load load, long more) {
    Map<String, Long> from = new TreeMap<>();
    GROUPS.forEach(group -> from.put(group, deliveredTo(group)));
    await("every group goes on")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .failFast(load::failIfBroken)
        .until(
            () ->
                GROUPS.stream()
                    .allMatch(group -> deliveredTo(group) >= from.getOrDefault(group, 0L) + more));
  }

  /** Sends to all partitions, so many records a second. */
  private final class Load {
    private final Semaphore inFlight = new Semaphore(64);
    private final Thread thread;
    private volatile boolean stopping;
    private volatile boolean broken;

    Load(Producer producer) {
      thread = new Thread(() -> run(producer), "load");
      thread.setDaemon(true);
      thread.start();
    }

    private void run(Producer producer) {
      try {
        for (int number = 0; !stopping; number++) {
          inFlight.acquire();
          var unused =
              producer
                  .send(ProducerRecord.of(TOPIC, "key " + number % 97, "value " + number))
                  .whenComplete(
                      (where, failure) -> {
                        inFlight.release();
                        if (failure == null) {
                          onAck(where.partition(), where.offset());
                        } else {
                          broken = !stopping;
                        }
                      });
          if (number % 4 == 0) {
            LockSupport.parkNanos(
                10_000_000); // 400 a second at most: groups must keep up on a busy machine
          }
        }
        inFlight.acquire(64);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void failIfBroken() {
      if (broken) {
        throw new IllegalStateException("a record was refused");
      }
    }

    void stop() throws InterruptedException {
      stopping = true;
      thread.join();
    }
  }
}
