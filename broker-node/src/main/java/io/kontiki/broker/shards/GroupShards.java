package io.kontiki.broker.shards;

import io.grpc.ManagedChannel;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.LinkDialler;
import io.kontiki.broker.coordinator.ShardBalance;
import io.kontiki.broker.coordinator.Shards;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.quorum.ShardEngine;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shards that this node hosts: all of them once the cluster has formed and this node votes,
 * else none. On the control loop, except where it says otherwise.
 */
final class GroupShards implements LinkDialler {
  private static final Logger LOG = LoggerFactory.getLogger(GroupShards.class);
  private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long HAND_OVER_MS = 500;

  private final int nodeId;
  private final Uid directoryId;
  private final EventLoop loop;
  private final ShardEngine engine;
  private final ShardFiles files;
  private final Worker starts;
  private final BiFunction<ShardNode, RaftGroup, Coordinator> coordinators;
  private final BrokerChannels channels;
  private final Consumer<String> refused;
  private final ShardVoters voters;
  private final TreeMap<Integer, ShardNode> nodes = new TreeMap<>();

  /** The same for other threads. */
  private volatile List<ShardNode> published = List.of();

  private final TreeMap<Integer, ShardBalance> balances = new TreeMap<>();
  private ClusterImage image = ClusterImage.EMPTY;
  private long admittedIndex = -1;
  private boolean closed;
  private EventLoop.@Nullable Timer ticking;

  /**
   * @param raft {@code raft/} of the data directory
   * @param starts runs what blocks while a group starts
   * @param channels to Raft ports
   * @param refused told why this node must not go on
   */
  GroupShards(
      int nodeId,
      Uid directoryId,
      EventLoop control,
      ShardEngine engine,
      FileStore raft,
      Worker starts,
      BiFunction<ShardNode, RaftGroup, Coordinator> coordinators,
      BrokerChannels channels,
      Consumer<String> refused) {
    this.nodeId = nodeId;
    this.directoryId = directoryId;
    this.loop = control;
    this.engine = engine;
    this.files = new ShardFiles(raft);
    this.starts = starts;
    this.coordinators = coordinators;
    this.channels = channels;
    this.refused = refused;
    this.voters = new ShardVoters(nodeId, directoryId, control, this);
  }

  ShardVoters voters() {
    return voters;
  }

  ClusterImage image() {
    return image;
  }

  /** This node votes, see {@code QuorumNode}. */
  void votes(long admittedAt) {
    admittedIndex = admittedAt;
    startAll();
    if (ticking == null && !closed) {
      tick();
    }
  }

  void onImage(ClusterImage newest) {
    image = newest;
    startAll();
    nodes.values().forEach(node -> node.onImage(newest));
  }

  private void startAll() {
    VoterImage own = image.voters().get(nodeId);
    if (closed
        || admittedIndex < 0
        || !image.formed()
        || image.index() < admittedIndex
        || own == null
        || (own.directoryId() != null && !own.directoryId().equals(directoryId))) {
      return;
    }
    for (int i = 0; i < image.groupShards(); i++) {
      if (!nodes.containsKey(i)) {
        start(i);
      }
    }
  }

  private void start(int shard) {
    String name = Shards.name(shard, image.groupShards());
    ShardNode node = new ShardNode(name, nodeId, loop);
    nodes.put(shard, node);
    published = List.copyOf(nodes.values());
    balances.put(shard, new ShardBalance(nodeId, shard));
    boolean joining = admittedIndex > 0;
    if (joining && !files.started(name)) {
      // What its lost disk may have acknowledged must be on a majority of the others first (M16).
      voters.leave(shard, admittedIndex, () -> open(node, true));
    } else {
      open(node, joining);
    }
  }

  private void open(ShardNode node, boolean joining) {
    SortedMap<Integer, Endpoint> addresses = new TreeMap<>();
    image.voters().values().forEach(voter -> addresses.put(voter.id(), voter.raft()));
    if (closed) {
      return;
    }
    CompletableFuture<Optional<RaftGroup>> started = node.starting();
    starts.execute(
        () -> {
          try {
            files.start(node.name());
            RaftGroup group = engine.startShard(node.name(), addresses, joining, node.machine());
            started.complete(Optional.of(group));
            loop.execute(() -> opened(node, group));
          } catch (StorageException e) {
            started.complete(Optional.empty());
            loop.execute(
                () -> refused.accept("shard " + node.name() + " of data.dir: " + e.getMessage()));
          }
        });
  }

  private void opened(ShardNode node, RaftGroup group) {
    if (closed) {
      return; // whoever closes the node has waited for it
    }
    node.begin(group, started -> coordinators.apply(node, started));
    node.onImage(image);
  }

  private void tick() {
    ticking = loop.schedule(TICK_NANOS, this::tick);
    for (var entry : nodes.entrySet()) {
      RaftGroup group = entry.getValue().group();
      if (group == null) {
        continue;
      }
      RaftStatus status = group.status();
      ShardBalance balance = balances.get(entry.getKey());
      if (balance != null) {
        OptionalInt target = balance.onTick(status, image, loop.clock().nanoTime());
        if (target.isPresent()) {
          LOG.info("[{}] leadership goes to node {}", entry.getValue().name(), target.getAsInt());
          group.transferLeadershipTo(target.getAsInt());
        }
      }
      if (admittedIndex > 0 && !status.leading() && !isMember(status)) {
        voters.join(entry.getKey(), admittedIndex);
      }
    }
  }

  private boolean isMember(RaftStatus status) {
    return status.voters().stream().anyMatch(member -> member.nodeId() == nodeId);
  }

  /** Null: this node has no part in the shard, or not yet. */
  @Nullable Coordinator coordinator(int shard) {
    ShardNode node = nodes.get(shard);
    return node == null ? null : node.coordinator();
  }

  @Nullable RaftGroup group(int shard) {
    ShardNode node = nodes.get(shard);
    return node == null ? null : node.group();
  }

  /** All parts, also such that are being started; any thread. */
  List<ShardNode> published() {
    return published;
  }

  @Override
  public int leader(int shard) {
    ShardNode node = nodes.get(shard);
    return node == null ? RaftGroup.NO_NODE : node.leaderId();
  }

  @Override
  public Link dial(int shard, int target, Handler handler) {
    if (target == nodeId) {
      return LocalLink.open(loop, coordinator(shard), handler);
    }
    ManagedChannel channel = channel(target);
    return channel == null
        ? LocalLink.open(loop, null, handler)
        : RemoteLink.open(loop, channel, handler);
  }

  /** Null: no voter. */
  @Nullable ManagedChannel channel(int voterId) {
    VoterImage voter = image.voters().get(voterId);
    return voter == null ? null : channels.to(voter.raft());
  }

  /** Hands over what this node leads (rule R7). Blocks; not on the control loop. */
  static void handOver(List<ShardNode> nodes) throws InterruptedException {
    for (ShardNode node : nodes) {
      node.handOver(HAND_OVER_MS);
    }
  }

  /** Nothing begins any more; what is returned is to be closed by somebody who may block. */
  List<ShardNode> stop() {
    closed = true;
    if (ticking != null) {
      ticking.cancel();
    }
    voters.close();
    nodes.values().forEach(ShardNode::stop);
    return published;
  }
}
