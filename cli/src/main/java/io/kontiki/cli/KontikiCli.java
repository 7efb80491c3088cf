package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import io.kontiki.cli.local.ServerProgram;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command's entry. Of the subcommands only the one that was called is built, so that the others
 * cost no start-up time.
 */
public final class KontikiCli {
  private final Console console;
  private final GlobalOptions options;
  private final Map<String, Subcommand> subcommands = new TreeMap<>();

  /** Adds itself to the command line under its name. */
  private interface Subcommand {
    void addTo(CommandLine root, String name);
  }

  @Command(
      name = "kontiki",
      synopsisSubcommandLabel = "COMMAND",
      versionProvider = Version.class,
      description = "A replicated log and queue.",
      footer = {
        "",
        "Exit codes: 0 done; 1 refused, failed, or (cluster status) something needs a person;",
        "2 wrong usage; 3 no broker answered in time."
      })
  @SuppressWarnings("UnusedVariable") // picocli fills the fields
  private static final class Root implements Runnable {
    @Mixin private final GlobalOptions options;

    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        scope = ScopeType.INHERIT,
        description = "Show this help.")
    private boolean help;

    @Option(names = "--version", versionHelp = true, description = "Show the version.")
    private boolean version;

    @Spec private CommandSpec spec = CommandSpec.create();

    Root(GlobalOptions options) {
      this.options = options;
    }

    @Override
    public void run() {
      throw new ParameterException(spec.commandLine(), "no command given");
    }
  }

  /** The version that the build wrote down. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
      try (InputStream in = KontikiCli.class.getResourceAsStream("version.txt")) {
        return new String[] {
          in == null ? "kontiki" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip()
        };
      }
    }
  }

  KontikiCli(Console console) {
    this.console = console;
    this.options = new GlobalOptions(console.env());
    subcommands.put("topic", (root, name) -> TopicCommands.addTo(root, name, console, options));
    subcommands.put("group", (root, name) -> GroupCommands.addTo(root, name, console, options));
    subcommands.put("cluster", (root, name) -> ClusterCommands.addTo(root, name, console, options));
    subcommands.put("broker", (root, name) -> BrokerCommands.addTo(root, name, console, options));
    subcommands.put("quorum", (root, name) -> QuorumCommands.addTo(root, name, console, options));
    subcommands.put(
        "config", (root, name) -> root.addSubcommand(name, new ConfigCommand(console, options)));
    subcommands.put(
        "produce", (root, name) -> root.addSubcommand(name, new ProduceCommand(console, options)));
    subcommands.put(
        "consume", (root, name) -> root.addSubcommand(name, new ConsumeCommand(console, options)));
    subcommands.put(
        "up", (root, name) -> root.addSubcommand(name, new UpCommand(console, options, servers())));
    subcommands.put(
        "demo",
        (root, name) -> root.addSubcommand(name, new DemoCommand(console, options, servers())));
    subcommands.put("log", LogCommands::addTo);
    subcommands.put("server", (root, name) -> root.addSubcommand(name, new ServerCommand()));
    subcommands.put("simulate", (root, name) -> root.addSubcommand(name, new SimulateCommand()));
    subcommands.put("chaos", ChaosCommands::addTo);
  }

  private ServerProgram servers() {
    return ServerProgram.ofEnvironment(console.env());
  }

  public static void main(String[] args) {
    // Libraries bring a logging interface; that nothing is bound to it here is no news to a user.
    System.setProperty("slf4j.internal.verbosity", "ERROR");
    Console console = Console.ofProcess();
    int exitCode = new KontikiCli(console).run(args);
    console.out().flush();
    console.err().flush();
    System.exit(exitCode);
  }

  /**
   * Runs one command.
   *
   * @return the exit code
   */
  int run(String... args) {
    int exitCode = commandLine(args).execute(args);
    if (console.out().checkError() && exitCode == 0) {
      // Whoever read our output has gone, or the disk is full: what was asked for did not arrive.
      return CliException.FAILED;
    }
    return exitCode;
  }

  private CommandLine commandLine(String... args) {
    CommandLine root = new CommandLine(new Root(options));
    Subcommand called = args.length == 0 ? null : subcommands.get(args[0]);
    if (called != null) {
      called.addTo(root, args[0]);
    } else {
      subcommands.forEach((name, subcommand) -> subcommand.addTo(root, name));
    }
    return root.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
        .setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8))
        .setExecutionStrategy(this::execute)
        .setParameterExceptionHandler((e, ignored) -> wrongUsage(e))
        .setExecutionExceptionHandler((e, commandLine, ignored) -> failed(e, commandLine));
  }

  /** Wrong values are refused before anything is done, not when the first of them is needed. */
  private int execute(ParseResult parsed) {
    Integer help = CommandLine.executeHelpRequest(parsed);
    if (help != null) {
      return help;
    }
    ParseResult called = parsed;
    while (called.hasSubcommand()) {
      called = called.subcommand();
    }
    try {
      options.check();
    } catch (CliException e) {
      throw new ParameterException(called.commandSpec().commandLine(), e.getMessage());
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  private int wrongUsage(ParameterException e) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("wrong usage");
    CommandSpec spec = e.getCommandLine().getCommandSpec();
    if (e instanceof UnmatchedArgumentException unmatched && !spec.subcommands().isEmpty()) {
      message =
          "'"
              + unmatched.getUnmatched().get(0)
              + "' is no command; there are "
              + String.join(", ", spec.subcommands().keySet());
    }
    console.remark(command + ": " + message + " (see '" + command + " --help')");
    return CliException.USAGE;
  }

  private int failed(Exception e, CommandLine commandLine) throws Exception {
    if (e instanceof CliException known) {
      String command = commandLine.getCommandSpec().qualifiedName();
      console.out().flush();
      console.remark(
          known.exitCode() == CliException.USAGE
              ? command + ": " + known.getMessage() + " (see '" + command + " --help')"
              : command + ": " + known.getMessage());
      return known.exitCode();
    }
    throw e;
  }
}
