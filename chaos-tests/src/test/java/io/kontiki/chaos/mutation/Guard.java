package io.kontiki.chaos.mutation;

import java.util.ArrayList;
import java.util.List;

/**
 * One guard of the real code, and how to switch it off.
 *
 * @param name of the mutant
 * @param rule of docs/correctness.md
 * @param without what happens without it, for people
 * @param caughtBy who must notice, with how many seeds each may take
 */
record Guard(String name, String rule, String without, List<Edit> edits, List<CaughtBy> caughtBy) {
  Guard {
    edits = List.copyOf(edits);
    caughtBy = List.copyOf(caughtBy);
  }

  /**
   * A change of one source file.
   *
   * @param className of its top-level class
   * @param before code that is there exactly once; white space and comments do not count
   * @param after what stands in its place
   */
  record Edit(String className, String before, String after) {}

  /** A simulation or test, and within how many seeds it must notice. */
  record CaughtBy(SeedRun run, int seeds) {}

  static Guard of(String name, String rule, String without) {
    return new Guard(name, rule, without, List.of(), List.of());
  }

  Guard edit(String className, String before, String after) {
    return new Guard(name, rule, without, and(edits, new Edit(className, before, after)), caughtBy);
  }

  Guard caughtBy(SeedRun run, int seeds) {
    return new Guard(name, rule, without, edits, and(caughtBy, new CaughtBy(run, seeds)));
  }

  /** A directed test notices, at once. */
  Guard caughtBy(String testClass, String method) {
    return caughtBy(SeedRun.directed(testClass, method), 1);
  }

  private static <T> List<T> and(List<T> some, T one) {
    List<T> more = new ArrayList<>(some);
    more.add(one);
    return more;
  }
}
