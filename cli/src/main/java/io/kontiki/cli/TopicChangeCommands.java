package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Table;
import io.kontiki.cli.base.Times;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kontiki topic alter|add-partitions|delete-records}. */
final class TopicChangeCommands {
  private TopicChangeCommands() {}

  static void addTo(CommandLine topic, Console console, GlobalOptions options) {
    topic.addSubcommand("alter", new Alter(console, options));
    topic.addSubcommand("add-partitions", new AddPartitions(console, options));
    topic.addSubcommand("delete-records", new DeleteRecords(console, options));
  }

  @Command(
      name = "alter",
      description = {
        "Change settings of a topic; those that are not named stay.",
        "The durability is fixed when a topic is made."
      })
  private static final class Alter implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    @Option(
        names = "--config",
        paramLabel = "KEY=VALUE",
        description = "A setting to set; may be given again.")
    private Map<String, String> config = new LinkedHashMap<>();

    @Option(
        names = "--reset",
        paramLabel = "KEY",
        description = "A setting to take back to its default; may be given again.")
    private List<String> reset = new ArrayList<>();

    Alter(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      if (config.isEmpty() && reset.isEmpty()) {
        throw CliException.usage("nothing to change: give --config KEY=VALUE or --reset KEY");
      }
      JsonObject settings = new JsonObject();
      config.forEach(settings::with);
      JsonObject request =
          new JsonObject()
              .with("name", name)
              .withIfGiven("config", config.isEmpty() ? null : settings)
              .withIfGiven("resetKeys", reset.isEmpty() ? null : reset);
      JsonObject answer = options.admin().change("AlterTopicConfig", request);
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      console.out().printf("altered %s; what is set for it now:%n", name);
      answer
          .object("config")
          .members()
          .forEach((key, value) -> console.out().printf("  %s = %s%n", key, value));
      return 0;
    }
  }

  @Command(
      name = "add-partitions",
      description = {
        "Raise the number of partitions of a topic. It never shrinks.",
        "Records with a key go to other partitions from then on."
      })
  private static final class AddPartitions implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    @Option(
        names = "--total",
        required = true,
        paramLabel = "N",
        description = "How many there shall be in all.")
    private int total;

    AddPartitions(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject answer =
          options
              .admin()
              .change(
                  "AddPartitions",
                  new JsonObject().with("name", name).with("totalPartitions", total));
      if (options.json()) {
        console.out().println(answer.withNumbers());
      } else {
        console
            .out()
            .printf(
                "%s has %d partitions%n", name, answer.object("topic").list("partitions").size());
      }
      return 0;
    }
  }

  @Command(
      name = "delete-records",
      description = "Delete the records of a topic before an offset or a time, for good.")
  private static final class DeleteRecords implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "NAME", description = "The topic's name.")
    private String name = "";

    @Option(
        names = "--before",
        required = true,
        paramLabel = "OFFSET|TIMESTAMP|latest",
        description = {
          "The first record to keep: an offset, or a time such as 2026-03-01T12:00:00Z.",
          "latest deletes all that is committed."
        })
    private String before = "";

    @Option(
        names = "--partition",
        paramLabel = "P",
        description = "Only this one; may be given again. Default: all.")
    private List<Integer> partitions = new ArrayList<>();

    DeleteRecords(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject request =
          new JsonObject()
              .with("topic", name)
              .withIfGiven("partitions", partitions.isEmpty() ? null : partitions)
              .with("before", spec());
      JsonObject answer = options.admin().change("DeleteRecords", request);
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      Table table = new Table("PARTITION", "START");
      for (JsonObject start : answer.objects("startOffsets")) {
        table.row(start.number("partition"), start.number("offset"));
      }
      console.out().print(table);
      return 0;
    }

    private JsonObject spec() {
      if (before.equals("latest")) {
        return new JsonObject().with("anchor", "OFFSET_ANCHOR_LATEST");
      }
      if (before.matches("[0-9]+")) {
        return new JsonObject().with("offset", before);
      }
      try {
        return new JsonObject().with("timestamp", Times.instant(before).toString());
      } catch (IllegalArgumentException e) {
        throw CliException.usage("--before: " + e.getMessage() + ", or an offset, or latest");
      }
    }
  }
}
