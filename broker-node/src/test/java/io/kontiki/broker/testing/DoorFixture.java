package io.kontiki.broker.testing;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kontiki.broker.api.ClusterAdmin;
import io.kontiki.broker.api.ConfigAdmin;
import io.kontiki.broker.api.Health;
import io.kontiki.broker.api.LeadershipAdmin;
import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.OwnReports;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.broker.api.QuorumAdmin;
import io.kontiki.broker.api.ReassignmentAdmin;
import io.kontiki.broker.api.RecordDeletion;
import io.kontiki.broker.api.RecordProduce;
import io.kontiki.broker.api.RecordRead;
import io.kontiki.broker.api.ShardViews;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.api.TopicChangeAdmin;
import io.kontiki.broker.api.TopicSettings;
import io.kontiki.broker.group.Consuming;
import io.kontiki.broker.group.GroupAdmin;
import io.kontiki.broker.group.GroupOffsets;
import io.kontiki.broker.http.HttpDoor;
import io.kontiki.broker.http.HttpRoutes;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.metrics.PrometheusMetrics;
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
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.system.SystemClock;
import io.kontiki.runtime.system.ThreadWorker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** Both doors on loopback, real loops, in-memory partitions and metadata of three brokers. */
public final class DoorFixture implements AutoCloseable {
  public final List<String> faults = new CopyOnWriteArrayList<>();
  private final FaultHandler faultHandler = (what, cause) -> faults.add(what + ": " + cause);
  private final SystemClock clock = new SystemClock();
  private final LoopGroup data = new LoopGroup("test-data", 2, clock, faultHandler);
  private final LoopGroup control = new LoopGroup("test-control", 1, clock, faultHandler);
  private final ThreadWorker worker = new ThreadWorker("test-worker", 1100, faultHandler);
  public final MemoryMetadata metadata = MemoryMetadata.cluster(control.first(), 3);
  public final MemoryPartitions partitions = new MemoryPartitions(data.loops().get(1), metadata);
  public final MemoryGroups groups = new MemoryGroups(control.first(), metadata);
  public final GroupCalls groupCalls;
  public final ServiceState state = new ServiceState();
  public final PrometheusMetrics metrics = new PrometheusMetrics(1);
  public final TestHealth health = new TestHealth();
  public final Budget bytes;
  public final Budget streams;
  public final HttpDoor http;
  private final Server server;
  public final ManagedChannel channel;

  /** Health that a test sets. */
  public static final class TestHealth implements Health {
    public volatile boolean ready = true;

    @Override
    public Verdict alive() {
      return new Verdict(true, "alive");
    }

    @Override
    public Verdict ready() {
      return new Verdict(ready, ready ? "ready" : "fenced");
    }
  }

  public DoorFixture() throws IOException {
    this(ServerLimits.DEFAULT);
  }

  public DoorFixture(ServerLimits limits) throws IOException {
    bytes = new Budget("bytes in flight", limits.requestMemoryBytes());
    streams = new Budget("streams", limits.streams());
    SeededRandom random = new SeededRandom(11);
    OwnReports reports =
        new OwnReports(
            1,
            List::of,
            List.of(new ConfigLine("node.id", "1", "", ConfigOrigin.FILE, "", "The id.")));
    AdminCalls calls =
        new AdminCalls(
            new TopicAdmin(
                metadata,
                partitions,
                new TopicCreation.Defaults(1, 0, Map.of(), 100, 1000),
                limits.maxBatchBytes(),
                random),
            new TopicChangeAdmin(
                metadata,
                new TopicCreation.Defaults(1, 0, Map.of(), 100, 1000),
                limits.maxBatchBytes(),
                random),
            new RecordDeletion(metadata, partitions),
            new ReassignmentAdmin(metadata, 10, 1 << 20, random),
            new LeadershipAdmin(metadata),
            new ClusterAdmin(metadata, reports, ShardViews.NONE),
            new QuorumAdmin(metadata, ShardViews.NONE),
            new ConfigAdmin(metadata, reports),
            new GroupAdmin(groups, metadata, partitions));
    CallLoops dataLoops = new CallLoops(data.loops());
    state.enter(ServiceState.Phase.SERVING);
    GrpcDoor door = new GrpcDoor(limits, state, metrics, clock);
    GroupOffsets committed = new GroupOffsets(groups);
    groupCalls = new GroupCalls(new Consuming(metadata, partitions, groups, worker, 64 << 20));
    LogGrpcService log =
        new LogGrpcService(
            dataLoops,
            new RecordProduce(metadata, partitions, random, TopicSettings::maxMessageBytes),
            new RecordRead(metadata, partitions, committed, worker, 64 << 20),
            new OffsetListing(metadata, partitions, committed),
            new ProducerIds(metadata, control.first(), true),
            groupCalls,
            bytes,
            streams,
            limits);
    PartitionGrpcService raw =
        new PartitionGrpcService(
            dataLoops,
            metadata,
            partitions,
            new ProducerIds(metadata, control.first(), false),
            bytes,
            streams,
            limits);
    server =
        door.configure(
                NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .bossEventLoopGroup(data.netty())
                    .workerEventLoopGroup(data.netty())
                    .channelType(LoopGroup.serverChannelType()),
                List.of(log, raw, new AdminGrpcService(dataLoops, calls, metadata, streams)))
            .build()
            .start();
    metrics.bind(metadata, health);
    door.follow(health, control.first());
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
    http =
        HttpDoor.open(
            new Endpoint("127.0.0.1", 0),
            control.netty(),
            LoopGroup.serverChannelType(),
            new HttpRoutes(
                new CallLoops(control.loops()),
                calls,
                state,
                metrics,
                health,
                metrics::scrape,
                worker));
  }

  @Override
  public void close() {
    channel.shutdownNow();
    http.close();
    server.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    worker.close();
    data.close();
    control.close();
    if (!faults.isEmpty()) {
      throw new AssertionError(faults);
    }
  }
}
