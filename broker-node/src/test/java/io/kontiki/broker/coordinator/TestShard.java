package io.kontiki.broker.coordinator;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.group.MemberListener;
import io.kontiki.broker.group.Membership;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.group.Assignor;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.machine.GroupStateMachine;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.raft.memory.MemoryRaft;
import io.kontiki.raft.memory.MemoryRaftGroup;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Three nodes that vote and hold streams, on one virtual loop, with links in memory. */
final class TestShard {
  static final String GROUP = "billing";
  private static final long LINK_NANOS = 1_000_000;
  private static final long CALL_NANOS = 10_000_000_000L;

  final SimulatedTime time = new SimulatedTime();
  final VirtualLoop loop = time.newLoop("control");
  final MemoryMetadata metadata = MemoryMetadata.cluster(loop, 3);
  final List<String> notices = new ArrayList<>();
  final TreeMap<Integer, Node> nodes = new TreeMap<>();
  final MemoryRaft raft;
  int entries;
  int commands;

  TestShard() {
    TreeMap<Integer, Endpoint> voters = new TreeMap<>();
    metadata.image().voters().values().forEach(voter -> voters.put(voter.id(), voter.raft()));
    raft =
        new MemoryRaft(
            "groups",
            voters,
            (what, cause) -> {
              throw new AssertionError(what, cause);
            });
    raft.electByHand();
    for (int id = 1; id <= 3; id++) {
      nodes.put(id, new Node(id));
    }
    lead(1);
  }

  Node node(int id) {
    Node found = nodes.get(id);
    if (found == null) {
      throw new AssertionError("no node " + id);
    }
    return found;
  }

  /** Another node coordinates from here on. */
  void lead(int id) {
    raft.elect(id);
    time.advanceMs(100);
  }

  /** Lets time pass until something holds. */
  void await(String what, BooleanSupplier condition) {
    if (!time.runUntil(condition, 60_000_000_000L)) {
      throw new AssertionError("not within a minute: " + what + "; " + notices);
    }
  }

  /** What the shard has applied of the group, at node 1. */
  @Nullable GroupImage group() {
    return node(1).group(GROUP);
  }

  SortedMap<PartitionId, CommittedOffset> offsets(int at, PartitionId partition) {
    List<Result<SortedMap<PartitionId, CommittedOffset>>> answers = new ArrayList<>();
    node(at).groups.offsets(call(), GROUP, new TreeSet<>(List.of(partition)), answers::add);
    await("offsets", () -> !answers.isEmpty());
    return ok(answers.get(0));
  }

  /** Links that stand. */
  int openLinks() {
    return (int)
        nodes.values().stream().flatMap(node -> node.wires.stream()).filter(Wire::stands).count();
  }

  /** Whatever runs while time passes. */
  long eventsWithin(long ms) {
    long before = time.eventsRun();
    time.advanceMs(ms);
    return time.eventsRun() - before;
  }

  CallContext call() {
    return new CallContext(loop, time.clock().nanoTime() + CALL_NANOS);
  }

