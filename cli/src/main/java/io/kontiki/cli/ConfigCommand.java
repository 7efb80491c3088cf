package io.kontiki.cli;

import io.kontiki.cli.admin.JsonObject;
import io.kontiki.config.ConfigKey;
import io.kontiki.config.NodeConfig;
import io.kontiki.config.TopicConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code kontiki config}: the reference of all keys. */
@Command(
    name = "config",
    description = {
      "Print all keys of a server's configuration, with defaults, units and what they do.",
      "Asks no broker. What a running broker or a topic uses is what the admin service tells."
    })
final class ConfigCommand implements Callable<Integer> {
  private static final int WIDTH = 96;

  private final Console console;
  private final GlobalOptions options;

  ConfigCommand(Console console, GlobalOptions options) {
    this.console = console;
    this.options = options;
  }

  @Override
  public Integer call() {
    List<ConfigKey<?>> server = NodeConfig.keys();
    List<ConfigKey<?>> topic = TopicConfig.KEYS;
    if (options.json()) {
      console
          .out()
          .println(new JsonObject().with("server", json(server)).with("topic", json(topic)));
      return 0;
    }
    console.out().println("# A server: its file, KONTIKI_NODE_ID for node.id, or --set key=value");
    for (ConfigKey<?> key : server) {
      // Those are the settings of a topic once more, which come below.
      if (!key.name().startsWith("topic.default.")) {
        print(key);
      }
    }
    console.out().println();
    console.out().println("# A topic: topic create --config key=value; topic.default.KEY for all");
    topic.forEach(this::print);
    return 0;
  }

  private static List<JsonObject> json(List<ConfigKey<?>> keys) {
    List<JsonObject> list = new ArrayList<>();
    for (ConfigKey<?> key : keys) {
      list.add(
          new JsonObject()
              .with("key", key.name())
              .with("default", key.required() ? null : key.defaultText())
              .with("required", key.required())
              .with("unit", key.unit())
              .with("description", key.doc()));
    }
    return list;
  }

  private void print(ConfigKey<?> key) {
    StringBuilder heading = new StringBuilder("\n").append(key.name());
    if (key.required()) {
      heading.append("  (required)");
    } else {
      heading.append(" = ").append(key.defaultText());
    }
    if (!key.unit().isEmpty()) {
      heading.append("  [").append(key.unit()).append(']');
    }
    console.out().println(heading);
    StringBuilder line = new StringBuilder("   ");
    for (String word : key.doc().split(" ", -1)) {
      if (line.length() + 1 + word.length() > WIDTH) {
        console.out().println(line);
        line = new StringBuilder("   ");
      }
      line.append(' ').append(word);
    }
    console.out().println(line);
  }
}
