package io.kontiki.chaos.mutation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The mutation suite; see the package. */
final class MutationSuiteTest {
  @Test
  void everyGuardIsWhereTheListSays() {
    MutationSuite suite = new MutationSuite();
    List<String> moved = new ArrayList<>();
    for (List<Guard> round : together(Guards.all())) {
      if (!compiles(suite, round).isEmpty()) {
        round.forEach(guard -> moved.addAll(compiles(suite, List.of(guard))));
      }
    }
    assertEquals(List.of(), moved, "say in Guards where these are now");
    assertEquals(
        Guards.all().size(), Guards.all().stream().map(Guard::name).distinct().count(), "names");
  }

  /** Nothing, or what is wrong. */
  private static List<String> compiles(MutationSuite suite, List<Guard> guards) {
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
