package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Documents {@code log}; the launcher starts the log's own main class for it, which reads the same
 * words.
 */
@Command(
    name = "log",
    description = "Look at the files of a node that is stopped; no broker is asked.")
final class LogCommands extends CommandGroup {
  static void addTo(CommandLine root, String name) {
    CommandLine group = new CommandLine(new LogCommands());
    group.addSubcommand("dump", new Dump());
    group.addSubcommand("verify", new Verify());
    root.addSubcommand(name, group);
  }

  private static CliException elsewhere(String what) {
    return CliException.failed(
        "'kontiki log' (of " + what + ") is started by the kontiki launcher, not by this class");
  }

  @Command(
      name = "dump",
      description = "Print a segment, an index, a time index, leader epochs or a checkpoint.")
  private static final class Dump implements Runnable {
    @Parameters(paramLabel = "FILE", description = "Such as 00000000000000000000.log.")
    private Path file = Path.of("");

    @Option(names = "--records", description = "With the records of a segment.")
    private boolean records;

    @Override
    public void run() {
      throw elsewhere(file + (records ? " with its records" : ""));
    }
  }

  @Command(
      name = "verify",
      description = {
        "Check every segment, index, checkpoint and the journal of a data directory.",
        "Exit code 1 on damage, which is listed with file, position and offset."
      })
  private static final class Verify implements Runnable {
    @Parameters(paramLabel = "DIR", description = "data.dir of a node that is stopped.")
    private Path directory = Path.of("");

    @Override
    public void run() {
      throw elsewhere(directory.toString());
    }
  }
}
