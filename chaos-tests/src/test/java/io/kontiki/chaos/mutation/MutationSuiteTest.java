package io.kontiki.chaos.mutation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The mutation suite; see the package. */
final class MutationSuiteTest {
  @Test
  void everyGuardIsWhereTheListSays() {
    MutationSuite suite = new MutationSuite();
    List<String> moved = new ArrayList<>();
    for (Guard guard : together(Guards.all())) {
      try {
        assertFalse(suite.compile(guard).isEmpty(), guard.name());
      } catch (IllegalArgumentException e) {
        moved.add(guard.name() + ": " + e.getMessage());
      }
    }
    assertEquals(List.of(), moved, "say in Guards where these are now");
    assertEquals(
        Guards.all().size(), Guards.all().stream().map(Guard::name).distinct().count(), "names");
  }

  /** Mutants of several guards that concern different files: fewer to compile. */
  private static List<Guard> together(List<Guard> guards) {
    List<Guard> rounds = new ArrayList<>();
    for (Guard guard : guards) {
      int round = 0;
      while (round < rounds.size() && overlap(rounds.get(round), guard)) {
        round++;
      }
      if (round == rounds.size()) {
        rounds.add(guard);
      } else {
        Guard before = rounds.get(round);
        List<Guard.Edit> edits = new ArrayList<>(before.edits());
        edits.addAll(guard.edits());
        String names = before.name() + ", " + guard.name();
        rounds.set(round, new Guard(names, "", "", edits, List.of()));
      }
    }
    return rounds;
  }

  private static boolean overlap(Guard one, Guard other) {
    return one.edits().stream()
        .anyMatch(
            edit -> other.edits().stream().anyMatch(e -> e.className().equals(edit.className())));
  }
}
