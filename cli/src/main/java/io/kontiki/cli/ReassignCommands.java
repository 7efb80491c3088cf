package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kontiki topic reassign|reassignments|elect-leader}. */
final class ReassignCommands {
  private ReassignCommands() {}

  static void addTo(CommandLine topic, Console console, GlobalOptions options) {
    topic.addSubcommand("reassign", new Reassign(console, options));
    topic.addSubcommand("reassignments", new ListReassignments(console, options));
    topic.addSubcommand("elect-leader", new ElectLeader(console, options));
  }

  private static JsonObject topicPartition(String topic, long partition) {
    return new JsonObject().with("topic", topic).with("partition", partition);
  }

  @Command(
      name = "reassign",
      description = {
        "Move the replicas of partitions to other brokers, or change how many there are.",
        "New replicas are copied first; then the leader moves, then the old ones are deleted.",
        "Returns when that has begun; 'kontiki topic reassignments' shows what is under way."
      })
  private static final class Reassign implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    @Option(
        names = "--partition",
        paramLabel = "P",
        description = "Only this one; may be given again. Default: all.")
    private List<Integer> partitions = new ArrayList<>();

    @Option(
        names = "--replicas",
        split = ",",
        paramLabel = "ID",
        description = {
          "Brokers in order of preference; the first leads when all is well.",
          "Default: chosen, with as few moves as make brokers evenly used."
        })
    private List<Integer> replicas = new ArrayList<>();

    @Option(
        names = "--throttle",
        paramLabel = "BYTES",
        description = {
          "Most bytes per second that each broker ships to replicas that come or catch up,",
          "from now on, also for other moves. 0: no limit. Default: as it is."
        })
    private @Nullable Long throttle;

    @Option(names = "--cancel", description = "Take moves back that are under way.")
    private boolean cancel;

    @Option(names = "--dry-run", description = "Only check, and show what would move.")
    private boolean dryRun;

    Reassign(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      if (cancel && (dryRun || throttle != null || !replicas.isEmpty())) {
        throw CliException.usage("--cancel goes with none of --replicas, --throttle and --dry-run");
      }
      Map<Long, String> before = new TreeMap<>();
      JsonObject topic =
          options
              .admin()
              .read("DescribeTopic", new JsonObject().with("name", name))
              .object("topic");
      for (JsonObject partition : topic.objects("partitions")) {
        before.put(partition.number("partition"), partition.joined("replicas"));
      }
      List<Long> wanted =
          partitions.isEmpty()
              ? List.copyOf(before.keySet())
              : partitions.stream().map(Integer::longValue).toList();
      return cancel ? cancel(wanted) : reassign(wanted, before);
    }

    private int reassign(List<Long> wanted, Map<Long, String> before) {
      List<JsonObject> moves = new ArrayList<>();
      for (long partition : wanted) {
        moves.add(
            new JsonObject()
                .with("partition", topicPartition(name, partition))
                .withIfGiven("replicas", replicas.isEmpty() ? null : replicas));
      }
      JsonObject request =
          new JsonObject()
              .with("reassignments", moves)
              .withIfGiven("throttleBytesPerSecond", throttle)
              .withIfGiven("validateOnly", dryRun ? true : null);
      JsonObject answer = options.admin().change("ReassignPartitions", request);
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      Table table = new Table("PARTITION", "FROM", "TO");
      int moving = 0;
      for (JsonObject move : answer.objects("reassignments")) {
        long partition = move.object("partition").number("partition");
        String from = before.getOrDefault(partition, "");
        String to = move.joined("replicas");
        if (!from.equals(to)) {
          table.row(partition, from, to);
          moving++;
        }
      }
      if (moving == 0) {
        console.out().printf("nothing to move: the replicas of %s are where they shall be%n", name);
      } else {
        console.out().print(table);
        console
            .out()
            .println(
                dryRun
                    ? "nothing was changed: this was a dry run"
                    : "begun; 'kontiki topic reassignments' shows what is under way");
      }
      return 0;
    }

    private int cancel(List<Long> wanted) {
      JsonObject answer =
          options
              .admin()
              .change(
                  "CancelReassignments",
                  new JsonObject()
                      .with(
                          "partitions",
                          wanted.stream().map(number -> topicPartition(name, number)).toList()));
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      List<String> cancelled = new ArrayList<>();
      for (JsonObject partition : answer.objects("cancelled")) {
        cancelled.add(partition.text("partition"));
      }
      console
          .out()
          .println(
              cancelled.isEmpty()
                  ? "nothing was under way for " + name
                  : "cancelled for partitions " + String.join(",", cancelled) + " of " + name);
      return 0;
    }
  }

  @Command(name = "reassignments", description = "List the partitions whose replicas are moving.")
  private static final class ListReassignments implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    ListReassignments(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject answer = options.admin().read("ListReassignments", new JsonObject());
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      Table table = new Table("TOPIC", "PARTITION", "REPLICAS", "ADDING", "REMOVING", "REMAINING");
      for (JsonObject one : answer.objects("reassignments")) {
        table.row(
            one.object("partition").text("topic"),
            one.object("partition").number("partition"),
            one.joined("replicas"),
            one.joined("adding"),
            one.joined("removing"),
            one.has("remainingBytes") ? one.number("remainingBytes") + " B" : "");
      }
      console.out().print(table);
      return 0;
    }
  }

  @Command(
      name = "elect-leader",
      description = {
        "Make the preferred replica of a partition its leader, if it is in sync.",
        "With --unclean: make any replica that lives the leader of a partition without one.",
        "That LOSES every acknowledged record which this replica lacks."
      })
  private static final class ElectLeader implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    @Option(names = "--partition", required = true, paramLabel = "P", description = "Which.")
    private int partition;

    @Option(
        names = "--unclean",
        description = "Though acknowledged records may be lost; needs --reason.")
    private boolean unclean;

    @Option(
        names = "--reason",
        paramLabel = "TEXT",
        description = "Why records may be lost; kept in the log of every broker.")
    private @Nullable String reason;

    ElectLeader(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      if (unclean != (reason != null)) {
        throw CliException.usage("--unclean and --reason TEXT go together");
      }
      JsonObject request =
          new JsonObject()
              .with("partition", topicPartition(name, partition))
              .withIfGiven("type", unclean ? "ELECTION_TYPE_UNCLEAN" : null)
              .withIfGiven("reason", reason);
      JsonObject answer = options.admin().change("ElectLeader", request);
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      console
          .out()
          .printf(
              "broker %d leads %s-%d in epoch %d%n",
              answer.number("leader"), name, partition, answer.number("leaderEpoch"));
      if (unclean) {
        console.remark("acknowledged records that this broker lacks are lost");
      }
      return 0;
    }
  }
}
