package io.kontiki.chaos.simulation;

import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Connections between machines as TCP has them: each direction in order, or broken. What is sent
 * into a cut link waits, as it would be sent again and again, and arrives when the link is mended,
 * unless the connection was broken meanwhile; connections overtake each other. A machine without
 * power says nothing; one whose process is dead refuses.
 */
final class Network {
  private static final long MS = 1_000_000;

  /** After so long without a word from a machine that is off a connection is given up. */
  private static final long KEEP_ALIVE_NANOS = 13_000 * MS;

  private final SimulatedTime time;
  private final SeededRandom random;
  private final Trace trace;
  private final TreeMap<Integer, Host> hosts = new TreeMap<>();
  private final TreeMap<Long, Link> links = new TreeMap<>();
  private final Set<Connection> open = new LinkedHashSet<>();
  private long baseNanos = 200_000;
  private long jitterNanos = 300_000;

  /** What a try to connect shows. */
  enum Shown {
    ANSWERED,
    REFUSED,
    SILENT
  }

  Network(SimulatedTime time, SeededRandom random, Trace trace) {
    this.time = time;
    this.random = random;
    this.trace = trace;
  }

  private static final class Host {
    private boolean power = true;
    private boolean listening;
  }

  /** One direction between two machines. */
  private static final class Link {
    private boolean cut;
    private long extraNanos;
    private int slowOneIn;
    private final Set<Pipe> stuck = new LinkedHashSet<>();
  }

  /** How long messages usually take: at least, and by chance so much more. */
  void usual(long base, long jitter) {
    baseNanos = base;
    jitterNanos = jitter;
  }

  private Host host(int machine) {
    return hosts.computeIfAbsent(machine, id -> new Host());
  }

  private Link link(int from, int to) {
    return links.computeIfAbsent(((long) from << 32) | to, key -> new Link());
  }

  /** Its process takes connections from now on, or no more. */
  void listening(int machine, boolean listens) {
    host(machine).listening = listens;
  }

  /** Whether something can get from one to the other at the moment. */
  boolean reaches(int from, int to) {
    return from == to || !link(from, to).cut;
  }

  /** Nothing gets from one machine to the other; the way back stays. */
  void cut(int from, int to) {
    link(from, to).cut = true;
  }

  /** Everything takes so much longer in one direction. */
  void slow(int from, int to, long extraNanos) {
    link(from, to).extraNanos = extraNanos;
  }

  /** One message in so many is lost at first, and sent again; 0: none. */
  void lossy(int from, int to, int oneIn) {
    link(from, to).slowOneIn = oneIn;
  }

  /** One direction works again; its connections go on or break, as chance has it. */
  void mend(int from, int to) {
    Link link = link(from, to);
    link.cut = false;
    link.extraNanos = 0;
    link.slowOneIn = 0;
    for (Pipe pipe : List.copyOf(link.stuck)) {
      if (random.oneIn(3)) {
        pipe.connection.reset("broken by the network");
      } else {
        pipe.flush();
      }
    }
    link.stuck.clear();
  }

  /** All links work again. */
  void mendAll() {
    for (long key : List.copyOf(links.keySet())) {
      mend((int) (key >>> 32), (int) key);
    }
  }

  boolean anyCut() {
    return links.values().stream().anyMatch(link -> link.cut);
  }

  /** Its process ended: its machine closes what it had open, behind what was sent. */
  void processDied(int machine) {
    host(machine).listening = false;
    for (Connection connection : List.copyOf(open)) {
      if (connection.touches(machine)) {
        connection.dieAt(machine);
      }
    }
  }

  /** The machine lost power: it says nothing more. */
  void powerOff(int machine) {
    host(machine).listening = false;
    host(machine).power = false;
    for (Connection connection : List.copyOf(open)) {
      if (connection.touches(machine)) {
        connection.silenceAt(machine);
      }
    }
  }

  /** The machine runs again: it knows nothing of connections of before. */
  void powerOn(int machine) {
    host(machine).power = true;
    for (Connection connection : List.copyOf(open)) {
      if (connection.touches(machine) && connection.silent) {
        time.after(
            random.nextInt(1_000) * MS,
            () -> connection.reset("the machine knows nothing of this connection"));
      }
    }
  }

  /** Breaks all connections of a machine. */
  void breakAll(int machine, String why) {
    for (Connection connection : List.copyOf(open)) {
      if (connection.touches(machine)) {
        connection.reset(why);
      }
    }
  }

