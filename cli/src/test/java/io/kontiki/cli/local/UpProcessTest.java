package io.kontiki.cli.local;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.cli.KontikiCli;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code kontiki up} as a process of its own, started as the launcher would. */
final class UpProcessTest {
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();

  @TempDir private Path dir;
  private Process up;

  @AfterEach
  void killWhatIsLeft() {
    if (up != null) {
      up.descendants().forEach(ProcessHandle::destroyForcibly);
      up.destroyForcibly();
    }
  }

  private void start(String mode, int nodes) throws IOException {
    Path launcher = dir.resolve("launcher");
    Files.writeString(
        launcher,
        "#!/bin/sh\nshift\nexec '"
            + JAVA
            + "' -Xmx32m -XX:+UseSerialGC $KONTIKI_JVM_OPTS -cp '"
            + System.getProperty("java.class.path")
            + "' "
            + FakeServer.class.getName()
            + " \"$@\"\n");
    assertTrue(launcher.toFile().setExecutable(true));
    ProcessBuilder builder =
        new ProcessBuilder(
            JAVA,
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            KontikiCli.class.getName(),
            "up",
            "--nodes",
            String.valueOf(nodes),
            "--data",
            dir.resolve("data").toString(),
            "--base-port",
            String.valueOf(LocalCluster.freeBasePort(nodes)));
    builder.environment().put("KONTIKI_LAUNCHER", launcher.toString());
    builder.environment().put("FAKE_MODE", mode);
    builder.redirectError(dir.resolve("err").toFile());
    up = builder.start();
  }

  private List<ProcessHandle> awaitReady(int nodes) throws IOException {
    List<ProcessHandle> children = new ArrayList<>();
    BufferedReader out = up.inputReader(StandardCharsets.UTF_8);
    for (int id = 1; id <= nodes; id++) {
      String line = out.readLine();
      assertTrue(
          line != null
              && line.matches("node " + id + " pid \\d+ grpc 127\\.0\\.0\\.1:\\d+ raft .*"),
          line);
      children.add(ProcessHandle.of(Long.parseLong(line.split(" ")[3])).orElseThrow());
    }
    String ready = out.readLine();
    assertTrue(
        ready != null && ready.matches("ready (127\\.0\\.0\\.1:\\d+,?){" + nodes + "}"), ready);
    return children;
  }

  private static void awaitGone(List<ProcessHandle> children) {
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
  }

  private String err() throws IOException {
    return Files.readString(dir.resolve("err"));
  }

  @Test
  void sigtermStopsAllNodesAndIsExitCodeZero() throws Exception {
    start("", 3);
    List<ProcessHandle> children = awaitReady(3);
    up.destroy();
    assertTrue(up.waitFor(30, TimeUnit.SECONDS));
    assertEquals(0, up.exitValue(), err());
    assertEquals(0, children.stream().filter(ProcessHandle::isAlive).count());
  }

  @Test
  void nodesDoNotOutliveAKilledParent() throws Exception {
    start("", 2);
    List<ProcessHandle> children = awaitReady(2);
    up.destroyForcibly();
    awaitGone(children);
  }

  @Test
  void aNodeThatEndsBeforeTheClusterIsReadyEndsAll() throws Exception {
    start("exit@2", 3);
    assertTrue(up.waitFor(60, TimeUnit.SECONDS));
    assertEquals(1, up.exitValue());
    assertTrue(err().contains("node 2 ended with exit code 7; its log ends:"), err());
    assertTrue(err().contains("  | the disk of node 2 is on fire"), err());
    assertEquals(0, up.descendants().count());
  }

  @Test
  void aNodeThatDiesLaterIsReportedAndTheOthersGoOn() throws Exception {
    start("", 2);
    List<ProcessHandle> children = awaitReady(2);
    children.get(0).destroyForcibly();
    await().atMost(Duration.ofSeconds(30)).until(() -> err().contains("node 1 ended with exit"));
    assertTrue(err().contains("exit code 137; to start it again: kontiki server --config"), err());
    assertTrue(children.get(1).isAlive());
    children.get(1).destroyForcibly();
    assertTrue(up.waitFor(30, TimeUnit.SECONDS));
    assertEquals(1, up.exitValue());
  }
}
