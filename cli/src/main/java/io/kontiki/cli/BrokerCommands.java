package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.Table;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kontiki broker …}. */
final class BrokerCommands {
  private BrokerCommands() {}

  static void addTo(CommandLine root, String name, Console console, GlobalOptions options) {
    CommandLine broker = new CommandLine(new Broker());
    root.addSubcommand(name, broker);
    broker.addSubcommand("fence", new Fence(console, options));
    broker.addSubcommand("unfence", new Unfence(console, options));
  }

  @Command(
      name = "broker",
      synopsisSubcommandLabel = "COMMAND",
      description = "Fence a broker, and end that.")
  private static final class Broker extends CommandGroup {}

  @Command(
      name = "fence",
      description = {
        "Put a broker out of leadership and in-sync sets until it is unfenced, whatever its health.",
        "It hands over what another in-sync replica can lead, and is fenced about 2 s later;",
        "restarts of the broker do not end that."
      })
  private static final class Fence implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "ID", description = "The broker's node id.")
    private int id;

    @Option(
        names = "--force",
        description = "Also if a partition has no other replica that may lead: it stands still.")
    private boolean force;

    Fence(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject request =
          new JsonObject().with("brokerId", id).withIfGiven("force", force ? true : null);
      print(console, options, options.admin().change("FenceBroker", request));
      return 0;
    }
  }

  @Command(
      name = "unfence",
      description = {
        "End what 'kontiki broker fence' began.",
        "The broker is active once it is alive and has caught up with the metadata."
      })
  private static final class Unfence implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "ID", description = "The broker's node id.")
    private int id;

    Unfence(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject request = new JsonObject().with("brokerId", id);
      print(console, options, options.admin().change("UnfenceBroker", request));
      return 0;
    }
  }

  private static void print(Console console, GlobalOptions options, JsonObject answer) {
    if (options.json()) {
      console.out().println(answer.withNumbers());
      return;
    }
    JsonObject broker = answer.object("broker");
    Table table = new Table("ID", "STATE", "LEADS", "REPLICAS");
    table.row(
        broker.number("brokerId"),
        ClusterCommands.word(broker.text("state"), "BROKER_STATE_"),
        broker.number("leaderCount"),
        broker.number("replicaCount"));
    console.out().print(table);
  }
}
