package io.kontiki.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Known names that a misspelled one may have meant. */
final class NearestNames {
  private static final int MOST = 3;

  private NearestNames() {}

  /** At most three, the nearest first, none that differs in more than a third of its letters. */
  static List<String> of(String name, Collection<String> known) {
    int far = Math.max(2, name.length() / 3);
    return known.stream()
        .filter(candidate -> distance(name, candidate) <= far)
        .sorted(
            Comparator.comparingInt((String candidate) -> distance(name, candidate))
                .thenComparing(Comparator.naturalOrder()))
        .limit(MOST)
        .toList();
  }

  /** Insertions, deletions and replacements from one to the other (Levenshtein). */
  private static int distance(String from, String to) {
    int[] previous = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int[] row = new int[to.length() + 1];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(previous[j], row[j - 1]) + 1);
      }
      previous = row;
    }
    return previous[to.length()];
  }
}
