package io.kontiki.broker.group;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.coordinator.AppliedGroups;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.CoordinatorEvents;
import io.kontiki.broker.coordinator.CoordinatorTiming;
import io.kontiki.broker.coordinator.LinkDialler;
import io.kontiki.broker.coordinator.LinkEvent;
import io.kontiki.broker.coordinator.LinkOut;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.broker.coordinator.LinkedGroups;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupImage;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.machine.GroupStateMachine;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Result;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.memory.MemoryRaft;
import io.kontiki.raft.memory.MemoryRaftGroup;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Three nodes that coordinate groups and hold streams, on virtual time: the coordinator, the links'
 * client side, the edge and the state machine are the real ones; the network, Raft, the metadata
 * and the partitions are models. One seed decides everything.
 */
final class GroupsWorld {
  static final int NODES = 3;
  private static final long MS = 1_000_000;

  final SimulatedTime time = new SimulatedTime();
  final Random random;
  final VirtualLoop ground = time.newLoop("ground");
  final MemoryMetadata metadata = MemoryMetadata.cluster(ground, NODES);
  final MemoryPartitions partitions = new MemoryPartitions(time.newLoop("data"), metadata);
  final TreeMap<Integer, Node> nodes = new TreeMap<>();
  private final MemoryRaft raft;
  private final TreeSet<Integer> cut = new TreeSet<>();
  private final BiConsumer<Node, List<GroupChange>> applied;
  private int lives;

  GroupsWorld(long seed, BiConsumer<Node, List<GroupChange>> applied) {
    this.random = new Random(seed);
    this.applied = applied;
    TreeMap<Integer, Endpoint> voters = new TreeMap<>();
    for (int id = 1; id <= NODES; id++) {
      voters.put(id, new Endpoint("10.0.0." + id, 7601));
    }
    raft =
        new MemoryRaft(
            "groups",
            voters,
            (what, cause) -> {
              throw new AssertionError(what, cause);
            });
    for (int id = 1; id <= NODES; id++) {
      nodes.put(id, new Node(id));
    }
    time.advanceMs(100);
  }

  List<Node> up() {
    return nodes.values().stream().filter(node -> node.up).toList();
  }

  // ---- faults

  void kill(int id) {
    Node node = node(id);
    if (!node.up) {
      return;
    }
    node.up = false;
    cut.remove(id);
    node.loop.stop();
    node.applier.stop();
    node.raftGroup.close();
    List.copyOf(node.links).forEach(SimLink::broken);
    List<Runnable> streams = List.copyOf(node.streams);
    node.streams.clear();
    streams.forEach(gone -> time.after((1 + random.nextInt(20)) * MS, gone));
    time.after(
        (20 + random.nextInt(300)) * MS,
        () -> {
          BrokerImage broker = metadata.image().brokers().get(id);
          if (!node(id).up && broker != null && broker.state() == BrokerImage.State.ACTIVE) {
            metadata.fence(id);
          }
        });
  }

  void restart(int id) {
    if (node(id).up) {
      return;
    }
    BrokerImage old = metadata.image().brokers().get(id);
    if (old == null) {
      throw new AssertionError("no broker " + id);
    }
    CommandOutcome registered =
        metadata.apply(
            new MetadataCommand.RegisterBroker(
                time.clock().wallMs(),
                id,
                metadata.image().clusterId(),
                old.directoryId(),
                new Uid(90, ++lives),
                old.endpoints(),
                -1,
                "0.1.0"));
    metadata.apply(
        new MetadataCommand.UnfenceBroker(
            time.clock().wallMs(), id, ((CommandOutcome.Number) registered).value(), List.of()));
    nodes.put(id, new Node(id));
  }

  /** As SIGSTOP. */
  void pause(int id, long ms) {
    Node node = node(id);
    if (node.up) {
      node.loop.pause();
      node.applier.pause();
      time.after(
          ms * MS,
          () -> {
            node.loop.resume();
            node.applier.resume();
          });
    }
  }

  /** Nothing gets through to or from the node; its Raft is cut off, too. */
  void cut(int id) {
    if (node(id).up && cut.add(id)) {
      raft.isolate(id);
    }
  }

  void heal() {
    for (int id : List.copyOf(cut)) {
      cut.remove(id);
      raft.heal(id);
    }
  }

