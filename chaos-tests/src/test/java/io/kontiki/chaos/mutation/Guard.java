package io.kontiki.chaos.mutation;

import java.util.ArrayList;
import java.util.List;

/**
 * One guard of the real code, and how to switch it off.
 *
 * @param name of the mutant
 * @param rule of docs/correctness.md
 * @param without what happens without it, for people
 * @param caughtBy the simulations that must notice, with how many seeds each may take
 * @param notNoticed why none does so far; empty if one does
 */
record Guard(
    String name,
    String rule,
    String without,
    List<Edit> edits,
    List<CaughtBy> caughtBy,
    String notNoticed) {
  Guard {
    edits = List.copyOf(edits);
    caughtBy = List.copyOf(caughtBy);
  }

  /**
   * A change of one source file.
   *
   * @param className of its top-level class
   * @param before lines that are there exactly once; white space does not count
   * @param after what stands in their place
   */
  record Edit(String className, String before, String after) {}

  /** A simulation, and within how many seeds it must notice. */
  record CaughtBy(SeedRun run, int seeds) {}

  static Guard of(String name, String rule, String without) {
    return new Guard(name, rule, without, List.of(), List.of(), "");
  }

  Guard edit(String className, String before, String after) {
    List<Edit> more = new ArrayList<>(edits);
    more.add(new Edit(className, before, after));
    return new Guard(name, rule, without, more, caughtBy, notNoticed);
  }

  Guard caughtBy(SeedRun run, int seeds) {
    List<CaughtBy> more = new ArrayList<>(caughtBy);
    more.add(new CaughtBy(run, seeds));
    return new Guard(name, rule, without, edits, more, notNoticed);
  }

  Guard notNoticed(String why) {
    return new Guard(name, rule, without, edits, caughtBy, why);
  }
}
