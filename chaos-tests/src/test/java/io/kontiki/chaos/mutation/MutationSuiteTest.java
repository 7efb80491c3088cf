package io.kontiki.chaos.mutation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The mutation suite; see the package. */
final class MutationSuiteTest {
  private static final boolean ALL = "all".equals(System.getProperty("kontiki.mutations"));
  private static final boolean WRITE = Boolean.getBoolean("kontiki.docs.write");
  private static final int FEW_SEEDS = 10;

  private final MutationSuite suite = new MutationSuite();

  @AfterEach
  void close() {
    suite.close();
  }

  @Test
  void everyGuardIsWhereTheListSays() {
    List<String> moved = new ArrayList<>();
    for (List<Guard> round : together(Guards.all())) {
      if (!compiles(round).isEmpty()) {
        round.forEach(guard -> moved.addAll(compiles(List.of(guard))));
      }
    }
    assertEquals(List.of(), moved, "say in Guards where these are now");
    assertEquals(
        Guards.all().size(), Guards.all().stream().map(Guard::name).distinct().count(), "names");
  }

  /**
   * Those that take few seeds; {@code -Dkontiki.mutations=all}: all, which takes some minutes.
   * {@code -Dkontiki.docs.write=true} writes into the README how many it took.
   */
  @Test
  void theLossOfAGuardIsNoticedWithinItsSeeds() throws IOException {
    Map<String, Integer> taken = new TreeMap<>(ReadmeTable.taken(readme()));
    List<MutationSuite.Verdict> missed = new ArrayList<>();
    int noticed = 0;
    for (Guard guard : Guards.all()) {
      for (Guard.CaughtBy by : guard.caughtBy()) {
        if (ALL || by.seeds() <= FEW_SEEDS) {
          MutationSuite.Verdict verdict = suite.run(guard, by.run(), by.seeds());
          System.out.println(verdict);
          noticed++;
          taken.put(ReadmeTable.key(guard, by.run()), verdict.seeds());
          if (!verdict.caught()) {
            missed.add(verdict);
          }
        }
      }
    }
    writeIfAsked(taken);
    assertEquals(List.of(), missed);
    assertTrue(noticed >= 20, "only " + noticed + " guards");
  }

  @Test
  void nothingIsNoticedIfNothingIsSwitchedOff() {
    for (Guard.CaughtBy by : Guards.NONE.caughtBy()) {
      MutationSuite.Verdict verdict = suite.run(Guards.NONE, by.run(), by.seeds());
      assertFalse(verdict.caught(), verdict::toString);
    }
  }

  @Test
  void theReadmeTellsWhoNoticesEachGuardWithinItsBound() throws IOException {
    Map<String, Integer> taken = ReadmeTable.taken(readme());
    writeIfAsked(taken);
    assertEquals(
        String.join("\n", ReadmeTable.lines(Guards.all(), taken)), String.join("\n", readme()));
    for (Guard guard : Guards.all()) {
      assertFalse(guard.caughtBy().isEmpty(), guard.name() + " is noticed by nobody");
      for (Guard.CaughtBy by : guard.caughtBy()) {
        int seeds = taken.getOrDefault(ReadmeTable.key(guard, by.run()), 0);
        assertTrue(seeds <= by.seeds(), guard.name() + " took " + seeds);
      }
    }
  }

  private static void writeIfAsked(Map<String, Integer> taken) throws IOException {
    if (WRITE) {
      Path file = SourceTree.find().readme();
      List<String> table = ReadmeTable.lines(Guards.all(), taken);
      Files.writeString(file, ReadmeTable.with(SourceTree.readFile(file), table));
    }
  }

  private static List<String> readme() {
    return ReadmeTable.in(SourceTree.readFile(SourceTree.find().readme()));
  }

  /** Nothing, or what is wrong. */
  private List<String> compiles(List<Guard> guards) {
    List<Guard.Edit> edits = guards.stream().map(Guard::edits).flatMap(List::stream).toList();
    try {
      suite.compile(new Guard("mutant", "", "", edits, List.of()));
      return List.of();
    } catch (IllegalArgumentException e) {
      return List.of(guards.get(0).name() + ": " + e.getMessage());
    }
  }

  /** Guards that concern different files, so that there is less to compile. */
  private static List<List<Guard>> together(List<Guard> guards) {
    List<List<Guard>> rounds = new ArrayList<>();
    for (Guard guard : guards) {
      List<Guard> free =
          rounds.stream()
              .filter(round -> round.stream().noneMatch(other -> overlap(other, guard)))
              .findFirst()
              .orElseGet(
                  () -> {
                    rounds.add(new ArrayList<>());
                    return rounds.get(rounds.size() - 1);
                  });
      free.add(guard);
    }
    return rounds;
  }

  private static boolean overlap(Guard one, Guard other) {
    return one.edits().stream()
        .anyMatch(
            edit -> other.edits().stream().anyMatch(e -> e.className().equals(edit.className())));
  }
}
