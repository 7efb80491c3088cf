package io.kontiki.broker.shards;

import io.grpc.ManagedChannel;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.LinkDialler;
import io.kontiki.broker.coordinator.ShardBalance;
import io.kontiki.broker.coordinator.Shards;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.quorum.ShardEngine;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Result;
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
import java.util.TreeSet;
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
  private final Metadata metadata;
  private final ShardVoters voters;
  private final TreeMap<Integer, ShardNode> nodes = new TreeMap<>();

  /** The same for other threads. */
  private volatile List<ShardNode> published = List.of();

  private final TreeMap<Integer, ShardBalance> balances = new TreeMap<>();
  private ClusterImage image = ClusterImage.EMPTY;
  private long admittedIndex = -1;

  /** Shards that still count this node, which is no voter any more; null: it is one. */
  private @Nullable TreeSet<Integer> departing;

  private boolean closed;
  private EventLoop.@Nullable Timer ticking;

  /**
   * @param raft {@code raft/} of the data directory
   * @param starts runs what blocks while a group starts
   * @param channels to Raft ports
   * @param metadata asked who votes before anybody is taken out
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
      Metadata metadata,
      Consumer<String> refused) {
    this.nodeId = nodeId;
    this.directoryId = directoryId;
    this.loop = control;
    this.engine = engine;
    this.files = new ShardFiles(raft);
    this.starts = starts;
    this.coordinators = coordinators;
    this.channels = channels;
    this.metadata = metadata;
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
        || departing != null
        || admittedIndex < 0
        || !image.formed()
        || image.index() < admittedIndex
        || (own != null && own.directoryId() != null && !own.directoryId().equals(directoryId))) {
      return;
    }
    for (int i = 0; i < image.groupShards(); i++) {
      // One that is no voter any more still counts where it took part, until it is out (M23).
      if (!nodes.containsKey(i) && (own != null || files.started(name(i)))) {
        start(i);
      }
    }
  }

  private String name(int shard) {
    return Shards.name(shard, image.groupShards());
  }

  /**
   * This node is no voter any more: has it taken out of all shards, however long that takes (M23).
   *
   * @param index of metadata in which it is none
   * @param out called when no configuration counts it; what runs goes on running
   */
  void depart(long index, Runnable out) {
    TreeSet<Integer> still = new TreeSet<>(nodes.keySet());
    departing = still;
    if (still.isEmpty()) {
      out.run();
    }
    for (int shard : List.copyOf(still)) {
      voters.leave(
          shard,
          index,
          () -> {
            if (still.remove(shard) && still.isEmpty()) {
              out.run();
            }
          });
    }
  }

  /** This node hosts nothing any more; what is returned is to be closed by who may block. */
  List<ShardNode> cease() {
    admittedIndex = -1;
    departing = null;
    List<ShardNode> hosted = published;
    nodes.values().forEach(ShardNode::stop);
    nodes.clear();
    voters.forget();
    balances.clear();
    published = List.of();
    return hosted;
  }

  /** Deletes what this node has of shards; none of them may run. Blocks; any thread. */
  void forget() {
    files.forget();
  }

  private void start(int shard) {
    String name = name(shard);
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
    if (closed || !nodes.containsValue(node)) {
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
    if (closed || !nodes.containsValue(node)) {
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
      boolean votes = image.voters().containsKey(nodeId) && departing == null;
      if (votes && admittedIndex > 0 && !status.leading() && !isMember(status)) {
        voters.join(entry.getKey(), admittedIndex);
      }
      if (status.leading()) {
        expel(entry.getKey(), group, status);
      }
    }
  }

  /**
   * Takes out of a shard who is no voter any more: surely, because an old image may lack voters.
   */
  private void expel(int shard, RaftGroup group, RaftStatus status) {
    for (RaftGroup.Member member : status.voters()) {
      if (!image.voters().containsKey(member.nodeId())) {
        metadata.readLatest(
            loop.clock().nanoTime() + TICK_NANOS,
            latest ->
                loop.execute(
                    () -> {
                      if (latest instanceof Result.Ok<ClusterImage> found
                          && !closed
                          && !found.value().voters().containsKey(member.nodeId())) {
                        expel(shard, group, member.nodeId());
                      }
                    }));
        return;
      }
    }
  }

  private void expel(int shard, RaftGroup group, int member) {
    if (member != nodeId) {
      voters.expel(shard, group, member);
      return;
    }
    for (RaftGroup.Member other : group.status().voters()) {
      if (image.voters().containsKey(other.nodeId()) && ShardBalance.answers(other)) {
        LOG.info("[{}] leadership goes to node {} (M23)", name(shard), other.nodeId());
        group.transferLeadershipTo(other.nodeId());
        return;
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
