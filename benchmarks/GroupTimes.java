import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.Commit;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.DescribeGroupRequest;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Subscribe;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What groups do to their members' records and commits, in time. Started by groups.sh. */
public final class GroupTimes {
  private static final int NODES = 3;
  private static final int PARTITIONS = 12;
  private static final int MANY_PARTITIONS = 1_000;

  /** Of all partitions together, a second. */
  private static final int RECORDS = 1_200;

  private static final long WATCHED_MS = 3_000;
  private static final int LOAD_MS = 8_000;
  private static final int UNDER_WAY = 64;
  private static final int BROKER_KILLS = 3;

  private final Path work;
  private final String launcher;
  private final int basePort;
  private final List<Process> nodes = new ArrayList<>(Arrays.asList(null, null, null));
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final List<Process> children = new ArrayList<>();
  private final Table table = new Table();
  private volatile boolean producing = true;

  private GroupTimes(Path work, String launcher, int basePort) {
    this.work = work;
    this.launcher = launcher;
    this.basePort = basePort;
  }

  /** WORK LAUNCHER BASE_PORT ROUNDS, or: member PORT GROUP TOPIC, a member until it is killed. */
  public static void main(String[] args) throws Exception {
    if (args[0].equals("member")) {
      new Member(channel(Integer.parseInt(args[1])), args[2], args[3], false);
      System.in.read(); // until whoever has started it is gone
      return;
    }
    GroupTimes run = new GroupTimes(Path.of(args[0]), args[1], Integer.parseInt(args[2]));
    Runtime.getRuntime().addShutdownHook(new Thread(run::destroy));
    boolean met;
    try {
      met = run.go(Integer.parseInt(args[3]));
    } finally {
      run.destroy();
    }
    System.exit(met ? 0 : 1);
  }

  private boolean go(int rounds) throws Exception {
    for (int id = 1; id <= NODES; id++) {
      configure(id);
      start(id);
    }
    for (int id = 1; id <= NODES; id++) {
      channels.add(channel(grpcPort(id)));
    }
    createTopic("live", PARTITIONS);
    createTopic("one", 1);
    createTopic("many", MANY_PARTITIONS);
    try (KontikiClient client = KontikiClient.connect("127.0.0.1:" + basePort)) {
      Thread writer = new Thread(() -> produce(client), "writer");
      writer.start();
      try {
        warmUp();
        starts(rounds);
        rebalances(rounds);
      } finally {
        producing = false;
        writer.join();
      }
      commits("one partition", "one", 1);
      commits("1,000 partitions", "many", 10);
      coordinatorKills();
    }
    return table.print();
  }

  // Load

