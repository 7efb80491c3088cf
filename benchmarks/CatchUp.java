import io.kontiki.client.Admin;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.v1.BrokerState;
import io.kontiki.v1.PartitionDescription;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * What a returning replica costs those who write: three nodes, acks=all at a steady rate, and one
 * follower that comes back with a backlog. Started by catchup.sh.
 */
public final class CatchUp {
  private static final int PARTITIONS = 8;
  private static final int BULK_RECORD = 64 * 1024;
  private static final int LIVE_RECORD = 1024;

  private final List<Process> nodes = new ArrayList<>(Arrays.asList(null, null, null));
  private final Path work;
  private final String launcher;
  private final int basePort;
  private final ConcurrentLinkedQueue<Long> latencies = new ConcurrentLinkedQueue<>();
  private volatile boolean stopping;
  private final AtomicInteger failures = new AtomicInteger();

  private CatchUp(Path work, String launcher, int basePort) {
    this.work = work;
    this.launcher = launcher;
    this.basePort = basePort;
  }

  /** WORK LAUNCHER BASE_PORT MIB RATE [KEY=VALUE...]. */
  public static void main(String[] args) throws Exception {
    CatchUp run = new CatchUp(Path.of(args[0]), args[1], Integer.parseInt(args[2]));
    Runtime.getRuntime().addShutdownHook(new Thread(run::destroy));
    try {
      run.go(
          Integer.parseInt(args[3]),
          Integer.parseInt(args[4]),
          List.of(args).subList(5, args.length));
    } finally {
      run.destroy();
    }
  }

