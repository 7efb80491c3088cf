package io.kontiki.chaos.examples;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kontiki.chaos.cluster.Pauses;
import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.cluster.ServerNode;
import io.kontiki.chaos.examples.Language.MissingException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The examples in other languages, made from the contract as their README says. One whose toolchain
 * or registry is not there is skipped, and that is said on standard output and in the report.
 */
final class ExamplesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long BOUND_MS = 20_000;

  private static final Map<Language, String> MISSING = new EnumMap<>(Language.class);
  private static ExampleTree tree;
  private static ProcessCluster cluster;

  @BeforeAll
  static void prepare() throws IOException {
    tree = new ExampleTree();
    for (Language language : Language.values()) {
      try {
        if (!ExampleTree.has(language.tool())) {
          throw new MissingException(language.tool() + " is not installed");
        }
        language.prepare(tree);
      } catch (MissingException e) {
        MISSING.put(language, String.valueOf(e.getMessage()));
        System.out.printf(
            "%n*** SKIPPED: the examples in %s were not run: %s%n%n", language, e.getMessage());
      }
    }
    if (MISSING.size() < Language.values().length) {
      cluster = ProcessCluster.start("examples", 3, Map.of());
    }
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatOneProgramProducesAnotherConsumesInAGroup(Language language) throws Exception {
    assumeFalse(MISSING.containsKey(language), () -> "SKIPPED: " + MISSING.get(language));
    try (Programs programs = start(language, "short")) {
      awaitMore(programs, 30);
      programs.stopProducing();
      awaitAll(programs);
      assertEquals(List.of(), programs.violations());
    }
  }

  @Test
  void theyGoOnThroughBrokersThatAreKilledAndFrozen() throws Exception {
    List<Programs> running = new ArrayList<>();
    Pauses pauses = new Pauses();
    try {
      for (Language language : Language.values()) {
        if (!MISSING.containsKey(language)) {
          running.add(start(language, "long"));
        }
      }
      assumeTrue(!running.isEmpty(), "SKIPPED: no language's toolchain is there");
      for (Programs programs : running) {
        awaitMore(programs, 30);
      }
      // Whichever they talk to is among them.
      for (ServerNode node : cluster.nodes()) {
        node.kill();
        long since = System.nanoTime();
        for (Programs programs : running) {
          awaitMore(programs, 30);
          pauses.add(programs.language() + " after SIGKILL", millisSince(since));
        }
        cluster.startAll();
        awaitInSync(running);
      }
      for (ServerNode node : cluster.nodes()) {
        node.freeze();
        long since = System.nanoTime();
        try {
          for (Programs programs : running) {
            awaitMore(programs, 30);
            pauses.add(programs.language() + " after SIGSTOP", millisSince(since));
          }
        } finally {
          node.thaw();
        }
        cluster.awaitReady();
        awaitInSync(running);
      }
      for (Programs programs : running) {
        programs.consume();
        awaitMore(programs, 30);
        assertTrue(programs.firstOfRun() > 0, "a new member goes on at the last commit");
      }
      for (Programs programs : running) {
        programs.stopProducing();
        awaitAll(programs);
        assertEquals(List.of(), programs.violations());
      }
    } finally {
      running.forEach(Programs::close);
    }
    pauses.judge(BOUND_MS);
  }

  private static Programs start(Language language, String test) throws IOException {
    String topic = test + "-" + language.name().toLowerCase(Locale.ROOT);
    cluster.createTopic(topic, 3, 3, Map.of());
    return new Programs(language, tree, String.join(",", cluster.bootstrap()), topic);
  }

  private static void awaitInSync(List<Programs> running) {
    running.forEach(
        programs ->
            cluster.awaitInSync(
                "long-" + programs.language().name().toLowerCase(Locale.ROOT), 3, 3));
  }

  /** Waits until lines that were not sent yet were consumed. */
  private static void awaitMore(Programs programs, int lines) {
    long from = programs.acked();
    try {
      await(programs.language() + " goes on")
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> programs.consumed() >= from + lines);
    } catch (org.awaitility.core.ConditionTimeoutException e) {
      throw new AssertionError(programs.state(), e);
    }
  }

  private static void awaitAll(Programs programs) {
    try {
      await(programs.language() + " has consumed everything")
          .atMost(PATIENCE)
          .until(() -> programs.consumed() >= programs.acked());
    } catch (org.awaitility.core.ConditionTimeoutException e) {
      throw new AssertionError(programs.state(), e);
    }
  }

  private static long millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1_000_000;
  }
}