  void elect(int id) {
    if (raft.electable().contains(id) && !cut.contains(id)) {
      raft.elect(id);
    }
  }

  void compact(int id) {
    if (node(id).up) {
      raft.compact(id);
    }
  }

  Node node(int id) {
    return Objects.requireNonNull(nodes.get(id));
  }

  // ---- a node

  final class Node implements LinkDialler, AppliedGroups, CoordinatorEvents {
    final int id;
    final VirtualLoop loop;
    final Consuming consuming;
    final List<Runnable> streams = new ArrayList<>();
    final List<SimLink> links = new ArrayList<>();
    boolean up = true;
    private final VirtualWorker applier;
    private final GroupStateMachine machine;
    private final MemoryRaftGroup raftGroup;
    private final Coordinator coordinator;
    private final List<Runnable> early = new ArrayList<>();
    private boolean begun;
    private int leader = -1;

    Node(int id) {
      this.id = id;
      loop = time.newLoop("node-" + id);
      applier = time.newWorker("applier-" + id);
      machine = new GroupStateMachine(listener());
      raftGroup = raft.start(id, machine, applier);
      Metadata view = new NodeMetadata(loop);
      long epoch = Objects.requireNonNull(metadata.image().brokers().get(id)).epoch();
      coordinator =
          new Coordinator(
              id,
              loop,
              CoordinatorTiming.DEFAULT,
              new Coordinator.Shard(raftGroup, GroupCommandCodec::encode, this),
              view,
              this::leaseHeld,
              new SeededRandom(100 + id),
              this);
      LinkedGroups groups =
          new LinkedGroups(
              id,
              loop,
              CoordinatorTiming.DEFAULT,
              view,
              new SeededRandom(random.nextLong()),
              () -> epoch,
              this::leaseHeld,
              this);
      consuming = new Consuming(view, partitions, groups, time.newWorker("decoder-" + id), 1 << 20);
      view.listen(coordinator::onImage);
      loop.execute(
          () -> {
            begun = true;
            early.forEach(Runnable::run);
          });
    }

    private boolean leaseHeld() {
      BrokerImage broker = metadata.image().brokers().get(id);
      return up && broker != null && broker.state() == BrokerImage.State.ACTIVE;
    }

    private void post(Runnable task) {
      loop.execute(
          () -> {
            if (begun) {
              task.run();
            } else {
              early.add(task);
            }
          });
    }

    private GroupStateMachine.Listener listener() {
      return new GroupStateMachine.Listener() {
        @Override
        public void onChanges(List<GroupChange> changes) {
          applied.accept(Node.this, changes);
          post(() -> coordinator.onApplied(changes));
        }

        @Override
        public void onRestored() {
          applied.accept(Node.this, List.of()); // a jump: nothing is known of what was before (M8)
        }

        @Override
        public void onLeaderStart(long term) {
          post(
              () -> {
                leader = id;
                coordinator.onLeaderStart(term);
              });
        }

        @Override
        public void onLeaderStop(long term) {
          post(
              () -> {
                leader = -1;
                coordinator.onLeaderStop();
              });
        }

        @Override
        public void onFollowing(int leaderId, long term) {
          post(() -> leader = leaderId);
        }
      };
    }

    @Override
    public @Nullable GroupImage group(String name) {
      return machine.view().image(name);
    }

    @Override
    public Iterable<GroupImage> groups() {
      return machine.view().all();
    }

    @Override
    public int leader(int shard) {
      return leader;
    }

    @Override
    public Link dial(int shard, int nodeId, Handler handler) {
      return new SimLink(this, node(nodeId), handler);
    }

    @Override
    public void onJoined(String group, String memberId, String details) {}

    @Override
    public void onEnded(String group, String memberId, String why) {}

    @Override
    public void onRebalance(String group) {}

    @Override
    public void onCommit(int offsets, long nanos) {}

    @Override
    public void onWentBack(String group, int offsets) {}

    @Override
    public void onNotice(String what) {}
  }

  // ---- links

