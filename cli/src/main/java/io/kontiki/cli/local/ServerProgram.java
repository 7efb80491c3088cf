package io.kontiki.cli.local;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The program that runs one broker.
 *
 * @param command its words; {@code --config FILE} is appended
 * @param env what is added to its environment
 */
public record ServerProgram(List<String> command, Map<String, String> env) {
  /** Makes a server stop when its standard input ends, as it does when its parent dies. */
  static final String EXIT_WITH_PARENT = "-Dkontiki.exitOnStdinEof=true";

  private static final String MAIN_CLASS = "io.kontiki.broker.BrokerMain";

  /** Where the launcher script finds options for the server's JVM. */
  private static final String JVM_OPTIONS = "KONTIKI_JVM_OPTS";

  /** Keys set for each node, which the environment would override for all; and a client's own. */
  private static final Set<String> PER_NODE =
      Set.of("node.id", "data.dir", "cluster.voters", "bootstrap", "http");

  public ServerProgram {
    command = List.copyOf(command);
    env = Map.copyOf(env);
  }

  /**
   * The launcher script that started this process ({@code KONTIKI_LAUNCHER}), else this JVM's class
   * path.
   */
  public static ServerProgram ofEnvironment(Map<String, String> env) {
    String launcher = env.get("KONTIKI_LAUNCHER");
    if (launcher != null && !launcher.isEmpty()) {
      String opts = env.getOrDefault(JVM_OPTIONS, "");
      return new ServerProgram(
          List.of(launcher, "server"),
          Map.of(JVM_OPTIONS, (opts + " " + EXIT_WITH_PARENT).strip()));
    }
    return new ServerProgram(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xms32m",
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-Dcom.google.protobuf.use_unsafe_pre22_gencode=true",
            EXIT_WITH_PARENT,
            "-cp",
            System.getProperty("java.class.path"),
            MAIN_CLASS),
        Map.of());
  }

  /**
   * The same with more options of its JVM, which win over those that it has.
   *
   * @param options none with a blank
   */
  public ServerProgram withJvmOptions(List<String> options) {
    if (options.isEmpty()) {
      return this;
    }
    Map<String, String> more = new TreeMap<>(env);
    List<String> words = new ArrayList<>(command);
    int main = words.indexOf("-cp");
    if (main >= 0) {
      words.addAll(main, options);
    } else {
      more.merge(JVM_OPTIONS, String.join(" ", options), (some, rest) -> some + " " + rest);
    }
    return new ServerProgram(words, more);
  }

  /**
   * A process that is not started yet; of the environment, no key that differs from node to node.
   */
  public ProcessBuilder processBuilder(Path config) {
    List<String> words = new ArrayList<>(command);
    words.add("--config");
    words.add(config.toString());
    ProcessBuilder builder = new ProcessBuilder(words);
    for (String variable : new TreeMap<>(builder.environment()).keySet()) {
      if (isPerNode(variable)) {
        builder.environment().remove(variable);
      }
    }
    builder.environment().putAll(env);
    return builder;
  }

  static boolean isPerNode(String variable) {
    if (!variable.startsWith("KONTIKI_")) {
      return false;
    }
    String key = variable.substring("KONTIKI_".length()).toLowerCase(Locale.ROOT).replace('_', '.');
    return PER_NODE.contains(key) || key.endsWith(".listen") || key.endsWith(".advertise");
  }
}
