package io.kontiki.broker;

import io.kontiki.config.Config;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.system.LoopbackPorts;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/** Whole brokers in this process, with the door of this module. */
public final class RealNodes implements AutoCloseable {
  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final SortedMap<Integer, BrokerServer> running = new TreeMap<>();
  private final List<Integer> rafts = new ArrayList<>();
  private final List<Integer> https = new ArrayList<>();
  private final List<Integer> kafkas = new ArrayList<>();
  private final List<Integer> grpcs = new ArrayList<>();
  private final Path dir;
  private final List<String> more;

  /**
   * Starts them and waits until each is ready.
   *
   * @param more settings of all of them
   */
  public RealNodes(Path dir, int count, String... more) {
    this.dir = dir;
    this.more = List.of(more);
    for (int i = 0; i < count; i++) {
      rafts.add(LoopbackPorts.next());
      https.add(LoopbackPorts.next());
      kafkas.add(LoopbackPorts.next());
      grpcs.add(LoopbackPorts.next());
    }
    for (int id = 1; id <= count; id++) {
      start(id);
    }
    awaitReady();
  }

  /** Starts one that does not run. */
  public void start(int id) {
    List<String> settings = new ArrayList<>();
    StringBuilder voters = new StringBuilder();
    for (int voter = 1; voter <= rafts.size(); voter++) {
      voters.append(voter == 1 ? "" : ",").append(voter + "@127.0.0.1:" + rafts.get(voter - 1));
    }
    settings.add("node.id=" + id);
    settings.add("data.dir=" + dir.resolve("node-" + id));
    settings.add("cluster.voters=" + voters);
    settings.add("grpc.listen=127.0.0.1:" + grpcs.get(id - 1));
    settings.add("raft.listen=127.0.0.1:" + rafts.get(id - 1));
    settings.add("http.listen=127.0.0.1:" + https.get(id - 1));
    settings.add("replication.listen=127.0.0.1:0");
    settings.add("kafka.listen=127.0.0.1:" + kafkas.get(id - 1));
    settings.addAll(more);
    Config config = Config.read(NodeConfig.keys(), ConfigSources.NONE.withOverrides(settings));
    BrokerServer server =
        new BrokerServer(
            NodeConfig.from(config),
            config,
            (what, cause) -> fault.compareAndSet(null, new AssertionError(what, cause)),
            () -> {});
    running.put(id, server);
    server.start();
  }

  /** Stops one on purpose. */
  public void stop(int id) {
    BrokerServer server = running.remove(id);
    if (server != null) {
      server.close();
    }
  }

  /** Waits until all that run serve. */
  public void awaitReady() {
    for (int id : running.keySet()) {
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> get(id, "/readyz").trim().equals("ready"));
    }
  }

  private String get(int id, String path) {
    try {
      return HttpClient.newHttpClient()
          .send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + https.get(id - 1) + path))
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

  /**
   * A call of the HTTP door.
   *
   * @param method as {@code AdminService/ListGroups}
   * @return the answer's JSON, or that of the error
   */
  public String call(int id, String method, String json) throws IOException {
    try {
      return HttpClient.newHttpClient()
          .send(
              HttpRequest.newBuilder(
                      URI.create("http://127.0.0.1:" + https.get(id - 1) + "/kontiki.v1." + method))
                  .timeout(Duration.ofSeconds(20))
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(json))
                  .build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Where a node takes Kafka clients. */
  public Endpoint kafka(int id) {
    return new Endpoint("127.0.0.1", kafkas.get(id - 1));
  }

  /** The same of all nodes, as Kafka clients want it. */
  public String bootstrap() {
    return kafkas.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
  }

  /** gRPC addresses of all nodes. */
  public String grpcBootstrap() {
    return grpcs.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
  }

  /** Stops all, and fails if one found an invariant broken. */
  @Override
  public void close() {
    List.copyOf(running.keySet()).forEach(this::stop);
    if (fault.get() != null) {
      throw new AssertionError(fault.get());
    }
  }
}
