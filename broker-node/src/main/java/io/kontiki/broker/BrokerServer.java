package io.kontiki.broker;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kontiki.broker.api.ClusterAdmin;
import io.kontiki.broker.api.ConfigAdmin;
import io.kontiki.broker.api.Health;
import io.kontiki.broker.api.LeadershipAdmin;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.NodeReports;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.OwnReports;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRouter;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.broker.api.QuorumAdmin;
import io.kontiki.broker.api.ReassignmentAdmin;
import io.kontiki.broker.api.RecordDeletion;
import io.kontiki.broker.api.RecordProduce;
import io.kontiki.broker.api.RecordRead;
import io.kontiki.broker.api.ShardViews;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.api.TopicChangeAdmin;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.door.FrontDoor;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.forward.ForwardGrpcService;
import io.kontiki.broker.forward.GrpcForwarder;
import io.kontiki.broker.group.Consuming;
import io.kontiki.broker.group.GroupAdmin;
import io.kontiki.broker.group.GroupOffsets;
import io.kontiki.broker.group.Groups;
import io.kontiki.broker.http.HttpDoor;
import io.kontiki.broker.http.HttpRoutes;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.loop.NettyLoop;
import io.kontiki.broker.metrics.PrometheusMetrics;
import io.kontiki.broker.partition.Conditions;
import io.kontiki.broker.partition.DiskReserve;
import io.kontiki.broker.partition.DiskSpace;
import io.kontiki.broker.partition.Housekeeping;
import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.broker.partition.ReplicationLimits;
import io.kontiki.broker.partition.ReplicationPolicy;
import io.kontiki.broker.quorum.ClusterGuard;
import io.kontiki.broker.quorum.JRaftQuorum;
import io.kontiki.broker.quorum.KnownVoters;
import io.kontiki.broker.quorum.NodeIdentity;
import io.kontiki.broker.quorum.QuorumNode;
import io.kontiki.broker.quorum.SessionShell;
import io.kontiki.broker.quorum.Voting;
import io.kontiki.broker.replicas.LocalPartitions;
import io.kontiki.broker.replicas.MetadataIsrProposals;
import io.kontiki.broker.replication.GrpcReplicaTransport;
import io.kontiki.broker.replication.PacedCatchUp;
import io.kontiki.broker.replication.ReplicationGrpcService;
import io.kontiki.broker.rpc.AdminCalls;
import io.kontiki.broker.rpc.AdminGrpcService;
import io.kontiki.broker.rpc.Budget;
import io.kontiki.broker.rpc.CallLoops;
import io.kontiki.broker.rpc.GroupCalls;
import io.kontiki.broker.rpc.GrpcDoor;
import io.kontiki.broker.rpc.LogGrpcService;
import io.kontiki.broker.rpc.PartitionGrpcService;
import io.kontiki.broker.rpc.ServerLimits;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.broker.shards.GroupServices;
import io.kontiki.config.Config;
import io.kontiki.config.ListenerConfig;
import io.kontiki.config.NodeConfig;
import io.kontiki.config.StorageConfig;
import io.kontiki.config.TopicConfig;
import io.kontiki.log.CleanMarker;
import io.kontiki.log.LogConfig;
import io.kontiki.log.LogCounters;
import io.kontiki.log.LogDirectory;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.RegisterBroker;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.raft.jraft.JRaftTransport;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicaTimes;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.Worker;
import io.kontiki.runtime.system.SecureRandomSource;
import io.kontiki.runtime.system.SystemClock;
import io.kontiki.runtime.system.ThreadCrew;
import io.kontiki.runtime.system.ThreadWorker;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node, wired by hand. {@link #start} reads from top to bottom in the order in which a node
 * comes up, {@link #close} in the order in which it goes (rule R7).
 */
final class BrokerServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BrokerServer.class);
  private static final int MAX_MESSAGE_BYTES = JRaftTransport.MAX_MESSAGE_BYTES;
  private static final double NANOS_PER_SECOND = 1e9;
  private static final int CONNECT_TIMEOUT_MS = 1_000;
  private static final int PING_SECONDS = 10;
  private static final int PING_TIMEOUT_SECONDS = 3;

  /** Consumers may finish what they were sent, when this broker stops by plan. */
  private static final long CONSUMERS_STOP_MS = 5_000;

  private static final int WORKER_QUEUE = 100_000;
  private static final int SYNC_WORKERS = 4;
  private static final long STOP_MARGIN_MS = 1_000;

  private final NodeConfig config;
  private final Config sources;
  private final FaultHandler faults;
  private final Runnable onEnd;
  private final Clock clock = new SystemClock();
  private final RandomSource random = new SecureRandomSource();
  private final ServiceState state = new ServiceState();
  private final List<AutoCloseable> closing = new ArrayList<>();
  private final CountDownLatch stopFinished = new CountDownLatch(1);
  private final ClusterGuard clusterGuard = new ClusterGuard();

  // Read by loops that run before start() is through.
  private volatile @Nullable QuorumNode quorum;
  private volatile @Nullable SessionShell session;
  private volatile @Nullable ReplicaHost replicas;
  private volatile @Nullable GroupServices groups;
  private @Nullable LogDirectory logs;
  private @Nullable GrpcDoor door;
  private @Nullable GroupCalls consumers;
  private volatile @Nullable DiskWatch disk;
  private volatile @Nullable BrokerHealth health;
  private volatile @Nullable String refusal;
  private volatile boolean logOffline;
  private volatile long cleanEpoch = -1;

  /**
   * @param onEnd told when the node cannot go on and wants to be closed
   */
  BrokerServer(NodeConfig config, Config sources, FaultHandler faults, Runnable onEnd) {
    this.config = config;
    this.sources = sources;
    this.faults = faults;
    this.onEnd = onEnd;
  }

  /** Why the cluster did not want this node, if that is why it ended. */
  @Nullable String refusal() {
    return refusal;
  }

  /** What stands still in a node that has started; null: everything moves. */
  @Nullable String standstill() {
    BrokerHealth now = health;
    Health.Verdict alive = now == null ? null : now.alive();
    return alive == null || alive.ok() ? null : alive.text();
  }

  /** Comes up; returns when all doors are open and the registration is under way. */
  void start() {
    int nodeId = config.nodeId();
    NodeDirectory directory = closeLater(NodeDirectory.open(config.dataDir(), nodeId, random));
    clusterGuard.be(nodeId, directory.directoryId());
    clusterGuard.know(directory.clusterId());
    SortedMap<Integer, Endpoint> knownVoters = KnownVoters.read(directory.raft());
    NodeIdentity identity =
        new NodeIdentity(
            nodeId,
            directory.directoryId(),
            new Uid(random.nextLong(), random.nextLong()),
            voters(knownVoters));

    long reserve = diskReserve(directory);
    Ballast ballast =
        new Ballast(directory.raft(), Math.min(config.storage().diskBallastBytes(), reserve / 4));
    // On a full disk a start, too, needs a little room: for the logs' checkpoint, a snapshot.
    ballast.adjust(directory.log().usableBytes(), false);
    FileStore raft = new BallastedStore(directory.raft(), ballast);

    // The control plane: Raft port first, so that others can ask who this is.
    LoopGroup control = closeLater(new LoopGroup("control", 1, clock, faults));
    QuorumNode.Settings settings = QuorumNode.Settings.of(config);
    Function<Endpoint, ManagedChannel> dialler =
        endpoint -> channel(endpoint, control.netty(), clusterGuard.to(endpoint));
    JRaftQuorum engine =
        new JRaftQuorum(
            identity,
            new JRaftQuorum.Files(raft, directory.snapshots()),
            settings,
            control,
            dialler,
            faults);
    ThreadWorker quorumWork = closeLater(new ThreadWorker("quorum", WORKER_QUEUE, faults));
    QuorumNode node =
        closeLater(
            new QuorumNode(
                identity,
                raft,
                directory.clusterId(),
                control.first(),
                settings,
                random,
                new Votes(),
                quorumWork,
                engine,
                dialler,
                faults));
    quorum = node;
    PrometheusMetrics metrics = new PrometheusMetrics(nodeId);
    GroupServices groupServices =
        closeLater(
            new GroupServices(
                new GroupServices.Node(
                    identity, node.asMetadata(), this::brokerEpoch, this::leaseHeld, this::refuse),
                new GroupServices.Ground(
                    engine,
                    raft,
                    closeLater(new ThreadWorker("shards", WORKER_QUEUE, faults)),
                    dialler),
                control.first(),
                random,
                metrics));
    groups = groupServices;
    Server raftServer =
        listen(
            "raft.listen",
            config.raft(),
            control,
            builder ->
                builder
                    .intercept(clusterGuard)
                    .addService(engine.service())
                    .addService(node.clusterService())
                    .addService(groupServices.service())
                    .maxInboundMessageSize(MAX_MESSAGE_BYTES));
    Metadata metadata = node.asMetadata();
    metadata.listen(image -> directory.meet(image, clusterGuard, this::refuse));
    metadata.listen(new KnownVoters(raft, quorumWork, knownVoters));
    node.start(this::refuse);

    // The logs, while the quorum forms.
    ThreadWorker commits = closeLater(new ThreadWorker("journal", WORKER_QUEUE, faults));
    ThreadWorker reads = closeLater(new ThreadWorker("log-reads", WORKER_QUEUE, faults));
    List<Worker> syncs = new ArrayList<>();
    for (int i = 0; i < SYNC_WORKERS; i++) {
      syncs.add(closeLater(new ThreadWorker("log-sync-" + i, 16, faults)));
    }
    ThreadWorker background = closeLater(new ThreadWorker("background", WORKER_QUEUE, faults));
    ThreadWorker cleaner = closeLater(new ThreadWorker("log-cleaner", WORKER_QUEUE, faults));
    LogDirectory logDirectory =
        LogDirectory.open(
            directory.log(),
            logConfig(),
            clock,
            commits,
            reads,
            syncs,
            cleaner,
            new ThreadCrew("log-recovery", SYNC_WORKERS),
            faults);
    logs = logDirectory;
    long markedEpoch = logDirectory.cleanMarker().map(CleanMarker::brokerEpoch).orElse(-1L);
    cleanEpoch = markedEpoch;

    DiskWatch diskWatch =
        new DiskWatch(
            directory.log(),
            new DiskReserve(reserve),
            ballast,
            control.first(),
            background,
            logDirectory::appendedBytes);
    disk = diskWatch;
    closeLater(diskWatch::close);
    diskWatch.start();

    // The data plane.
    LoopGroup data = closeLater(new LoopGroup("data", loopCount(), clock, faults));
    Conditions conditions = new NodeConditions();
    logDirectory.trustClock(conditions::wallClockTrusted);
    long ownRate = config.limits().catchUpBytesPerSecond();
    PacedCatchUp catchUp = new PacedCatchUp(ownRate, clock.nanoTime());
    metadata.listen(
        image -> {
          long rate = image.catchUpBytesPerSecond();
          catchUp.limit(rate == ClusterImage.OWN_LIMIT ? ownRate : rate);
        });
    ReplicationPolicy replication =
        new ReplicationPolicy(ReplicationLimits.DEFAULT, replicaTimes(), catchUp, metrics);
    int mostChecks = Housekeeping.MOST_CHECKS * data.loops().size();
    Housekeeping housekeeping =
        new Housekeeping(
            conditions,
            TimeUnit.MILLISECONDS.toNanos(config.storage().retentionCheckMs()),
            closeLater(new ThreadWorker("key-checks", mostChecks, faults)));
    List<LoopPartitions> partitions = new ArrayList<>();
    for (int i = 0; i < data.loops().size(); i++) {
      NettyLoop loop = data.loop(i);
      partitions.add(
          new LoopPartitions(
              i,
              loop,
              new DirectoryLogs(logDirectory, loop, this::onLogOffline),
              new GrpcReplicaTransport(
                  loop, (endpoint, lane) -> replicationChannel(endpoint, lane, loop)),
              new MetadataIsrProposals(nodeId, this::brokerEpoch, metadata, loop),
              this::leaseHeld,
              replication,
              housekeeping));
    }
    ReplicaHost host =
        new ReplicaHost(
            nodeId,
            metadata,
            control.first(),
            data.partitionLoops(),
            partitions,
            logDirectory,
            this::onFollowed);
    replicas = host;
    metadata.listen(host::onImage);
    LocalPartitions local =
        new LocalPartitions(nodeId, metadata, data.loops(), partitions, data::indexOf, metrics);
    BrokerChannels forwardChannels =
        closeLater(new BrokerChannels(endpoint -> channel(endpoint, data.netty())));
    PartitionRequests requests =
        new PartitionRouter(
            nodeId, metadata, local, new GrpcForwarder(forwardChannels, clock), data::loopOf);

    // The doors.
    Server replicationServer =
        listen(
            "replication.listen",
            config.replication(),
            data,
            builder ->
                builder
                    .addService(
                        new ReplicationGrpcService(data.loops(), partitions, data::indexOf)
                            .definition())
                    .addService(new ForwardGrpcService(local, clock))
                    .permitKeepAliveTime(PING_SECONDS / 2, TimeUnit.SECONDS)
                    .permitKeepAliveWithoutCalls(true)
                    .maxInboundMessageSize(MAX_MESSAGE_BYTES));
    BrokerHealth health = health(metadata, control, data);
    this.health = health;
    bind(metrics, metadata, health, logDirectory);
    metrics.counter(
        "kontiki.controller.balanced.recoveries",
        "Partitions whose leader this node, as metadata leader, chose with possible data loss (R19).",
        node::balancedRecoveries);
    DoorServices.Admin admin = admin(node, requests, directory, logDirectory);
    AdminCalls adminCalls =
        new AdminCalls(
            admin.topics(),
            admin.changes(),
            new RecordDeletion(metadata, requests),
            admin.reassignments(),
            admin.leadership(),
            admin.cluster(),
            admin.quorum(),
            admin.configs(),
            new GroupAdmin(groups(), metadata, requests));
    DoorServices services =
        new DoorServices(
            nodeId,
            metadata,
            requests,
            local,
            admin,
            groupServices().classic(),
            new ProducerIds(metadata, control.first(), false),
            background,
            state,
            metrics,
            new Budget("bytes in flight", config.limits().requestMemoryBytes()),
            config.limits(),
            config.autoCreateTopics(),
            random,
            data.loops(),
            data.netty(),
            LoopGroup::newServerChannel);
    Server grpcServer = grpcDoor(services, adminCalls, metrics, health, control, data);
    HttpDoor http = httpDoor(adminCalls, metrics, health, control, background);
    Endpoint kafka = frontDoor("kafka", config.kafka(), services);

    // The cluster.
    Endpoints endpoints =
        new Endpoints(
            config.grpc().advertised(grpcServer.getPort()),
            config.raft().advertised(raftServer.getPort()),
            config.http().advertised(http.port()),
            config.replication().advertised(replicationServer.getPort()),
            kafka);
    session =
        node.openSession(
            () ->
                new RegisterBroker(
                    clock.wallMs(),
                    nodeId,
                    directory.clusterId(),
                    directory.directoryId(),
                    identity.incarnation(),
                    endpoints,
                    markedEpoch,
                    Version.TEXT),
            new Work(host, health),
            logDirectory.doubtful(),
            new Life());
    if (logOffline) {
      tellUnhealthy();
    }
    state.enter(ServiceState.Phase.SERVING);
    List<String> open = config.open();
    if (!open.isEmpty()) {
      LOG.warn(
          "other machines may reach {}, and nobody is asked who they are: let only brokers reach"
              + " raft.listen and replication.listen, and only whom you trust the others",
          String.join(", ", open));
    }
    LOG.info(
        "node {} is up: grpc {} http {} raft {} replication {} kafka {}",
        nodeId,
        endpoints.grpc(),
        endpoints.http(),
        endpoints.raft(),
        endpoints.replication(),
        kafka == null ? "off" : kafka);
  }

  /** This broker's way to the coordinators of consumer groups; after {@link #start}. */
  Groups groups() {
    return groupServices().groups();
  }

  /** Where this node votes in the metadata, it does in the shards of groups. */
  private final class Votes implements Voting {
    @Override
    public void begin(long admittedIndex) {
      clusterGuard.admittedAt(admittedIndex);
      groupServices().votes(admittedIndex);
    }

    @Override
    public void depart(long index, Runnable out) {
      groupServices().depart(index, out);
    }

    @Override
    public void forget() throws InterruptedException {
      groupServices().forget();
    }
  }

  private GroupServices groupServices() {
    return Objects.requireNonNull(groups);
  }

  /** Where to look for the cluster: the key's word on where a node listens counts. */
  private SortedMap<Integer, Endpoint> voters(SortedMap<Integer, Endpoint> known) {
    SortedMap<Integer, Endpoint> voters = new TreeMap<>(known);
    config.voters().forEach(voter -> voters.put(voter.nodeId(), voter.raft()));
    return voters;
  }

  private int loopCount() {
    int half = Runtime.getRuntime().availableProcessors() / 2;
    return config.loops() > 0 ? config.loops() : Math.max(1, half);
  }

  private LogConfig logConfig() {
    int step = config.storage().journalStepBytes();
    int files = (int) Math.max(2, config.storage().journalBytes() / step);
    long hot = config.storage().hotBytes();
    LogConfig defaults = LogConfig.defaults();
    return defaults
        .withJournal(new CommitJournal.Sizes(step, files, defaults.journal().maxPendingBytes()))
        .withHot(hot, Math.min(hot, defaults.tailCacheBytes()))
        .withOpenFiles(config.storage().openSegments())
        .withCheckpoints(config.liveness().highWatermarkCheckpointMs(), defaults.derivedBytes())
        .withDecompressed(config.limits().decompressedBytes())
        .withScrub(
            new LogConfig.Scrub(
                config.storage().scrubBytesPerSecond(), config.storage().scrubIntervalMs()))
        .withCleaner(
            new LogConfig.Cleaner(
                config.storage().cleanerBufferBytes(),
                config.storage().cleanerBytesPerSecond(),
                config.storage().cleanerBackoffMs()))
        .withProducers(
            new LogConfig.Producers(
                defaults.producers().most(), config.storage().producerIdExpirationMs()));
  }

  private ReplicaTimes replicaTimes() {
    ReplicaTimes defaults = ReplicaTimes.DEFAULT;
    return new ReplicaTimes(
        TimeUnit.MILLISECONDS.toNanos(config.liveness().replicaSilentMs()),
        TimeUnit.MILLISECONDS.toNanos(config.liveness().replicaLagMs()),
        TimeUnit.MILLISECONDS.toNanos(config.liveness().rejoinDelayMs()),
        TimeUnit.MILLISECONDS.toNanos(config.liveness().rejoinDelayMaxMs()),
        defaults.damping(),
        defaults.retry(),
        defaults.rejected(),
        defaults.stuck(),
        defaults.handedOver(),
        defaults.paused());
  }

  private long diskReserve(NodeDirectory directory) {
    StorageConfig storage = config.storage();
    return DiskReserve.bytes(
        storage.diskReserveBytes(), storage.diskReservePercent(), directory.log().totalBytes());
  }

  private BrokerHealth health(Metadata metadata, LoopGroup control, LoopGroup data) {
    List<EventLoop> loops = new ArrayList<>(data.loops());
    loops.addAll(control.loops());
    return new BrokerHealth(
        config.nodeId(),
        metadata,
        state,
        this::leaseHeld,
        () -> logOffline,
        loops,
        data.loops().size(),
        clock);
  }

  private void bind(
      PrometheusMetrics metrics,
      Metadata metadata,
      BrokerHealth health,
      LogDirectory logDirectory) {
    metrics.bind(metadata, health);
    metrics.gauge(
        "kontiki.log.journal.commits",
        "commits",
        "Commits of the journal since the start.",
        () -> logDirectory.counters().journalCommits());
    metrics.gauge(
        "kontiki.log.journal.bytes",
        "bytes",
        "Bytes that the journal has made durable since the start.",
        () -> logDirectory.counters().journalBytes());
    metrics.gauge(
        "kontiki.log.file.syncs",
        "syncs",
        "Syncs of segments and other files since the start.",
        () -> logDirectory.counters().fileSyncs());
    metrics.gauge(
        "kontiki.log.damaged",
        "logs",
        "Logs with damage that is not mended: from there on they are not served (D9).",
        () -> logDirectory.counters().damagedLogs());
    metrics.gauge(
        "kontiki.log.damage.found",
        "",
        "Times that bytes were found damaged since the start.",
        () -> logDirectory.counters().damages());
    metrics.gauge(
        "kontiki.log.damage.mended",
        "",
        "Damaged ranges that were mended from another replica since the start.",
        () -> logDirectory.counters().mended());
    metrics.gauge(
        "kontiki.log.scrub.bytes",
        "bytes",
        "Bytes that were checked in the background since the start (D6).",
        () -> logDirectory.counters().scrubbedBytes());
    metrics.gauge(
        "kontiki.log.cleaner.runs",
        "",
        "Passes of compaction over a log since the start (L6).",
        () -> logDirectory.counters().cleanerRuns());
    metrics.gauge(
        "kontiki.log.cleaner.bytes",
        "bytes",
        "Bytes that compaction has read and written since the start.",
        () -> logDirectory.counters().cleanerBytes());
    metrics.gauge(
        "kontiki.log.cleaner.dirty.ratio",
        "",
        "Greatest share of a log's closed segments that waits for compaction, at the last look.",
        () -> logDirectory.counters().dirtyRatio());
    metrics.gauge(
        "kontiki.log.cleaner.last.run.seconds",
        "seconds",
        "Time since the last pass of compaction; -1: none since the start.",
        () -> {
          LogCounters.Values log = logDirectory.counters();
          return log.cleanerRuns() == 0
              ? -1
              : (clock.nanoTime() - log.cleanedAtNanos()) / NANOS_PER_SECOND;
        });
    metrics.gauge(
        "kontiki.log.directory.offline",
        "",
        "1: the log directory is offline.",
        () -> logOffline ? 1 : 0);
    metrics.gauge(
        "kontiki.log.directory.full",
        "",
        "0: room enough. 1: leaders refuse records. 2: followers have stopped, too (D4).",
        () -> {
          DiskWatch watch = disk;
          return watch == null
              ? 0
              : switch (watch.space()) {
                case ENOUGH -> 0;
                case SCARCE -> 1;
                case EXHAUSTED -> 2;
              };
        });
  }

  private DoorServices.Admin admin(
      QuorumNode node,
      PartitionRequests requests,
      NodeDirectory directory,
      LogDirectory logDirectory) {
    NodeReports reports =
        node.reports(
            new OwnReports(
                config.nodeId(),
                () ->
                    List.of(
                        new NodeReports.LogDir(
                            directory.logPath().toString(),
                            logDirState(),
                            directory.log().totalBytes(),
                            directory.log().usableBytes(),
                            logDirectory.counters().appendedBytes())),
                ConfigAdmin.lines(sources, NodeConfig.keys())));
    TopicCreation.Defaults defaults =
        new TopicCreation.Defaults(
            config.defaultPartitions(),
            config.defaultReplicationFactor(),
            config.topicDefaults(),
            config.limits().topics(),
            config.limits().partitions());
    Metadata metadata = node.asMetadata();
    ShardViews shards = node.shards(groupServices()::raftGroups);
    int maxBatchBytes = ServerLimits.of(config.limits()).maxBatchBytes();
    return new DoorServices.Admin(
        new TopicAdmin(metadata, requests, defaults, maxBatchBytes, random),
        new TopicChangeAdmin(metadata, defaults, maxBatchBytes, random),
        new ReassignmentAdmin(
            metadata,
            config.limits().reassignments(),
            config.limits().catchUpBytesPerSecond(),
            random),
        new LeadershipAdmin(metadata),
        new ClusterAdmin(metadata, reports, shards),
        new QuorumAdmin(metadata, shards),
        new ConfigAdmin(metadata, reports));
  }

  private Server grpcDoor(
      DoorServices services,
      AdminCalls admin,
      PrometheusMetrics metrics,
      BrokerHealth health,
      LoopGroup control,
      LoopGroup data) {
    Metadata metadata = services.metadata();
    PartitionRequests requests = services.partitions();
    ServerLimits limits = ServerLimits.of(config.limits());
    CallLoops loops = new CallLoops(data.loops());
    Budget bytes = services.bytes();
    Budget streams = new Budget("streams", limits.streams());
    Groups groupService = groups();
    GroupOffsets committed = new GroupOffsets(groupService);
    GroupCalls groupCalls =
        new GroupCalls(
            new Consuming(
                metadata,
                requests,
                groupService,
                services.background(),
                config.limits().decompressedBytes()));
    consumers = groupCalls;
    GrpcDoor grpc = new GrpcDoor(limits, state, metrics, clock);
    door = grpc;
    Server server =
        listen(
            "grpc.listen",
            config.grpc(),
            data,
            builder ->
                grpc.configure(
                    builder.channelFactory(grpc.listeners(LoopGroup::newServerChannel)),
                    List.of(
                        new LogGrpcService(
                            loops,
                            new RecordProduce(
                                metadata,
                                requests,
                                random,
                                topic -> TopicConfig.of(topic.config()).maxMessageBytes()),
                            new RecordRead(
                                metadata,
                                requests,
                                committed,
                                services.background(),
                                config.limits().decompressedBytes()),
                            new OffsetListing(metadata, requests, committed),
                            new ProducerIds(metadata, control.first(), true),
                            groupCalls,
                            bytes,
                            streams,
                            limits),
                        new PartitionGrpcService(
                            loops,
                            metadata,
                            requests,
                            services.producerIds(),
                            bytes,
                            streams,
                            limits),
                        new AdminGrpcService(loops, admin, metadata, streams))));
    grpc.follow(health, control.first());
    return server;
  }

  /** Opens a door of another module, if there is one and it is wanted; answers where it is. */
  private @Nullable Endpoint frontDoor(
      String name, Optional<ListenerConfig> wanted, DoorServices services) {
    if (wanted.isEmpty()) {
      return null;
    }
    Endpoint listen = wanted.get().listen();
    for (FrontDoor found : ServiceLoader.load(FrontDoor.class)) {
      if (found.name().equals(name)) {
        try {
          FrontDoor.OpenDoor open = closeLater(found.open(listen, services));
          return wanted.get().advertised(open.port());
        } catch (IOException e) {
          throw new RefusedException(
              name + ".listen = " + listen + " cannot be bound: is the port in use?", e);
        }
      }
    }
    throw new RefusedException(
        name
            + ".listen = "
            + listen
            + ": there is no door of that name on the class path; leave it empty");
  }

  private HttpDoor httpDoor(
      AdminCalls admin,
      PrometheusMetrics metrics,
      BrokerHealth health,
      LoopGroup control,
      ThreadWorker background) {
    HttpRoutes routes =
        new HttpRoutes(
            new CallLoops(control.loops()),
            admin,
            state,
            metrics,
            health,
            metrics::scrape,
            background);
    try {
      return closeLater(
          HttpDoor.open(
              config.http().listen(), control.netty(), LoopGroup.serverChannelType(), routes));
    } catch (IOException e) {
      throw new RefusedException(e.getMessage() + ": is the port in use?", e);
    }
  }

  /** How a server differs from the others. */
  private interface Door {
    NettyServerBuilder configure(NettyServerBuilder builder);
  }

  private Server listen(String key, ListenerConfig listener, LoopGroup loops, Door door) {
    Endpoint endpoint = listener.listen();
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(endpoint.host(), endpoint.port()))
            .bossEventLoopGroup(loops.netty())
            .workerEventLoopGroup(loops.netty())
            .channelType(LoopGroup.serverChannelType())
            .directExecutor();
    try {
      Server server = door.configure(builder).build().start();
      closeLater(() -> server.shutdownNow().awaitTermination(1, TimeUnit.SECONDS));
      return server;
    } catch (IOException e) {
      throw new RefusedException(
          key + " = " + endpoint + " cannot be bound: is the port in use?", e);
    }
  }

  private static ManagedChannel channel(
      Endpoint endpoint, EventLoopGroup loops, ClientInterceptor... interceptors) {
    // By name: gRPC resolves off the loop, and again when the broker is not where it was.
    return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
        .proxyDetector(address -> null)
        .disableServiceConfigLookUp()
        .eventLoopGroup(loops)
        .channelType(LoopGroup.channelType())
        .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
        .directExecutor()
        .usePlaintext()
        .disableRetry()
        .intercept(interceptors)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .build();
  }

  /** On the loop that the stream belongs to, with the windows of rule R33. */
  private ManagedChannel replicationChannel(Endpoint endpoint, Lane lane, NettyLoop loop) {
    int window =
        lane == Lane.LIVE
            ? config.limits().replicationWindowBytes()
            : config.limits().catchUpWindowBytes();
    return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
        .proxyDetector(address -> null)
        .disableServiceConfigLookUp()
        .eventLoopGroup(loop.netty())
        .channelType(LoopGroup.channelType())
        .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
        .directExecutor()
        .usePlaintext()
        .disableRetry()
        .flowControlWindow(window)
        .keepAliveTime(PING_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(PING_TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .build();
  }

  private <T extends AutoCloseable> T closeLater(T part) {
    closing.add(part);
    return part;
  }

  private boolean leaseHeld() {
    SessionShell shell = session;
    QuorumNode node = quorum;
    if (shell == null || node == null || !shell.leaseHeld()) {
      return false;
    }
    BrokerImage self = node.metadata().image().brokers().get(config.nodeId());
    return self != null && self.unfenced() && self.epoch() == shell.brokerEpoch();
  }

  private void onFollowed() {
    SessionShell shell = session;
    if (shell != null) {
      shell.onRoles();
    }
  }

  private long brokerEpoch() {
    SessionShell shell = session;
    return shell == null ? -1 : shell.brokerEpoch();
  }

  private void onLogOffline() {
    if (!logOffline) {
      logOffline = true;
      tellUnhealthy();
    }
  }

  /** Twice does no harm; before there is a session, start() tells it. */
  private void tellUnhealthy() {
    QuorumNode node = quorum;
    SessionShell shell = session;
    if (shell != null && node != null) {
      node.onControlLoop(shell::onUnhealthy);
    }
  }

  private void refuse(String why) {
    if (refusal == null) {
      refusal = why;
      LOG.error("node {} stops: {}", config.nodeId(), why);
    }
    stopFinished.countDown();
    onEnd.run();
  }

  private NodeReports.LogDir.State logDirState() {
    DiskWatch watch = disk;
    if (logOffline) {
      return NodeReports.LogDir.State.OFFLINE;
    }
    return watch == null || watch.space() == DiskSpace.ENOUGH
        ? NodeReports.LogDir.State.ONLINE
        : NodeReports.LogDir.State.FULL;
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
      DiskWatch watch = disk;
      return watch == null ? DiskSpace.ENOUGH : watch.space();
    }
  }

  /** What the data loops are at, as the session needs to know it. */
  private record Work(ReplicaHost host, BrokerHealth health) implements SessionShell.Work {
    @Override
    public long followed() {
      return host.followed();
    }

    @Override
    public boolean standsStill() {
      return health.dataStandsStill();
    }
  }

  /** What the cluster says to this broker. */
  private final class Life implements SessionShell.Listener {
    @Override
    public void onRegistered(long brokerEpoch) {
      ReplicaHost host = replicas;
      if (host != null) {
        host.onRegistered(brokerEpoch);
      }
    }

    @Override
    public void onRefused(ApiError error) {
      refuse(error.message());
    }

    @Override
    public void onStopFinished(boolean fenced, String why) {
      LOG.info("controlled stop: {}", why);
      stopFinished.countDown();
    }
  }

  /** Stops on purpose (rule R7): hand over, finish or fail what waits, flush, marker. Blocks. */
  @Override
  public void close() {
    try {
      closeConsumers();
      handOver();
      state.enter(ServiceState.Phase.STOPPING);
      if (door != null) {
        door.stopping();
      }
      ReplicaHost host = replicas;
      if (host != null) {
        host.close();
      }
      if (logs != null) {
        CountDownLatch flushed = new CountDownLatch(1);
        logs.flushAndClose(markerEpoch(), flushed::countDown);
        if (!flushed.await(config.liveness().controlledStopMs(), TimeUnit.MILLISECONDS)) {
          LOG.warn("the logs could not be flushed in time: there is no clean marker (R3)");
        }
      }
      if (groups != null) {
        groups.handOver();
      }
      QuorumNode node = quorum;
      if (node != null) {
        node.handOver(); // before the doors close, which would call for an election (M13)
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    for (int i = closing.size() - 1; i >= 0; i--) {
      try {
        closing.get(i).close();
      } catch (Exception e) {
        LOG.warn("while stopping: {}", e.toString());
      }
    }
    LOG.info("node {} has stopped", config.nodeId());
  }

  /**
   * A process that was never registered has served nothing: what the clean stop before it left is
   * as good as it was (rule R3).
   */
  private long markerEpoch() {
    long epoch = brokerEpoch();
    return epoch >= 0 ? epoch : cleanEpoch;
  }

  /** Before this broker is fenced, and the members with it whose streams it holds. */
  private void closeConsumers() throws InterruptedException {
    GroupCalls open = consumers;
    if (open != null) {
      long timeLeftMs = Math.min(CONSUMERS_STOP_MS, config.liveness().controlledStopMs());
      open.closing(timeLeftMs);
      open.awaitClosed(clock, timeLeftMs + STOP_MARGIN_MS);
    }
  }

  private void handOver() throws InterruptedException {
    SessionShell shell = session;
    QuorumNode node = quorum;
    if (shell == null || node == null || refusal != null) {
      return;
    }
    LOG.info("node {} is stopping", config.nodeId());
    node.onControlLoop(shell::stop);
    long limit = config.liveness().controlledStopMs() + STOP_MARGIN_MS;
    if (!stopFinished.await(limit, TimeUnit.MILLISECONDS)) {
      LOG.warn("the controlled stop did not end in time");
    }
  }
}
