package io.kontiki.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ArgumentsTest {
  @Test
  void wrongUsageIsExitCodeTwoAndOneLine() {
    for (List<String> args :
        List.<List<String>>of(
            List.<String>of(),
            List.of("frobnicate"),
            List.of("topic"),
            List.of("topic", "creat", "x"),
            List.of("topic", "create"),
            List.of("topic", "create", "x", "--partitions", "many"),
            List.of("topic", "create", "x", "--config", "no-equals-sign"),
            List.of("topic", "create", "x", "y"),
            List.of("topic", "list", "--output", "xml"),
            List.of("topic", "list", "--timeout", "5"),
            List.of("topic", "list", "--bootstrap", "nowhere"),
            List.of("topic", "list", "--bootstrap", "h:65535"),
            List.of("topic", "list", "--command-config", "/does/not/exist"),
            List.of("consume", "t", "--from", "soon"),
            List.of("consume", "t", "--from", "99999999999999999999"),
            List.of("consume", "t", "--from", "1", "--from-beginning"),
            List.of("consume", "t", "--max", "0"),
            List.of("consume", "t", "--partition", "-1"),
            List.of("consume", "t", "--idle-exit", "soon"),
            List.of("produce"),
            List.of("produce", "t", "--acks", "some"),
            List.of("produce", "t", "--acks", "none", "--print-offsets"),
            List.of("produce", "t", "--key-separator", ""),
            List.of("produce", "t", "--partition", "-1"),
            List.of("up", "--nodes", "0"),
            List.of("up", "--nodes", "21"),
            List.of("up", "--base-port", "65533"),
            List.of("up", "--bootstrap", "h:1"),
            List.of("demo", "--http", "h:1"))) {
      CliRun run = CliRun.of(args.toArray(new String[0]));
      assertEquals(2, run.exitCode(), args + ": " + run.err());
      assertEquals(1, run.err().lines().count(), args + ": " + run.err());
      assertTrue(run.err().startsWith("kontiki"), run.err());
      assertEquals("", run.out(), args.toString());
    }
  }

  @Test
  void anUnknownCommandNamesThoseThatThereAre() {
    assertEquals(
        "kontiki: 'topics' is no command; there are broker, chaos, cluster, config, consume, demo, group, log,"
            + " produce, quorum, server, simulate, topic, up (see 'kontiki --help')\n",
        CliRun.of("topics").err());
  }

  @Test
  void helpAndVersionAreExitCodeZero() {
    CliRun help = CliRun.of("--help");
    assertEquals(0, help.exitCode());
    for (String word : List.of("topic", "cluster", "produce", "consume", "up", "Exit codes")) {
      assertTrue(help.out().contains(word), help.out());
    }
    for (String command :
        List.of(
            "topic", "broker", "cluster", "produce", "consume", "up", "demo", "config", "server")) {
      CliRun run = CliRun.of(command, "--help");
      assertEquals(0, run.exitCode(), run.err());
      assertTrue(run.out().contains("Usage: kontiki " + command), run.out());
    }
    CliRun version = CliRun.of("--version");
    assertEquals(0, version.exitCode());
    assertTrue(version.out().matches("kontiki [0-9]+\\.[0-9]+\\.[0-9]+.*\\R"), version.out());
  }

  @Test
  void optionsStandBeforeOrAfterTheCommand() {
    CliRun run = CliRun.of("--http", "127.0.0.1:1", "topic", "list");
    assertEquals(3, run.exitCode(), run.err());
    assertTrue(run.err().contains("127.0.0.1:1"), run.err());
  }

  @Test
  void anOptionWinsOverTheEnvironmentAndThatOverTheFile(@TempDir Path dir) throws IOException {
    Path file = Files.writeString(dir.resolve("client.conf"), "http = 127.0.0.1:3\n");
    String config = file.toString();
    Map<String, String> env = Map.of("KONTIKI_HTTP", "127.0.0.1:2");
    String[] list = {"topic", "list", "--command-config", config};
    assertAsked("127.0.0.1:3", CliRun.of(Map.of(), "", list));
    assertAsked("127.0.0.1:2", CliRun.of(env, "", list));
    assertAsked("127.0.0.1:1", CliRun.of(env, "", "topic", "list", "--http", "127.0.0.1:1"));
    // A gRPC address on the command line is meant, not an HTTP address left in the environment.
    assertAsked("127.0.0.1:13", CliRun.of(env, "", "topic", "list", "--bootstrap", "127.0.0.1:11"));
  }

  @Test
  void anUnknownKeyInTheFileIsRefused(@TempDir Path dir) throws IOException {
    Path file = Files.writeString(dir.resolve("client.conf"), "bootsrap = 127.0.0.1:3\n");
    CliRun run = CliRun.of("topic", "list", "--command-config", file.toString());
    assertEquals(2, run.exitCode());
    assertTrue(run.err().contains("'bootsrap'"), run.err());
  }

  @Test
  void theReferenceOfKeysHasDefaultsAndDocumentation() {
    CliRun table = CliRun.of("config");
    assertEquals(0, table.exitCode());
    assertTrue(table.out().contains("\nnode.id  (required)\n"), table.out());
    assertTrue(table.out().contains("\ngrpc.listen = 127.0.0.1:7600\n"), table.out());
    assertTrue(
        CliRun.of("config", "--output", "json").out().startsWith("{\"server\":[{\"key\":\""));
  }

  private static void assertAsked(String address, CliRun run) {
    assertEquals(3, run.exitCode(), run.err());
    assertTrue(run.err().contains(address + ":"), run.err());
  }
}
