package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A network namespace for each node, all on one bridge, which is the clients' place. A node has one
 * address per {@link Lane}, so that kinds of traffic can be cut apart.
 *
 * <p>A cut is a wrong link-layer address for the receiver in the sender's table of neighbours: the
 * packets leave and arrive nowhere, without anybody being told, in this direction only. That needs
 * no packet filter.
 */
final class Namespaces implements Network {
  private static final String NOBODY = "02:00:00:00:00:01";
  private static final int CLIENTS_HOST = 250;

  private final int nodes;
  private final String name;
  private final String net;
  private final Map<Ability, String> missing = new TreeMap<>();
  private final List<Cut> cuts = new ArrayList<>();
  private final List<Integer> shaped = new ArrayList<>();
  private boolean closed;

  private Namespaces(int nodes, String name, String net) {
    this.nodes = nodes;
    this.name = name;
    this.net = net;
  }

  /** Why there can be none on this machine; empty if there can. */
  static String impossible() {
    for (String program : List.of("ip", "nsenter")) {
      if (!Tools.has(program)) {
        return "there is no program '" + program + "'";
      }
    }
    if (!Tools.isRoot()) {
      return "only root may make network namespaces";
    }
    String probe = "kchaos-probe-" + ProcessHandle.current().pid();
    Tools.Result result = Tools.tryRun(List.of("ip", "netns", "add", probe));
    Tools.attempt("ip", "netns", "delete", probe);
    return result.exitCode() == 0 ? "" : "ip netns: " + result.output();
  }

  /** Makes it. */
  static Namespaces of(int nodes) {
    long pid = ProcessHandle.current().pid();
    Namespaces made = new Namespaces(nodes, "kc" + pid, freeNet(pid));
    try {
      made.build();
      return made;
    } catch (RuntimeException e) {
      made.close();
      throw e;
    }
  }

  private static String freeNet(long seed) {
    for (long i = seed; ; i++) {
      String net = "10." + (100 + i / 250 % 100) + "." + i % 250;
      try {
        boolean taken =
            NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .anyMatch(address -> address.getHostAddress().startsWith(net + "."));
        if (!taken) {
          return net;
        }
      } catch (SocketException e) {
        throw new IllegalStateException("the network interfaces cannot be listed", e);
      }
    }
  }

  private void build() {
    Tools.run("ip", "link", "add", name, "type", "bridge");
    Tools.run("ip", "address", "add", net + "." + CLIENTS_HOST + "/24", "dev", name);
    Tools.run("ip", "link", "set", name, "up");
    for (int id = 1; id <= nodes; id++) {
      String inside = namespace(id);
      Tools.run("ip", "netns", "add", inside);
      Tools.run(
          "ip", "link", "add", outer(id), "type", "veth", "peer", "name", "eth0", "netns", inside);
      Tools.run("ip", "link", "set", outer(id), "master", name, "up");
      for (Lane lane : Lane.values()) {
        Tools.run("ip", "-n", inside, "address", "add", host(id, lane) + "/24", "dev", "eth0");
      }
      Tools.run("ip", "-n", inside, "link", "set", "lo", "up");
      Tools.run("ip", "-n", inside, "link", "set", "eth0", "up");
    }
    findMissing();
  }

  private void findMissing() {
    if (!Tools.has("tc")) {
      missing.put(Ability.SLOW_NETWORK, "there is no program 'tc'");
      missing.put(Ability.LOSSY_NETWORK, "there is no program 'tc'");
      return;
    }
    Tools.Result netem = Tools.tryRun(shape(1, "netem", "delay", "1ms"));
    if (netem.exitCode() != 0) {
      missing.put(Ability.LOSSY_NETWORK, "the kernel has no netem: " + netem.output());
    }
    unshape(1);
    Tools.Result tbf =
        Tools.tryRun(shape(1, "tbf", "rate", "1mbit", "burst", "16kb", "latency", "50ms"));
    if (tbf.exitCode() != 0) {
      missing.put(Ability.SLOW_NETWORK, "the kernel has no tbf: " + tbf.output());
    }
    unshape(1);
  }

  private String namespace(int id) {
    return name + "-" + id;
  }

  private String outer(int id) {
    return name + "v" + id;
  }

  private String host(int id, Lane lane) {
    return id == Cut.CLIENTS ? net + "." + CLIENTS_HOST : net + "." + (10 * id + lane.place());
  }

  @Override
  public Map<String, Endpoint> endpoints(int id) {
    Map<String, Endpoint> all = new LinkedHashMap<>();
    all.put("grpc", new Endpoint(host(id, Lane.CLIENTS), 7600));
    all.put("raft", new Endpoint(host(id, Lane.QUORUM), 7601));
    all.put("http", new Endpoint(host(id, Lane.CLIENTS), 7602));
    all.put("kafka", new Endpoint(host(id, Lane.CLIENTS), 7603));
    all.put("replication", new Endpoint(host(id, Lane.REPLICATION), 7604));
    return all;
  }

  @Override
  public String description() {
    return "a network namespace for each node";
  }

  @Override
  public List<String> prefix(int id) {
    // Not "ip netns exec", which gives the process a copy of all mounts: disks would stay in use.
    return List.of("nsenter", "--net=/run/netns/" + namespace(id));
  }

  @Override
  public Map<Ability, String> missing() {
    return missing;
  }

  @Override
  public synchronized void cut(Collection<Cut> more) {
    for (Cut cut : more) {
      if (!closed && !cuts.contains(cut)) {
        cuts.add(cut);
        neighbour(cut, "replace", "lladdr", NOBODY, "nud", "permanent");
      }
    }
  }

  /** In the table of who sends. */
  private void neighbour(Cut cut, String verb, String... rest) {
    List<String> words = new ArrayList<>(List.of("ip"));
    if (cut.from() != Cut.CLIENTS) {
      words.addAll(List.of("-n", namespace(cut.from())));
    }
    words.addAll(List.of("neighbour", verb, host(cut.to(), cut.lane())));
    words.addAll(List.of("dev", cut.from() == Cut.CLIENTS ? name : "eth0"));
    words.addAll(List.of(rest));
    Tools.run(words.toArray(new String[0]));
  }

  @Override
  public synchronized void slow(int id) {
    // Far more than heartbeats need, less than the load; the queue drops what does not fit.
    shaped.add(id);
    run(shape(id, "tbf", "rate", "256kbit", "burst", "8kb", "latency", "400ms"));
  }

  @Override
  public synchronized void lossy(int id) {
    shaped.add(id);
    run(shape(id, "netem", "delay", "30ms", "20ms", "loss", "3%"));
  }

  private static void run(List<String> words) {
    Tools.run(words.toArray(new String[0]));
  }

  private List<String> shape(int id, String... how) {
    List<String> words =
        new ArrayList<>(
            List.of("tc", "-n", namespace(id), "qdisc", "replace", "dev", "eth0", "root"));
    words.addAll(List.of(how));
    return words;
  }

  private void unshape(int id) {
    Tools.attempt("tc", "-n", namespace(id), "qdisc", "delete", "dev", "eth0", "root");
  }

  @Override
  public synchronized void heal() {
    for (Cut cut : cuts) {
      neighbour(cut, "delete");
    }
    cuts.clear();
    shaped.forEach(this::unshape);
    shaped.clear();
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (int id = 1; id <= nodes; id++) {
      Tools.attempt("ip", "link", "delete", outer(id));
      Tools.attempt("ip", "netns", "delete", namespace(id));
    }
    Tools.attempt("ip", "link", "delete", name);
  }
}
