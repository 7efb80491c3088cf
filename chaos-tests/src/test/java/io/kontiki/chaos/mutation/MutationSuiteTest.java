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
    for (Guard guard : Guards.all()) {
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
}
