package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A machine that has too much to do: whoever is alive is not fenced (R4, R6, M6), nothing is lost.
 */
final class LoadedMachineTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final int BURNERS = 6;
  private static final Duration BURN =
      Duration.ofSeconds(Integer.getInteger("kontiki.chaos.burn.seconds", 20));

  @Test
  void nobodyIsFencedWhoIsAlive() {
    try (ProcessCluster cluster = ProcessCluster.start("loaded", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 4)) {
        load.awaitAcked(100);
        load.resetPauses();
        List<Process> burners = burn();
        try {
          long end = System.nanoTime() + BURN.toNanos();
          await("the end of the burning")
              .atMost(BURN.plusSeconds(10))
              .pollInterval(Duration.ofMillis(200))
              .until(() -> System.nanoTime() - end > 0);
          load.awaitAllGoOn();
          System.out.printf(
              "%d burners for %d s: %d ms without an acknowledgement%n",
              BURNERS, BURN.toSeconds(), load.longestPauseMs());
        } finally {
          end(burners);
        }
        load.awaitAcked(50);
        assertEquals(List.of(), load.finish());
      }
      List<String> fences = new ArrayList<>();
      cluster
          .nodes()
          .forEach(node -> fences.addAll(node.logLines("ControllerShell fences broker")));
      assertEquals(List.of(), fences);
      for (int partition = 0; partition < PARTITIONS; partition++) {
        assertEquals(3, cluster.inSync(TOPIC, partition).size());
      }
    }
  }

  /** Child processes with the priority of everybody else; they end by themselves if forgotten. */
  private static List<Process> burn() {
    List<Process> burners = new ArrayList<>();
    String seconds = Long.toString(BURN.toSeconds() + 60);
    try {
      for (int i = 0; i < BURNERS; i++) {
        burners.add(
            new ProcessBuilder("timeout", seconds, "sh", "-c", "while :; do :; done")
                .redirectOutput(Redirect.DISCARD)
                .redirectError(Redirect.DISCARD)
                .start());
      }
    } catch (IOException e) {
      end(burners);
      throw new UncheckedIOException(e);
    }
    return burners;
  }

  /** By SIGTERM, which {@code timeout} hands on; SIGKILL would leave its child behind. */
  private static void end(List<Process> burners) {
    burners.forEach(Process::destroy);
    await("the end of the burners").until(() -> burners.stream().noneMatch(Process::isAlive));
  }
}
