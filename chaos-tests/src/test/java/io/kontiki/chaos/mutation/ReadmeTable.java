package io.kontiki.chaos.mutation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The table of guards in the module's README: what {@link Guards} says, and what was measured. */
final class ReadmeTable {
  private static final String HEAD = "| guard | rule | noticed by | seeds taken | bound |";
  private static final String RULE = "|---|---|---|---|---|";

  private ReadmeTable() {}

  /** Names a row. */
  static String key(Guard guard, SeedRun run) {
    return guard.name() + " " + run;
  }

  /** The table as it should be; a question mark where nothing was measured. */
  static List<String> lines(List<Guard> guards, Map<String, Integer> taken) {
    List<String> lines = new ArrayList<>(List.of(HEAD, RULE));
    for (Guard guard : guards) {
      for (Guard.CaughtBy by : guard.caughtBy()) {
        Integer seeds = taken.get(key(guard, by.run()));
        lines.add(
            String.format(
                "| `%s` | %s | %s | %s | %d |",
                guard.name(), guard.rule(), by.run(), seeds == null ? "?" : seeds, by.seeds()));
      }
    }
    return lines;
  }

  /** The lines of the table in a text. */
  static List<String> in(String readme) {
    return readme
        .lines()
        .dropWhile(line -> !line.equals(HEAD))
        .takeWhile(line -> !line.isEmpty())
        .toList();
  }

  /** The seeds that the rows of a table tell, by {@link #key}. */
  static Map<String, Integer> taken(List<String> table) {
    Map<String, Integer> taken = new TreeMap<>();
    for (String line : table) {
      String[] cells = line.split(" *\\| *");
      if (cells.length == 6 && cells[4].matches("[0-9]+")) {
        taken.put(cells[1].replace("`", "") + " " + cells[3], Integer.valueOf(cells[4]));
      }
    }
    return taken;
  }

  /** A text with another table. */
  static String with(String readme, List<String> table) {
    String old = String.join("\n", in(readme));
    return readme.replace(old, String.join("\n", table));
  }
}
