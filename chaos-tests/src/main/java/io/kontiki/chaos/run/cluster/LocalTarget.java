package io.kontiki.chaos.run.cluster;

import io.kontiki.cli.local.ServerProgram;
import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Processes of this machine, of the program that a user runs; all vote. Each has its own network
 * namespace and file system where that can be had; without, proxies stand between them.
 */
public final class LocalTarget implements Target {
  private static final int KILL_SECONDS = 30;
  private static final int STOP_SECONDS = 30;

  private final int nodes;
  private final Path dir;
  private final ServerProgram program;
  private final Map<String, String> settings;
  private final Network network;
  private final Disks disks;
  private final FakeClock clock;
  private final Map<Ability, String> missing = new TreeMap<>();
  private final Map<Integer, Process> processes = new TreeMap<>();
  private boolean closed;

  /**
   * Lays it out; starts nothing.
   *
   * @param dir is made; logs are in it
   * @param settings keys for every node besides those of identity and addresses
   * @param seed of what a network does by chance
   * @param faketime where libfaketime lies; null: wherever it lies on this machine
   */
  public LocalTarget(
      int nodes,
      Path dir,
      ServerProgram program,
      Map<String, String> settings,
      Networking networking,
      long seed,
      @Nullable Path faketime) {
    this.nodes = nodes;
    this.dir = dir.toAbsolutePath();
    this.program = program;
    this.settings = new TreeMap<>(settings);
    try {
      Files.createDirectories(this.dir);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.network = Networks.make(networking, nodes, this.dir, seed);
    try {
      this.disks = Disks.of(nodes, this.dir);
    } catch (RuntimeException e) {
      network.close();
      throw e;
    }
    this.clock = new FakeClock(this.dir, faketime);
    missing.putAll(network.missing());
    missing.putAll(disks.missing());
    if (!clock.missing().isEmpty()) {
      missing.put(Ability.CLOCK, clock.missing());
    }
    if (!Tools.has("strace")) {
      missing.put(Ability.SYSTEM_CALLS, "there is no program 'strace'");
    }
  }

  @Override
  public List<Integer> ids() {
    return IntStream.rangeClosed(1, nodes).boxed().toList();
  }

  @Override
  public Endpoint grpc(int id) {
    return endpoint(id, "grpc");
  }

  @Override
  public Endpoint http(int id) {
    return endpoint(id, "http");
  }

  @Override
  public Optional<Endpoint> kafka(int id) {
    return Optional.of(endpoint(id, "kafka"));
  }

  private Endpoint endpoint(int id, String purpose) {
    return Objects.requireNonNull(network.endpoints(id).get(purpose));
  }

  @Override
  public Map<Ability, String> missing() {
    return missing;
  }

  @Override
  public String description() {
    return network.description();
  }

  /** What a node's processes printed. */
  public Path log(int id) {
    return dir.resolve("node-" + id + ".log");
  }

  @Override
  public Path data(int id) {
    return disks.data(id);
  }

  @Override
  public synchronized void start(int id) {
    if (closed) {
      return;
    }
    if (isAlive(id)) {
      throw new IllegalStateException("node " + id + " runs already");
    }
    try {
      Path config = dir.resolve("node-" + id + ".conf");
      Files.writeString(config, configuration(id));
      List<String> words = new ArrayList<>(network.prefix(id));
      ServerProgram own = program.withJvmOptions(network.jvmOptions(id));
      words.addAll(own.command());
      Map<String, String> environment = new HashMap<>(own.env());
      environment.putAll(clock.environment(id));
      processes.put(
          id,
          new ServerProgram(words, environment)
              .processBuilder(config)
              .redirectErrorStream(true)
              .redirectOutput(Redirect.appendTo(log(id).toFile()))
              .start());
    } catch (IOException e) {
      throw new IllegalStateException("cannot start node " + id + ": " + e.getMessage(), e);
    }
  }

  private String configuration(int id) {
    Map<String, String> keys = new TreeMap<>(settings);
    keys.put("node.id", Integer.toString(id));
    keys.put("data.dir", data(id).toString());
    keys.put(
        "cluster.voters",
        ids().stream()
            .map(voter -> voter + "@" + endpoint(voter, "raft"))
            .collect(Collectors.joining(",")));
    Map<String, Endpoint> told = network.endpoints(id);
    network
        .listeners(id)
        .forEach(
            (purpose, endpoint) -> {
              keys.put(purpose + ".listen", endpoint.toString());
              if (!endpoint.equals(told.get(purpose))) {
                keys.put(purpose + ".advertise", String.valueOf(told.get(purpose)));
              }
            });
    StringBuilder text = new StringBuilder();
    keys.forEach((key, value) -> text.append(key).append(" = ").append(value).append('\n'));
    return text.toString();
  }

  @Override
  public synchronized boolean isAlive(int id) {
    Process process = processes.get(id);
    return process != null && process.isAlive();
  }

  private synchronized Process process(int id) {
    Process process = processes.get(id);
    if (process == null) {
      throw new IllegalStateException("node " + id + " was never started");
    }
    return process;
  }

  @Override
  public void kill(Collection<Integer> ids) {
    List<Process> victims = ids.stream().map(this::process).toList();
    victims.forEach(Process::destroyForcibly);
    for (Process victim : victims) {
      await(victim, KILL_SECONDS);
    }
  }

  @Override
  public void stop(int id) {
    Process process = process(id);
    process.destroy();
    await(process, STOP_SECONDS);
  }

  private static void await(Process process, int seconds) {
    try {
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IllegalStateException(
            "process " + process.pid() + " did not end within " + seconds + " s, and was killed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void freeze(int id) {
    Tools.run("kill", "-STOP", Long.toString(process(id).pid()));
  }

  @Override
  public void thaw(int id) {
    Tools.run("kill", "-CONT", Long.toString(process(id).pid()));
  }

  @Override
  public void wipe(int id) {
    if (isAlive(id)) {
      throw new IllegalStateException("node " + id + " runs");
    }
    try (Stream<Path> paths = Files.walk(data(id))) {
      List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.delete(path);
      }
      Files.createDirectories(data(id));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void cut(Collection<Cut> cuts) {
    network.cut(cuts);
  }

  @Override
  public void cutOff(int id) {
    List<Cut> cuts = new ArrayList<>();
    for (Lane lane : Lane.values()) {
      for (int other : ids()) {
        if (other != id) {
          cuts.add(new Cut(id, other, lane));
          cuts.add(new Cut(other, id, lane));
        }
      }
      cuts.add(new Cut(Cut.CLIENTS, id, lane));
    }
    network.cut(cuts);
  }

  @Override
  public void heal() {
    network.heal();
  }

  @Override
  public void slowNetwork(int id) {
    network.slow(id);
  }

  @Override
  public void lossyNetwork(int id) {
    network.lossy(id);
  }

  @Override
  public void fillDisk(int id) {
    disks.fill(id);
  }

  @Override
  public void freeDisk(int id) {
    disks.free(id);
  }

  @Override
  public void cutPower(Collection<Integer> ids) {
    // The processes first: what they would write when the disk has gone is of no concern.
    kill(ids);
    ids.forEach(disks::switchOff);
    ids.forEach(disks::switchOn);
  }

  @Override
  public void setClock(int id, long seconds) {
    clock.check(process(id).pid());
    clock.set(id, seconds);
  }

  @Override
  public void hinder(int id, String how, int seconds) {
    Tools.Result result =
        Tools.tryRun(
            List.of(
                "timeout",
                "-s",
                "INT",
                Integer.toString(seconds),
                "strace",
                "-f",
                "-o",
                "/dev/null",
                "-e",
                "inject=" + how,
                "-p",
                Long.toString(process(id).pid())));
    if (result.exitCode() != 124 && isAlive(id)) {
      throw new IllegalStateException(
          "strace of node " + id + " ended with " + result.exitCode() + ": " + result.output());
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      // A frozen process dies of SIGKILL, too.
      processes.values().forEach(Process::destroyForcibly);
      for (Process process : processes.values()) {
        try {
          process.waitFor(KILL_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
    network.close();
    disks.close();
  }
}
