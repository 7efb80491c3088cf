package io.kontiki.chaos.simulation;

import io.grpc.ManagedChannel;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.kontiki.broker.DirectoryLogs;
import io.kontiki.broker.NodeDirectory;
import io.kontiki.broker.RefusedException;
import io.kontiki.broker.ReplicaHost;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRouter;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.broker.api.RecordProduce;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.forward.ForwardGrpcService;
import io.kontiki.broker.forward.GrpcForwarder;
import io.kontiki.broker.partition.CatchUpBudget;
import io.kontiki.broker.partition.Conditions;
import io.kontiki.broker.partition.DiskSpace;
import io.kontiki.broker.partition.Housekeeping;
import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.broker.partition.Partition;
import io.kontiki.broker.partition.PartitionLogs;
import io.kontiki.broker.partition.PartitionLoops;
import io.kontiki.broker.partition.ReplicationMeters;
import io.kontiki.broker.partition.ReplicationPolicy;
import io.kontiki.broker.quorum.ClusterGuard;
import io.kontiki.broker.quorum.NodeIdentity;
import io.kontiki.broker.quorum.QuorumEngine;
import io.kontiki.broker.quorum.QuorumNode;
import io.kontiki.broker.quorum.SessionShell;
import io.kontiki.broker.quorum.Voting;
import io.kontiki.broker.replicas.LocalPartitions;
import io.kontiki.broker.replicas.MetadataIsrProposals;
import io.kontiki.config.TopicConfig;
import io.kontiki.log.CleanMarker;
import io.kontiki.log.LogDirectory;
import io.kontiki.log.PartitionLog;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.MetadataCommand.RegisterBroker;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.replication.ReplicaTimes;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.Crew;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One life of a broker: the server's own parts, wired as the server wires them, on virtual loops
 * and workers, a disk in memory and the simulated network.
 */
final class SimProcess {
  static final int GRPC = 7600;
  static final int RAFT = 7601;
  static final int HTTP = 7602;
  static final int REPLICATION = 7604;

  private final World world;
  private final SimMachine machine;
  private final String name;
  private final SeededRandom random;
  private final List<VirtualLoop> loops = new ArrayList<>();
  private final List<VirtualWorker> workers = new ArrayList<>();
  private final TreeMap<Integer, RpcServer.Port> ports = new TreeMap<>();
  private final VirtualLoop control;
  private final List<VirtualLoop> dataLoops = new ArrayList<>();
  private final PartitionLoops data;
  private final VirtualWorker applies;
  private final ClusterGuard guard = new ClusterGuard();
  private final List<LoopPartitions> partitions = new ArrayList<>();
  private final TreeMap<PartitionId, PartitionLog> openLogs = new TreeMap<>();
  private final Uid incarnation;
  private final QuorumNode node;
  private final NodeDirectory directory;
  private @Nullable LogDirectory logs;
  private @Nullable ReplicaHost host;
  private @Nullable SessionShell session;
  private @Nullable PartitionRequests requests;
  private @Nullable ProducerIds producerIds;
  private @Nullable ProducerIds thinProducerIds;
  private @Nullable RecordProduce recordProduce;
  private SimAdmin.@Nullable Calls admin;
  private boolean logOffline;
  private boolean dead;
  private boolean stopping;
  private boolean flushing;
  private boolean closed;
  private @Nullable String refusal;

