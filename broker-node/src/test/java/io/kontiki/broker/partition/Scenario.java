package io.kontiki.broker.partition;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.replicas.MetadataIsrProposals;
import io.kontiki.broker.replicas.ReplicaAssignments;
import io.kontiki.broker.session.LeaderBalance;
import io.kontiki.broker.session.Now;
import io.kontiki.broker.session.ReassignmentDriver;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.controller.RecoveryQuestions;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import io.kontiki.record.RecordBatch;
import io.kontiki.replication.ReplicaTimes;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;

/**
 * Three brokers that do what a text says, one command a line, and what comes of each. One partition
 * with the server's own parts for everything that decides: {@code MetadataMachine}, {@code
 * LeaderBalance}, {@code ReplicaAssignments}, {@code Partition}. Logs, streams and time are
 * simulated, without chance: every delay is the same.
 *
 * <pre>
 * create replicas=1,2,3 min=2 durability=replicated
 * produce 3                a record after the other, with acks=all, 10 ms apart; at=1: at broker 1
 * wait 2000                virtual milliseconds
 * kill 1, power 1, stop 1  with what is written, with what is synced, controlled
 * start 1                  registers, and is unfenced when it has applied that
 * fence 1, unfence 1       whatever it does
 * deaf 1, hear 1           its images stand still, and go on
 * cut 1-2, mend            nothing gets from 1 to 2 nor back; all links work
 * disk 1 500               each sync takes so many milliseconds
 * elect-unclean
 * delete-records 2         all before the offset, at the leader
 * reassign 2,3             the replicas shall be these
 * rot 1 2                  the log of 1 cannot be read from offset 2 on
 * </pre>
 */
final class Scenario {
  static {
    // What is said of roles is in the texts, unless one asks for it here.
    ((Logger) LoggerFactory.getLogger("io.kontiki"))
        .setLevel(Level.toLevel(System.getProperty("kontiki.test.log"), Level.WARN));
  }

  private static final long MS = 1_000_000;
  private static final PartitionId ID = new PartitionId(new TopicId(7, 7), 0);
  private static final long QUIET = 30_000 * MS;

  private final SimulatedTime time = new SimulatedTime();
  private final TestNetwork network = new TestNetwork(() -> MS);
  private final List<String> trace = new ArrayList<>();
  private final ScenarioMetadata metadata = new ScenarioMetadata(3, trace::add, this::onCommand);
  private final LeaderBalance balance = new LeaderBalance(QUIET);
  private final ReassignmentDriver driver = new ReassignmentDriver();
  private final TreeMap<Integer, Broker> brokers = new TreeMap<>();

  /** The last that was told of each broker. */
  private final Map<Integer, String> shown = new TreeMap<>();

  private Durability durability = Durability.REPLICATED;
  private long values;

  Scenario() {
    network.tap =
        (from, to, message) ->
            ScenarioText.of(message).forEach(line -> trace.add(from + " -> " + to + ": " + line));
    balance.onLeaderStart(1, metadata.image(), now());
    driver.onLeaderStart(1, metadata.image(), now());
  }

  private Now now() {
    return new Now(time.clock().nanoTime(), 0);
  }

  private void onCommand() {
    balance.onImage(metadata.image(), now());
    driver.onImage(metadata.image(), now());
    brokers.values().forEach(Broker::learnSoon);
  }

  /** Carries out a command, and tells what came of it. */
  List<String> run(String line) {
    trace.clear();
    String[] words = line.split(" ");
    switch (words[0]) {
      case "create" -> create(words);
      case "produce" -> produce(words);
      case "wait" -> pass(Long.parseLong(words[1]));
      case "kill" -> broker(words).die(false);
      case "power" -> broker(words).die(true);
      case "stop" -> broker(words).stop();
      case "start" -> broker(words).start();
      case "fence" -> broker(words).fence();
      case "unfence" -> broker(words).unfence();
      case "deaf" -> broker(words).deaf = true;
      case "hear" -> broker(words).hear();
      case "cut" -> {
        String[] ends = words[1].split("-");
        network.cutLink(Integer.parseInt(ends[0]), Integer.parseInt(ends[1]));
        network.cutLink(Integer.parseInt(ends[1]), Integer.parseInt(ends[0]));
      }
      case "disk" -> broker(words).syncNanos = Long.parseLong(words[2]) * MS;
      case "mend" -> network.mendLinks();
      case "elect-unclean" -> electUnclean();
      case "delete-records" -> deleteRecords(Long.parseLong(words[1]));
      case "reassign" -> reassign(replicas(words[1]));
      case "rot" -> broker(words).rot(Long.parseLong(words[2]));
      default -> throw new IllegalArgumentException("no command: " + line);
    }
    if (!words[0].equals("wait")) {
      pass(100);
    }
    List<String> told = new ArrayList<>(trace); // and where they stand, if that has changed
    for (Broker broker : brokers.values()) {
      String now = broker.toString();
      if (!now.equals(shown.put(broker.id, now))) {
        told.add(now);
      }
    }
    return told;
  }

