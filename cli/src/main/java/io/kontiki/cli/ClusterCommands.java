package io.kontiki.cli;

import io.kontiki.cli.admin.AdminClient;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code kontiki cluster …}. */
final class ClusterCommands {
  private ClusterCommands() {}

  static void addTo(CommandLine root, String name, Console console, GlobalOptions options) {
    CommandLine cluster = new CommandLine(new Cluster());
    root.addSubcommand(name, cluster);
    cluster.addSubcommand("status", new Status(console, options));
    cluster.addSubcommand("brokers", new Brokers(console, options));
    cluster.addSubcommand("quorum", new Quorum(console, options));
  }

  @Command(
      name = "cluster",
      synopsisSubcommandLabel = "COMMAND",
      description = "Show the cluster's health, its brokers and its metadata quorum.")
  private static final class Cluster extends CommandGroup {}

  @Command(
      name = "status",
      description = {
        "Show the cluster at a glance. Exit code 1 when something needs a person.",
        "Without a quorum it shows what the broker that answers knew last, and says so."
      })
  private static final class Status implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    Status(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      AdminClient.Reading reading = options.admin().readEvenWithoutQuorum("DescribeCluster");
      JsonObject cluster = reading.answer();
      boolean quorum = reading.withoutQuorum().isEmpty() && cluster.has("controllerId");
      JsonObject request = new JsonObject().with("includeLogDirs", true);
      JsonObject brokers =
          reading.withoutQuorum().isEmpty()
              ? options.admin().read("ListBrokers", request)
              : options.admin().readOwnCopy("ListBrokers", request);
      List<String> disks = diskProblems(brokers);
      if (options.json()) {
        console.out().println(cluster.with("brokers", brokers.list("brokers")).withNumbers());
      } else {
        print(cluster);
        Brokers.print(console, brokers);
        disks.forEach(problem -> console.out().println("problem: " + problem));
      }
      if (!quorum) {
        console.remark("no quorum: this is the answering broker's own copy, perhaps out of date");
      }
      boolean healthy =
          quorum
              && cluster.list("problems").isEmpty()
              && disks.isEmpty()
              && cluster.number("offlinePartitions") == 0
              && cluster.number("underMinIsrPartitions") == 0;
      return healthy ? 0 : CliException.FAILED;
    }

    private static List<String> diskProblems(JsonObject brokers) {
      List<String> problems = new ArrayList<>();
      for (JsonObject broker : brokers.objects("brokers")) {
        for (JsonObject dir : broker.objects("logDirs")) {
          String state = word(dir.text("state"), "LOG_DIR_STATE_");
          if (!state.equals("online")) {
            problems.add(
                "Broker "
                    + broker.number("brokerId")
                    + ": its log directory "
                    + dir.text("path")
                    + " is "
                    + state
                    + ".");
          }
        }
      }
      return problems;
    }

    private void print(JsonObject cluster) {
      Table table = new Table("CLUSTER", cluster.text("clusterId"));
      table.row("controller", cluster.text("controllerId"));
      table.row(
          "brokers",
          cluster.number("brokerCount") + ", fenced " + cluster.number("fencedBrokerCount"));
      table.row("topics", cluster.number("topicCount"));
      table.row("partitions", cluster.number("partitionCount"));
      table.row("  under-replicated", cluster.number("underReplicatedPartitions"));
      table.row("  below min.insync.replicas", cluster.number("underMinIsrPartitions"));
      table.row("  without a leader", cluster.number("offlinePartitions"));
      table.row("feature level", cluster.number("featureLevel"));
      table.row("metadata index", cluster.text("metadataIndex"));
      console.out().print(table);
      for (Object problem : cluster.list("problems")) {
        console.out().println("problem: " + problem);
      }
      console.out().println();
    }
  }

  @Command(name = "brokers", description = "List the registered brokers and their disks.")
  private static final class Brokers implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    Brokers(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject answer =
          options.admin().read("ListBrokers", new JsonObject().with("includeLogDirs", true));
      if (options.json()) {
        console.out().println(answer.withNumbers());
      } else {
        print(console, answer);
      }
      return 0;
    }

    static void print(Console console, JsonObject answer) {
      Table table =
          new Table(
              "ID",
              "STATE",
              "SINCE",
              "GRPC",
              "HTTP",
              "VOTER",
              "LEADS",
              "REPLICAS",
              "DISK",
              "VERSION");
      for (JsonObject broker : answer.objects("brokers")) {
        table.row(
            broker.number("brokerId"),
            word(broker.text("state"), "BROKER_STATE_"),
            broker.text("stateSince"),
            broker.text("grpcAddress"),
            broker.text("httpAddress"),
            broker.text("voter").equals("true") ? "yes" : "no",
            broker.number("leaderCount"),
            broker.number("replicaCount"),
            disks(broker),
            broker.text("version"));
      }
      console.out().print(table);
    }

    private static String disks(JsonObject broker) {
      StringBuilder text = new StringBuilder();
      for (JsonObject dir : broker.objects("logDirs")) {
        text.append(text.isEmpty() ? "" : ", ")
            .append(word(dir.text("state"), "LOG_DIR_STATE_"))
            .append(' ')
            .append(mebibytes(dir.number("logBytes")))
            .append(" used, ")
            .append(mebibytes(dir.number("usableBytes")))
            .append(" free");
      }
      return text.toString();
    }

    private static String mebibytes(long bytes) {
      return (bytes + (1 << 19)) / (1 << 20) + " MiB";
    }
  }

  @Command(
      name = "quorum",
      description = "Show the Raft groups: who leads, who votes, how far each member is.")
  private static final class Quorum implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    Quorum(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject answer = options.admin().read("DescribeQuorum", new JsonObject());
      if (options.json()) {
        console.out().println(answer.withNumbers());
      }
      for (JsonObject group : answer.objects("groups")) {
        if (!options.json()) {
          print(group);
        }
        if (!group.has("leader")) {
          console.remark(
              "group "
                  + group.text("name")
                  + " has no leader: this is the answering broker's own view, perhaps out of date");
        }
      }
      return 0;
    }

    private void print(JsonObject group) {
      console
          .out()
          .printf(
              "group %s  leader %s  term %d  committed %d%n",
              group.text("name"),
              group.has("leader") ? group.text("leader") : "-",
              group.number("term"),
              group.number("committedIndex"));
      Table table = new Table("NODE", "ROLE", "ADDRESS", "MATCH", "LAST CONTACT");
      for (JsonObject member : group.objects("members")) {
        boolean leads = group.has("leader") && group.number("leader") == member.number("nodeId");
        table.row(
            member.number("nodeId"),
            leads ? "leader" : member.text("voter").equals("true") ? "voter" : "observer",
            member.text("raftAddress"),
            member.text("matchIndex"),
            member.text("lastContact"));
      }
      console.out().print(table);
    }
  }

  /** A constant of the contract as a word. */
  static String word(String constant, String prefix) {
    return constant.startsWith(prefix)
        ? constant.substring(prefix.length()).toLowerCase(Locale.ROOT).replace('_', ' ')
        : constant;
  }
}
