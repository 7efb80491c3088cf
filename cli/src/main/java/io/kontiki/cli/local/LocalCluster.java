package io.kontiki.cli.local;

import io.kontiki.cli.base.Deadline;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Server processes on this machine that form one cluster. Whatever happens, {@link #close} leaves
 * none behind; it may be called from any thread, also while another one is starting nodes.
 */
public final class LocalCluster implements AutoCloseable {
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);
  private static final int RANDOM_PORTS_FROM = 20_000;
  private static final int RANDOM_PORTS = 10_000;

  private final List<NodeProcess> nodes = new ArrayList<>();
  private final Duration stopPatience;
  private volatile boolean stopping;

  /**
   * Lays the cluster out; starts nothing.
   *
   * @param size how many nodes; of 1, 3 or 5 all vote, else the first three, of two the first
   * @param dir holds {@code node-1}, {@code node-2}, …
   * @throws IllegalArgumentException if there is no room for the ports
   */
  public LocalCluster(int size, Path dir, int basePort, ServerProgram program) {
    this(size, dir, basePort, program, STOP_PATIENCE);
  }

  LocalCluster(int size, Path dir, int basePort, ServerProgram program, Duration stopPatience) {
    this.stopPatience = stopPatience;
    List<NodePorts> ports = new ArrayList<>();
    for (int id = 1; id <= size; id++) {
      ports.add(new NodePorts(id, basePort));
    }
    String voters =
        ports.stream()
            .limit(voterCount(size))
            .map(node -> node.nodeId() + "@" + node.raft())
            .collect(Collectors.joining(","));
    for (NodePorts node : ports) {
      nodes.add(
          new NodeProcess(
              node, voters, dir.toAbsolutePath().resolve("node-" + node.nodeId()), program));
    }
  }

  static int voterCount(int size) {
    return switch (size) {
      case 1, 2 -> 1;
      case 5 -> 5;
      default -> 3;
    };
  }

  /** A base port from which on everything that so many nodes need is free at the moment. */
  public static int freeBasePort(int size) {
    while (true) {
      int base = RANDOM_PORTS_FROM + ThreadLocalRandom.current().nextInt(RANDOM_PORTS);
      boolean free = true;
      for (int id = 1; free && id <= size; id++) {
        free = new NodePorts(id, base).taken() == null;
      }
      if (free) {
        return base;
      }
    }
  }

  /** By id; the node with id 1 comes first. */
  public List<NodeProcess> nodes() {
    return List.copyOf(nodes);
  }

  public NodeProcess node(int id) {
    return nodes.get(id - 1);
  }

  /**
   * Starts a node that does not run.
   *
   * @return false if the cluster is being stopped
   * @throws io.kontiki.cli.base.CliException if it cannot be started
   */
  public synchronized boolean start(NodeProcess node) {
    if (!stopping) {
      node.start();
    }
    return !stopping;
  }

  /** SIGKILL: the node has no chance to tell anybody. */
  public synchronized void kill(NodeProcess node) throws InterruptedException {
    node.kill();
  }

  public boolean isStopping() {
    return stopping;
  }

  /** A node that has ended without having been asked to; null if there is none. */
  public @Nullable NodeProcess firstEnded() {
    for (NodeProcess node : nodes) {
      if (!stopping && node.pid() != 0 && !node.isAlive()) {
        return node;
      }
    }
    return null;
  }

  /** gRPC addresses of all nodes. */
  public String bootstrap() {
    return nodes.stream()
        .map(node -> node.ports().grpc().toString())
        .collect(Collectors.joining(","));
  }

  /** As {@link #stop}, for try-with-resources. */
  @Override
  public void close() {
    stop();
  }

  /**
   * Asks all nodes to stop, waits, and kills those that do not.
   *
   * @return ids of those that had to be killed
   */
  public List<Integer> stop() {
    stopping = true;
    return stopAll();
  }

  private synchronized List<Integer> stopAll() {
    List<Integer> killed = new ArrayList<>();
    nodes.forEach(NodeProcess::terminate);
    Deadline deadline = Deadline.in(stopPatience);
    for (NodeProcess node : nodes) {
      try {
        if (!node.awaitExit(deadline)) {
          killed.add(node.id());
          node.kill();
        }
      } catch (InterruptedException e) {
        // Interrupted or not, none may be left behind.
        Thread.currentThread().interrupt();
        nodes.forEach(NodeProcess::killWithoutWaiting);
      }
    }
    return killed;
  }
}