  private void produce(KontikiClient client) {
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      long step = TimeUnit.SECONDS.toNanos(1) / RECORDS;
      long due = System.nanoTime();
      byte[] value = new byte[100];
      for (int i = 0; producing; i++, due += step) {
        while (System.nanoTime() < due) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        var unused =
            producer.send(ProducerRecord.of("live", null, value).toPartition(i % PARTITIONS));
      }
    }
  }

  private void warmUp() throws Exception {
    for (int round = 0; round < 3; round++) {
      List<Member> members = new ArrayList<>();
      for (int i = 0; i < NODES; i++) {
        members.add(new Member(channels.get(i), "warm-up-" + round, "live", false));
      }
      await("members of the warm-up", () -> owned(members) == PARTITIONS);
      Thread.sleep(2_000);
      members.forEach(Member::leave);
    }
    Thread.sleep(500);
  }

  // From start to assigned

  private void starts(int rounds) throws Exception {
    List<Double> all = new ArrayList<>();
    for (int round = 0; round < 2 * rounds; round++) {
      String group = "start-" + round;
      long began = System.nanoTime();
      List<Member> members = new ArrayList<>();
      for (int i = 0; i < NODES; i++) {
        members.add(new Member(channels.get(i), group, "live", false));
      }
      await(
          "three members",
          () ->
              owned(members) == PARTITIONS
                  && members.stream().allMatch(member -> member.owned.size() == PARTITIONS / NODES));
      all.add((System.nanoTime() - began) / 1e6);
      members.forEach(Member::leave);
      Thread.sleep(100);
    }
    table.add("three members: start until each has its share", "ms", all, Double.NaN);
  }

  // Delivery gaps

  private void rebalances(int rounds) throws Exception {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < NODES; i++) {
      members.add(new Member(channels.get(i), "gaps", "live", false));
    }
    await("members", () -> owned(members) == PARTITIONS);
    Thread.sleep(1_000);
    Gaps nothing = new Gaps();
    Gaps join = new Gaps();
    Gaps leave = new Gaps();
    Gaps kill = new Gaps();
    for (int round = 0; round < rounds; round++) {
      watch(members, nothing, () -> {});
      List<Member> four = new ArrayList<>(members);
      watch(
          four,
          join,
          () -> four.add(new Member(channels.get(NODES - 1), "gaps", "live", false)));
      watch(four, leave, () -> four.get(NODES).leave());
      Process child = child(grpcPort(2), "gaps", "live");
      await("the fourth member's share", () -> owned(members) <= PARTITIONS - 3);
      Thread.sleep(1_500);
      watch(members, kill, child::destroyForcibly);
      child.waitFor();
    }
    members.forEach(Member::leave);
    table.add("longest wait for a record of any partition, nothing happens", "ms", nothing.kept, Double.NaN);
    double quiet = nothing.kept.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    // Zero cannot be told from what happens anyway; half as much again is the noise of a maximum.
    table.add("  kept partitions, a member joins", "ms", join.kept, 1.5 * quiet);
    table.add("  kept partitions, a member leaves", "ms", leave.kept, 1.5 * quiet);
    table.add("  kept partitions, a member is killed", "ms", kill.kept, 1.5 * quiet);
    table.add("  moved partitions, a member joins", "ms", join.moved, 300);
    table.add("  moved partitions, a member leaves", "ms", leave.moved, 300);
    table.add("  moved partitions, a member's process is killed", "ms", kill.moved, 1_000);
  }

  /** Does something, and finds out how long each partition was without a record. */
  private static void watch(List<Member> members, Gaps gaps, Action action) throws Exception {
    members.forEach(member -> member.delivered.clear());
    Thread.sleep(500);
    long began = System.nanoTime();
    action.run();
    Thread.sleep(WATCHED_MS);
    double kept = 0;
    double moved = 0;
    for (int partition = 0; partition < PARTITIONS; partition++) {
      TreeMap<Long, Member> times = new TreeMap<>();
      for (Member member : List.copyOf(members)) {
        for (long[] one : member.delivered) {
          if (one[0] == partition) {
            times.put(one[1], member);
          }
        }
      }
      var last = times.lowerEntry(began);
      boolean before = last != null;
      double longest = 0;
      boolean changed = !before;
      long from = before ? last.getKey() : began;
      Member owner = before ? last.getValue() : null;
      for (var next : times.tailMap(began).entrySet()) {
        longest = Math.max(longest, (next.getKey() - from) / 1e6);
        changed |= owner != next.getValue();
        from = next.getKey();
        owner = next.getValue();
      }
      longest = Math.max(longest, (System.nanoTime() - from) / 1e6 - 100);
      if (changed) {
        moved = Math.max(moved, longest);
      } else {
        kept = Math.max(kept, longest);
      }
    }
    gaps.kept.add(kept);
    gaps.moved.add(moved);
  }

  private interface Action {
    void run() throws Exception;
  }

  /** The longest of each round, in milliseconds. */
  private static final class Gaps {
    final List<Double> kept = new ArrayList<>();
    final List<Double> moved = new ArrayList<>();
  }

  // Commits

  private void commits(String what, String topic, int streams) throws Exception {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < streams; i++) {
      members.add(new Member(channels.get(i % NODES), "commits-" + topic, topic, true));
    }
    int partitions = topic.equals("one") ? 1 : MANY_PARTITIONS;
    await(
        "partitions of " + topic,
        () ->
            owned(members) == partitions
                && members.stream().allMatch(one -> one.owned.size() == partitions / streams));
    Figures alone = load(members, 1, 1, LOAD_MS / 2);
    table.add(what + ": a commit, one after the other, p50", "ms", List.of(alone.p50), Double.NaN);
    Figures busy = load(members, UNDER_WAY, 1, LOAD_MS);
    table.add(what + ": commits a second, 64 under way", "", List.of(busy.rate), Double.NaN);
    table.add(what + ": their p50", "ms", List.of(busy.p50), Double.NaN);
    if (partitions > 1) {
      int each = partitions / streams;
      Figures wide = load(members, streams, each, LOAD_MS);
      table.add(
          what + ": offsets a second, 100 in each commit", "", List.of(wide.rate * each), Double.NaN);
      table.add(what + ": their p50", "ms", List.of(wide.p50), Double.NaN);
    }
    members.forEach(Member::leave);
    Thread.sleep(500);
  }

  private static Figures load(List<Member> members, int underWay, int offsets, int ms)
      throws InterruptedException {
    Semaphore free = new Semaphore(underWay);
    members.forEach(member -> member.begin(free));
    long began = System.nanoTime();
    long end = began + TimeUnit.MILLISECONDS.toNanos(ms);
    for (int i = 0; System.nanoTime() < end; i++) {
      if (!free.tryAcquire(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("commits stand still");
      }
      members.get(i % members.size()).commitNext(offsets);
    }
    free.acquire(underWay);
    double seconds = (System.nanoTime() - began) / 1e9;
    List<Double> all = new ArrayList<>();
    members.forEach(member -> all.addAll(member.latencies));
    double[] sorted = all.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return new Figures(sorted.length / seconds, sorted[sorted.length / 2]);
  }

  /** Of a second, and in milliseconds. */
  private record Figures(double rate, double p50) {}

  private void coordinatorKills() throws Exception {
    List<Double> all = new ArrayList<>();
    for (int round = 0; round < BROKER_KILLS; round++) {
      String group = "kills-" + round;
      Member first = new Member(channels.get(0), group, "one", true);
      await("the member", () -> owned(List.of(first)) == 1);
      int leader = settledCoordinator(group);
      first.leave();
      int other = leader == 1 ? 3 : 1;
      Member member = new Member(channels.get(other - 1), group, "one", true);
      await("the member", () -> owned(List.of(member)) == 1);
      Semaphore free = new Semaphore(8);
      member.begin(free);
      long killAt = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
      long end = killAt + TimeUnit.SECONDS.toNanos(5);
      boolean killed = false;
      while (System.nanoTime() < end) {
        if (!killed && System.nanoTime() > killAt) {
          nodes.get(leader - 1).destroyForcibly();
          killed = true;
        }
        if (free.tryAcquire(20, TimeUnit.MILLISECONDS)) {
          member.commitNext(1);
        }
        Thread.sleep(2);
      }
      double longest = 0;
      long before = killAt;
      for (long at : member.answeredAt) {
        if (at > killAt) {
          longest = Math.max(longest, (at - before) / 1e6);
          before = at;
        }
      }
      all.add(Math.max(longest, (end - before) / 1e6));
      member.leave();
      nodes.get(leader - 1).waitFor();
      start(leader);
      Thread.sleep(8_000);
    }
    table.add("commits stand still, SIGKILL of the shard's leader", "ms", all, 1_000);
  }

  /** Who coordinates, once that has been the same for some time. */
  private int settledCoordinator(String group) throws InterruptedException {
    int leader = -1;
    for (int same = 0; same < 12; ) {
      int now = coordinator(group);
      same = now == leader ? same + 1 : 0;
      leader = now;
      Thread.sleep(500);
    }
    return leader;
  }

  private int coordinator(String group) {
    return AdminServiceGrpc.newBlockingStub(channels.get(0))
        .withDeadlineAfter(30, TimeUnit.SECONDS)
        .describeGroup(DescribeGroupRequest.newBuilder().setGroup(group).build())
        .getGroup()
        .getCoordinatorId();
  }

  // Members

  /** A stream that commits what it has as soon as it comes, or what it is told to. */
  private static final class Member implements StreamObserver<ConsumeResponse> {
    final ConcurrentLinkedQueue<long[]> delivered = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<Double> latencies = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<Long> answeredAt = new ConcurrentLinkedQueue<>();
    final java.util.concurrent.ConcurrentSkipListSet<Integer> owned =
        new java.util.concurrent.ConcurrentSkipListSet<>();
    private final String topic;
    private final StreamObserver<ConsumeRequest> out;
    private final ArrayDeque<long[]> waiting = new ArrayDeque<>();
    private Semaphore free = new Semaphore(0);
    private long next = 1;
    private int turn;
    private volatile boolean over;

    Member(ManagedChannel channel, String group, String topic, boolean assignmentsOnly) {
      this.topic = topic;
      this.out = LogServiceGrpc.newStub(channel).consume(this);
      send(
          ConsumeRequest.newBuilder()
              .setSubscribe(
                  Subscribe.newBuilder()
                      .setGroup(group)
                      .addTopics(topic)
                      .setAssignmentsOnly(assignmentsOnly))
              .build());
    }

    private synchronized void send(ConsumeRequest request) {
      if (!over) {
        out.onNext(request);
      }
    }

    void leave() {
      synchronized (this) {
        over = true;
        out.onCompleted();
      }
    }

    @Override
    public void onNext(ConsumeResponse event) {
      if (event.hasAssigned()) {
        event.getAssigned().getPartitionsList().forEach(one -> owned.add(one.getPartition()));
      } else if (event.hasRevoked()) {
        event.getRevoked().getPartitionsList().forEach(one -> owned.remove(one.getPartition()));
      } else if (event.hasRecords()) {
        delivered.add(new long[] {event.getRecords().getPartition(), System.nanoTime()});
        send(
            ConsumeRequest.newBuilder()
                .setCommit(Commit.newBuilder().addOffsets(event.getRecords().getPosition()))
                .build());
      } else if (event.hasRevoking()) {
        // With assignments_only nothing is delivered: given back at once.
        send(
            ConsumeRequest.newBuilder()
                .setRelease(
                    io.kontiki.v1.Release.newBuilder()
                        .addAllPartitions(event.getRevoking().getPartitionsList()))
                .build());
      } else if (event.hasCommitted()) {
        event.getCommitted().getOffsetsList().forEach(this::committed);
      }
    }

    /**
     * Answers come in the order of the commits. One that was repeated, because the coordinator
     * moved, is answered with a later offset.
     */
    private synchronized void committed(PartitionOffset stored) {
      long now = System.nanoTime();
      while (!waiting.isEmpty() && waiting.element()[0] <= stored.getOffset()) {
        latencies.add((now - waiting.remove()[1]) / 1e6);
        answeredAt.add(now);
        free.release();
      }
    }

    synchronized void begin(Semaphore permits) {
      free = permits;
      latencies.clear();
      answeredAt.clear();
    }

    /** Each commit has a higher offset than the one before, by which its answer is known. */
    synchronized void commitNext(int offsets) {
      List<Integer> mine = List.copyOf(owned);
      long offset = next++;
      Commit.Builder commit = Commit.newBuilder();
      for (int i = 0; i < offsets; i++) {
        commit.addOffsets(
            PartitionOffset.newBuilder()
                .setTopic(topic)
                .setPartition(mine.get(turn++ % mine.size()))
                .setOffset(offset));
      }
      waiting.add(new long[] {offset, System.nanoTime()});
      send(ConsumeRequest.newBuilder().setCommit(commit).build());
    }

    @Override
    public void onError(Throwable failure) {
      if (!over) {
        over = true;
        System.err.println("a member's stream ended: " + failure);
      }
    }

    @Override
    public void onCompleted() {
      over = true;
    }
  }

  private static int owned(List<Member> members) {
    TreeSet<Integer> all = new TreeSet<>();
    members.forEach(member -> all.addAll(member.owned));
    return all.size();
  }

  private Process child(int port, String group, String topic) throws IOException {
    Process child =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                GroupTimes.class.getName(),
                "member",
                "" + port,
                group,
                topic)
            .redirectErrorStream(true)
            .redirectOutput(new File(work.toFile(), "member.log"))
            .start();
    children.add(child);
    return child;
  }

  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("not within a minute: " + what);
      }
      LockSupport.parkNanos(500_000);
    }
  }

  // Nodes

  private int grpcPort(int id) {
    return basePort + (id - 1) * 10;
  }

  private static ManagedChannel channel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  private void createTopic(String name, int partitions) throws InterruptedException {
    CreateTopicRequest request =
        CreateTopicRequest.newBuilder()
            .setName(name)
            .setPartitions(partitions)
            .setReplicationFactor(NODES)
            .build();
    for (int i = 0; ; i++) {
      try {
        var unused =
            AdminServiceGrpc.newBlockingStub(channels.get(0))
                .withWaitForReady()
                .withDeadlineAfter(60, TimeUnit.SECONDS)
                .createTopic(request);
        return;
      } catch (io.grpc.StatusRuntimeException e) {
        if (i == 60) {
          throw e;
        }
        Thread.sleep(500); // fewer than three brokers are there yet
      }
    }
  }

  private void configure(int id) throws IOException {
    StringBuilder voters = new StringBuilder();
    for (int voter = 1; voter <= NODES; voter++) {
      voters.append(voter == 1 ? "" : ",").append(voter).append("@127.0.0.1:");
      voters.append(grpcPort(voter) + 1);
    }
    int port = grpcPort(id);
    Files.write(
        work.resolve("node-" + id + ".conf"),
        List.of(
            "node.id = " + id,
            "data.dir = " + work.resolve("node-" + id),
            "cluster.voters = " + voters,
            "grpc.listen = 127.0.0.1:" + port,
            "raft.listen = 127.0.0.1:" + (port + 1),
            "http.listen = 127.0.0.1:" + (port + 2),
            "replication.listen = 127.0.0.1:" + (port + 4)));
  }

  private void start(int id) throws IOException {
    nodes.set(
        id - 1,
        new ProcessBuilder(
                launcher, "server", "--config", work.resolve("node-" + id + ".conf").toString())
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(work.resolve("node-" + id + ".log").toFile()))
            .start());
  }

  private void destroy() {
    producing = false;
    children.forEach(Process::destroyForcibly);
    nodes.stream().filter(node -> node != null).forEach(Process::destroyForcibly);
    channels.forEach(ManagedChannel::shutdownNow);
  }

  /** Figures with their targets. */
  private static final class Table {
    private final List<String> lines = new ArrayList<>();
    private boolean met = true;

    void add(String what, String unit, List<Double> runs, double target) {
      double[] sorted = runs.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      double worst = sorted[sorted.length - 1];
      boolean ok = Double.isNaN(target) || worst <= target;
      met &= ok;
      String figures = number(sorted[sorted.length / 2]);
      if (sorted.length > 1) {
        figures += ", worst " + number(worst);
      }
      String line =
          String.format(
              Locale.ROOT,
              "%-62s %28s  %s",
              what,
              figures + (unit.isEmpty() ? "" : " " + unit),
              Double.isNaN(target) ? "" : (ok ? "ok" : "MISSED") + ", at most " + number(target));
      lines.add(line.stripTrailing());
      System.err.println("groups: " + line.stripTrailing());
    }

    private static String number(double value) {
      return String.format(Locale.ROOT, value < 100 ? "%.1f" : "%,.0f", value);
    }

    boolean print() {
      System.out.printf(Locale.ROOT, "%-62s %28s  %s%n", "", "median", "target");
      lines.forEach(System.out::println);
      return met;
    }
  }
}
