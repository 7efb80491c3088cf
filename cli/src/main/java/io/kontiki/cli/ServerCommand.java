package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Documents {@code server}; the launcher starts the server's own main class for it, which reads the
 * same options.
 */
@Command(
    name = "server",
    description = {
      "Run one broker in the foreground until SIGTERM.",
      "'kontiki config' prints the keys of the configuration."
    })
final class ServerCommand implements Runnable {
  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Flat key = value lines. KONTIKI_NODE_ID and the like override node.id.")
  private Path config = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Overrides one key; may be given again.")
  private List<String> set = List.of();

  @Override
  public void run() {
    throw CliException.failed(
        "the server (configuration "
            + config
            + (set.isEmpty() ? "" : ", with " + set)
            + ") is started by the kontiki launcher, not by this class");
  }
}
