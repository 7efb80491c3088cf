package io.kontiki.chaos.simulation;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Acks;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.raft.RaftGroup;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.runtime.Worker;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A cluster and its clients on one thread and virtual time; one seed decides everything. What a
 * scenario does goes through this class and {@link SimMachine}; the {@link Ledger} looks at
 * everything after each step of {@link #runMs}.
 */
public final class World {
  private static final long MS = 1_000_000;

  /** Clients have machine numbers from here on. */
  static final int FIRST_CLIENT = 101;

  /** Twins have machine numbers from here on. */
  private static final int FIRST_TWIN = 60;

  /** So long after an event things are looked at, with what else has happened by then. */
  static final long STEP_NANOS = 2 * MS;

  private final Plan plan;
  private final Trace trace;
  private final SeededRandom random;
  private final SimulatedTime time;
  private final Network network;
  private final SimRaft raft;
  private final TreeMap<Integer, SimMachine> machines = new TreeMap<>();

  /** Machines whose process has the node id of another one's, by that id. */
  private final TreeMap<Integer, SimMachine> twins = new TreeMap<>();

  private final SortedMap<Integer, Endpoint> voterEndpoints = new TreeMap<>();
  private final TreeMap<Integer, RaftGroup> groups = new TreeMap<>();
  private final List<SimProducer> producers = new ArrayList<>();
  private final List<SimConsumer> consumers = new ArrayList<>();
  private final Ledger ledger;
  private final List<String> refusals = new ArrayList<>();
  private final SimAdmin admin;
  private final Operator operator;
  private Map<TopicId, TopicImage> topics = Map.of();
  private int clients;
  private long healed;
  private boolean rotten;
  private long values;

  /** Nothing runs yet. */
  public World(long seed, Plan plan, Trace trace) {
    this.plan = plan;
    this.trace = trace;
    this.random = new SeededRandom(seed);
    this.time =
        new SimulatedTime(
            1_767_225_600_000L,
            (what, cause) -> {
              if (cause instanceof Violation found) {
                throw found;
              }
              throw new Violation(what, cause);
            });
    this.network = new Network(time, newRandom(), trace);
    for (int id = 1; id <= plan.brokers(); id++) {
      machines.put(id, new SimMachine(this, id));
      if (id <= plan.voters()) {
        voterEndpoints.put(id, endpoint(id, SimProcess.RAFT));
      }
    }
    this.ledger = new Ledger(this);
    this.raft =
        new SimRaft(
            time,
            newRandom(),
            trace,
            network,
            voterEndpoints,
            (before, command, result) -> {
              ledger.onApplied(before, command, result);
              onImage(result.image());
            });
    this.admin = new SimAdmin(this, FIRST_CLIENT - 1);
    this.operator = new Operator(this);
  }

  private void onImage(ClusterImage image) {
    ledger.onImage(image);
    for (BrokerImage broker : image.brokers().values()) {
      if (machineOf(broker.endpoints().raft()) != broker.id()) {
        throw new Violation(
            "R35",
            "broker "
                + broker.id()
                + " is registered from "
                + broker.endpoints().raft()
                + ", and its original runs");
      }
    }
    if (image.topics() == topics) {
      return;
    }
    Map<TopicId, TopicImage> before = topics;
    topics = image.topics();
    for (TopicImage topic : image.topics().values()) {
      TopicImage known = before.get(topic.id());
      for (int i = known == null ? 0 : known.partitions().size();
          i < topic.partitions().size();
          i++) {
        PartitionId id = new PartitionId(topic.id(), i);
        producers.forEach(producer -> producer.writesTo(id));
        consumers.forEach(consumer -> consumer.reads(id));
      }
    }
    for (TopicImage topic : before.values()) {
      if (!image.topics().containsKey(topic.id())) {
        for (int i = 0; i < topic.partitions().size(); i++) {
          PartitionId id = new PartitionId(topic.id(), i);
          ledger.of(id).excuse("the topic was deleted");
          producers.forEach(producer -> producer.forget(id));
          consumers.forEach(consumer -> consumer.forget(id));
        }
      }
    }
  }

  /** Names of the topics that there are, by id. */
  public List<String> topicNames() {
    return topics.values().stream().map(TopicImage::name).toList();
  }

  /** Asks any broker; nobody insists. */
  SimAdmin admin() {
    return admin;
  }

  static Endpoint endpoint(int machine, int port) {
    return new Endpoint("n" + machine, port);
  }

  static int machineOf(Endpoint endpoint) {
    return Integer.parseInt(endpoint.host().substring(1));
  }

  // ---- What scenarios do

  /** All brokers start, the quorum forms, the plan's topics are made. */
  public void startAll() {
    machines.values().forEach(SimMachine::start);
    await("all brokers are unfenced", 30_000, () -> unfenced() == plan.brokers());
    for (TopicPlan topic : plan.topics()) {
      createTopic(topic);
    }
  }

  /** A broker's machine. */
  public SimMachine machine(int id) {
    SimMachine found = machines.get(id);
    if (found == null) {
      throw new IllegalArgumentException("no machine " + id + " among " + machines.keySet());
    }
    return found;
  }

  /** All brokers' machines, by id. */
  public List<SimMachine> machines() {
    return List.copyOf(machines.values());
  }

  /** Makes a topic and waits until every broker knows it. */
  public void createTopic(TopicPlan topic) {
    long[] askAgain = new long[1];
    await(
        "topic " + topic.name() + " exists",
        60_000,
        () -> {
          if (topicId(topic.name()) == null && now() >= askAgain[0]) {
            askAgain[0] = now() + 2_000 * MS;
            admin.create(topic);
          }
          return topicId(topic.name()) != null && everybodyKnows(raft.image().index());
        });
  }

  /** The id of a topic as the metadata have it, or null. */
  public @Nullable TopicId topicId(String name) {
    for (TopicImage topic : raft.image().topics().values()) {
      if (topic.name().equals(name)) {
        return topic.id();
      }
    }
    return null;
  }

  /** All partitions of a topic. */
  public List<PartitionId> partitions(String topic) {
    TopicId id = topicId(topic);
    List<PartitionId> all = new ArrayList<>();
    if (id != null) {
      TopicImage image = raft.image().topics().get(id);
      for (int i = 0; image != null && i < image.partitions().size(); i++) {
        all.add(new PartitionId(id, i));
      }
    }
    return all;
  }

  /** A producer with an id and {@code acks=all} that writes to these partitions from now on. */
  public SimProducer producer(List<PartitionId> partitions, long meanGapMs) {
    return producer(new ProducerPlan(Acks.ALL, true), partitions, meanGapMs);
  }

  /** A producer that writes to these partitions from now on, and to those that come. */
  public SimProducer producer(ProducerPlan how, List<PartitionId> partitions, long meanGapMs) {
    SimProducer producer =
        new SimProducer(this, FIRST_CLIENT + clients++, how, partitions, meanGapMs);
    producers.add(producer);
    producer.start();
    return producer;
  }

  /** A consumer that reads these partitions from their beginning from now on. */
  public SimConsumer consumer(List<PartitionId> partitions) {
    SimConsumer consumer = new SimConsumer(this, FIRST_CLIENT + clients++, partitions);
    consumers.add(consumer);
    consumer.start();
    return consumer;
  }

  /** Nothing gets from one broker to the other. */
  public void cut(int from, int to) {
    trace.add(51, from * 1000L + to, () -> "the link n" + from + " -> n" + to + " is cut");
    network.cut(from, to);
    raft.later();
  }

  /** A direction works again. */
  public void mend(int from, int to) {
    trace.add(52, from * 1000L + to, () -> "the link n" + from + " -> n" + to + " works");
    network.mend(from, to);
    raft.later();
  }

  /** All links work again. */
  public void mendAll() {
    trace.add(53, 0, () -> "all links work");
    network.mendAll();
    raft.later();
  }

  /** One direction is slow from now on and loses one packet in so many (0: none). */
  public void slow(int from, int to, long extraMs, int lossOneIn) {
    network.slow(from, to, extraMs * MS);
    network.lossy(from, to, lossOneIn);
  }

  /** Breaks some connection. */
  public void breakConnection() {
    network.breakOne();
  }

  /** A voter gets no metadata, or goes on to get them. */
  public void deaf(int node, boolean isDeaf) {
    raft.deaf(node, isDeaf);
  }

  /** Who lags behind what is committed now gets a snapshot. */
  public void compactRaft() {
    raft.compact();
  }

  /** Proposals of metadata take up to so long, and some come twice; 0: as usual. */
  public void slowQuorum(long ms) {
    raft.slow(ms);
  }

  /** The metadata get another leader, if one can be had. */
  public void moveController() {
    raft.move();
  }

  /**
   * Whether a machine may lose its disk without excuse: nothing is only there, and it is no voter
   * that the others may need to take one in that has lost its own (M16).
   */
  public boolean mayLoseDisk(int node) {
    ClusterImage image = raft.image();
    boolean votersKnown =
        image.voters().values().stream()
            .allMatch(
                voter ->
                    voter.directoryId() != null
                        && voter.directoryId().equals(machine(voter.id()).directoryId()));
    return votersKnown
        && raft.everybodyIn()
        && ledger.spares(node)
        && !ledger.mayBecomeTheLast(node)
        && !rotten;
  }

  /** Whether bits have rotted on some machine. */
  boolean rotten() {
    return rotten;
  }

  /** Whether replicas may move so: a sound one of now stays, if bits rot somewhere. */
  boolean mayMove(PartitionImage now, List<Integer> to) {
    return now.isr().stream().anyMatch(member -> to.contains(member) && !machine(member).rotted());
  }

  /** Whether bits may rot on a machine: every record is somewhere else, too, for now. */
  public boolean mayRot(int node) {
    boolean may =
        ledger.spares(node)
            && machine(node).lives() > 0
            && machines.values().stream().noneMatch(SimMachine::swapped);
    if (may) {
      rotten = true;
      ledger.rots(node);
    }
    return may;
  }

  /** Does something after a while, if nothing is healed before. */
  public void later(long ms, Runnable task) {
    long until = healed;
    time.after(
        ms * MS,
        () -> {
          if (healed == until) {
            task.run();
          }
        });
  }

  /** Time passes; everything is looked at after each step. */
  public void runMs(long ms) {
    long end = now() + ms * MS;
    while (now() < end) {
      step(end);
    }
  }

  /**
   * A second process with the node id of one that runs starts on another machine. It may not get
   * anywhere (R35), and is gone again before its original stands still or ends.
   *
   * @param copied with a copy of the original's disk, or with an empty one
   */
  public void startTwin(int node, boolean copied) {
    SimMachine original = machine(node);
    SimProcess process = original.process();
    if (process == null || process.stopping() || original.paused() || twins.containsKey(node)) {
      return;
    }
    SimMachine twin = new SimMachine(original, FIRST_TWIN + node, copied);
    twins.put(node, twin);
    twin.start();
  }

  /** The second process with a node id ends, if there is one. */
  public void endTwin(int node) {
    SimMachine twin = twins.remove(node);
    if (twin != null) {
      twin.kill();
    }
  }

  /** Whether a second process with a node id runs. */
  public boolean twinRuns(int node) {
    SimMachine twin = twins.get(node);
    return twin != null && twin.up();
  }

  /** Lets time pass until something holds; a violation of {@code liveness} if it does not. */
  public void await(String what, long limitMs, BooleanSupplier condition) {
    long end = now() + limitMs * MS;
    while (!condition.getAsBoolean()) {
      if (now() >= end) {
        throw new Violation("liveness", "not within " + limitMs + " ms: " + what + "; " + state());
      }
      step(end);
    }
  }

  private void step(long end) {
    long next = Math.min(end, Math.max(now(), time.nextEventNanos()) + STEP_NANOS);
    trace.now(next);
    time.advance(next - now());
    trace.add(1, time.eventsRun(), () -> "");
    ledger.check();
  }

  /** Everything works from now on: links, processes, disks, clocks. */
  public void heal() {
    healed++;
    keepUp(healed);
    trace.add(2, 0, () -> "everything is made to work");
    mendAll();
    slowQuorum(0);
    List.copyOf(twins.keySet()).forEach(this::endTwin);
    for (SimMachine machine : machines.values()) {
      machine.garble(0);
      machine.stickDiskMs(0);
      machine.slowDiskMs(0);
      machine.slowApplyMs(0);
      machine.drift(1);
      machine.repair();
      machine.room(Long.MAX_VALUE);
      machine.clock().correctWall();
      raft.deaf(machine.id(), false);
      machine.pause(false);
      machine.start();
    }
  }

  /** A process that ends, because it was told to stop before, is started again. */
  private void keepUp(long since) {
    for (SimMachine machine : machines.values()) {
      if (!machine.up()) {
        machine.swapBack(); // it may have been refused for the disk that it has
        machine.start();
      }
    }
    operator.looks(raft.image());
    time.after(
        500 * MS,
        () -> {
          if (healed == since) {
            keepUp(since);
          }
        });
  }

  /**
   * Everything works, and everything comes back within a minute of virtual time: leaders, in-sync
   * sets, producers; then all is read back and compared.
   */
  public void healAndCheck() {
    heal();
    await("every partition is whole", 90_000, this::whole);
    await("what was deleted is gone", 60_000, () -> leftover().isEmpty());
    producers.forEach(SimProducer::mark);
    await(
        "producers are acknowledged again",
        30_000,
        () -> producers.stream().allMatch(SimProducer::ackedSinceMark));
    producers.forEach(SimProducer::finish);
    await("producers are done", 30_000, () -> producers.stream().allMatch(SimProducer::done));
    await("replicas are equal", 30_000, this::equal);
    await("consumers have read all", 30_000, () -> consumers.stream().allMatch(SimConsumer::atEnd));
    List<PartitionId> all = new ArrayList<>();
    topicNames().forEach(name -> all.addAll(partitions(name)));
    SimConsumer last = consumer(all);
    await("everything is read back", 60_000, last::toldEnds);
    ledger.checkEnd();
  }

  /** Something that is on a disk, or in the metadata, and should not be any more (M20, R46). */
  private String leftover() {
    ClusterImage image = raft.image();
    if (!image.tombstones().isEmpty()) {
      return "tombstones " + image.tombstones().keySet();
    }
    for (SimMachine machine : machines.values()) {
      for (PartitionId id : machine.logsOnDisk()) {
        PartitionImage partition = image.partition(id);
        if (partition == null || !partition.replicas().contains(machine.id())) {
          return id + " on n" + machine.id();
        }
      }
    }
    return "";
  }

  private boolean whole() {
    ClusterImage image = raft.image();
    for (BrokerImage broker : image.brokers().values()) {
      if (!broker.unfenced()) {
        return false;
      }
    }
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        if (partition.leader() == PartitionImage.NO_LEADER
            || partition.isr().size() < partition.replicas().size()
            || !partition.adding().isEmpty()
            || !partition.removing().isEmpty()) {
          return false;
        }
      }
    }
    return unfenced() == plan.brokers()
        && machines.values().stream()
            .allMatch(
                machine -> {
                  SimProcess process = machine.process();
                  return process != null && !process.stopping();
                });
  }

  private boolean equal() {
    ClusterImage image = raft.image();
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionId id = new PartitionId(topic.id(), i);
        if (!ledger.of(id).promised()) {
          continue;
        }
        long end = ledger.of(id).end();
        for (int replica : topic.partitions().get(i).replicas()) {
          SimProcess process = machine(replica).process();
          Boolean whole =
              process == null
                  ? null
                  : process.look(
                      id, held -> held.logEndOffset() == end && held.highWatermark() == end);
          if (whole == null || !whole) {
            return false;
          }
        }
      }
    }
    return true;
  }

  /** Brokers that are active in the metadata. */
  public int unfenced() {
    return (int) raft.image().brokers().values().stream().filter(BrokerImage::unfenced).count();
  }

  private boolean everybodyKnows(long index) {
    return machines.values().stream()
        .allMatch(
            machine -> {
              SimProcess process = machine.process();
              return process == null || process.metadata().image().index() >= index;
            });
  }

  /** A line of where everything stands. */
  public String state() {
    StringBuilder text = new StringBuilder();
    ClusterImage image = raft.image();
    String left = leftover();
    text.append(left.isEmpty() ? "" : "left: " + left + "; ");
    text.append("metadata index ")
        .append(image.index())
        .append(", led by ")
        .append(raft.leaderId());
    for (SimMachine machine : machines.values()) {
      SimProcess process = machine.process();
      BrokerImage broker = image.brokers().get(machine.id());
      text.append("; n")
          .append(machine.id())
          .append(process == null ? " down" : machine.paused() ? " paused" : " up")
          .append(
              broker == null ? " unregistered" : " " + broker.state() + " epoch " + broker.epoch());
      if (process != null) {
        text.append(" (own ")
            .append(process.brokerEpoch())
            .append(", image ")
            .append(process.metadata().image().index())
            .append(')');
      }
    }
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        PartitionId id = new PartitionId(topic.id(), i);
        text.append("; ")
            .append(topic.name())
            .append('-')
            .append(i)
            .append(" leader ")
            .append(partition.leader())
            .append(" epoch ")
            .append(partition.leaderEpoch())
            .append(" isr ")
            .append(partition.isr())
            .append(" elr ")
            .append(partition.elr())
            .append(" last known ")
            .append(partition.lastKnownElr())
            .append(" committed ")
            .append(ledger.of(id).end());
        for (int replica : partition.replicas()) {
          SimProcess process = machine(replica).process();
          String held =
              process == null
                  ? null
                  : process.look(
                      id,
                      found ->
                          (found.leading() ? "*" : "")
                              + " end "
                              + found.logEndOffset()
                              + " hw "
                              + found.highWatermark());
          text.append(" n").append(replica).append(held == null ? " none" : held);
        }
      }
    }
    producers.forEach(producer -> text.append("; ").append(producer));
    return text.toString();
  }

  // ---- What the parts use

  /** The plan that this was made with. */
  public Plan plan() {
    return plan;
  }

  /** Virtual nanoseconds since the beginning. */
  public long now() {
    return time.clock().nanoTime();
  }

  /** What was seen. */
  public Ledger seen() {
    return ledger;
  }

  /** Told of everything that happens. */
  public Trace trace() {
    return trace;
  }

  /** The metadata as they truly are. */
  public ClusterImage image() {
    return raft.image();
  }

  /** Processes that refused to run, or ended for what they were told: why, in order. */
  public List<String> refusals() {
    return List.copyOf(refusals);
  }

  /** Events that ran so far. */
  public long events() {
    return time.eventsRun();
  }

  SeededRandom newRandom() {
    return random.split();
  }

  SimulatedTime time() {
    return time;
  }

  Network network() {
    return network;
  }

  SimRaft raft() {
    return raft;
  }

  List<SimProducer> producers() {
    return producers;
  }

  SortedMap<Integer, Endpoint> voterEndpoints() {
    return voterEndpoints;
  }

  long nextValue() {
    return ++values;
  }

  RpcServer.@Nullable Port serving(int machine, int port) {
    SimProcess process = host(machine).process();
    return process == null ? null : process.port(port);
  }

  private SimMachine host(int number) {
    for (SimMachine twin : twins.values()) {
      if (twin.host() == number) {
        return twin;
      }
    }
    return machine(number);
  }

  SimStreams.@Nullable Leader leader(int machine, int loop) {
    SimProcess process = machine(machine).process();
    return process == null ? null : process.leader(loop);
  }

  void sent(int from, int to, ReplicationMessage message) {
    trace.add(3, from * 1000L + to, () -> "n" + from + " -> n" + to + " " + message);
  }

  RaftGroup startRaft(int node, MetadataStateMachine machine, Worker worker) {
    RaftGroup group = raft.start(node, machine, worker);
    groups.put(node, group);
    return group;
  }

  Optional<RaftGroup> raftGroup(int node) {
    return Optional.ofNullable(groups.get(node));
  }

  void raftDied(int node) {
    groups.remove(node);
    raft.died(node);
  }

  void raftPaused(int node, boolean still) {
    raft.pause(node, still);
  }

  void refused(int node, String why) {
    refusals.add("n" + node + ": " + why);
  }

  /** A process is about to end: what only it knows is looked at for the last time. */
  void beforeEnd(SimMachine machine, SimProcess process) {
    ledger.ends(machine, process);
  }
}