  /** Both ends of a link; what is sent arrives in order, late, after a cut, or never. */
  private final class SimLink implements LinkDialler.Link, LinkOut {
    private final Node from;
    private final Node to;
    private final LinkDialler.Handler handler;
    private final ArrayDeque<Runnable> there = new ArrayDeque<>();
    private final ArrayDeque<Runnable> back = new ArrayDeque<>();
    private Coordinator.@Nullable Incoming incoming;
    private boolean over;

    SimLink(Node from, Node to, LinkDialler.Handler handler) {
      this.from = from;
      this.to = to;
      this.handler = handler;
      from.links.add(this);
      to.links.add(this);
      carry(
          there,
          () -> {
            if (to.up) {
              incoming = to.coordinator.accept(this);
            } else {
              broken();
            }
          },
          to);
      if (!to.up) {
        time.after(MS, this::broken);
      }
    }

    private void carry(ArrayDeque<Runnable> way, Runnable message, Node target) {
      way.add(message);
      if (way.size() == 1) {
        pump(way, target);
      }
    }

    private void pump(ArrayDeque<Runnable> way, Node target) {
      time.after(
          (100 + random.nextInt(900)) * 1_000L,
          () -> {
            if (over && way == there) {
              way.clear();
            } else if (from != to && (cut.contains(from.id) || cut.contains(to.id))) {
              time.after(20 * MS, () -> pump(way, target));
            } else if (!way.isEmpty()) {
              target.loop.execute(way.remove());
              if (!way.isEmpty()) {
                pump(way, target);
              }
            }
          });
    }

    /** A process is dead: the other end hears of it. */
    void broken() {
      if (over) {
        return;
      }
      over = true;
      from.links.remove(this);
      to.links.remove(this);
      time.after(
          MS,
          () -> {
            from.loop.execute(() -> handler.onEnded("connection reset"));
            to.loop.execute(
                () -> {
                  if (incoming != null) {
                    incoming.onBroken();
                  }
                });
          });
    }

    @Override
    public boolean ready() {
      return !over;
    }

    @Override
    public void send(LinkRequest request) {
      if (!over) {
        carry(
            there,
            () -> {
              if (!over && incoming != null) {
                incoming.onRequest(request);
              }
            },
            to);
      }
    }

    @Override
    public void close() {
      if (!over) {
        carry(
            there,
            () -> {
              if (incoming != null) {
                incoming.onBroken();
              }
            },
            to);
        closedHere = true;
      }
    }

    private boolean closedHere;

    @Override
    public void send(LinkEvent event) {
      if (!over) {
        carry(
            back,
            () -> {
              if (!over && !closedHere) {
                handler.onEvent(event);
              }
            },
            from);
      }
    }

    @Override
    public void end() {
      if (!over) {
        carry(
            back,
            () -> {
              if (!over && !closedHere) {
                over = true;
                from.links.remove(this);
                to.links.remove(this);
                handler.onEnded("the coordinator has ended it");
              }
            },
            from);
      }
    }
  }

  // ---- metadata

  /** The metadata with its callbacks on a node's loop. */
  private final class NodeMetadata implements Metadata {
    private final VirtualLoop loop;

    NodeMetadata(VirtualLoop loop) {
      this.loop = loop;
    }

    private <T> Completion<T> home(Completion<T> completion) {
      return answer -> loop.execute(() -> completion.complete(answer));
    }

    @Override
    public ClusterImage image() {
      return metadata.image();
    }

    @Override
    public void readLatest(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
      metadata.readLatest(deadlineNanos, home(completion));
    }

    @Override
    public void awaitIndex(
        long index, long deadlineNanos, Completion<Result<ClusterImage>> completion) {
      metadata.awaitIndex(index, deadlineNanos, home(completion));
    }

    @Override
    public void submit(
        MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
      metadata.submit(command, deadlineNanos, home(completion));
    }

    @Override
    public void listen(Listener listener) {
      metadata.listen(image -> loop.execute(() -> listener.onImage(image)));
    }

    @Override
    public void unlisten(Listener listener) {
      throw new UnsupportedOperationException("nobody does that here");
    }

    @Override
    public RaftGroup.RaftStatus quorum() {
      return metadata.quorum();
    }

    @Override
    public void leaderView(long deadlineNanos, Completion<RaftGroup.RaftStatus> completion) {
      metadata.leaderView(deadlineNanos, home(completion));
    }
  }
}
