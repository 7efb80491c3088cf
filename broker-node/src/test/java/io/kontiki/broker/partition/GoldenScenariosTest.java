package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Scenarios of replication as text: {@code > command}, and behind it, indented, what came of it.
 * What is written there is what is expected; {@code -Dkontiki.golden.write=true} writes what comes
 * now, to be read before it is committed.
 */
final class GoldenScenariosTest {
  private static final Path SCENARIOS = Path.of("src/test/resources/scenarios");
  private static final boolean WRITE = Boolean.getBoolean("kontiki.golden.write");

  static List<Path> scenarios() throws IOException {
    try (Stream<Path> files = Files.list(SCENARIOS)) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void whatComesOfAScenarioIsWhatIsWritten(Path file) throws IOException {
    String expected = Files.readString(file);
    String now = play(expected);
    if (WRITE) {
      Files.writeString(file, now);
    } else {
      assertEquals(expected, now, file + "; if it is right, write it: -Dkontiki.golden.write=true");
    }
  }

  @Test
  void aScenarioIsTheSameEveryTime() throws IOException {
    for (Path file : scenarios()) {
      String text = Files.readString(file);
      assertTrue(text.startsWith("# "), file + " does not say what it shows");
      assertEquals(play(text), play(text));
    }
  }

  /** The same text with what comes of its commands; also for whoever looks for differences. */
  static String play(String text) {
    Scenario scenario = new Scenario();
    StringBuilder now = new StringBuilder();
    for (String line : text.lines().toList()) {
      if (line.startsWith("  ")) {
        continue;
      }
      now.append(line).append('\n');
      if (line.startsWith("> ")) {
        scenario.run(line.substring(2)).forEach(one -> now.append("  ").append(one).append('\n'));
      }
    }
    return now.toString();
  }
}
