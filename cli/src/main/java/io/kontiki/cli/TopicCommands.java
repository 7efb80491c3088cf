package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kontiki topic …}. */
final class TopicCommands {
  private TopicCommands() {}

  static void addTo(CommandLine root, String name, Console console, GlobalOptions options) {
    CommandLine topic = new CommandLine(new Topic());
    root.addSubcommand(name, topic);
    topic.addSubcommand("create", new Create(console, options));
    topic.addSubcommand("list", new ListTopics(console, options));
    topic.addSubcommand("describe", new Describe(console, options));
    topic.addSubcommand("delete", new Delete(console, options));
    TopicChangeCommands.addTo(topic, console, options);
    ReassignCommands.addTo(topic, console, options);
  }

  @Command(
      name = "topic",
      synopsisSubcommandLabel = "COMMAND",
      description = "Create, list, describe, change and delete topics.")
  private static final class Topic extends CommandGroup {}

  @Command(
      name = "create",
      description = {
        "Create a topic, and wait until its partitions have leaders that serve.",
        "Names have 1 to 249 of the characters a-z A-Z 0-9 . _ -"
      })
  private static final class Create implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    @Option(
        names = "--partitions",
        paramLabel = "N",
        description = "How many. Default: the cluster's default.partitions.")
    private @Nullable Integer partitions;

    @Option(
        names = "--replication-factor",
        paramLabel = "R",
        description = "Copies of each. Default: the cluster's default.replication.factor.")
    private @Nullable Integer replicationFactor;

    @Option(
        names = "--config",
        paramLabel = "KEY=VALUE",
        description = "A setting that differs from the default; may be given again.")
    private Map<String, String> config = new LinkedHashMap<>();

    Create(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject settings = new JsonObject();
      config.forEach(settings::with);
      JsonObject request =
          new JsonObject()
              .with("name", name)
              .withIfGiven("partitions", partitions)
              .withIfGiven("replicationFactor", replicationFactor)
              .withIfGiven("config", config.isEmpty() ? null : settings);
      JsonObject answer = options.admin().change("CreateTopic", request);
      if (options.json()) {
        console.out().println(answer.withNumbers());
      } else {
        JsonObject topic = answer.object("topic");
        int replicas =
            topic.objects("partitions").stream()
                .mapToInt(partition -> partition.list("replicas").size())
                .max()
                .orElse(0);
        console
            .out()
            .printf(
                "created %s: partitions %d, replication factor %d, id %s%n",
                topic.text("name"),
                topic.list("partitions").size(),
                replicas,
                topic.text("topicId"));
      }
      if (!answer.list("partitionsNotReady").isEmpty()) {
        console.remark(
            "no leader serves yet for partitions " + answer.joined("partitionsNotReady"));
      }
      return 0;
    }
  }

  @Command(name = "list", description = "List topics by name.")
  private static final class ListTopics implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    ListTopics(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject all = options.admin().readAll("ListTopics", "topics");
      if (options.json()) {
        console.out().println(all.withNumbers());
        return 0;
      }
      Table table =
          new Table("NAME", "PARTITIONS", "REPLICATION", "UNDER-REPLICATED", "OFFLINE", "TOPIC ID");
      for (JsonObject topic : all.objects("topics")) {
        table.row(
            topic.text("name"),
            topic.number("partitionCount"),
            topic.number("replicationFactor"),
            topic.number("underReplicatedPartitions"),
            topic.number("offlinePartitions"),
            topic.text("topicId"));
      }
      console.out().print(table);
      return 0;
    }
  }

  @Command(
      name = "describe",
      description = "Show a topic's settings, and for each partition who leads and follows.")
  private static final class Describe implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    Describe(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject topic =
          options
              .admin()
              .read("DescribeTopic", new JsonObject().with("name", name))
              .object("topic");
      if (options.json()) {
        console.out().println(asContracted(topic.withNumbers()));
      } else {
        print(topic);
      }
      return 0;
    }

    /** Exactly these members: scripts rely on them, whatever the admin call grows. */
    private static JsonObject asContracted(JsonObject topic) {
      List<JsonObject> partitions = new ArrayList<>();
      for (JsonObject partition : topic.objects("partitions")) {
        partitions.add(
            new JsonObject()
                .with("partition", partition.number("partition"))
                .with("leader", partition.get("leader"))
                .with("leaderEpoch", partition.number("leaderEpoch"))
                .with("replicas", partition.list("replicas"))
                .with("isr", partition.list("isr"))
                .with("startOffset", partition.get("startOffset"))
                .with("highWatermark", partition.get("highWatermark")));
      }
      return new JsonObject()
          .with("name", topic.text("name"))
          .with("topicId", topic.text("topicId"))
          .with("config", topic.object("config"))
          .with("partitions", partitions);
    }

    private void print(JsonObject topic) {
      console.out().printf("topic %s  id %s%n", topic.text("name"), topic.text("topicId"));
      topic
          .object("config")
          .members()
          .forEach((key, value) -> console.out().printf("  %s = %s%n", key, value));
      Table table =
          new Table("PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "HIGH WATERMARK");
      for (JsonObject partition : topic.objects("partitions")) {
        table.row(
            partition.number("partition"),
            partition.text("leader"),
            partition.number("leaderEpoch"),
            partition.joined("replicas"),
            partition.joined("isr"),
            partition.text("startOffset"),
            partition.text("highWatermark"));
      }
      console.out().print(table);
    }
  }

  @Command(
      name = "delete",
      description = "Delete a topic and its records for good. The name is free at once.")
  private static final class Delete implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    Delete(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject answer =
          options.admin().change("DeleteTopic", new JsonObject().with("name", name));
      console.out().println(options.json() ? answer.withNumbers() : "deleted " + name);
      return 0;
    }
  }
}
