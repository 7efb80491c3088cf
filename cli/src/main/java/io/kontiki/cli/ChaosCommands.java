package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Documents {@code chaos}; the launcher starts the main class of the suite for it, which reads the
 * same words.
 */
@Command(name = "chaos", description = "Real faults on real processes.")
final class ChaosCommands extends CommandGroup {
  static void addTo(CommandLine root, String name) {
    CommandLine group = new CommandLine(new ChaosCommands());
    group.addSubcommand("run", new Run());
    root.addSubcommand(name, group);
  }

  /** {@code kontiki chaos run}. */
  @Command(
      name = "run",
      description = {
        "Kill, freeze, cut and wipe the nodes of a fresh local cluster while clients use it, and"
            + " judge all that the clients saw. Disk and power faults need root; what this"
            + " machine does not allow is skipped, and said.",
        "Writes report.txt, report.json and report.html. Exit code 1 if anything acknowledged was"
            + " lost, doubled or reordered, or the cluster did not recover."
      })
  static final class Run implements Runnable {
    @Option(names = "--nodes", paramLabel = "N", description = "3 or 5 nodes; 3.")
    private int nodes = 3;

    @Option(names = "--minutes", paramLabel = "N", description = "How long faults are made; 5.")
    private double minutes = 5;

    @Option(names = "--max-faults", paramLabel = "N", description = "No more than so many faults.")
    private int maxFaults = Integer.MAX_VALUE;

    @Option(
        names = "--faults",
        paramLabel = "LIST",
        description = "Kinds of faults, as kill-leader,cut-*; all.")
    private String faults = "all";

    @Option(names = "--seed", paramLabel = "S", description = "Of what happens; another each time.")
    private long seed;

    @Option(
        names = "--rate",
        paramLabel = "N",
        description = "Records a second to each of eight partitions; 40.")
    private int rate = 40;

    @Option(
        names = "--config",
        paramLabel = "FILE",
        description =
            "A running cluster instead: lines 'node.ID.WHAT = VALUE' with grpc, http, kafka (HOST:PORT),"
                + " and commands start, kill, stop, freeze, thaw, wipe, cut, heal.")
    private Path config = Path.of("");

    @Option(
        names = "--report",
        paramLabel = "DIR",
        description = "Where reports are written; chaos-report.")
    private Path report = Path.of("chaos-report");

    @Option(
        names = "--faketime",
        paramLabel = "FILE",
        description = "libfaketime.so.1, which clock-jump needs; where packages put it.")
    private Path faketime = Path.of("");

    @Option(
        names = "--network",
        paramLabel = "WHAT",
        description =
            "namespaces (one for each node; needs root), proxy (loopback addresses with proxies"
                + " between them), or auto: the first of these that can be had.")
    private String network = "auto";

    @Override
    public void run() {
      throw CliException.failed(
          "a run ("
              + nodes
              + " nodes, "
              + minutes
              + " minutes, at most "
              + maxFaults
              + " faults of "
              + faults
              + ", seed "
              + seed
              + ", rate "
              + rate
              + ", config '"
              + config
              + "', report "
              + report
              + ", faketime '"
              + faketime
              + "', network "
              + network
              + ") is started by the kontiki launcher, not by this class");
    }
  }
}
