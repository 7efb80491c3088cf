package io.kontiki.cli.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

final class TableTest {
  @Test
  void columnsAreAsWideAsTheirWidestCellAndNoLineEndsWithSpaces() {
    assertEquals(
        """
        NAME  N
        a     10
        longer  -
        """
            .replace("NAME  N", "NAME    N")
            .replace("a     10", "a       10"),
        new Table("NAME", "N").row("a", 10).row("longer", "").toString());
  }

  @Test
  void aRowMustFitTheHeading() {
    assertThrows(IllegalArgumentException.class, () -> new Table("A", "B").row("only one"));
  }
}