  /**
   * Comes up.
   *
   * @throws RefusedException as the server would
   */
  SimProcess(World world, SimMachine machine, int life) {
    this.world = world;
    this.machine = machine;
    this.name = "n" + machine.id() + (machine.twin() ? "'" : "") + "." + life;
    this.random = world.newRandom();
    this.control = loop("control");
    for (int i = 0; i < world.plan().dataLoops(); i++) {
      dataLoops.add(loop("data-" + i));
    }
    this.data = new PartitionLoops(List.copyOf(dataLoops));
    this.applies = worker("apply");
    applies.taskNanos(machine::applyNanos);
    this.incarnation = new Uid(random.nextLong(), random.nextLong());
    this.directory =
        NodeDirectory.open(machine.disk(), Path.of("n" + machine.id()), machine.id(), random);
    guard.be(machine.id(), directory.directoryId());
    guard.know(directory.clusterId());
    NodeIdentity identity =
        new NodeIdentity(
            machine.id(), directory.directoryId(), incarnation, world.voterEndpoints());
    this.node =
        new QuorumNode(
            identity,
            directory.raft(),
            directory.clusterId(),
            control,
            world.plan().quorum(),
            random,
            new Votes(),
            Runnable::run,
            new Engine(),
            endpoint -> channel(endpoint, control, true),
            this::fault);
    serve(RAFT, control, guard, node.clusterService().bindService());
    network().listening(machine.host(), true);
    node.asMetadata().listen(image -> directory.meet(image, guard, this::refuse));
    node.startOnLoop(this::refuse);
    world.time().after(machine.recoveryNanos(), this::openLogs);
  }

  private VirtualLoop loop(String part) {
    VirtualLoop loop = world.time().newLoop(name + "/" + part, machine.clock());
    loops.add(loop);
    return loop;
  }

  private VirtualWorker worker(String part) {
    VirtualWorker worker = world.time().newWorker(name + "/" + part);
    workers.add(worker);
    return worker;
  }

  private ManagedChannel channel(Endpoint endpoint, EventLoop loop, boolean guarded) {
    return new RpcChannel(
        this,
        loop,
        World.machineOf(endpoint),
        endpoint.port(),
        guarded ? guard.to(endpoint) : null);
  }

  private void serve(
      int port,
      EventLoop loop,
      @Nullable ServerInterceptor interceptor,
      ServerServiceDefinition... services) {
    TreeMap<String, ServerMethodDefinition<?, ?>> methods = new TreeMap<>();
    for (ServerServiceDefinition service : services) {
      ServerServiceDefinition shown =
          interceptor == null ? service : ServerInterceptors.intercept(service, interceptor);
      for (ServerMethodDefinition<?, ?> method : shown.getMethods()) {
        methods.put(method.getMethodDescriptor().getFullMethodName(), method);
      }
    }
    ports.put(port, new RpcServer.Port(loop, machine.clock(), methods));
  }

