package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of real server processes on the loopback address, with free ports and data in a
 * temporary directory. Logs stay in {@code target/clusters/NAME}. Ends only what it started, also
 * if the JVM is stopped. One thread at a time.
 */
public final class ProcessCluster implements AutoCloseable {
  private static final Duration READY_PATIENCE = Duration.ofSeconds(180);

  private final Map<Integer, ServerNode> nodes = new TreeMap<>();
  private final Path dir;
  private final Thread atExit = new Thread(this::destroyProcesses, "end-cluster");

  private final int voters;

  private ProcessCluster(String name, int voters, int others, Map<String, String> settings)
      throws IOException {
    this.voters = voters;
    dir = Files.createTempDirectory("kontiki-" + name);
    Path logs = Path.of("target", "clusters", name).toAbsolutePath();
    for (int id = 1; id <= voters + others; id++) {
      nodes.put(
          id,
          new ServerNode(
              id,
              NodePorts.free(),
              dir.resolve("node-" + id),
              logs.resolve("node-" + id + ".log")));
    }
    Runtime.getRuntime().addShutdownHook(atExit);
    for (ServerNode node : nodes.values()) {
      Files.deleteIfExists(node.log());
      node.configure(configuration(node, settings));
    }
  }

  /**
   * Starts a cluster and waits until every node is ready.
   *
   * @param name of the cluster's log directory
   * @param size number of nodes; all of them vote
   * @param settings keys for every node besides those of identity and ports
   */
  public static ProcessCluster start(String name, int size, Map<String, String> settings) {
    return start(name, size, 0, settings);
  }

