package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import io.kontiki.runtime.system.LoopbackPorts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;

/**
 * All nodes on loopback addresses, and between any two of them, each way and for each kind of
 * traffic, a {@link TcpProxy}: for those who may not make network namespaces.
 *
 * <p>All nodes are told the same names of each other, {@code kontiki-1} and so on. What a name
 * means, a file says that is each node's own ({@code jdk.net.hosts.file}): for node 1, {@code
 * kontiki-2} is where the proxy on the way from 1 to 2 listens. The clients' way is told by
 * address.
 *
 * <p>Unlike a packet that gets lost, what a proxy holds back is known to have been taken: a
 * connection over a cut way is made, and silent.
 */
final class Proxies implements Network {
  private static final int CLIENTS_HOST = 250;
  private static final List<String> NODES_PURPOSES = List.of("raft", "replication");
  private static final List<String> CLIENTS_PURPOSES = List.of("grpc", "http", "kafka");

  private final int nodes;
  private final Path dir;
  private final String net;
  private final TcpProxy proxy = new TcpProxy();
  private final Map<Integer, Map<String, Integer>> ports = new TreeMap<>();
  private final Map<Integer, Wire> wires = new TreeMap<>();
  private final List<Way> ways = new ArrayList<>();

  /** From who connects to who listens. */
  private record Way(int from, int to, Lane lane, TcpProxy.Door door) {}

  /** Why there can be none on this machine; empty if there can. */
  static String impossible() {
    String net = net();
    return isOurs(net + ".1.1")
        ? ""
        : "this machine does not listen on " + net + ".1.1, as it should on any 127.x.y.z";
  }

  /**
   * Makes it.
   *
   * @param dir for the files of names
   * @param seed of delays and losses
   */
  Proxies(int nodes, Path dir, long seed) {
    this.nodes = nodes;
    this.dir = dir;
    this.net = net();
    for (int id = 1; id <= nodes; id++) {
      Map<String, Integer> own = new LinkedHashMap<>();
      CLIENTS_PURPOSES.forEach(purpose -> own.put(purpose, LoopbackPorts.next()));
      NODES_PURPOSES.forEach(purpose -> own.put(purpose, LoopbackPorts.next()));
      ports.put(id, own);
    }
    Random random = new Random(seed);
    for (int id = Cut.CLIENTS; id <= nodes; id++) {
      wires.put(id, new Wire(new Random(random.nextLong())));
    }
    try {
      for (int to = 1; to <= nodes; to++) {
        for (String purpose : CLIENTS_PURPOSES) {
          connect(Cut.CLIENTS, to, purpose);
        }
        for (int from = 1; from <= nodes; from++) {
          for (String purpose : from == to ? List.<String>of() : NODES_PURPOSES) {
            connect(from, to, purpose);
          }
        }
        writeHosts(to);
      }
    } catch (IOException e) {
      proxy.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      proxy.close();
      throw e;
    }
  }

  /** Of this process: two runs at once do not meet. */
  private static String net() {
    return "127." + (2 + ProcessHandle.current().pid() % CLIENTS_HOST);
  }

  private static boolean isOurs(String address) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getByName(address), 0));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void connect(int from, int to, String purpose) {
    ways.add(
        new Way(
            from,
            to,
            lane(purpose),
            proxy.add(address(from, to, purpose), address(to, to, purpose), wire(from), wire(to))));
  }

  private static Lane lane(String purpose) {
    return switch (purpose) {
      case "raft" -> Lane.QUORUM;
      case "replication" -> Lane.REPLICATION;
      default -> Lane.CLIENTS;
    };
  }

  private Wire wire(int id) {
    return Objects.requireNonNull(wires.get(id), "of a place");
  }

  private String host(int from, int to) {
    return net + "." + (from == Cut.CLIENTS ? CLIENTS_HOST : from) + "." + to;
  }

  private static String name(int id) {
    return "kontiki-" + id;
  }

  private int port(int id, String purpose) {
    return ports.getOrDefault(id, Map.of()).getOrDefault(purpose, 0);
  }

  private InetSocketAddress address(int from, int to, String purpose) {
    return new InetSocketAddress(host(from, to), port(to, purpose));
  }

  private void writeHosts(int id) throws IOException {
    StringBuilder text = new StringBuilder();
    text.append("127.0.0.1 localhost ").append(InetAddress.getLocalHost().getHostName());
    text.append('\n');
    for (int other = 1; other <= nodes; other++) {
      text.append(host(id, other)).append(' ').append(name(other)).append('\n');
    }
    Files.writeString(hosts(id), text);
  }

  private Path hosts(int id) {
    return dir.resolve("hosts-" + id);
  }

  @Override
  public Map<String, Endpoint> endpoints(int id) {
    Map<String, Endpoint> all = new LinkedHashMap<>();
    for (String purpose : CLIENTS_PURPOSES) {
      all.put(purpose, new Endpoint(host(Cut.CLIENTS, id), port(id, purpose)));
    }
    for (String purpose : NODES_PURPOSES) {
      all.put(purpose, new Endpoint(name(id), port(id, purpose)));
    }
    return all;
  }

  @Override
  public Map<String, Endpoint> listeners(int id) {
    Map<String, Endpoint> all = new LinkedHashMap<>();
    ports
        .getOrDefault(id, Map.of())
        .forEach((purpose, port) -> all.put(purpose, new Endpoint(host(id, id), port)));
    return all;
  }

  @Override
  public String description() {
    return "loopback addresses, and proxies between any two";
  }

  @Override
  public List<String> prefix(int id) {
    return List.of();
  }

  @Override
  public List<String> jvmOptions(int id) {
    return List.of("-Djdk.net.hosts.file=" + hosts(id));
  }

  @Override
  public Map<Ability, String> missing() {
    return Map.of();
  }

  @Override
  public void cut(Collection<Cut> cuts) {
    for (Cut cut : cuts) {
      for (Way way : ways) {
        if (way.lane() == cut.lane()) {
          if (way.from() == cut.from() && way.to() == cut.to()) {
            proxy.setCut(way.door(), true, true);
          } else if (way.from() == cut.to() && way.to() == cut.from()) {
            proxy.setCut(way.door(), false, true); // its answers go the same way
          }
        }
      }
    }
  }

  @Override
  public void slow(int id) {
    proxy.become(wire(id), Wire.Kind.SLOW);
  }

  @Override
  public void lossy(int id) {
    proxy.become(wire(id), Wire.Kind.LOSSY);
  }

  @Override
  public void heal() {
    for (Way way : ways) {
      proxy.setCut(way.door(), true, false);
      proxy.setCut(way.door(), false, false);
    }
    wires.values().forEach(wire -> proxy.become(wire, Wire.Kind.FAST));
  }

  @Override
  public void close() {
    proxy.close();
  }
}
