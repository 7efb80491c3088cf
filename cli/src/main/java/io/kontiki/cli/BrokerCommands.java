package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.Table;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
    broker.addSubcommand("drain", new Drain(console, options));
    broker.addSubcommand("remove", new Remove(console, options));
  }

  @Command(
      name = "broker",
      synopsisSubcommandLabel = "COMMAND",
      description = "Fence, drain and remove brokers.")
  private static final class Broker extends CommandGroup {}

  @Command(
      name = "fence",
      description = {
        "Put a broker out of leadership and in-sync sets until it is unfenced, whatever its health.",
        "It hands over what another in-sync replica can lead, and is fenced about 2 s later;",
        "restarts of the broker do not end that."
      })
  private static final class Fence extends OfBroker {
    @Option(
        names = "--force",
        description = "Also if a partition has no other replica that may lead: it stands still.")
    private boolean force;

    Fence(Console console, GlobalOptions options) {
      super(console, options);
    }

    @Override
    public Integer call() {
      JsonObject request =
          new JsonObject().with("brokerId", id).withIfGiven("force", force ? true : null);
      print(options.admin().change("FenceBroker", request));
      return 0;
    }
  }

  @Command(
      name = "unfence",
      description = {
        "End what 'kontiki broker fence' or 'kontiki broker drain' began.",
        "The broker is active once it is alive and has caught up with the metadata."
      })
  private static final class Unfence extends OfBroker {
    Unfence(Console console, GlobalOptions options) {
      super(console, options);
    }

    @Override
    public Integer call() {
      JsonObject request = new JsonObject().with("brokerId", id);
      print(options.admin().change("UnfenceBroker", request));
      return 0;
    }
  }

  @Command(
      name = "drain",
      description = {
        "Move leaderships away from a broker, and keep new ones away until it is unfenced: before",
        "maintenance. It goes on following, and leads only what nobody else can.",
        "Answers when it has begun; 'kontiki cluster brokers' shows how far it is."
      })
  private static final class Drain extends OfBroker {
    @Option(
        names = "--replicas",
        description =
            "Move its replicas to other brokers too: before it is removed, or when it is dead.")
    private boolean replicas;

    @Option(
        names = "--throttle",
        paramLabel = "BYTES",
        description = "Bytes per second that each broker ships to replicas that come; 0: no limit.")
    private @Nullable Long throttle;

    Drain(Console console, GlobalOptions options) {
      super(console, options);
    }

    @Override
    public Integer call() {
      JsonObject request =
          new JsonObject()
              .with("brokerId", id)
              .withIfGiven("moveReplicas", replicas ? true : null)
              .withIfGiven("throttleBytesPerSecond", throttle);
      print(options.admin().change("DrainBroker", request));
      return 0;
    }
  }

  @Command(
      name = "remove",
      description = {
        "Forget a broker for good. It must be stopped, must not vote, and must have no replicas:",
        "'kontiki broker drain ID --replicas' moves them, also if the broker is dead."
      })
  private static final class Remove extends OfBroker {
    Remove(Console console, GlobalOptions options) {
      super(console, options);
    }

    @Override
    public Integer call() {
      JsonObject answer =
          options.admin().change("RemoveBroker", new JsonObject().with("brokerId", id));
      if (options.json()) {
        console.out().println(answer.withNumbers());
      } else {
        console.out().println("broker " + id + " is forgotten");
      }
      return 0;
    }
  }

  /** What is asked of one broker. */
  private abstract static class OfBroker implements Callable<Integer> {
    final Console console;
    final GlobalOptions options;

    @Parameters(paramLabel = "ID", description = "The broker's node id.")
    int id;

    OfBroker(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    final void print(JsonObject answer) {
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
}
