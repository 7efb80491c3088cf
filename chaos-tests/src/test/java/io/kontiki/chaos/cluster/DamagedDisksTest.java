package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * P14, D9 with real processes: bytes of one replica change on the disk under load, also where it is
 * being written, and in indexes. No consumer sees a wrong byte, and all of them come back.
 */
final class DamagedDisksTest {
  private static final int PARTITIONS = 3;
  private static final int FLIPS = 100;
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  @Test
  void aHundredFlippedBytesOnOneReplicaAreMendedAndSeenByNobody() throws IOException {
    long seed = Long.getLong("kontiki.chaos.seed", System.nanoTime());
    Random random = new Random(seed);
    // Nobody dies here: a busy machine must not look as if somebody did.
    Map<String, String> settings =
        Map.of(
            "scrub.interval.ms", "500",
            "scrub.bytes.per.second", "64m",
            "hot.bytes", "1m",
            "session.timeout.ms", "10000",
            "lease.ms", "8000",
            "replica.silent.ms", "12000",
            "replica.lag.ms", "30000");
    try (ProcessCluster cluster = ProcessCluster.start("damage", 3, settings)) {
      String topic = "orders";
      cluster.createTopic(topic, PARTITIONS, 3, Map.of("segment.bytes", "10240"));
      cluster.awaitInSync(topic, PARTITIONS, 3);
      try (Load load = Load.start(cluster, topic, PARTITIONS, 16)) {
        load.awaitAcked(1_000);
        // It leads one of the partitions and follows in two.
        ServerNode victim = cluster.node(1 + random.nextInt(3));
        int flipped = flip(victim, random);
        System.out.printf("seed %d: %d bytes flipped on node %d%n", seed, flipped, victim.id());
        load.awaitAcked(100);
        await("all bytes are back on node " + victim.id() + ", seed " + seed)
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(500))
            .untilAsserted(() -> assertEquals(List.of(), differences(cluster, victim)));
        cluster.awaitInSync(topic, PARTITIONS, 3);
        load.awaitAcked(100);
        assertEquals(List.of(), load.finish(), "seed " + seed);
        assertTrue(
            victim.logLines().stream().anyMatch(line -> line.contains("mended")), "seed " + seed);
      }
    }
  }

  /**
   * Of the bytes a third lies in segments that are being appended to, which the journal covers,
   * too, a third in the indexes of closed ones, and a third anywhere in segments.
   */
  private static int flip(ServerNode node, Random random) throws IOException {
    List<Path> active = new ArrayList<>();
    List<Path> indexes = new ArrayList<>();
    List<Path> all = new ArrayList<>();
    for (Path directory : partitions(node)) {
      List<Path> segments = list(directory, ".log");
      active.add(segments.get(segments.size() - 1));
      all.addAll(segments);
      indexes.addAll(list(directory, "index"));
    }
    return flip(active, FLIPS / 3, random)
        + flip(indexes, FLIPS / 3, random)
        + flip(all, FLIPS - 2 * (FLIPS / 3), random);
  }

  private static int flip(List<Path> files, int flips, Random random) throws IOException {
    int flipped = 0;
    while (flipped < flips) {
      try (RandomAccessFile file =
          new RandomAccessFile(files.get(random.nextInt(files.size())).toFile(), "rw")) {
        if (file.length() > 0) {
          long at = random.nextLong(file.length());
          file.seek(at);
          int value = file.read();
          file.seek(at);
          file.write(value ^ 1 << random.nextInt(8));
          flipped++;
        }
      }
    }
    return flipped;
  }

  /** Where the segments of the victim are not those of another node, as far as both have them. */
  private static List<String> differences(ProcessCluster cluster, ServerNode victim)
      throws IOException {
    List<String> found = new ArrayList<>();
    Map<String, byte[]> own = logs(victim);
    for (ServerNode other : cluster.nodes()) {
      for (Map.Entry<String, byte[]> log : logs(other).entrySet()) {
        byte[] mine = own.getOrDefault(log.getKey(), new byte[0]);
        int common = Math.min(mine.length, log.getValue().length);
        int at = Arrays.mismatch(mine, 0, common, log.getValue(), 0, common);
        if (at >= 0) {
          found.add(log.getKey() + " differs at " + at + " from that of node " + other.id());
        }
      }
    }
    return found;
  }

  private static Map<String, byte[]> logs(ServerNode node) throws IOException {
    Map<String, byte[]> logs = new TreeMap<>();
    for (Path directory : partitions(node)) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (Path segment : list(directory, ".log")) {
        bytes.write(Files.readAllBytes(segment));
      }
      logs.put(directory.getFileName().toString(), bytes.toByteArray());
    }
    return logs;
  }

  private static List<Path> partitions(ServerNode node) throws IOException {
    try (Stream<Path> all = Files.list(node.dataDir().resolve("log"))) {
      return all.filter(path -> path.getFileName().toString().matches(".{22}-\\d+"))
          .sorted()
          .toList();
    }
  }

  private static List<Path> list(Path directory, String suffix) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(path -> path.toString().endsWith(suffix)).sorted().toList();
    }
  }
}