  /** What the machine's disk took to recover has passed. */
  private void openLogs() {
    if (dead) {
      return;
    }
    if (machine.paused()) {
      world.time().after(10_000_000, this::openLogs);
      return;
    }
    Metadata metadata = node.asMetadata();
    VirtualWorker commits = worker("journal");
    commits.taskNanos(machine::syncNanos);
    VirtualWorker reads = worker("reads");
    reads.taskNanos(machine::readNanos);
    VirtualWorker cleaner = worker("cleaner");
    // Longer than between two looks: what is committed is seen before anything of it goes.
    cleaner.taskNanos(() -> 2 * World.STEP_NANOS + machine.readNanos());
    List<Worker> syncs = new ArrayList<>();
    for (int i = 1; i <= 2; i++) {
      VirtualWorker sync = worker("syncs-" + i);
      sync.taskNanos(machine::syncNanos);
      syncs.add(sync);
    }
    LogDirectory logDirectory;
    try {
      logDirectory =
          LogDirectory.open(
              directory.log(),
              world.plan().logConfig(),
              machine.clock(),
              commits,
              reads,
              syncs,
              cleaner,
              Crew.ALONE,
              this::fault);
    } catch (StorageException e) {
      refuse(String.valueOf(e.getMessage()));
      return;
    }
    logs = logDirectory;
    long markedEpoch = logDirectory.cleanMarker().map(CleanMarker::brokerEpoch).orElse(-1L);
    ReplicationPolicy policy =
        new ReplicationPolicy(
            world.plan().limits(),
            ReplicaTimes.DEFAULT,
            CatchUpBudget.NONE,
            ReplicationMeters.NONE);
    for (int i = 0; i < data.all().size(); i++) {
      EventLoop loop = data.all().get(i);
      partitions.add(
          new LoopPartitions(
              i,
              loop,
              watched(new DirectoryLogs(logDirectory, loop, this::onLogOffline)),
              new SimStreams(this, i, loop),
              new MetadataIsrProposals(machine.id(), this::brokerEpoch, metadata, loop),
              this::leaseHeld,
              policy,
              new Housekeeping(new NodeConditions(), 2_000_000_000L)));
    }
    ReplicaHost replicas =
        new ReplicaHost(
            machine.id(), metadata, control, data, partitions, logDirectory, this::onFollowed);
    host = replicas;
    metadata.listen(replicas::onImage);
    LocalPartitions local =
        new LocalPartitions(
            machine.id(), metadata, data.all(), partitions, data::indexOf, new NoTraffic());
    EventLoop first = data.all().get(0);
    BrokerChannels channels = new BrokerChannels(endpoint -> channel(endpoint, first, false));
    requests =
        new PartitionRouter(
            machine.id(), metadata, local, new GrpcForwarder(channels, machine.clock()), data::of);
    producerIds = new ProducerIds(metadata, control, false);
    thinProducerIds = new ProducerIds(metadata, control, true);
    recordProduce =
        new RecordProduce(
            metadata,
            java.util.Objects.requireNonNull(requests),
            random,
            topic -> TopicConfig.of(topic.config()).maxMessageBytes());
    admin = new SimAdmin.Calls(metadata, java.util.Objects.requireNonNull(requests), random);
    serve(REPLICATION, first, null, new ForwardGrpcService(local, machine.clock()).bindService());
    Endpoints endpoints =
        new Endpoints(
            World.endpoint(machine.host(), GRPC),
            World.endpoint(machine.host(), RAFT),
            World.endpoint(machine.host(), HTTP),
            World.endpoint(machine.host(), REPLICATION),
            null);
    session =
        node.openSession(
            () ->
                new RegisterBroker(
                    machine.clock().wallMs(),
                    machine.id(),
                    directory.clusterId(),
                    directory.directoryId(),
                    incarnation,
                    endpoints,
                    markedEpoch,
                    "sim"),
            new Work(),
            logDirectory.doubtful(),
            new Life());
    if (logOffline) {
      tellUnhealthy();
    }
  }

  // ---- What the world sees

  World world() {
    return world;
  }

  Network network() {
    return world.network();
  }

  int machine() {
    return machine.host();
  }

  String name() {
    return name;
  }

  Uid incarnation() {
    return incarnation;
  }

  RpcServer.@Nullable Port port(int number) {
    return ports.get(number);
  }

  SimStreams.@Nullable Leader leader(int loopIndex) {
    return partitions.isEmpty()
        ? null
        : new SimStreams.Leader(data.all().get(loopIndex), partitions.get(loopIndex));
  }

  Metadata metadata() {
    return node.asMetadata();
  }

  /** Where requests of clients go in; null while the logs are recovered. */
  @Nullable PartitionRequests requests() {
    return requests;
  }

  @Nullable ProducerIds producerIds(boolean thin) {
    return thin ? thinProducerIds : producerIds;
  }

  /** For thin clients; null while the logs are recovered. */
  @Nullable RecordProduce recordProduce() {
    return recordProduce;
  }

  /** What a request is told until then. */
  static ApiError starting() {
    return ApiError.retriable(ErrorReason.BROKER_STARTING, "the broker is starting", 100);
  }

  SimAdmin.@Nullable Calls admin() {
    return admin;
  }

  PartitionLoops data() {
    return data;
  }

  EventLoop control() {
    return control;
  }

  @Nullable LogDirectory logs() {
    return logs;
  }

