package io.kontiki.broker.partition;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.ReplicaTimes;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.slf4j.LoggerFactory;

/**
 * Brokers, three if not told otherwise, with real partitions over in-memory logs, streams and
 * metadata.
 */
final class TestCluster {
  static final long MS = 1_000_000L;

  static {
    // Thousands of role changes a second are nothing to read about, unless one asks for them.
    ((Logger) LoggerFactory.getLogger("io.kontiki"))
        .setLevel(Level.toLevel(System.getProperty("kontiki.test.log"), Level.WARN));
  }

  static final PartitionId P0 = new PartitionId(new TopicId(7, 7), 0);

  final SimulatedTime time = new SimulatedTime();
  final TestController controller;
  final TestNetwork network;
  final TreeMap<Integer, TestNode> nodes = new TreeMap<>();
  final Durability durability;

  /** Of all brokers that start from now on. */
  ReplicationLimits limits = ReplicationLimits.DEFAULT;

  /** Of each broker that starts from now on; one for all of them. */
  CatchUpBudget catchUp = CatchUpBudget.NONE;

  /** Told by all brokers that start from now on. */
  ReplicationMeters meters = ReplicationMeters.NONE;

  /** Off: everything takes a little time, nothing is lost. */
  boolean faults;

  private final SeededRandom random;

  TestCluster(long seed, Durability durability) {
    this(seed, durability, false);
  }

  /**
   * @param engine real logs on a disk in memory, instead of simple ones
   */
  TestCluster(long seed, Durability durability, boolean engine) {
    this(seed, durability, engine, 3);
  }

  /** The same with more or fewer brokers. */
  TestCluster(long seed, Durability durability, boolean engine, int brokers) {
    this.random = new SeededRandom(seed);
    this.durability = durability;
    this.controller = new TestController(durability, 2);
    this.network = new TestNetwork(() -> delay(300_000, 3 * MS));
    for (int broker = 1; broker <= brokers; broker++) {
      nodes.put(broker, new TestNode(broker, engine));
      controller.register(broker);
    }
  }

  long delay(long usual, long worst) {
    return faults ? random.nextInt((int) worst) : usual;
  }

  /** A broker over its lives. */
  final class TestNode {
    final int id;
    final TestStorage storage;
    final TestConditions conditions = new TestConditions();
    boolean leased = true;
    VirtualLoop loop;
    LoopPartitions partitions;
    private final TreeSet<PartitionId> mine = new TreeSet<>();
    private long registeredAt;
    private long applied = -1;
    private long epoch;
    private int life;

    private long stuckUntil;
    private long slowNanos;
    private boolean paused;

    TestNode(int id, boolean engine) {
      this.id = id;
      this.storage =
          engine
              ? new TestStorage.Engine(durability, time, () -> syncNanos(250_000, 2 * MS))
              : new TestStorage.Simple(durability, () -> syncNanos(500_000, 5 * MS));
    }

    private long syncNanos(long usual, long worst) {
      long stuck = stuckUntil - time.clock().nanoTime();
      return Math.max(stuck, Math.max(slowNanos, delay(usual, worst)));
    }

    /** Syncs that begin from now on end after so much time. */
    void stickDiskMs(long ms) {
      stuckUntil = time.clock().nanoTime() + ms * MS;
    }

    /** Each sync takes so long; 0: as usual. */
    void slowDiskMs(long ms) {
      slowNanos = ms * MS;
    }

    /** The process stands still, or goes on. */
    void pause(boolean still) {
      paused = still;
      if (still) {
        loop.pause();
      } else {
        loop.resume();
      }
    }

    boolean paused() {
      return paused;
    }

    long epoch() {
      return epoch;
    }

    boolean up() {
      return loop != null;
    }

