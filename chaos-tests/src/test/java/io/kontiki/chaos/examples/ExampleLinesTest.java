package io.kontiki.chaos.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much code it takes to use a broker from stubs alone: without imports and comments. */
final class ExampleLinesTest {
  @ParameterizedTest
  @CsvSource({
    "python/produce.py, 20",
    "python/consume.py, 20",
    "node/produce.js, 20",
    "node/consume.js, 20",
    "go/produce/main.go, 40",
    "go/consume/main.go, 40",
    "go/dial/dial.go, 20"
  })
  void anExampleIsShort(String file, int most) throws IOException {
    int lines = 0;
    boolean imports = false;
    for (String line : Files.readAllLines(ExampleTree.sources().resolve(Path.of(file)))) {
      String text = line.strip();
      boolean begins = text.equals("import (");
      imports |= begins;
      boolean counts =
          !imports
              && !text.isEmpty()
              && !text.startsWith("#")
              && !text.startsWith("//")
              && !text.startsWith("import ")
              && !text.startsWith("from ")
              && !text.contains("= require(");
      imports &= !text.equals(")");
      lines += counts ? 1 : 0;
    }
    assertTrue(lines > 0 && lines <= most, file + " has " + lines + " lines of its own");
  }
}
