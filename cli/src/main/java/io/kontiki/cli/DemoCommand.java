package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import io.kontiki.cli.demo.Demo;
import io.kontiki.cli.local.LocalCluster;
import io.kontiki.cli.local.ServerProgram;
import io.kontiki.cli.local.StopOnSignal;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** {@code kontiki demo}. */
@Command(
    name = "demo",
    description = {
      "Show the main job on three server processes of its own, in under a minute: write with"
          + " acks=all, kill the leader while writing, see who takes over, bring the node back,"
          + " and check that every acknowledged record is there once and in order.",
      "Exit code 0 if it is so, else 1. Nothing is left behind, but the logs if it failed."
    })
final class DemoCommand implements Callable<Integer> {
  private final Console console;
  private final GlobalOptions options;
  private final ServerProgram program;

  DemoCommand(Console console, GlobalOptions options, ServerProgram program) {
    this.console = console;
    this.options = options;
    this.program = program;
  }

  @Override
  public Integer call() {
    options.refuseAddresses("demo");
    Path dir = temporaryDirectory();
    LocalCluster laidOut =
        new LocalCluster(Demo.NODES, dir, LocalCluster.freeBasePort(Demo.NODES), program);
    boolean passed = false;
    StepPrinter story = new StepPrinter(console.out());
    try (LocalCluster cluster = laidOut;
        StopOnSignal onSignal =
            new StopOnSignal(cluster, console.err(), CliException.FAILED, () -> delete(dir))) {
      onSignal.arm();
      story.tell("three brokers, one process each, data in " + dir);
      passed = new Demo(cluster, story).run();
    } finally {
      laidOut.stop();
      if (passed) {
        delete(dir);
      } else {
        console.out().flush();
        console.remark("the nodes' logs and data are kept: " + dir + "/node-*/server.log");
      }
    }
    story.tell(
        passed
            ? "PASSED: every acknowledged record came back exactly once and in order"
            : "FAILED: see above");
    return passed ? 0 : CliException.FAILED;
  }

  private static Path temporaryDirectory() {
    try {
      return Files.createTempDirectory("kontiki-demo-");
    } catch (IOException e) {
      throw CliException.failed("cannot make a temporary directory: " + e);
    }
  }

  private void delete(Path dir) {
    try (Stream<Path> paths = Files.walk(dir)) {
      List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      console.remark("cannot delete " + dir + ": " + e.getMessage());
    }
  }

  /** Lines with the seconds since the beginning before them. */
  private static final class StepPrinter implements Demo.Story {
    private final PrintStream out;
    private final long startNanos = System.nanoTime();

    StepPrinter(PrintStream out) {
      this.out = out;
    }

    @Override
    public void tell(String line) {
      double seconds = (System.nanoTime() - startNanos) / 1e9;
      out.print(String.format(Locale.ROOT, "%5.1f s  %s%n", seconds, line));
      out.flush();
    }

    @Override
    public void show(String lines) {
      lines.lines().forEach(line -> out.print("         " + line + "\n"));
      out.flush();
    }
  }
}
