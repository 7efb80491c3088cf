package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code kontiki quorum …}. */
final class QuorumCommands {
  private QuorumCommands() {}

  static void addTo(CommandLine root, String name, Console console, GlobalOptions options) {
    CommandLine quorum = new CommandLine(new Quorum());
    root.addSubcommand(name, quorum);
    quorum.addSubcommand("add", new Add(console, options));
    quorum.addSubcommand("remove", new Remove(console, options));
  }

  @Command(
      name = "quorum",
      synopsisSubcommandLabel = "COMMAND",
      description = {
        "Change who votes on the metadata and coordinates groups, one node at a time.",
        "'kontiki cluster quorum' shows who does."
      })
  private static final class Quorum extends CommandGroup {}

  @Command(
      name = "add",
      description = {
        "Make a broker a voter; answers when it votes in every Raft group. It must be active, and",
        "all voters must be up. Afterwards correct cluster.voters on all nodes."
      })
  private static final class Add extends OfNode {
    Add(Console console, GlobalOptions options) {
      super(console, options, "AddQuorumVoter");
    }
  }

  @Command(
      name = "remove",
      description = {
        "Take a voter, up or down, out of every Raft group; it stays a broker. A majority of the",
        "voters that are left must be up. Afterwards correct cluster.voters on all nodes."
      })
  private static final class Remove extends OfNode {
    Remove(Console console, GlobalOptions options) {
      super(console, options, "RemoveQuorumVoter");
    }
  }

  /** What is asked of one node. */
  private abstract static class OfNode implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;
    private final String method;

    @Parameters(paramLabel = "ID", description = "The node's id.")
    private int id;

    OfNode(Console console, GlobalOptions options, String method) {
      this.console = console;
      this.options = options;
      this.method = method;
    }

    @Override
    public final Integer call() {
      JsonObject answer = options.admin().change(method, new JsonObject().with("nodeId", id));
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      List<?> voters = answer.list("voters");
      console
          .out()
          .println(
              "voters: " + voters.stream().map(String::valueOf).collect(Collectors.joining(", ")));
      if (voters.size() % 2 == 0) {
        console.remark(
            voters.size()
                + " voters outlive the loss of no more than "
                + (voters.size() - 1)
                + " do: add or remove one more");
      }
      return 0;
    }
  }
}
