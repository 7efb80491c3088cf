package io.kontiki.chaos.simulation;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;

/** {@code kontiki simulate [--seeds N] [--from S] [--faults N] | --seed S [--trace]}. */
public final class SimulateMain {
  private static final int DEFAULT_SEEDS = 100;
  private static final int SHRINK_TRIES = Integer.getInteger("kontiki.simulate.shrink", 150);
  private static final String USAGE =
      "usage: kontiki simulate [--seeds N] [--from S] [--faults N] | --seed S [--trace]";

  /** So often a long run tells how far it is. */
  private static final long TELL_EVERY_NANOS = 60_000_000_000L;

  private final PrintStream out;

  private SimulateMain(PrintStream out) {
    this.out = out;
  }

  /** Exit 0: no violation; 1: one, and its seed is printed; 2: usage. */
  public static void main(String[] args) {
    quiet();
    System.exit(new SimulateMain(System.out).run(args));
  }

  /** Thousands of role changes a second are nothing to read about. */
  private static void quiet() {
    if (org.slf4j.LoggerFactory.getLogger("io.kontiki")
        instanceof ch.qos.logback.classic.Logger logger) {
      logger.setLevel(ch.qos.logback.classic.Level.OFF);
    }
  }

  int run(String[] args) {
    long seeds = DEFAULT_SEEDS;
    long from = 1;
    long faults = 0;
    boolean one = false;
    boolean trace = false;
    try {
      for (int i = 0; i < args.length; i++) {
        switch (args[i]) {
          case "--seeds" -> seeds = Long.parseLong(args[++i]);
          case "--from" -> from = Long.parseLong(args[++i]);
          case "--seed" -> {
            from = Long.parseLong(args[++i]);
            one = true;
          }
          case "--faults" -> {
            faults = Long.parseLong(args[++i]);
            seeds = Long.MAX_VALUE;
          }
          case "--trace" -> trace = true;
          default -> {
            out.println("unknown word " + args[i] + "\n" + USAGE);
            return 2;
          }
        }
      }
    } catch (RuntimeException e) {
      out.println(USAGE);
      return 2;
    }
    return one ? replay(from, trace) : many(from, seeds, faults == 0 ? Long.MAX_VALUE : faults);
  }

  private int replay(long seed, boolean verbose) {
    Trace trace = new Trace(verbose);
    Simulation.Outcome end = Simulation.run(seed, trace);
    trace.lines().forEach(out::println);
    if (end.violation() == null) {
      out.printf(
          Locale.ROOT,
          "seed %d: no violation; %d faults, %d acknowledged, %.1f virtual seconds, %016x%n",
          seed,
          end.faults(),
          end.acked(),
          end.virtualMs() / 1e3,
          end.hash());
      return 0;
    }
    tell(end);
    return 1;
  }

  private void tell(Simulation.Outcome end) {
    Violation violation = java.util.Objects.requireNonNull(end.violation());
    out.println("seed " + end.seed() + " breaks " + violation.getMessage());
    for (Throwable cause = violation.getCause(); cause != null; cause = cause.getCause()) {
      out.println("  because of " + cause);
      for (StackTraceElement at :
          List.of(cause.getStackTrace()).subList(0, Math.min(12, cause.getStackTrace().length))) {
        out.println("    at " + at);
      }
    }
    out.println("  at " + end.virtualMs() + " ms: " + end.state());
    Plan plan = Simulation.plan(end.seed());
    Schedule less =
        Simulation.shrink(
            end.seed(), plan, Simulation.schedule(end.seed()), violation.rule(), SHRINK_TRIES);
    out.println("  fewest faults found that break it, of " + end.faults() + ":");
    out.println(Simulation.text(less));
    out.println("  to see it: kontiki simulate --seed " + end.seed() + " --trace");
  }

  /** Up to so many seeds or, if that is fewer, until so many faults have happened. */
  private int many(long from, long seeds, long enough) {
    long start = cpuNanos();
    long told = start;
    Total total = new Total();
    while (total.seeds < seeds && total.faults < enough) {
      Simulation.Outcome end = Simulation.run(from + total.seeds, new Trace(false));
      total.add(end);
      if (end.violation() != null) {
        tell(end);
        break;
      }
      if (cpuNanos() - told > TELL_EVERY_NANOS) {
        told = cpuNanos();
        out.println(total.text(from, told - start));
      }
    }
    out.println(total.text(from, cpuNanos() - start));
    return total.broken ? 1 : 0;
  }

  /** What was played. */
  private static final class Total {
    private long seeds;
    private long faults;
    private long virtualMs;
    private long events;
    private long acked;
    private long unclean;
    private long compacted;
    private boolean broken;

    void add(Simulation.Outcome end) {
      seeds++;
      faults += end.faults();
      virtualMs += end.virtualMs();
      events += end.events();
      acked += end.acked();
      unclean += end.uncleanElections();
      compacted += end.compacted();
      broken |= end.violation() != null;
    }

    String text(long from, long nanos) {
      double hours = nanos / 3.6e12;
      return String.format(
          Locale.ROOT,
          "%d seeds from %d: %d faults, %d acknowledged batches, %d unclean elections, %d compacted"
              + " batches seen, %.2f virtual hours, %d events;"
              + " per CPU-hour: %.0f faults, %.1f virtual hours, %.0f events",
          seeds,
          from,
          faults,
          acked,
          unclean,
          compacted,
          virtualMs / 3.6e6,
          events,
          faults / hours,
          virtualMs / 3.6e6 / hours,
          events / hours);
    }
  }

  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }
}
