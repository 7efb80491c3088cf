package io.kontiki.chaos.mutation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Switches guards off and plays seeds until a simulation notices. A program: with the names of
 * guards, or none for all; a line for each.
 */
final class MutationSuite {
  private static final List<String> WITH_SIMULATIONS =
      List.of("broker-node", "metadata-raft", "partition-log");

  private final SourceTree sources = SourceTree.find();
  private final MutantCompiler compiler = new MutantCompiler(sources);

  /**
   * What came of a guard with one simulation.
   *
   * @param seeds played; the last of them noticed, if any did
   * @param notice what was noticed, or null
   */
  record Verdict(
      Guard guard, SeedRun run, int seeds, int bound, long millis, @Nullable String notice) {
    boolean caught() {
      return notice != null;
    }

    @Override
    public String toString() {
      return String.format(
          "%-28s %-9s %-22s %s of %d seeds, %d ms: %s",
          guard.name(),
          guard.rule(),
          run,
          caught() ? "caught after " + seeds : "NOT CAUGHT within " + seeds,
          bound,
          millis,
          caught() ? notice : guard.without());
    }
  }

  public static void main(String[] names) {
    MutationSuite suite = new MutationSuite();
    for (Guard guard : Guards.all()) {
      if (names.length == 0 || List.of(names).contains(guard.name())) {
        for (Guard.CaughtBy by : guard.caughtBy()) {
          System.out.println(suite.run(guard, by.run(), by.seeds()));
        }
      }
    }
  }

  /** Compiles the mutant only. */
  Map<String, byte[]> compile(Guard guard) {
    return compiler.compile(guard);
  }

  /** Plays seeds from 1 on until something is noticed. */
  Verdict run(Guard guard, SeedRun run, int bound) {
    Map<String, byte[]> mutant = compile(guard);
    long begin = System.nanoTime();
    try (MutantLoader loader = new MutantLoader(mutant, urls(), getClass().getClassLoader())) {
      int seed = 0;
      String notice = null;
      while (notice == null && seed < bound) {
        notice = run.notice(loader, ++seed);
      }
      long millis = (System.nanoTime() - begin) / 1_000_000;
      return new Verdict(guard, run, seed, bound, millis, notice);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private URL[] urls() {
    return WITH_SIMULATIONS.stream()
        .map(
            module -> {
              try {
                return sources.testClasses(module).toUri().toURL();
              } catch (MalformedURLException e) {
                throw new IllegalStateException(e);
              }
            })
        .toArray(URL[]::new);
  }
}
