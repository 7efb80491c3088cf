package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.local.LocalCluster;
import io.kontiki.cli.local.NodePorts;
import io.kontiki.cli.local.NodeProcess;
import io.kontiki.cli.local.ReadyWait;
import io.kontiki.cli.local.ServerProgram;
import io.kontiki.cli.local.StopOnSignal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kontiki up}: a local cluster in the foreground. */
@Command(
    name = "up",
    description = {
      "Run a local cluster of separate server processes in the foreground; Ctrl-C stops all.",
      "Node i has its data, configuration and log in DIR/node-i and the ports BASE + 10 (i - 1)"
          + " + 0 (gRPC), 1 (Raft), 2 (HTTP), 3 (Kafka), 4 (replication).",
      "Prints 'ready' and the gRPC addresses when all nodes are ready. A node that ends before"
          + " that ends everything with exit code 1; one that ends later is reported, and the"
          + " others go on."
    })
final class UpCommand implements Callable<Integer> {
  private static final long POLL_MS = 50;
  private static final Duration REMARK_EVERY = Duration.ofSeconds(10);

  private final Console console;
  private final GlobalOptions options;
  private final ServerProgram program;

  @Option(
      names = "--nodes",
      paramLabel = "N",
      description =
          "How many (default 3). Of 1, 3 or 5 all vote in the metadata quorum, else the first"
              + " three (of two, the first).")
  private int nodes = 3;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Where data is kept (default ./kontiki-data). Found again at the next start.")
  private Path data = Path.of("kontiki-data");

  @Option(names = "--base-port", paramLabel = "PORT", description = "Default 7600.")
  private int basePort = 7600;

  UpCommand(Console console, GlobalOptions options, ServerProgram program) {
    this.console = console;
    this.options = options;
    this.program = program;
  }

  @Override
  public Integer call() {
    options.refuseAddresses("up");
    if (nodes < 1 || nodes > NodePorts.MAX_NODES) {
      throw CliException.usage("--nodes: " + nodes + " is not 1 to " + NodePorts.MAX_NODES);
    }
    LocalCluster laidOut;
    try {
      laidOut = new LocalCluster(nodes, data, basePort, program);
    } catch (IllegalArgumentException e) {
      throw CliException.usage("--base-port: " + e.getMessage());
    }
    try (LocalCluster cluster = laidOut;
        StopOnSignal onSignal = new StopOnSignal(cluster, console.err(), 0, () -> {})) {
      onSignal.arm();
      return run(cluster);
    }
  }

  private int run(LocalCluster cluster) {
    refuseTakenPorts(cluster);
    for (NodeProcess node : cluster.nodes()) {
      if (cluster.start(node)) {
        StringBuilder line = new StringBuilder("node " + node.id() + " pid " + node.pid());
        for (Map.Entry<String, ?> port : node.ports().all().entrySet()) {
          line.append(' ').append(port.getKey()).append(' ').append(port.getValue());
        }
        say(line.append(" log ").append(node.log()).toString());
      }
    }
    if (!awaitReady(cluster)) {
      return CliException.FAILED;
    }
    say("ready " + cluster.bootstrap());
    return watch(cluster);
  }

  /** Before anything is started, so that nothing has to be stopped again. */
  private static void refuseTakenPorts(LocalCluster cluster) {
    for (NodeProcess node : cluster.nodes()) {
      node.refuseTakenPorts();
    }
  }

  private boolean awaitReady(LocalCluster cluster) {
    ReadyWait wait = new ReadyWait(cluster);
    Deadline remark = Deadline.in(REMARK_EVERY);
    while (!wait.ask()) {
      NodeProcess ended = cluster.firstEnded();
      if (ended != null) {
        console.remark(
            "node " + ended.id() + " ended with exit code " + ended.exitCode() + "; its log ends:");
        ended.logTail().lines().forEach(line -> console.remark("  | " + line));
        return false;
      }
      if (remark.hasPassed()) {
        wait.notReady().forEach((id, why) -> console.remark("waiting for node " + id + ": " + why));
        remark = Deadline.in(REMARK_EVERY);
      }
      remark.pause(POLL_MS);
    }
    return true;
  }

  private int watch(LocalCluster cluster) {
    Set<Integer> ended = new HashSet<>();
    while (ended.size() < nodes) {
      for (NodeProcess node : cluster.nodes()) {
        if (!node.isAlive() && !cluster.isStopping() && ended.add(node.id())) {
          console.remark(
              "node "
                  + node.id()
                  + " ended with exit code "
                  + node.exitCode()
                  + "; to start it again: kontiki server --config "
                  + node.config());
        }
      }
      Deadline.in(REMARK_EVERY).pause(POLL_MS * 4);
    }
    console.remark("all nodes have ended");
    return CliException.FAILED;
  }

  private void say(String line) {
    console.out().println(line);
    console.out().flush();
  }
}
