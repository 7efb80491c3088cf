package io.kontiki.kafka.real;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The page on compatibility names the clients that are run, and what of each. */
class ClientsPageTest {
  private static final Path PAGE = Path.of("..", "docs", "kafka-compatibility.md");
  private static final String BEGIN = "<!-- generated: clients -->\n";
  private static final String END = "<!-- end of clients -->\n";

  /** Written by -Dkontiki.docs.write=true. */
  @Test
  void thePageNamesTheClientsThatAreRun() throws IOException {
    StringBuilder table =
        new StringBuilder("| client | what was run | of its own |\n|---|---|---|\n");
    for (List<RealClient> some :
        List.of(
            RealClientList.TODAY,
            RealClientList.OLD_JAVAS,
            RealClientList.OTHERS,
            RealClientList.TOOLS)) {
      for (RealClient one : some) {
        table
            .append("| ")
            .append(one.name())
            .append(" | ")
            .append(one.does())
            .append(" | ")
            .append(one.limit())
            .append(" |\n");
      }
    }
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    if (Boolean.getBoolean("kontiki.docs.write")) {
      Files.writeString(PAGE, page.substring(0, begin) + table + page.substring(end));
      return;
    }
    assertEquals(
        table.toString(), page.substring(begin, end), "write it with -Dkontiki.docs.write=true");
  }
}