  /** Looks at every replica whose log is open, in a turn of its loop. */
  void look(Consumer<Partition> eye) {
    if (closed || machine.rotted()) {
      return; // its files say nothing that could be held against it
    }
    machine.looking(true);
    try {
      for (int i = 0; i < partitions.size(); i++) {
        LoopPartitions here = partitions.get(i);
        dataLoops.get(i).run(() -> here.partitions().forEach(eye));
      }
    } catch (StorageException e) {
      // Its log directory is offline, which it does not know yet: it says nothing more.
      world.trace().add(25, machine.id(), () -> name + " cannot be looked at: " + e.getMessage());
    }
    machine.looking(false);
  }

  /** Looks at one replica; null if its log is not open. */
  <T> @Nullable T look(PartitionId id, Function<Partition, T> eye) {
    if (partitions.isEmpty() || closed) {
      return null;
    }
    int index = data.indexOf(id);
    Partition found = partitions.get(index).partition(id);
    try {
      return found == null ? null : dataLoops.get(index).call(() -> eye.apply(found));
    } catch (StorageException e) {
      return null; // offline
    }
  }

  /**
   * Where the log of a replica begins that is being looked at. A replica that is offline tells
   * nobody, and its log still knows.
   */
  long logStart(PartitionId id) {
    PartitionLog log = openLogs.get(id);
    return log == null ? 0 : log.logStartOffset();
  }

  private PartitionLogs watched(PartitionLogs port) {
    return (assignment, listener, completion) ->
        port.open(
            assignment,
            listener,
            log -> {
              openLogs.put(assignment.id(), log);
              completion.complete(log);
            });
  }

  boolean leaseHeld() {
    SessionShell shell = session;
    if (shell == null || !shell.leaseHeld()) {
      return false;
    }
    BrokerImage self = node.metadata().image().brokers().get(machine.id());
    return self != null && self.unfenced() && self.epoch() == shell.brokerEpoch();
  }

  /** Whether it holds a lease, whatever it knows of its fence. */
  boolean holdsLease() {
    SessionShell shell = session;
    return shell != null && shell.leaseHeld();
  }

  long brokerEpoch() {
    SessionShell shell = session;
    return shell == null ? -1 : shell.brokerEpoch();
  }

  @Nullable String refusal() {
    return refusal;
  }

  boolean logOffline() {
    return logOffline;
  }

  /** Whether it was told to stop. */
  boolean stopping() {
    return stopping;
  }

  // ---- Its ends

  /** SIGSTOP, or its end. */
  void pause(boolean still) {
    loops.forEach(still ? VirtualLoop::pause : VirtualLoop::resume);
    workers.forEach(still ? VirtualWorker::pause : VirtualWorker::resume);
  }

  /** SIGKILL: nothing runs any more. */
  void die() {
    dead = true;
    loops.forEach(VirtualLoop::stop);
    workers.forEach(VirtualWorker::stop);
  }

  /** The controlled stop (R7); the process ends by itself when it is done. */
  void stop() {
    SessionShell shell = session;
    if (stopping || shell == null || dead) {
      return;
    }
    stopping = true;
    control.execute(shell::stop);
    control.schedule(12_000_000_000L, this::flush);
  }

  private void flush() {
    ReplicaHost replicas = host;
    LogDirectory logDirectory = logs;
    if (flushing || replicas == null || logDirectory == null || dead) {
      return;
    }
    flushing = true;
    replicas.end(
        () ->
            control.execute(
                () -> {
                  world.beforeEnd(machine, this);
                  closed = true;
                  logDirectory.flushAndClose(brokerEpoch(), () -> control.execute(this::handOver));
                }));
    control.schedule(10_000_000_000L, () -> machine.ended(this, "stopped late"));
  }

  private void handOver() {
    world.raftGroup(machine.id()).ifPresent(RaftGroup::transferLeadership);
    control.schedule(200_000_000, () -> machine.ended(this, "stopped"));
  }

  // ---- What the parts tell

  private void fault(String what, Throwable cause) {
    if (cause instanceof Violation found) {
      throw found;
    }
    throw new Violation(name + ": " + what, cause);
  }