  private Broker broker(String[] words) {
    return brokers.get(Integer.parseInt(words[1]));
  }

  private static Map<String, String> options(String[] words) {
    return List.of(words).stream()
        .filter(word -> word.contains("="))
        .map(word -> word.split("="))
        .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
  }

  private void create(String[] words) {
    Map<String, String> options = options(words);
    durability = Durability.parse(options.get("durability"));
    for (int id = 1; id <= 3; id++) {
      brokers.put(id, new Broker(id));
    }
    brokers.values().forEach(Broker::start);
    pass(100);
    trace.clear();
    List<Integer> replicas = replicas(options.get("replicas"));
    metadata.apply(
        new MetadataCommand.CreateTopic(
            0,
            ID.topicId(),
            "orders",
            new TreeMap<>(
                Map.of(
                    "min.insync.replicas",
                    options.get("min"),
                    "durability",
                    durability.configValue())),
            List.of(replicas)));
  }

  private static List<Integer> replicas(String text) {
    return List.of(text.split(",")).stream().map(Integer::valueOf).toList();
  }

  private void reassign(List<Integer> replicas) {
    metadata.apply(
        new MetadataCommand.ReassignPartitions(
            0,
            List.of(
                new MetadataCommand.Reassignment(
                    ID, metadata.image().partition(ID).partitionEpoch(), replicas))));
  }

  private void deleteRecords(long before) {
    Broker leader = brokers.get(metadata.image().partition(ID).leader());
    leader.loop.run(
        () ->
            leader
                .partition()
                .deleteRecords(
                    before,
                    time.clock().nanoTime() + 5_000 * MS,
                    result ->
                        trace.add(
                            result instanceof Result.Ok<Long> ok
                                ? "the log starts at " + ok.value()
                                : "nothing is said to be deleted: "
                                    + ((Result.Err<Long>) result).error().reason())));
  }

  private void produce(String[] words) {
    int at = Integer.parseInt(options(words).getOrDefault("at", "0"));
    for (int i = 0; i < Integer.parseInt(words[1]); i++) {
      int leader = at == 0 ? metadata.image().partition(ID).leader() : at;
      produce(brokers.get(leader));
      pass(10);
    }
  }

  private void produce(Broker at) {
    long value = ++values;
    String name = ScenarioText.letter(value);
    Append request =
        new Append(
            Requests.ANY_EPOCH,
            Acks.ALL,
            TestBatches.of(value),
            time.clock().nanoTime() + 1_500 * MS);
    at.loop.run(
        () ->
            at.partition()
                .append(
                    request,
                    result ->
                        trace.add(
                            name
                                + (result instanceof Result.Ok<Requests.Appended> ok
                                    ? " is acknowledged at " + ok.value().baseOffset()
                                    : " is not acknowledged: " + reason(result)))));
  }

  private static String reason(Result<Requests.Appended> result) {
    return ((Result.Err<Requests.Appended>) result).error().reason().name();
  }

  private void electUnclean() {
    metadata.apply(
        new MetadataCommand.ElectUnclean(
            0,
            new MetadataCommand.PartitionAt(ID, metadata.image().partition(ID).partitionEpoch()),
            "the others are gone"));
  }

  private void pass(long ms) {
    for (long left = ms; left > 0; left -= 20) {
      time.advanceMs(Math.min(left, 20));
      balance
          .onTick(everywhere(), now())
          .ifPresent(
              batch -> {
                metadata.apply(batch.command());
                balance.onProposed(batch.number(), now());
              });
      driver
          .onTick(id -> brokers.get(id).up() ? brokers.get(id).applied : Long.MAX_VALUE, now())
          .ifPresent(
              batch -> {
                metadata.apply(batch.command());
                driver.onProposed(batch.number(), now());
              });
    }
  }

  private long everywhere() {
    return brokers.values().stream()
        .filter(Broker::up)
        .mapToLong(broker -> broker.applied)
        .min()
        .orElse(Long.MAX_VALUE);
  }

  /** One broker over its lives. */
  private final class Broker {
    private final int id;
    private final TestStorage storage = new TestStorage.Simple(durability, this::syncNanos);
    private ReplicaAssignments assignments;
    private VirtualLoop loop;
    private LoopPartitions partitions;
    private int lives;
    private long epoch = -1;
    private long cleanEpoch = -1;
    private long applied;
    private boolean unfenced;
    private boolean deaf;
    private long syncNanos = MS;

