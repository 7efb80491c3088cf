package io.kontiki.cli.local;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.cli.base.CliException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalClusterTest {
  @TempDir private Path dir;

  private static ServerProgram fake(String mode) {
    return new ServerProgram(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx32m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            ServerProgram.EXIT_WITH_PARENT,
            "-cp",
            System.getProperty("java.class.path"),
            FakeServer.class.getName()),
        Map.of("FAKE_MODE", mode));
  }

  private LocalCluster cluster(int size, String mode) {
    return new LocalCluster(
        size, dir, LocalCluster.freeBasePort(size), fake(mode), Duration.ofMillis(300));
  }

  private static void startAll(LocalCluster cluster) {
    cluster.nodes().forEach(cluster::start);
  }

  private static void awaitReady(LocalCluster cluster) {
    ReadyWait wait = new ReadyWait(cluster);
    await().atMost(Duration.ofSeconds(60)).until(wait::ask);
  }

  @Test
  void portsAndVotersAreThoseOfTheContract() {
    NodePorts second = new NodePorts(2, 7600);
    assertEquals(7610, second.grpc().port());
    assertEquals(7611, second.raft().port());
    assertEquals(7612, second.http().port());
    assertEquals(7614, second.replication().port());
    assertThrows(IllegalArgumentException.class, () -> new NodePorts(2, 65_525));
    Map<Integer, Integer> voters = Map.of(1, 1, 2, 1, 3, 3, 4, 3, 5, 5, 6, 3, 7, 3);
    voters.forEach((size, expected) -> assertEquals(expected, LocalCluster.voterCount(size)));
  }

  @Test
  void nodesStartBecomeReadyAndStop() throws IOException {
    LocalCluster cluster = cluster(2, "");
    try (cluster) {
      startAll(cluster);
      awaitReady(cluster);
      assertNull(cluster.firstEnded());
      List<String> config = Files.readAllLines(cluster.node(2).config());
      assertTrue(config.contains("node.id = 2"), config.toString());
      assertTrue(
          config.contains("cluster.voters = 1@" + cluster.node(1).ports().raft()),
          config.toString());
      assertTrue(config.contains("data.dir = " + dir.resolve("node-2")), config.toString());
      assertTrue(
          config.contains("grpc.listen = " + cluster.node(2).ports().grpc()), config.toString());
      assertTrue(
          config.contains("kafka.listen = " + cluster.node(2).ports().kafka()), config.toString());
    }
    cluster.nodes().forEach(node -> assertFalse(node.isAlive()));
    assertFalse(cluster.start(cluster.node(1)), "a stopped cluster starts nothing");
    assertFalse(cluster.node(1).isAlive());
  }

  @Test
  void aNodeThatEndsIsReportedWithItsLog() {
    try (LocalCluster cluster = cluster(2, "exit@2")) {
      startAll(cluster);
      await().atMost(Duration.ofSeconds(60)).until(() -> cluster.firstEnded() != null);
      NodeProcess ended = cluster.firstEnded();
      assertNotNull(ended);
      assertEquals(2, ended.id());
      assertEquals(7, ended.exitCode());
      assertTrue(ended.logTail().endsWith("the disk of node 2 is on fire"), ended.logTail());
    }
  }

  @Test
  void aNodeThatDoesNotStopIsKilled() {
    LocalCluster cluster = cluster(2, "stubborn@2");
    startAll(cluster);
    awaitReady(cluster);
    assertTrue(cluster.stop().contains(2));
    assertFalse(cluster.node(2).isAlive());
    assertEquals(128 + 9, cluster.node(2).exitCode());
  }

  @Test
  void aKilledNodeStartsAgainAndItsLogGoesOn() throws IOException, InterruptedException {
    try (LocalCluster cluster = cluster(1, "")) {
      startAll(cluster);
      awaitReady(cluster);
      long first = cluster.node(1).pid();
      cluster.kill(cluster.node(1));
      assertFalse(cluster.node(1).isAlive());
      cluster.start(cluster.node(1));
      awaitReady(cluster);
      assertTrue(cluster.node(1).pid() != first);
      assertEquals(
          2,
          Files.readAllLines(cluster.node(1).log()).stream()
              .filter(line -> line.startsWith("voters 1@"))
              .count());
    }
  }

  @Test
  void aPortInUseIsNamed() throws IOException {
    LocalCluster cluster = cluster(1, "");
    int taken = cluster.node(1).ports().raft().port();
    try (cluster;
        ServerSocket other = new ServerSocket(taken, 1, InetAddress.getByName("127.0.0.1"))) {
      CliException refused = assertThrows(CliException.class, () -> cluster.start(cluster.node(1)));
      assertEquals(CliException.FAILED, refused.exitCode());
      assertTrue(
          String.valueOf(refused.getMessage())
              .startsWith("port " + other.getLocalPort() + " (raft of node 1) is in use"),
          refused.getMessage());
    }
  }

  @Test
  void theEnvironmentOfOneNodeIsNotThatOfAll() {
    ProcessBuilder builder = fake("").processBuilder(dir.resolve("kontiki.conf"));
    assertFalse(builder.environment().containsKey("KONTIKI_NODE_ID"));
    assertTrue(ServerProgram.isPerNode("KONTIKI_NODE_ID"));
    assertTrue(ServerProgram.isPerNode("KONTIKI_GRPC_LISTEN"));
    assertTrue(ServerProgram.isPerNode("KONTIKI_CLUSTER_VOTERS"));
    assertFalse(ServerProgram.isPerNode("KONTIKI_DEFAULT_PARTITIONS"));
    assertFalse(ServerProgram.isPerNode("PATH"));
    ServerProgram launched =
        ServerProgram.ofEnvironment(
            Map.of("KONTIKI_LAUNCHER", "/opt/kontiki", "KONTIKI_JVM_OPTS", "-Xmx512m"));
    assertEquals(List.of("/opt/kontiki", "server"), launched.command());
    assertEquals("-Xmx512m -Dkontiki.exitOnStdinEof=true", launched.env().get("KONTIKI_JVM_OPTS"));
  }
}
