package io.kontiki.chaos.run;

import io.kontiki.chaos.run.cluster.CommandTarget;
import io.kontiki.chaos.run.cluster.LocalTarget;
import io.kontiki.chaos.run.cluster.Networking;
import io.kontiki.chaos.run.cluster.Target;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.local.ServerProgram;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code kontiki chaos run}; its options are those that the command line documents. */
public final class ChaosMain {
  private static final String USAGE =
      "usage: kontiki chaos run [--nodes 3] [--minutes N] [--max-faults N] [--faults LIST]"
          + " [--seed S] [--rate N] [--config FILE] [--report DIR] [--faketime FILE]"
          + " [--network auto|namespaces|proxy]";

  /** So that snapshots of the metadata are written within minutes, and logs roll. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "raft.snapshot.entries",
          "200",
          "journal.bytes",
          "64m",
          "journal.step.bytes",
          "4m",
          "auto.leader.rebalance.quiet.ms",
          "5000");

  private final PrintStream out;
  private final long startNanos = System.nanoTime();

  private ChaosMain(PrintStream out) {
    this.out = out;
  }

  /** Exit 0: nothing found; 1: anomalies, or the run failed; 2: usage. */
  public static void main(String[] args) {
    quiet();
    System.exit(new ChaosMain(System.out).run(args));
  }

  /** What clients log about brokers that die is what this is about. */
  private static void quiet() {
    for (String name : List.of("ROOT", "io.kontiki")) {
      if (org.slf4j.LoggerFactory.getLogger(name) instanceof ch.qos.logback.classic.Logger logger) {
        logger.setLevel(ch.qos.logback.classic.Level.OFF);
      }
    }
  }

  int run(String[] args) {
    ChaosOptions options;
    try {
      options = parse(new ArrayDeque<>(List.of(args)));
    } catch (IllegalArgumentException e) {
      out.println(e.getMessage() + "\n" + USAGE);
      return CliException.USAGE;
    }
    try {
      return run(options);
    } catch (CliException e) {
      out.println("chaos: " + e.getMessage());
      return e.exitCode();
    } catch (IOException | IllegalStateException e) {
      out.println("chaos: " + e.getMessage());
      return CliException.FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CliException.FAILED;
    }
  }

  private static ChaosOptions parse(Deque<String> words) {
    if (!"run".equals(words.poll())) {
      throw new IllegalArgumentException("the word after 'chaos' should be 'run'");
    }
    int nodes = 3;
    double minutes = 5;
    int faults = Integer.MAX_VALUE;
    String kinds = FaultKind.ALL;
    long seed = System.nanoTime() & 0xffff_ffffL;
    int perSecond = 40;
    Path config = null;
    Path output = Path.of("chaos-report");
    Path faketime = null;
    Networking network = Networking.AUTO;
    while (!words.isEmpty()) {
      String option = words.remove();
      String value = words.poll();
      if (value == null) {
        throw new IllegalArgumentException(option + " needs a value, or is no option");
      }
      switch (option) {
        case "--nodes" -> nodes = (int) number(option, value);
        case "--minutes" -> minutes = number(option, value);
        case "--max-faults" -> faults = (int) number(option, value);
        case "--faults" -> kinds = value;
        case "--seed" -> seed = (long) number(option, value);
        case "--rate" -> perSecond = (int) number(option, value);
        case "--config" -> config = Path.of(value);
        case "--report" -> output = Path.of(value);
        case "--faketime" -> faketime = library(Path.of(value));
        case "--network" -> network = Networking.parse(value);
        default -> throw new IllegalArgumentException("unknown option " + option);
      }
    }
    return new ChaosOptions(
        nodes,
        Duration.ofMillis((long) (minutes * 60_000)),
        faults,
        FaultKind.parse(kinds),
        seed,
        perSecond,
        config,
        output.toAbsolutePath(),
        faketime,
        network);
  }

  private static Path library(Path file) {
    if (!Files.isReadable(file)) {
      throw new IllegalArgumentException("--faketime " + file + " should be libfaketime.so.1");
    }
    return file.toAbsolutePath();
  }

  private static double number(String option, String value) {
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + " " + value + " should be a number", e);
    }
  }

  private int run(ChaosOptions options) throws IOException, InterruptedException {
    Files.createDirectories(options.output());
    Path config = options.config();
    if (config != null) {
      try (Target target = CommandTarget.of(config)) {
        return run(options, target, null);
      }
    }
    Path dir = Files.createTempDirectory("kontiki-chaos-");
    ServerProgram program = ServerProgram.ofEnvironment(System.getenv());
    try (Target target =
        new LocalTarget(
            options.nodes(),
            dir,
            program,
            SETTINGS,
            options.network(),
            options.seed(),
            options.faketime())) {
      return run(options, target, dir);
    }
  }

  /**
   * @param dir of a cluster of its own; deleted, unless the run has failed; null: of another's
   */
  private int run(ChaosOptions options, Target target, @Nullable Path dir)
      throws IOException, InterruptedException {
    AtomicBoolean done = new AtomicBoolean();
    Thread atExit =
        new Thread(
            () -> {
              if (!done.get()) {
                target.close();
                delete(dir);
              }
            },
            "clean-up");
    Runtime.getRuntime().addShutdownHook(atExit);
    boolean passed = false;
    try {
      Result result = new ChaosRun(options, target, this::tell).run(dir != null);
      passed = result.passed();
      tellEnd(options, result);
    } finally {
      target.close();
      if (passed) {
        delete(dir);
      } else if (dir != null) {
        tell("the nodes' logs and disks are kept: " + dir);
      }
      done.set(true);
    }
    return passed ? 0 : CliException.FAILED;
  }

  private void tellEnd(ChaosOptions options, Result result) throws IOException {
    Path output = options.output();
    String text = TextReport.of(result);
    Files.writeString(output.resolve("report.txt"), text);
    Files.writeString(output.resolve("report.json"), JsonReport.of(result));
    Files.writeString(output.resolve("report.html"), HtmlReport.of(result));
    if (!result.passed()) {
      Files.write(
          output.resolve("history.txt"), result.events().stream().map(Object::toString).toList());
    }
    out.print("\n" + text);
    out.println("report: " + output.resolve("report.html"));
    out.flush();
  }

  private void tell(String line) {
    double seconds = (System.nanoTime() - startNanos) / 1e9;
    out.print(String.format(Locale.ROOT, "%6.1f s  %s%n", seconds, line));
    out.flush();
  }

  private static void delete(@Nullable Path dir) {
    if (dir == null) {
      return;
    }
    try (Stream<Path> paths = Files.walk(dir)) {
      List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      // It is in the directory for temporary files, and no longer of use to anybody.
    }
  }
}