    Broker(int id) {
      this.id = id;
    }

    private long syncNanos() {
      return syncNanos;
    }

    boolean up() {
      return loop != null;
    }

    void start() {
      lives++;
      loop = time.newLoop("broker " + id + " life " + lives);
      partitions =
          new LoopPartitions(
              0,
              loop,
              storage.start(loop),
              network.transport(id, loop),
              new MetadataIsrProposals(id, () -> epoch, metadata, loop),
              () -> true,
              new ReplicationPolicy(
                  ReplicationLimits.DEFAULT,
                  ReplicaTimes.DEFAULT,
                  CatchUpBudget.NONE,
                  ReplicationMeters.NONE),
              new Housekeeping(new TestConditions(), 1_000 * MS));
      network.up(id, new TestNetwork.Node(loop, partitions));
      assignments = new ReplicaAssignments(id);
      unfenced = false;
      Endpoint endpoint = new Endpoint("n" + id, 7604);
      CommandOutcome outcome =
          metadata.apply(
              new MetadataCommand.RegisterBroker(
                  0,
                  id,
                  Uid.NONE,
                  new Uid(1, id),
                  new Uid(9, id * 100L + lives),
                  new Endpoints(endpoint, endpoint, endpoint, endpoint, null),
                  cleanEpoch,
                  "1"));
      epoch = ((CommandOutcome.Number) outcome).value();
      cleanEpoch = -1;
      assignments.onRegistered(epoch);
      learnSoon();
    }

    void die(boolean power) {
      trace.add(id + (power ? " loses power" : " is killed"));
      end(power);
    }

    private void end(boolean power) {
      loop.stop();
      loop = null;
      network.down(id);
      storage.die(power, new SeededRandom(1));
    }

    void stop() {
      metadata.apply(new MetadataCommand.StopBroker(0, id, epoch));
      pass(20);
      fence();
      pass(20);
      cleanEpoch = epoch;
      trace.add(id + " has stopped");
      end(false);
    }

    void fence() {
      metadata.apply(new MetadataCommand.FenceBroker(0, id, epoch, "as the scenario says"));
    }

    void unfence() {
      metadata.apply(new MetadataCommand.UnfenceBroker(0, id, epoch, List.of()));
    }

    void hear() {
      deaf = false;
      learnSoon();
    }

    void learnSoon() {
      VirtualLoop now = loop;
      if (now != null && !deaf) {
        now.schedule(MS, this::learn);
      }
    }

    private void learn() {
      if (deaf || applied == metadata.image().index()) {
        return;
      }
      ReplicaAssignments.Change change = assignments.onImage(metadata.image());
      if (change == null) {
        return;
      }
      applied = metadata.image().index();
      partitions.apply(change.brokers(), change.changed());
      for (PartitionId gone : change.removed()) {
        assignments.onLeaving(gone);
        partitions.remove(
            gone,
            log -> {
              storage.delete(gone);
              assignments.onGone(gone);
            });
      }
      BrokerImage self = metadata.image().brokers().get(id);
      if (!unfenced && self.state() == BrokerImage.State.FENCED) {
        unfenced = true; // once per life; what is fenced later stays so until it is told
        loop.schedule(MS, this::unfence);
      }
      for (PartitionId wanted : RecoveryQuestions.of(metadata.image(), id)) {
        MetadataCommand.LogEnd end =
            new MetadataCommand.LogEnd(
                wanted, partition().readableEnd().epoch(), partition().readableEnd().endOffset());
        trace.add(id + " reports its end: " + end.endOffset() + " in epoch " + end.lastEpoch());
        loop.schedule(
            MS,
            () -> metadata.apply(new MetadataCommand.ReportLogEnds(0, id, epoch, List.of(end))));
      }
    }

    void rot(long offset) {
      loop.run(() -> ((TestStorage.Simple) storage).logs.get(ID).rot(offset));
    }

    Partition partition() {
      return partitions.partition(ID);
    }

    @Override
    public String toString() {
      if (!up()) {
        return id + " is down";
      }
      Partition partition = partition();
      if (partition == null) {
        return id + " has nothing";
      }
      return loop.call(
          () -> {
            String records =
                storage.entries(ID).stream()
                    .map(
                        entry ->
                            ScenarioText.record(
                                entry.base(),
                                entry.epoch(),
                                TestBatches.value(RecordBatch.at(entry.bytes()))))
                    .collect(Collectors.joining(" "));
            return id
                + (partition.leading() ? " leads:" : " has:")
                + (records.isEmpty() ? " nothing" : " " + records)
                + ", high watermark "
                + partition.highWatermark();
          });
    }
  }
}