  /** Breaks a connection by chance; false if there is none. */
  boolean breakOne() {
    if (open.isEmpty()) {
      return false;
    }
    int skip = random.nextInt(open.size());
    for (Connection connection : open) {
      if (skip-- == 0) {
        connection.reset("broken by the network");
        return true;
      }
    }
    return false;
  }

  /**
   * Tries to reach a machine's process.
   *
   * @param patienceNanos silence is told after it
   */
  void connect(int from, int to, long patienceNanos, Consumer<Shown> shown) {
    long there = latency(from, to);
    time.after(
        there,
        () -> {
          Host host = host(to);
          boolean heard = reaches(from, to) && host.power;
          if (!heard || !reaches(to, from)) {
            time.after(Math.max(0, patienceNanos - there), () -> shown.accept(Shown.SILENT));
          } else {
            Shown what = host.listening ? Shown.ANSWERED : Shown.REFUSED;
            time.after(latency(to, from), () -> shown.accept(what));
          }
        });
  }

  private long latency(int from, int to) {
    if (from == to) {
      return 20_000;
    }
    Link link = link(from, to);
    long nanos = baseNanos + random.nextInt((int) jitterNanos + 1) + link.extraNanos;
    if (link.slowOneIn > 0 && random.oneIn(link.slowOneIn)) {
      nanos += (200 + random.nextInt(400)) * MS;
    }
    return nanos;
  }

  /** An open connection; both ends hear of its end through their handlers. */
  Connection open(int client, int server) {
    Connection connection = new Connection(client, server);
    open.add(connection);
    return connection;
  }

  /** Two pipes that break together. */
  final class Connection {
    final Pipe toServer;
    final Pipe toClient;
    private final int client;
    private final int server;
    private boolean over;
    private boolean silent;

    private Connection(int client, int server) {
      this.client = client;
      this.server = server;
      this.toServer = new Pipe(this, client, server);
      this.toClient = new Pipe(this, server, client);
    }

    private boolean touches(int machine) {
      return client == machine || server == machine;
    }

    /** Both ends hear that it is over; what is under way is lost. */
    void reset(String why) {
      if (over) {
        return;
      }
      trace.add(41, client * 1000L + server, () -> "connection " + this + " breaks: " + why);
      end();
      toServer.dead = true;
      toClient.dead = true;
      Consumer<String> atServer = toServer.onEnd;
      Consumer<String> atClient = toClient.onEnd;
      time.after(random.nextInt(2_000_000), () -> atServer.accept(why));
      time.after(random.nextInt(2_000_000), () -> atClient.accept(why));
    }

    /** Ends without anybody hearing of it. */
    void end() {
      over = true;
      open.remove(this);
      toServer.forget();
      toClient.forget();
    }

    private void dieAt(int machine) {
      Pipe out = client == machine ? toServer : toClient;
      Pipe in = client == machine ? toClient : toServer;
      in.dead = true;
      Consumer<String> other = out.onEnd;
      out.send(
          () -> {
            if (!over) {
              end();
              out.dead = true;
              other.accept("connection reset");
            }
          });
    }

    private void silenceAt(int machine) {
      silent = true;
      (client == machine ? toClient : toServer).dead = true;
      time.after(KEEP_ALIVE_NANOS, () -> reset("no answer to pings"));
    }

    @Override
    public String toString() {
      return client + " -> " + server;
    }
  }

  /** One direction of a connection. */
  final class Pipe {
    private final Connection connection;
    private final int from;
    private final int to;
    private final Link link;
    private final ArrayDeque<Runnable> held = new ArrayDeque<>();
    private Consumer<String> onEnd = why -> {};
    private long lastArrival;
    private boolean dead;

    private Pipe(Connection connection, int from, int to) {
      this.connection = connection;
      this.from = from;
      this.to = to;
      this.link = link(from, to);
    }

    /** Told at the receiving end when the connection is broken. */
    void onEnd(Consumer<String> handler) {
      onEnd = handler;
    }

    /** Brings something to the other end, behind what was sent before. */
    void send(Runnable arrive) {
      if (dead) {
        return;
      }
      long now = time.clock().nanoTime();
      lastArrival = Math.max(lastArrival, now + latency(from, to));
      time.after(lastArrival - now, () -> arrives(arrive));
    }

    private void arrives(Runnable arrive) {
      if (dead) {
        return;
      }
      if (!held.isEmpty() || !reaches(from, to)) {
        held.add(arrive);
        link.stuck.add(this);
      } else {
        arrive.run();
      }
    }

    private void flush() {
      List<Runnable> all = new ArrayList<>(held);
      held.clear();
      all.forEach(this::send);
    }

    private void forget() {
      held.clear();
      link.stuck.remove(this);
    }
  }
}