  static <T> T ok(Result<T> result) {
    return result.fold(
        value -> value,
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  /** A node: its part of the Raft group, and its broker. */
  final class Node implements GroupStateMachine.Listener, AppliedGroups, LinkDialler {
    final int id;
    final GroupStateMachine machine = new GroupStateMachine(this);
    final MemoryRaftGroup group;
    final Coordinator coordinator;
    final LinkedGroups groups;
    final List<Wire> wires = new ArrayList<>();
    final List<String> ended = new ArrayList<>();
    boolean lease = true;

    /** Nothing comes or goes, and nobody is told. */
    boolean frozen;

    private int leaderId = -1;

    Node(int id) {
      this.id = id;
      this.group = raft.start(id, machine, time.newWorker("apply-" + id));
      this.coordinator =
          new Coordinator(
              id,
              loop,
              CoordinatorTiming.DEFAULT,
              new Coordinator.Shard(group, this::encode, this),
              metadata,
              () -> lease,
              new SeededRandom(100 + id),
              new Events());
      this.groups =
          new LinkedGroups(
              id,
              loop,
              CoordinatorTiming.DEFAULT,
              metadata,
              new SeededRandom(id),
              () -> metadata.image().brokers().get(id).epoch(),
              () -> lease,
              this);
      metadata.listen(coordinator::onImage);
    }

    private ByteBuffer encode(List<GroupCommand> batch) {
      entries++;
      commands += batch.size();
      return GroupCommandCodec.encode(batch);
    }

    @Override
    public void onChanges(List<GroupChange> changes) {
      loop.execute(() -> coordinator.onApplied(changes));
    }

    @Override
    public void onRestored() {}

    @Override
    public void onLeaderStart(long term) {
      loop.execute(
          () -> {
            leaderId = id;
            coordinator.onLeaderStart(term);
          });
    }

    @Override
    public void onLeaderStop(long term) {
      loop.execute(
          () -> {
            leaderId = -1;
            coordinator.onLeaderStop();
          });
    }

    @Override
    public void onFollowing(int newLeaderId, long term) {
      loop.execute(() -> leaderId = newLeaderId);
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
      return leaderId;
    }

    @Override
    public Link dial(int shard, int nodeId, Handler handler) {
      Wire wire = new Wire(this, node(nodeId), handler);
      wires.add(wire);
      return wire;
    }

    /** Nothing passes any more on its links of now, and nobody is told. */
    void muteLinks() {
      wires.forEach(wire -> wire.mute = true);
      wires.clear();
    }

    Member join(String memberId, String name, long sessionMs, String... topics) {
      return new Member(this, memberId, name, details(sessionMs, "", topics));
    }

    Member joinPattern(String pattern) {
      return new Member(this, "", "", details(5_000, pattern));
    }

    private MemberDetails details(long sessionMs, String pattern, String... topics) {
      return new MemberDetails(
          "client", "host", id, 0, List.of(topics), pattern, Assignor.STICKY, sessionMs, 3_000);
    }

    private final class Events implements CoordinatorEvents {
      @Override
      public void onJoined(String groupName, String memberId, String details) {
        notices.add(memberId + " joined");
      }

      @Override
      public void onEnded(String groupName, String memberId, String why) {
        ended.add(memberId);
        notices.add(memberId + " " + why);
      }

      @Override
      public void onRebalance(String groupName) {}

      @Override
      public void onCommit(int offsets, long nanos) {}

      @Override
      public void onWentBack(String groupName, int offsets) {}

      @Override
      public void onNotice(String what) {
        notices.add(what);
      }
    }
  }

  /** A link in memory: a millisecond each way, in order. */
  private final class Wire implements LinkDialler.Link, LinkOut {
    private final Node from;
    private final Node to;
    private final LinkDialler.Handler handler;
    private final Coordinator.Incoming incoming;
    private boolean down;
    private boolean mute;

    Wire(Node from, Node to, LinkDialler.Handler handler) {
      this.from = from;
      this.to = to;
      this.handler = handler;
      this.incoming = to.coordinator.accept(this);
    }

    boolean stands() {
      return !down;
    }

    private void later(Runnable task) {
      loop.schedule(
          LINK_NANOS,
          () -> {
            if (!down && !mute && !from.frozen && !to.frozen) {
              task.run();
            }
          });
    }

    @Override
    public boolean ready() {
      return !down;
    }

    @Override
    public void send(LinkRequest request) {
      later(() -> incoming.onRequest(request));
    }

    @Override
    public void send(LinkEvent event) {
      later(() -> handler.onEvent(event));
    }

    @Override
    public void close() {
      cut();
    }

    @Override
    public void end() {
      later(
          () -> {
            down = true;
            handler.onEnded("ended");
          });
    }

    void cut() {
      if (!down) {
        down = true;
        if (!mute && !from.frozen && !to.frozen) {
          loop.execute(incoming::onBroken);
          loop.execute(() -> handler.onEnded("broken"));
        }
      }
    }
  }

  /** A member as the edge would hold it. */
  final class Member implements MemberListener {
    final Membership membership;
    final TreeMap<PartitionId, Gone> gone = new TreeMap<>();
    final List<Result<GroupAnswer>> answers = new ArrayList<>();
    @Nullable MemberState state;
    @Nullable ApiError ended;
    boolean releases = true;
    private int epoch;

    Member(Node node, String memberId, String name, MemberDetails details) {
      membership = node.groups.join(call(), GROUP, memberId, name, details, this);
    }

    Member joined() {
      await("join", () -> state != null || ended != null);
      if (state == null) {
        throw new AssertionError(String.valueOf(ended));
      }
      return this;
    }

    String id() {
      return now().id();
    }

    MemberState now() {
      MemberState known = state;
      if (known == null) {
        throw new AssertionError("has not joined: " + ended);
      }
      return known;
    }

    int owned() {
      return state == null ? 0 : now().owned().size();
    }

    void commit(PartitionId partition, long offset) {
      membership.commit(List.of(new OffsetCommit(partition, offset, -1, "", false)), answers::add);
    }

    @Override
    public void changed(MemberState newest, SortedMap<PartitionId, Gone> went) {
      if (newest.epoch() < epoch) {
        throw new AssertionError("epoch " + newest.epoch() + " after " + epoch);
      }
      epoch = newest.epoch();
      gone.putAll(went);
      state = newest;
      if (releases) {
        List<PartitionId> revoking =
            newest.owned().entrySet().stream()
                .filter(one -> one.getValue().revoking())
                .map(Map.Entry::getKey)
                .toList();
        if (!revoking.isEmpty()) {
          membership.release(revoking);
        }
      }
    }

    @Override
    public void ended(ApiError why) {
      ended = why;
    }
  }
}
