package io.kontiki.chaos.simulation;

import io.kontiki.metadata.ApplyResult;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.StateMachine;
import io.kontiki.raft.memory.MemoryRaft;
import io.kontiki.raft.memory.MemoryRaftGroup;
import io.kontiki.runtime.Worker;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The quorum's Raft as a model: one committed log that is never lost, nodes in touch or not as the
 * network and their processes have it, and elections some time after a leader was lost. It also
 * applies the log itself, first of all: the metadata as they truly are.
 */
final class SimRaft {
  private static final long MS = 1_000_000;

  private final SimulatedTime time;
  private final SeededRandom random;
  private final Trace trace;
  private final MemoryRaft raft;
  private final Network network;
  private final int voters;
  private final TreeMap<Integer, MemoryRaftGroup> up = new TreeMap<>();
  private final TreeSet<Integer> paused = new TreeSet<>();
  private final TreeSet<Integer> deaf = new TreeSet<>();
  private final TreeSet<Integer> inTouch = new TreeSet<>();
  private final Truth truth;
  private boolean electing;
  private boolean updating;
  private long slowNanos;

  /** Told of the metadata as they are. */
  interface Truth {
    /** A command was applied for the first time. */
    void onApplied(ClusterImage before, MetadataCommand command, ApplyResult result);
  }

  private ClusterImage image = ClusterImage.EMPTY;

  SimRaft(
      SimulatedTime time,
      SeededRandom random,
      Trace trace,
      Network network,
      Map<Integer, Endpoint> voters,
      Truth truth) {
    this.time = time;
    this.random = random;
    this.trace = trace;
    this.network = network;
    this.voters = voters.size();
    this.truth = truth;
    this.raft =
        new MemoryRaft(
            "metadata",
            voters,
            (what, cause) -> {
              throw new Violation(what, cause);
            });
    raft.electByHand();
  }

  /** The metadata as they truly are: as of the last entry that anybody has applied. */
  ClusterImage image() {
    return image;
  }

  /** Whether all voters belong to the configuration. */
  boolean everybodyIn() {
    MemoryRaftGroup leader = up.get(raft.leaderId());
    return leader != null && leader.status().voters().size() == voters;
  }

  int leaderId() {
    return raft.leaderId();
  }

  RaftGroup start(int node, StateMachine machine, Worker worker) {
    MemoryRaftGroup group = raft.start(node, new Tap(machine), worker);
    up.put(node, group);
    inTouch.add(node);
    update();
    return new SlowRaftGroup(group, time, random.split(), () -> slowNanos);
  }

  /** Proposals take up to so long from now on, and some come twice; 0: as usual. */
  void slow(long ms) {
    slowNanos = ms * MS;
  }

  /** Its process is dead. */
  void died(int node) {
    MemoryRaftGroup group = up.remove(node);
    paused.remove(node);
    deaf.remove(node);
    if (group != null) {
      raft.isolate(node);
      inTouch.remove(node);
      group.close();
      update();
    }
  }

  /** Its process stands still, or goes on. */
  void pause(int node, boolean still) {
    if (still) {
      paused.add(node);
    } else {
      paused.remove(node);
    }
    later();
  }

  /** A follower gets nothing for a while: its image is old. */
  void deaf(int node, boolean isDeaf) {
    if (isDeaf) {
      deaf.add(node);
    } else {
      deaf.remove(node);
    }
    later();
  }

  /** Links, pauses or processes have changed; noticed at once, or soon. */
  void later() {
    update();
  }

  /** Drops the committed log up to a state of a node: who lags jumps over it (M8). */
  void compact() {
    int leader = raft.leaderId();
    if (up.containsKey(leader)) {
      raft.compact(leader);
    }
  }

  /** The leadership moves for no reason. */
  boolean move() {
    List<Integer> candidates = new ArrayList<>(raft.electable());
    candidates.remove(Integer.valueOf(raft.leaderId()));
    if (candidates.isEmpty()) {
      return false;
    }
    elect(candidates.get(random.nextInt(candidates.size())));
    return true;
  }

  private boolean linked(int a, int b) {
    return a == b || (network.reaches(a, b) && network.reaches(b, a));
  }

  private boolean runs(int node) {
    return up.containsKey(node) && !paused.contains(node) && !deaf.contains(node);
  }

  private List<Integer> around(int node) {
    List<Integer> around = new ArrayList<>();
    for (int other : up.keySet()) {
      if (runs(other) && linked(node, other)) {
        around.add(other);
      }
    }
    return around;
  }

  private void touch(List<Integer> group) {
    for (int node : up.keySet()) {
      boolean now = group.contains(node);
      if (now && inTouch.add(node)) {
        raft.heal(node);
      } else if (!now && inTouch.remove(node)) {
        raft.isolate(node);
      }
    }
  }

  private void update() {
    if (updating) {
      return;
    }
    updating = true;
    int leader = raft.leaderId();
    List<Integer> around = runs(leader) ? around(leader) : List.of();
    boolean leads = around.size() > voters / 2;
    if (leads) {
      touch(around);
    } else {
      for (int node : List.copyOf(inTouch)) {
        if (node == leader || !runs(node)) {
          inTouch.remove(node);
          raft.isolate(node);
        }
      }
      electSoon();
    }
    updating = false;
  }

  private void electSoon() {
    if (electing) {
      return;
    }
    electing = true;
    // A refused dial is noticed at once, silence by Raft's timer.
    boolean proof = !up.containsKey(raft.leaderId());
    long wait = proof ? 50 + random.nextInt(300) : 500 + random.nextInt(700);
    time.after(wait * MS, this::elect);
  }

  private void elect() {
    electing = false;
    int leader = raft.leaderId();
    if (runs(leader) && around(leader).size() > voters / 2) {
      update();
      return;
    }
    List<Integer> candidates = new ArrayList<>();
    for (int node : up.keySet()) {
      if (runs(node) && around(node).size() > voters / 2) {
        candidates.add(node);
      }
    }
    if (candidates.isEmpty()) {
      electSoon();
      return;
    }
    int next = candidates.get(random.nextInt(candidates.size()));
    touch(around(next));
    if (raft.electable().contains(next)) {
      elect(next);
    } else {
      electSoon();
    }
  }

  private void elect(int next) {
    trace.add(31, next, () -> "raft: node " + next + " is elected");
    raft.elect(next);
  }

  /** Sees what is applied. */
  private final class Tap implements StateMachine {
    private final StateMachine machine;

    Tap(StateMachine machine) {
      this.machine = machine;
    }

    @Override
    public Object apply(long index, ByteBuffer command) {
      if (index > image.index()) {
        MetadataCommand decoded = MetadataCommandCodec.decode(index, command.duplicate());
        ClusterImage before = image;
        ApplyResult result = MetadataMachine.apply(before, index, decoded);
        image = result.image();
        truth.onApplied(before, decoded, result);
      }
      return machine.apply(index, command);
    }

    @Override
    public void onApplied(long index) {
      machine.onApplied(index);
    }

    @Override
    public SnapshotSource snapshot() {
      return machine.snapshot();
    }

    @Override
    public void restore(InputStream snapshot) throws IOException {
      machine.restore(snapshot);
    }

    @Override
    public void onLeaderStart(long term) {
      machine.onLeaderStart(term);
    }

    @Override
    public void onLeaderStop(long term) {
      machine.onLeaderStop(term);
    }

    @Override
    public void onFollowing(int leaderId, long term) {
      machine.onFollowing(leaderId, term);
    }
  }
}
