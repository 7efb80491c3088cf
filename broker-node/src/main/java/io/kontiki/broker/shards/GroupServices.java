package io.kontiki.broker.shards;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.CoordinatorTiming;
import io.kontiki.broker.coordinator.LinkedGroups;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.group.ClassicGroups;
import io.kontiki.broker.group.Groups;
import io.kontiki.broker.metrics.PrometheusMetrics;
import io.kontiki.broker.quorum.NodeIdentity;
import io.kontiki.broker.quorum.ShardEngine;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.Worker;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Consumer groups on this node, wired: the shards that it hosts if it votes, and this broker's way
 * to the coordinators of all groups.
 */
public final class GroupServices implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GroupServices.class);
  private static final int LOOP_SECONDS = 2;

  private final EventLoop loop;
  private final GroupShards shards;
  private final LinkedGroups groups;
  private final ClassicDoor classic;
  private final BrokerChannels channels;
  private final CoordinatorGrpcService service;
  private final GroupMeters meters;

  /**
   * What this node is to its cluster.
   *
   * @param metadata as this broker knows them
   * @param epoch of this broker, or -1; any thread
   * @param leaseHeld rule R5; any thread
   * @param refused told on the control loop why this node must not go on
   */
  public record Node(
      NodeIdentity identity,
      Metadata metadata,
      LongSupplier epoch,
      BooleanSupplier leaseHeld,
      Consumer<String> refused) {}

  /**
   * Where Raft groups run.
   *
   * @param raft {@code raft/} of the data directory
   * @param starts for what blocks while a group starts
   * @param dialler makes channels to Raft ports, on the control loop, with a direct executor
   */
  public record Ground(
      ShardEngine engine,
      FileStore raft,
      Worker starts,
      Function<Endpoint, ManagedChannel> dialler) {}

  /** Starts nothing yet. */
  public GroupServices(
      Node node, Ground ground, EventLoop control, RandomSource random, PrometheusMetrics metrics) {
    this.loop = control;
    this.channels = new BrokerChannels(ground.dialler());
    int nodeId = node.identity().nodeId();
    this.meters =
        new GroupMeters(
            metrics.timer(
                "kontiki.group.commit.seconds",
                "From the arrival of a commit at its coordinator here to the end of its entry."));
    this.shards =
        new GroupShards(
            nodeId,
            node.identity().directoryId(),
            control,
            ground.engine(),
            ground.raft(),
            ground.starts(),
            (shard, group) -> coordinator(node, random, shard, group),
            channels,
            node.metadata(),
            node.refused());
    this.groups =
        new LinkedGroups(
            nodeId,
            control,
            CoordinatorTiming.DEFAULT,
            node.metadata(),
            random,
            node.epoch(),
            node.leaseHeld(),
            shards);
    this.classic = new ClassicDoor(control, shards, groups);
    this.service = new CoordinatorGrpcService(shards);
    bind(metrics);
    node.metadata().listen(shards::onImage);
  }

  private Coordinator coordinator(
      Node node, RandomSource random, ShardNode shard, RaftGroup group) {
    return new Coordinator(
        node.identity().nodeId(),
        loop,
        CoordinatorTiming.DEFAULT,
        new Coordinator.Shard(group, GroupCommandCodec::encode, shard),
        node.metadata(),
        node.leaseHeld(),
        random,
        meters.of(shard.name()));
  }

  private void bind(PrometheusMetrics metrics) {
    metrics.gauge(
        "kontiki.group.count",
        "groups",
        "Consumer groups that this node coordinates, those without members included.",
        () -> coordinated(ShardNode::groupCount));
    metrics.gauge(
        "kontiki.group.members",
        "members",
        "Members of groups that this node coordinates.",
        () -> coordinated(ShardNode::members));
    metrics.counter(
        "kontiki.group.commits",
        "Commits of members that were applied while this node coordinated.",
        meters.commits::sum);
    metrics.counter(
        "kontiki.group.committed.offsets", "Offsets in those commits.", meters.offsets::sum);
    metrics.counter(
        "kontiki.group.commits.back",
        "Offsets that were set lower than before (G10).",
        meters.wentBack::sum);
    metrics.counter(
        "kontiki.group.rebalances",
        "Generations of groups that began while this node coordinated.",
        meters.rebalances::sum);
    metrics.counter("kontiki.group.joins", "Members that have joined.", meters.joined::sum);
    metrics.counter(
        "kontiki.group.ends", "Members that left, expired or were replaced.", meters.ended::sum);
  }

  private long coordinated(ToLongFunction<ShardNode> what) {
    return shards.published().stream().filter(ShardNode::leads).mapToLong(what).sum();
  }

  /** This broker's way to the coordinators. */
  public Groups groups() {
    return groups;
  }

  /** The groups that this broker coordinates, for Kafka clients. */
  public ClassicGroups classic() {
    return classic;
  }

  /** What the Raft port serves besides. */
  public BindableService service() {
    return service;
  }

  /**
   * This node votes from here on; any thread.
   *
   * @param admittedIndex a metadata index at which its directory was on record after it had been
   *     taken in (M16); 0: it votes since the cluster was formed
   */
  public void votes(long admittedIndex) {
    loop.execute(() -> shards.votes(admittedIndex));
  }

  /**
   * This node is no voter any more: has it taken out of all shards (M23). On the control loop.
   *
   * @param index of metadata in which it is none
   * @param out called there when no configuration counts it
   */
  public void depart(long index, Runnable out) {
    shards.depart(index, out);
  }

  /**
   * Stops what runs of shards here and deletes what is left of them: no configuration counts this
   * node. Blocks; not on the control loop.
   *
   * @throws io.kontiki.runtime.StorageException it was not deleted
   */
  public void forget() throws InterruptedException {
    onLoop(shards::cease).forEach(ShardNode::close);
    shards.forget();
  }

  /** The Raft groups of shards that run here; any thread. */
  public List<RaftGroup> raftGroups() {
    return shards.published().stream().flatMap(node -> node.running().stream()).toList();
  }

  /**
   * Leaves the leadership of shards to other nodes, while all ports are still served (rule R7).
   * Blocks; not on the control loop.
   */
  public void handOver() throws InterruptedException {
    GroupShards.handOver(shards.published());
  }

  /** Stops; blocks. */
  @Override
  public void close() {
    try {
      List<ShardNode> nodes =
          onLoop(
              () -> {
                groups.close();
                return shards.stop();
              });
      nodes.forEach(ShardNode::close);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    channels.close();
  }

  private List<ShardNode> onLoop(Supplier<List<ShardNode>> task) throws InterruptedException {
    CompletableFuture<List<ShardNode>> result = new CompletableFuture<>();
    loop.execute(() -> result.complete(task.get()));
    try {
      return result.get(LOOP_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("the control loop does not move: the shards are left without a word");
      return shards.published();
    }
  }
}
