package io.kontiki.chaos.mutation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;

/** The mutation suite; see the package. */
final class MutationSuiteTest {
  @Test
  void everyGuardIsWhereTheListSays() {
    MutationSuite suite = new MutationSuite();
    for (Guard guard : Guards.all()) {
      assertFalse(suite.compile(guard).isEmpty(), guard.name());
    }
    assertEquals(
        Guards.all().size(), Guards.all().stream().map(Guard::name).distinct().count(), "names");
  }
}