  private void refuse(String why) {
    if (refusal == null) {
      refusal = why;
      world.trace().add(21, machine.id(), () -> name + " ends: " + why);
      machine.ended(this, why);
    }
  }

  private void onFollowed() {
    SessionShell shell = session;
    if (shell != null) {
      shell.onRoles();
    }
  }

  private void onLogOffline() {
    if (!logOffline) {
      logOffline = true;
      world.trace().add(22, machine.id(), () -> name + ": the log directory is offline");
      tellUnhealthy();
    }
  }

  private void tellUnhealthy() {
    SessionShell shell = session;
    if (shell != null) {
      control.execute(shell::onUnhealthy);
    }
  }

  /** What partitions heed besides metadata. */
  private final class NodeConditions implements Conditions {
    @Override
    public boolean wallClockTrusted() {
      SessionShell shell = session;
      return shell != null && shell.wallClockTrusted();
    }

    @Override
    public DiskSpace diskSpace() {
      return machine.diskSpace();
    }
  }

  private final class Work implements SessionShell.Work {
    @Override
    public long followed() {
      ReplicaHost replicas = host;
      return replicas == null ? -1 : replicas.followed();
    }

    @Override
    public boolean standsStill() {
      return false;
    }
  }

  private final class Life implements SessionShell.Listener {
    @Override
    public void onRegistered(long brokerEpoch) {
      world.trace().add(23, brokerEpoch, () -> name + " has broker epoch " + brokerEpoch);
      ReplicaHost replicas = host;
      if (replicas != null) {
        replicas.onRegistered(brokerEpoch);
      }
    }

    @Override
    public void onRefused(ApiError error) {
      refuse(error.message());
    }

    @Override
    public void onStopFinished(boolean fenced, String why) {
      flush();
    }
  }

  private static final class NoTraffic implements LocalPartitions.Traffic {
    @Override
    public void onAppended(String topic, int records, long bytes) {
      // Nobody counts.
    }

    @Override
    public void onFetched(String topic, long bytes) {
      // Nobody counts.
    }
  }

  /** Nobody becomes a voter or ends to be one, and groups are not played. */
  private final class Votes implements Voting {
    @Override
    public void begin(long admittedIndex) {
      guard.admittedAt(admittedIndex);
    }

    @Override
    public void depart(long index, Runnable out) {
      throw new Violation("M23", name + " was told that it is no voter");
    }

    @Override
    public void forget() {
      throw new Violation("M23", name + " begins or ends to vote");
    }
  }

  /** The quorum's ground. */
  private final class Engine implements QuorumEngine {
    private static final long DIAL_NANOS = 100_000_000;

    @Override
    public RaftGroup start(boolean joining, MetadataStateMachine machineOfGroup) {
      if (machine.twin()) {
        throw new Violation("R35", name + " takes part in the quorum beside its original");
      }
      FileStore files = directory.raft().child(GROUP);
      files.openOrCreate("log").sync();
      files.syncDirectory("");
      directory.raft().syncDirectory("");
      return world.startRaft(machine.id(), machineOfGroup, applies);
    }

    @Override
    public void dial(Endpoint raft, Completion<Shown> completion) {
      network()
          .connect(
              machine.host(),
              World.machineOf(raft),
              DIAL_NANOS,
              shown -> control.execute(() -> completion.complete(shown(shown))));
    }

    @Override
    public void address(int nodeId, Endpoint raft) {
      throw new Violation("M23", name + " met a voter that is not listed: " + nodeId);
    }

    @Override
    public void forget() {
      throw new Violation("M23", name + " forgets what it voted with");
    }

    private Shown shown(Network.Shown shown) {
      return switch (shown) {
        case ANSWERED -> Shown.ANSWERED;
        case REFUSED -> Shown.REFUSED;
        case SILENT -> Shown.NOTHING;
      };
    }

    @Override
    public void close() {
      // The process ends as a whole.
    }
  }
}
