package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.config.Config;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.runtime.system.LoopbackPorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole nodes in this process, from start to stop. */
class BrokerServerTest {
  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final List<Node> nodes = new ArrayList<>();
  @TempDir Path data;

  private final class Node {
    final int id;
    final int http;
    final BrokerServer server;
    volatile boolean wantsToEnd;

    Node(int id, String voters, int raft, String... more) throws IOException {
      this.id = id;
      this.http = LoopbackPorts.next();
      List<String> settings = new ArrayList<>();
      settings.add("node.id=" + id);
      settings.add("data.dir=" + data.resolve("node-" + id));
      settings.add("cluster.voters=" + voters);
      settings.add("grpc.listen=127.0.0.1:0");
      settings.add("raft.listen=127.0.0.1:" + raft);
      settings.add("http.listen=127.0.0.1:" + http);
      settings.add("replication.listen=127.0.0.1:0");
      settings.addAll(List.of(more));
      Config config = Config.read(NodeConfig.keys(), ConfigSources.NONE.withOverrides(settings));
      server =
          new BrokerServer(
              NodeConfig.from(config),
              config,
              (what, cause) -> fault.compareAndSet(null, new AssertionError(what, cause)),
              () -> wantsToEnd = true);
      nodes.add(this);
    }

    String get(String path) {
      try {
        return HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http + path))
                    .timeout(Duration.ofSeconds(2))
                    .build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
      } catch (IOException e) {
        return e.toString();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    String post(String method, String json) {
      try {
        return HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(
                        URI.create(
                            "http://127.0.0.1:" + http + "/kontiki.v1.AdminService/" + method))
                    .header("content-type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(json))
                    .timeout(Duration.ofSeconds(10))
                    .build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    void awaitReady() {
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> get("/readyz").trim().equals("ready"));
    }

    /** How long it took, in milliseconds. */
    long stop() {
      nodes.remove(this);
      long began = System.nanoTime();
      server.close();
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    }
  }

  @AfterEach
  void noNodeBrokeAnInvariant() {
    List.copyOf(nodes).forEach(Node::stop);
    assertNull(fault.get(), () -> "a fault: " + fault.get());
  }

  @Test
  void aNodeThatStillWaitsForTheOtherVotersStopsAtOnce() throws IOException {
    int raft = LoopbackPorts.next();
    String others = ",2@127.0.0.1:" + LoopbackPorts.next() + ",3@127.0.0.1:" + LoopbackPorts.next();
    Node node = new Node(1, "1@127.0.0.1:" + raft + others, raft);
    node.server.start();
    long millis = node.stop();
    assertTrue(millis < 3_000, millis + " ms");
    assertNull(node.server.refusal());
  }

  @Test
  void aNodeThatFindsItsPortTakenClosesWhatItHadOpened() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      int raft = LoopbackPorts.next();
      Node node =
          new Node(
              1,
              "1@127.0.0.1:" + raft,
              raft,
              "replication.listen=127.0.0.1:" + taken.getLocalPort());
      RefusedException refused = assertThrows(RefusedException.class, node.server::start);
      assertTrue(refused.getMessage().startsWith("replication.listen"), refused.getMessage());
      node.stop();
      Node again = new Node(1, "1@127.0.0.1:" + raft, raft);
      again.server.start();
      again.awaitReady();
    }
  }

  @Test
  void threeVotersAndAnObserverTellOfEachOtherAndStopAlsoWithoutAQuorum() throws IOException {
    List<Integer> ports = List.of(LoopbackPorts.next(), LoopbackPorts.next(), LoopbackPorts.next());
    String voters = "";
    for (int id = 1; id <= 3; id++) {
      voters += (id == 1 ? "" : ",") + id + "@127.0.0.1:" + ports.get(id - 1);
    }
    List<Node> all = new ArrayList<>();
    for (int id = 1; id <= 4; id++) {
      all.add(new Node(id, voters, id == 4 ? LoopbackPorts.next() : ports.get(id - 1)));
    }
    for (Node node : all) {
      node.server.start();
    }
    all.forEach(Node::awaitReady);
    for (Node node : all) {
      String brokers = node.post("ListBrokers", "{\"includeLogDirs\":true}");
      assertEquals(4, count(brokers, "\"path\""), brokers);
      for (int id = 1; id <= 4; id++) {
        String config = node.post("DescribeConfig", "{\"brokerId\":" + id + "}");
        assertTrue(config.contains("node-" + id), config);
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(5))
          .until(
              () -> {
                String quorum = node.post("DescribeQuorum", "{}");
                return count(quorum, "\"matchIndex\"") >= 3 && !quorum.contains("UNREACHABLE");
              });
    }
    assertTrue(all.get(3).stop() < 5_000);
    String after = all.get(0).post("DescribeConfig", "{\"brokerId\":4}");
    assertTrue(after.contains("BROKER_UNREACHABLE"), after);
    assertTrue(all.get(2).stop() < 5_000);
    all.get(1).stop();
    long millis = all.get(0).stop();
    assertTrue(millis < 5_000, millis + " ms");
  }

  private static int count(String text, String word) {
    return (text.length() - text.replace(word, "").length()) / word.length();
  }
}
