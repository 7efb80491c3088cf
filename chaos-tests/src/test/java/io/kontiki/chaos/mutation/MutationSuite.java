package io.kontiki.chaos.mutation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Switches guards off and plays seeds until a simulation notices. A program: with the names of
 * guards, or none for all; a line for each. {@code -Dkontiki.mutations.run=SIMULATION} with {@code
 * -Dkontiki.mutations.seeds=N} tries another simulation than those of the list.
 */
final class MutationSuite implements AutoCloseable {
  private static final List<String> WITH_SIMULATIONS =
      List.of("broker-node", "metadata-raft", "partition-log");

  private final SourceTree sources = SourceTree.find();
  private final MutantCompiler compiler = new MutantCompiler(sources);
  private final MutantLoader unchanged = loader(Map.of());

  /** Of a simulation and seed: whether something is noticed though nothing is switched off. */
  private final Map<String, Boolean> noticedAnyway = new TreeMap<>();

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

  MutationSuite() {
    // what mutants say of themselves is long, and nothing to read about
    System.setProperty("kontiki.test.log", "OFF");
    ((Logger) LoggerFactory.getLogger("io.kontiki")).setLevel(Level.OFF);
  }

  /** Ends the silence. */
  @Override
  public void close() {
    System.clearProperty("kontiki.test.log");
    ((Logger) LoggerFactory.getLogger("io.kontiki")).setLevel(null);
    try {
      unchanged.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static void main(String[] names) {
    try (MutationSuite suite = new MutationSuite()) {
      suite.runAll(List.of(names));
    }
  }

  private void runAll(List<String> names) {
    String other = System.getProperty("kontiki.mutations.run");
    List<Guard> guards = new ArrayList<>(Guards.all());
    if (names.contains(Guards.NONE.name())) {
      guards.add(0, Guards.NONE);
    }
    for (Guard guard : guards) {
      if (names.isEmpty() || names.contains(guard.name())) {
        List<Guard.CaughtBy> runs =
            other == null
                ? guard.caughtBy()
                : List.of(
                    new Guard.CaughtBy(
                        SeedRun.of(other), Integer.getInteger("kontiki.mutations.seeds", 10)));
        for (Guard.CaughtBy by : runs) {
          System.out.println(run(guard, by.run(), by.seeds()));
        }
      }
    }
  }

  /** Compiles the mutant only. */
  Map<String, byte[]> compile(Guard guard) {
    return compiler.compile(guard);
  }

  /** Plays seeds from 1 on until something is noticed that is not without the mutant. */
  Verdict run(Guard guard, SeedRun run, int bound) {
    Map<String, byte[]> mutant = compile(guard);
    long begin = System.nanoTime();
    try (MutantLoader loader = loader(mutant)) {
      int seed = 0;
      String notice = null;
      while (notice == null && seed < bound) {
        notice = run.notice(loader, ++seed);
        if (notice != null && !guard.edits().isEmpty() && isNoticedAnyway(run, seed)) {
          notice = null;
        }
      }
      long millis = (System.nanoTime() - begin) / 1_000_000;
      return new Verdict(guard, run, seed, bound, millis, notice);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean isNoticedAnyway(SeedRun run, long seed) {
    return noticedAnyway.computeIfAbsent(
        run + " " + seed, key -> run.notice(unchanged, seed) != null);
  }

  private MutantLoader loader(Map<String, byte[]> mutant) {
    return new MutantLoader(mutant, urls(), getClass().getClassLoader());
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