  /**
   * The same with brokers that do not vote.
   *
   * @param voters number of nodes that vote, the first ones
   * @param others number of nodes that do not
   */
  public static ProcessCluster start(
      String name, int voters, int others, Map<String, String> settings) {
    try {
      ProcessCluster cluster = new ProcessCluster(name, voters, others, settings);
      try {
        cluster.nodes().forEach(node -> node.start());
        cluster.awaitReady();
        return cluster;
      } catch (RuntimeException | Error e) {
        cluster.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As {@link #start(String, int, Map)}, but nothing is started. */
  static ProcessCluster prepare(String name, int size, Map<String, String> settings) {
    return prepare(name, size, 0, settings);
  }

  /** As {@link #start(String, int, int, Map)}, but nothing is started. */
  static ProcessCluster prepare(String name, int voters, int others, Map<String, String> settings) {
    try {
      return new ProcessCluster(name, voters, others, settings);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String configuration(ServerNode node, Map<String, String> settings) {
    Map<String, String> keys = new TreeMap<>(settings);
    keys.put("node.id", Integer.toString(node.id()));
    keys.put("data.dir", node.dataDir().toString());
    keys.put(
        "cluster.voters",
        nodes.values().stream()
            .filter(candidate -> candidate.id() <= voters)
            .map(voter -> voter.id() + "@127.0.0.1:" + voter.ports().raft())
            .collect(Collectors.joining(",")));
    keys.put("grpc.listen", node.grpc());
    keys.put("http.listen", node.http());
    keys.put("raft.listen", "127.0.0.1:" + node.ports().raft());
    keys.put("replication.listen", "127.0.0.1:" + node.ports().replication());
    StringBuilder text = new StringBuilder();
    keys.forEach((key, value) -> text.append(key).append(" = ").append(value).append('\n'));
    return text.toString();
  }

  /** All nodes, by id. */
  public Collection<ServerNode> nodes() {
    return nodes.values();
  }

  /** One node, from 1. */
  public ServerNode node(int id) {
    ServerNode node = nodes.get(id);
    if (node == null) {
      throw new IllegalArgumentException("no node " + id + ", only " + nodes.keySet());
    }
    return node;
  }

  /** The nodes' addresses for clients. */
  public List<String> bootstrap() {
    return nodes.values().stream().map(ServerNode::grpc).toList();
  }

  /** Waits until every node says that it is ready; fails at once if a process has ended. */
  public void awaitReady() {
    await("all nodes ready")
        .atMost(READY_PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .failFast(this::failIfOneEnded)
        .untilAsserted(() -> assertEquals(List.of(), unreadiness()));
  }

  /** Waits until these nodes say that they are ready. */
  void awaitReady(Integer... ids) {
    for (int id : ids) {
      await("node " + id + " ready")
          .atMost(READY_PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .untilAsserted(() -> assertEquals("", node(id).unreadiness()));
    }
  }

  private void failIfOneEnded() {
    for (ServerNode node : nodes.values()) {
      if (!node.isAlive()) {
        throw new IllegalStateException(
            "node " + node.id() + " ended; its log ends with\n" + node.logTail());
      }
    }
  }

  private List<String> unreadiness() {
    return nodes.values().stream()
        .map(ServerNode::unreadiness)
        .filter(reason -> !reason.isEmpty())
        .toList();
  }

  /** Starts these, which do not run, and waits until they are ready. */
  void start(int... ids) {
    for (int id : ids) {
      node(id).start();
    }
    for (int id : ids) {
      await("node " + id + " ready")
          .atMost(READY_PATIENCE)
          .until(() -> node(id).unreadiness(), String::isEmpty);
    }
  }

  /** SIGKILL for all nodes, as close together as one thread can. */
  public void killAll() {
    nodes.values().forEach(ServerNode::destroy);
    nodes.values().forEach(ServerNode::kill);
  }

  /** Starts what does not run, and waits until all are ready. */
  public void startAll() {
    startNodes();
    awaitReady();
  }

  /** Starts what does not run. */
  public void startNodes() {
    nodes.values().stream().filter(node -> !node.isAlive()).forEach(node -> node.start());
  }

  /** SIGTERM for all nodes at once, and waits for the exit codes; an error if it takes longer. */
  public Map<Integer, Integer> stopAll(Duration atMost) {
    nodes.values().forEach(ServerNode::terminate);
    Map<Integer, Integer> codes = new TreeMap<>();
    nodes.values().forEach(node -> codes.put(node.id(), node.stop(atMost)));
    return codes;
  }

  /** Creates a topic; returns when its leaders serve (M21). */
  public void createTopic(String name, int partitions, int replicas, Map<String, String> config) {
    createTopic(anyAlive().id(), name, partitions, replicas, config);
  }

  /**
   * The same by a node of one's choice, where others may be frozen: a request that was on its way
   * to one of them ends as unknown, and is made again.
   */
  void createTopic(
      int nodeId, String name, int partitions, int replicas, Map<String, String> config) {
    JsonObject settings = new JsonObject();
    config.forEach(settings::addProperty);
    JsonObject request = new JsonObject();
    request.addProperty("name", name);
    request.addProperty("partitions", partitions);
    request.addProperty("replicationFactor", replicas);
    request.add("config", settings);
    boolean unknown = false;
    while (true) {
      try {
        node(nodeId).admin("CreateTopic", request);
        return;
      } catch (IOException e) {
        String why = String.valueOf(e.getMessage());
        if (unknown && why.contains("TOPIC_EXISTS")) {
          return;
        }
        if (unknown || !why.contains("OUTCOME_UNKNOWN")) {
          throw new UncheckedIOException(e);
        }
        unknown = true;
      }
    }
  }

  /** Who leads a partition, as a living node knows it; empty if nobody does or nobody answers. */
  public OptionalInt leader(String topic, int partition) {
    return describe(topic, partition)
        .map(found -> found.get("leader"))
        .map(leader -> OptionalInt.of(leader.getAsInt()))
        .orElseGet(OptionalInt::empty);
  }

  /** The in-sync replicas of a partition; empty if nobody answers. */
  public List<Integer> inSync(String topic, int partition) {
    JsonArray isr =
        describe(topic, partition).map(found -> found.getAsJsonArray("isr")).orElse(null);
    List<Integer> ids = new ArrayList<>();
    if (isr != null) {
      isr.forEach(id -> ids.add(id.getAsInt()));
    }
    return ids;
  }

  private Optional<JsonObject> describe(String topic, int partition) {
    for (JsonElement element : describe(topic)) {
      JsonObject found = element.getAsJsonObject();
      if (found.get("partition").getAsInt() == partition) {
        return Optional.of(found);
      }
    }
    return Optional.empty();
  }

  private JsonArray describe(String topic) {
    JsonObject request = new JsonObject();
    request.addProperty("name", topic);
    return ask("DescribeTopic", request)
        .map(answer -> answer.getAsJsonObject("topic").getAsJsonArray("partitions"))
        .orElseGet(JsonArray::new);
  }

  /**
   * The leaders of a topic by partition, as a living node knows them; those without are left out.
   */
  Map<Integer, Integer> leaders(String topic) {
    Map<Integer, Integer> leaders = new TreeMap<>();
    for (JsonElement element : describe(topic)) {
      JsonObject found = element.getAsJsonObject();
      if (found.has("leader")) {
        leaders.put(found.get("partition").getAsInt(), found.get("leader").getAsInt());
      }
    }
    return leaders;
  }

  /** Waits until all nodes know one and the same leader of the metadata quorum. */
  int awaitMetadataLeader() {
    Set<OptionalInt> known =
        await("one leader of the metadata for all nodes")
            .atMost(READY_PATIENCE)
            .pollInterval(Duration.ofMillis(50))
            .until(
                () -> nodes.values().stream().map(this::metadataLeader).collect(Collectors.toSet()),
                leaders -> leaders.size() == 1 && leaders.iterator().next().isPresent());
    return known.iterator().next().getAsInt();
  }

  private OptionalInt metadataLeader(ServerNode node) {
    try {
      JsonElement leader = node.admin("DescribeCluster", new JsonObject()).get("controllerId");
      return leader == null ? OptionalInt.empty() : OptionalInt.of(leader.getAsInt());
    } catch (IOException e) {
      return OptionalInt.empty();
    }
  }

  /** Deletes a topic. */
  void deleteTopic(String name) {
    JsonObject request = new JsonObject();
    request.addProperty("name", name);
    try {
      anyAlive().admin("DeleteTopic", request);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Who leads the metadata quorum; empty if nobody knows. */
  public OptionalInt metadataLeader() {
    return ask("DescribeCluster", new JsonObject())
        .map(answer -> answer.get("controllerId"))
        .map(leader -> OptionalInt.of(leader.getAsInt()))
        .orElseGet(OptionalInt::empty);
  }

  /** A call that changes something, by the first living node that listens; made once. */
  JsonObject change(String method, JsonObject request) {
    IOException refused = new IOException("no node is alive");
    for (ServerNode node : nodes.values()) {
      if (node.isAlive()) {
        try {
          return node.admin(method, request);
        } catch (ConnectException e) {
          refused = e; // it starts just now
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
    throw new UncheckedIOException(refused);
  }

  /** The replicas of a partition, in order of preference; empty if nobody answers. */
  List<Integer> replicas(String topic, int partition) {
    List<Integer> ids = new ArrayList<>();
    describe(topic, partition)
        .ifPresent(found -> found.getAsJsonArray("replicas").forEach(id -> ids.add(id.getAsInt())));
    return ids;
  }

  /** The first answer of a living node. */
  Optional<JsonObject> ask(String method, JsonObject request) {
    for (ServerNode node : nodes.values()) {
      if (node.isAlive()) {
        try {
          return Optional.of(node.admin(method, request));
        } catch (IOException e) {
          // the next one may know
        }
      }
    }
    return Optional.empty();
  }

  private ServerNode anyAlive() {
    return nodes.values().stream()
        .filter(ServerNode::isAlive)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no node is alive"));
  }

  /** Waits until the in-sync set of every partition has this size. */
  public void awaitInSync(String topic, int partitions, int size) {
    for (int partition = 0; partition < partitions; partition++) {
      int number = partition;
      await("full in-sync set of " + topic + "-" + partition)
          .atMost(READY_PATIENCE)
          .until(() -> inSync(topic, number), isr -> isr.size() == size);
    }
  }

  private void destroyProcesses() {
    nodes.values().forEach(ServerNode::destroy);
  }

  @Override
  public void close() {
    for (ServerNode node : nodes.values()) {
      if (node.isAlive()) {
        node.kill();
      }
    }
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // the JVM is ending, and the hook runs
    }
    try {
      delete(dir);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A directory with all that is in it. */
  static void delete(Path dir) throws IOException {
    Files.walkFileTree(
        dir,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
              throws IOException {
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