  private void go(int backlogMib, int rate, List<String> settings) throws Exception {
    for (int id = 1; id <= 3; id++) {
      configure(id, settings);
      start(id);
    }
    String bootstrap = "127.0.0.1:" + basePort + ",127.0.0.1:" + (basePort + 10);
    try (KontikiClient client = KontikiClient.connect(bootstrap)) {
      Admin admin = client.admin();
      for (String topic : List.of("live", "bulk")) {
        create(admin, topic);
      }
      awaitFull(admin, 60);
      try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
        phase(producer, rate, 10); // compilers
        Figures before = phase(producer, rate, 20);
        System.out.println("three in sync:        " + before);
        nodes.get(2).destroyForcibly().waitFor();
        phase(producer, rate, 5);
        fill(producer, backlogMib);
        Figures two = phase(producer, rate, 20);
        System.out.println("two, one is down:     " + two);
        Thread writer = steady(producer, rate);
        latencies.clear();
        start(3);
        long began = System.nanoTime();
        awaitServing(admin);
        double starting = (System.nanoTime() - began) / 1e9;
        Figures start = Figures.of(latencies);
        latencies.clear();
        awaitFull(admin, 3_600);
        double seconds = (System.nanoTime() - began) / 1e9 - starting;
        Figures during = Figures.of(latencies);
        latencies.clear();
        stopping = true;
        writer.join();
        System.out.println("while it starts:      " + start);
        System.out.println("while it catches up:  " + during);
        Figures after = phase(producer, rate, 20);
        System.out.println("three in sync again:  " + after);
        System.out.printf(
            "%d MiB missing: %.1f s until the process serves, %.1f s more until in-sync sets are full"
                + " (%.0f MiB/s); failed appends: %d%n",
            backlogMib, starting, seconds, backlogMib / seconds, failures.get());
        System.out.printf(
            "ratio to the mean of before and after: p50 %.2f, p99 %.2f%n",
            during.p50 * 2 / (before.p50 + after.p50),
            during.p99 * 2 / (before.p99 + after.p99));
      }
    }
  }

  private static void create(Admin admin, String topic) throws Exception {
    for (int i = 0; ; i++) {
      try {
        admin.createTopic(topic, PARTITIONS, 3, Map.of()).get(30, TimeUnit.SECONDS);
        return;
      } catch (ExecutionException e) {
        if (i == 60) {
          throw e;
        }
        Thread.sleep(500); // fewer than three brokers are there yet
      }
    }
  }

  private Thread steady(Producer producer, int rate) {
    stopping = false;
    Thread thread = new Thread(() -> write(producer, rate, () -> stopping), "steady");
    thread.start();
    return thread;
  }

  private Figures phase(Producer producer, int rate, int seconds) {
    latencies.clear();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    write(producer, rate, () -> System.nanoTime() > end);
    producer.flush().join();
    return Figures.of(latencies);
  }

  /** Open loop: a record that is late counts from when it was due. */
  private void write(Producer producer, int rate, BooleanSupplier done) {
    long step = 1_000_000_000L / rate;
    long due = System.nanoTime();
    byte[] value = new byte[LIVE_RECORD];
    for (int number = 0; !done.getAsBoolean(); number++, due += step) {
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      long from = due;
      producer
          .send(ProducerRecord.of("live", null, value).toPartition(number % PARTITIONS))
          .whenComplete(
              (stored, failure) -> {
                if (failure == null) {
                  latencies.add(System.nanoTime() - from);
                } else {
                  failures.incrementAndGet();
                }
              });
    }
  }

  private static void fill(Producer producer, int mib) throws InterruptedException {
    Semaphore underWay = new Semaphore(128);
    byte[] value = new byte[BULK_RECORD];
    new Random(1).nextBytes(value);
    for (int i = 0; i < mib * 16; i++) {
      underWay.acquire();
      producer
          .send(ProducerRecord.of("bulk", null, value).toPartition(i % PARTITIONS))
          .whenComplete((stored, failure) -> underWay.release());
    }
    underWay.acquire(128);
  }

  private static void awaitServing(Admin admin) {
    while (admin.listBrokers().join().stream()
            .filter(broker -> broker.getState() == BrokerState.BROKER_STATE_ACTIVE)
            .count()
        < 3) {
      LockSupport.parkNanos(20_000_000L);
    }
  }

  private static void awaitFull(Admin admin, int seconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (System.nanoTime() < end) {
      boolean full = true;
      for (String topic : List.of("live", "bulk")) {
        for (PartitionDescription partition :
            admin.describeTopic(topic).join().getPartitionsList()) {
          full &= partition.getIsrCount() == 3;
        }
      }
      if (full) {
        return;
      }
      Thread.sleep(100);
    }
    throw new IllegalStateException("in-sync sets are not full after " + seconds + " s");
  }

  private void configure(int id, List<String> settings) throws IOException {
    int port = basePort + (id - 1) * 10;
    List<String> lines = new ArrayList<>(settings);
    lines.add("node.id = " + id);
    // The third node may have a disk of its own.
    Path home = id == 3 ? Path.of(System.getProperty("third.dir", work.toString())) : work;
    lines.add("data.dir = " + home.resolve("node-" + id));
    StringBuilder voters = new StringBuilder();
    for (int voter = 1; voter <= 3; voter++) {
      voters.append(voter == 1 ? "" : ",").append(voter).append("@127.0.0.1:");
      voters.append(basePort + (voter - 1) * 10 + 1);
    }
    lines.add("cluster.voters = " + voters);
    lines.add("grpc.listen = 127.0.0.1:" + port);
    lines.add("raft.listen = 127.0.0.1:" + (port + 1));
    lines.add("http.listen = 127.0.0.1:" + (port + 2));
    lines.add("replication.listen = 127.0.0.1:" + (port + 4));
    Files.write(work.resolve("node-" + id + ".conf"), lines);
  }

  private void start(int id) throws IOException {
    String config = work.resolve("node-" + id + ".conf").toString();
    Path log = work.resolve("node-" + id + ".log");
    nodes.set(
        id - 1,
        new ProcessBuilder(launcher, "server", "--config", config)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start());
  }

  private void destroy() {
    for (Process node : nodes) {
      if (node != null) {
        node.destroyForcibly();
      }
    }
  }

  /** In milliseconds. */
  private record Figures(int count, double p50, double p99, double max) {
    static Figures of(Iterable<Long> nanos) {
      List<Long> all = new ArrayList<>();
      nanos.forEach(all::add);
      long[] sorted = all.stream().mapToLong(Long::longValue).sorted().toArray();
      if (sorted.length == 0) {
        return new Figures(0, Double.NaN, Double.NaN, Double.NaN);
      }
      return new Figures(
          sorted.length, at(sorted, 0.5), at(sorted, 0.99), sorted[sorted.length - 1] / 1e6);
    }

    private static double at(long[] sorted, double quantile) {
      return sorted[(int) (quantile * (sorted.length - 1))] / 1e6;
    }

    @Override
    public String toString() {
      return String.format(
          "p50 %.2f ms, p99 %.2f ms, worst %.0f ms, %d records", p50, p99, max, count);
    }
  }
}