    void start() {
      life++;
      loop = time.newLoop("broker " + id + " life " + life);
      if (controller.epochs.get(id) == epoch) {
        controller.register(id);
      }
      epoch = controller.epochs.get(id);
      registeredAt = controller.version;
      applied = -1;
      partitions =
          new LoopPartitions(
              0,
              loop,
              storage.start(loop),
              network.transport(id, loop),
              new Proposals(),
              () -> leased,
              new ReplicationPolicy(limits, ReplicaTimes.DEFAULT, catchUp, meters),
              new Housekeeping(conditions, 1_000 * MS));
      network.up(id, new TestNetwork.Node(loop, partitions));
    }

    /** The way to the metadata: answers and requests are lost, and copies come late (R17). */
    private final class Proposals implements IsrProposals {
      @Override
      public void propose(List<IsrProposal> proposals, Completion<List<IsrOutcome>> completion) {
        long ownEpoch = epoch;
        send(proposals, one -> controller.alter(id, ownEpoch, one), completion);
      }

      @Override
      public void resign(List<Resignation> resignations, Completion<List<IsrOutcome>> completion) {
        long ownEpoch = epoch;
        send(resignations, one -> controller.resign(id, ownEpoch, one), completion);
      }

      private <T> void send(
          List<T> wishes, Function<T, IsrOutcome> ask, Completion<List<IsrOutcome>> completion) {
        VirtualLoop own = loop;
        List<IsrOutcome> outcomes = new ArrayList<>();
        own.schedule(
            delay(MS, 20 * MS),
            () -> {
              for (T wish : wishes) {
                boolean lost = faults && random.oneIn(4);
                IsrOutcome outcome =
                    lost && random.oneIn(2) ? new IsrOutcome.Unknown() : ask.apply(wish);
                if (faults && random.oneIn(6)) {
                  time.newLoop("late").schedule(delay(MS, 100 * MS), () -> ask.apply(wish));
                }
                outcomes.add(lost ? new IsrOutcome.Unknown() : outcome);
              }
              own.schedule(delay(MS, 50 * MS), () -> completion.complete(outcomes));
            });
      }
    }

    /** Applies the newest image, jumping over what lay between (rule M8). */
    void learn() {
      if (up() && !paused && controller.version >= registeredAt && applied < controller.version) {
        TestController.Image image = controller.image(id);
        if (image.brokers().localEpoch() == epoch) {
          applied = image.version();
          loop.run(() -> partitions.apply(image.brokers(), image.assigned()));
          List<PartitionId> assigned =
              image.assigned().stream().map(PartitionAssignment::id).toList();
          for (PartitionId gone : List.copyOf(mine)) {
            if (!assigned.contains(gone)) {
              loop.run(() -> partitions.remove(gone, log -> {}));
              storage.delete(gone);
            }
          }
          mine.clear();
          mine.addAll(assigned);
        }
      }
    }

    /** Unfences it when it has applied its registration (rule R1). */
    void unfence() {
      if (up()
          && !paused
          && applied >= registeredAt
          && controller.epochs.get(id) == epoch
          && controller.fenced.contains(id)) {
        controller.unfence(id);
      }
    }

    void kill(boolean power) {
      if (!up()) {
        return;
      }
      loop.stop();
      loop = null;
      paused = false;
      network.down(id);
      storage.die(power, random);
    }

    /** A log of simple storage. */
    TestLog log(PartitionId partitionId) {
      return ((TestStorage.Simple) storage).logs.get(partitionId);
    }

    Partition partition(PartitionId partitionId) {
      return partitions.partition(partitionId);
    }
  }

  /** All up and unfenced, with one partition on all of them that broker 1 leads. */
  void startAll() {
    nodes.values().forEach(TestNode::start);
    settle();
    create(P0, 1, 2, 3);
  }

  void create(PartitionId id, Integer... replicas) {
    controller.create(id, List.of(replicas));
    settle();
  }

  /** Everybody learns what there is to learn, and time passes. */
  void settle() {
    for (int i = 0; i < 20; i++) {
      for (TestNode node : nodes.values()) {
        node.learn();
        node.unfence();
        node.learn();
      }
      time.advanceMs(20);
    }
  }

  TestNode node(int id) {
    return nodes.get(id);
  }
}
