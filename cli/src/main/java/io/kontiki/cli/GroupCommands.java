package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Table;
import io.kontiki.cli.base.Times;
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

/** {@code kontiki group …}. */
final class GroupCommands {
  private GroupCommands() {}

  static void addTo(CommandLine root, String name, Console console, GlobalOptions options) {
    CommandLine group = new CommandLine(new Group());
    root.addSubcommand(name, group);
    group.addSubcommand("list", new ListGroups(console, options));
    group.addSubcommand("describe", new Describe(console, options));
    group.addSubcommand("reset", new Reset(console, options));
    group.addSubcommand("delete", new Delete(console, options));
  }

  private static String state(JsonObject group) {
    return ClusterCommands.word(group.text("state"), "GROUP_STATE_");
  }

  @Command(
      name = "group",
      synopsisSubcommandLabel = "COMMAND",
      description = "List, describe, reset and delete consumer groups.")
  private static final class Group extends CommandGroup {}

  @Command(name = "list", description = "List groups by name.")
  private static final class ListGroups implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    ListGroups(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject all = options.admin().readAll("ListGroups", "groups");
      if (options.json()) {
        console.out().println(all.withNumbers());
        return 0;
      }
      Table table = new Table("GROUP", "STATE", "MEMBERS");
      for (JsonObject group : all.objects("groups")) {
        table.row(group.text("group"), state(group), group.number("memberCount"));
      }
      console.out().print(table);
      return 0;
    }
  }

  @Command(
      name = "describe",
      description = {
        "Show how far a group is: of each partition what is committed, where the log ends, who owns it.",
        "LAST SEEN is when the owner's client last spoke or answered a ping."
      })
  private static final class Describe implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "GROUP", description = "The group's name.")
    private String name = "";

    Describe(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject group =
          options
              .admin()
              .read("DescribeGroup", new JsonObject().with("group", name))
              .object("group");
      if (options.json()) {
        console.out().println(asContracted(group.withNumbers()));
      } else {
        print(asContracted(group.withNumbers()), group);
      }
      return 0;
    }

    /** Exactly these members: scripts rely on them, whatever the admin call grows. */
    private static JsonObject asContracted(JsonObject group) {
      Map<String, JsonObject> members = new TreeMap<>();
      group.objects("members").forEach(member -> members.put(member.text("memberId"), member));
      List<JsonObject> partitions = new ArrayList<>();
      for (JsonObject partition : group.objects("partitions")) {
        JsonObject owner = members.get(partition.text("memberId"));
        partitions.add(
            new JsonObject()
                .with("topic", partition.text("topic"))
                .with("partition", partition.number("partition"))
                .with("committed", partition.get("committedOffset"))
                .with("logEnd", partition.get("highWatermark"))
                .with("lag", partition.get("lag"))
                .with("member", of(owner, "memberId"))
                .with("clientId", of(owner, "clientId"))
                .with("host", of(owner, "host"))
                .with("lastSeen", of(owner, "lastSeen")));
      }
      return new JsonObject()
          .with("group", group.text("group"))
          .with("state", state(group))
          .with("partitions", partitions);
    }

    private static @Nullable Object of(@Nullable JsonObject owner, String field) {
      return owner == null ? null : owner.get(field);
    }

    private void print(JsonObject lines, JsonObject group) {
      console
          .out()
          .printf(
              "group %s  state %s  generation %d  members %d  assignor %s  coordinator %s%n",
              group.text("group"),
              state(group),
              group.number("generation"),
              group.objects("members").size(),
              group.text("assignor"),
              group.text("coordinatorId"));
      Table table =
          new Table(
              "TOPIC",
              "PARTITION",
              "COMMITTED",
              "LOG END",
              "LAG",
              "MEMBER",
              "CLIENT",
              "HOST",
              "LAST SEEN");
      for (JsonObject line : lines.objects("partitions")) {
        table.row(
            line.text("topic"),
            line.number("partition"),
            line.text("committed"),
            line.text("logEnd"),
            line.text("lag"),
            line.text("member"),
            line.text("clientId"),
            line.text("host"),
            line.text("lastSeen"));
      }
      console.out().print(table);
    }
  }

  @Command(
      name = "reset",
      description = {
        "Set where a group goes on in a topic. The group must have no members.",
        "It is made if it is not there."
      })
  private static final class Reset implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "GROUP", description = "The group's name.")
    private String name = "";

    @Option(names = "--topic", required = true, paramLabel = "T", description = "The topic.")
    private String topic = "";

    @Option(
        names = "--to",
        required = true,
        paramLabel = "earliest|latest|OFFSET|TIMESTAMP",
        description = {
          "The next record to read: the first one that is still there, what comes from now,",
          "an offset that every partition's log has, or a time such as 2026-03-01T12:00:00Z."
        })
    private String to = "";

    @Option(
        names = "--partition",
        paramLabel = "P",
        description = "Only this one; may be given again. Default: all.")
    private List<Integer> partitions = new ArrayList<>();

    Reset(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject request =
          new JsonObject()
              .with("group", name)
              .with("topic", topic)
              .withIfGiven("partitions", partitions.isEmpty() ? null : partitions)
              .with("to", spec());
      JsonObject answer = options.admin().change("ResetGroupOffsets", request);
      if (options.json()) {
        console.out().println(answer.withNumbers());
        return 0;
      }
      Table table = new Table("TOPIC", "PARTITION", "COMMITTED");
      for (JsonObject offset : answer.objects("offsets")) {
        table.row(offset.text("topic"), offset.number("partition"), offset.number("offset"));
      }
      console.out().print(table);
      return 0;
    }

    private JsonObject spec() {
      if (to.equals("earliest") || to.equals("latest")) {
        return new JsonObject()
            .with(
                "anchor", to.equals("latest") ? "OFFSET_ANCHOR_LATEST" : "OFFSET_ANCHOR_EARLIEST");
      }
      if (to.matches("[0-9]{1,18}")) {
        return new JsonObject().with("offset", to);
      }
      try {
        return new JsonObject().with("timestamp", Times.instant(to).toString());
      } catch (IllegalArgumentException e) {
        throw CliException.usage("--to: " + e.getMessage() + ", or an offset, earliest or latest");
      }
    }
  }

  @Command(
      name = "delete",
      description = "Delete a group that has no members, with its committed offsets.")
  private static final class Delete implements Callable<Integer> {
    private final Console console;
    private final GlobalOptions options;

    @Parameters(paramLabel = "GROUP", description = "The group's name.")
    private String name = "";

    Delete(Console console, GlobalOptions options) {
      this.console = console;
      this.options = options;
    }

    @Override
    public Integer call() {
      JsonObject answer =
          options.admin().change("DeleteGroup", new JsonObject().with("group", name));
      console.out().println(options.json() ? answer.withNumbers() : "deleted " + name);
      return 0;
    }
  }
}
