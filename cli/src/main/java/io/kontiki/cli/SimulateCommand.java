package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Documents {@code simulate}; the launcher starts the simulator's own main class for it, which
 * reads the same options.
 */
@Command(
    name = "simulate",
    description = {
      "Play clusters, clients and faults in one process, on virtual time; no broker is asked.",
      "The last line tells totals. Exit code 1 and the seed when a rule of correctness is broken."
    })
final class SimulateCommand implements Runnable {
  @Option(names = "--seeds", paramLabel = "N", description = "How many runs; 100.")
  private long seeds = 100;

  @Option(names = "--from", paramLabel = "S", description = "The first seed; 1.")
  private long from = 1;

  @Option(
      names = "--faults",
      paramLabel = "N",
      description = "Instead of a number of runs: until so many faults have happened.")
  private long faults;

  @Option(names = "--seed", paramLabel = "S", description = "One run, again.")
  private @Nullable Long seed;

  @Option(names = "--trace", description = "With --seed: tell everything that happens.")
  private boolean trace;

  @Override
  public void run() {
    throw CliException.failed(
        "the simulator ("
            + (seed != null ? "seed " + seed : what() + " from seed " + from + " on")
            + (trace ? ", with a trace" : "")
            + ") is started by the kontiki launcher, not by this class");
  }

  private String what() {
    return faults > 0 ? faults + " faults" : seeds + " runs";
  }
}
