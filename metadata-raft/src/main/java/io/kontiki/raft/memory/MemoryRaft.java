package io.kontiki.raft.memory;

import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.StateMachine;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.Worker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One Raft group whose nodes share a committed log.
 *
 * <ul>
 *   <li>A node starts with {@link #start}; closing it and starting it again replays the log, or the
 *       snapshot of {@link #compact} and what follows it.
 *   <li>The node with the lowest id leads as soon as a majority of the voters is up, and again when
 *       the leader closes. {@link #elect} moves leadership.
 *   <li>{@link #isolate} cuts a node off. A leader that is cut off still believes that it leads:
 *       its proposals wait, it can confirm nothing; {@link #heal} tells it what happened meanwhile.
 *   <li>{@link RaftGroup#removeVoter} and {@link RaftGroup#addVoter} change who counts in the
 *       majority and may lead; a node that is out still gets what is committed.
 *   <li>A proposal commits at once while a majority is in touch, else it waits.
 *   <li>Each leadership begins with an entry that no state machine sees, so indexes have gaps.
 * </ul>
 *
 * <p>Thread-safe. State machines and completions run on the worker of their node, never under a
 * lock, one after the other even if the worker runs its tasks in place.
 */
public final class MemoryRaft {
  private final String group;
  private final SortedMap<Integer, Endpoint> listed;
  private final TreeMap<Integer, Endpoint> voters;
  private final FaultHandler faults;
  private final TreeMap<Integer, MemoryRaftGroup> nodes = new TreeMap<>();

  /** Committed entries from {@link #firstIndex} on. */
  private final List<Entry> log = new ArrayList<>();

  private long firstIndex = 1;
  private long term;
  private int leaderId = RaftGroup.NO_NODE;
  private @Nullable Snapshot snapshot;
  private boolean electsItself = true;

  /**
   * @param voters Raft endpoints by node id
   * @param faults told of state machines that throw (rule M11); their node is closed first
   */
  public MemoryRaft(String group, Map<Integer, Endpoint> voters, FaultHandler faults) {
    this.group = group;
    this.listed = new TreeMap<>(voters);
    this.voters = new TreeMap<>(voters);
    this.faults = faults;
  }

  /**
   * From now on nobody leads but who {@link #elect} says: the end of a leader, and a majority that
   * comes together again, elect nobody by themselves.
   */
  public synchronized void electByHand() {
    electsItself = false;
  }

  /** Nodes that could be elected now, by id; empty if they are no majority. */
  public synchronized List<Integer> electable() {
    return hasMajority()
        ? nodes.values().stream().filter(this::votes).map(MemoryRaftGroup::nodeId).toList()
        : List.of();
  }

  /** Whether there is a leader that a majority is in touch with. */
  public synchronized boolean led() {
    return hasLeaderInTouch();
  }

  /** A committed entry; without a command it is the beginning of a leadership. */
  record Entry(long term, @Nullable ByteBuffer command) {}

  /** A state up to an index, inclusive. */
  record Snapshot(long index, long term, ByteBuffer content) {}

  /**
   * Starts a node that is not up.
   *
   * @param machine empty; gets everything that was ever committed
   * @param worker runs the state machine and the completions
   */
  public MemoryRaftGroup start(int nodeId, StateMachine machine, Worker worker) {
    MemoryRaftGroup node;
    synchronized (this) {
      if (!listed.containsKey(nodeId) || nodes.containsKey(nodeId)) {
        throw new IllegalArgumentException(
            "node " + nodeId + " is up or is not one of the nodes " + listed.keySet());
      }
      node = new MemoryRaftGroup(this, nodeId, machine, worker);
      nodes.put(nodeId, node);
      node.learns(term, leaderId);
      node.catchesUp();
      electIfNeeded();
      commitWaiting();
    }
    wakeAll();
    return node;
  }

  /** Makes a node that is up and in touch the leader of the next term. */
  public void elect(int nodeId) {
    synchronized (this) {
      MemoryRaftGroup node = nodes.get(nodeId);
      if (node == null || !votes(node) || !hasMajority()) {
        throw new IllegalStateException(
            "node " + nodeId + " is not up, or it and the nodes in touch are no majority");
      }
      lead(nodeId);
    }
    wakeAll();
  }

  /** Takes leadership away without giving it to anybody; {@link #elect} ends that. */
  public void depose() {
    synchronized (this) {
      leaderId = RaftGroup.NO_NODE;
      tellRoles();
    }
    wakeAll();
  }

  /** Cuts a node off from the others; leadership does not move by itself. */
  public void isolate(int nodeId) {
    synchronized (this) {
      node(nodeId).setInTouch(false);
    }
  }

  /** Ends {@link #isolate}: the node learns who leads, and applies what it missed. */
  public void heal(int nodeId) {
    synchronized (this) {
      MemoryRaftGroup node = node(nodeId);
      node.setInTouch(true);
      node.learns(term, leaderId);
      node.catchesUp();
      electIfNeeded();
      commitWaiting();
    }
    wakeAll();
  }

  /**
   * Takes a snapshot of a node's state machine, on its worker, and drops the log up to it. Nodes
   * that start or heal later with less than that get the snapshot.
   */
  public void compact(int nodeId) {
    MemoryRaftGroup node;
    synchronized (this) {
      node = node(nodeId);
      node.takesSnapshot();
    }
    node.wake();
  }

  /** The leader of the newest term, or {@link RaftGroup#NO_NODE}. */
  public synchronized int leaderId() {
    return leaderId;
  }

  /** The newest term. */
  public synchronized long term() {
    return term;
  }

  // What follows is for MemoryRaftGroup; the caller holds the lock on this object.

  String group() {
    return group;
  }

  SortedMap<Integer, Endpoint> voters() {
    return voters;
  }

  FaultHandler faults() {
    return faults;
  }

  long committedIndex() {
    return firstIndex + log.size() - 1;
  }

  /** The first index that is still in the log. */
  long firstIndex() {
    return firstIndex;
  }

  Entry entry(long index) {
    return log.get((int) (index - firstIndex));
  }

  @Nullable Snapshot snapshotTaken() {
    return snapshot;
  }

  void compactTo(Snapshot taken) {
    if (taken.index() < firstIndex) {
      return;
    }
    snapshot = taken;
    log.subList(0, (int) (taken.index() + 1 - firstIndex)).clear();
    firstIndex = taken.index() + 1;
  }

  boolean leads(int nodeId) {
    return leaderId == nodeId;
  }

  boolean hasLeaderInTouch() {
    MemoryRaftGroup leader = nodes.get(leaderId);
    return leader != null && leader.inTouch() && hasMajority();
  }

  boolean hasMajority() {
    return nodes.values().stream().filter(this::votes).count() > voters.size() / 2;
  }

  private boolean votes(MemoryRaftGroup node) {
    return node.inTouch() && voters.containsKey(node.nodeId());
  }

  /** Null is done, else why not. */
  @Nullable String removes(int nodeId) {
    if (nodeId == leaderId) {
      return "node " + nodeId + " leads";
    }
    voters.remove(nodeId);
    return null;
  }

  /** Null is done, else why not. */
  @Nullable String adds(int nodeId, Endpoint endpoint) {
    MemoryRaftGroup node = nodes.get(nodeId);
    if (node == null || !node.inTouch()) {
      return "node " + nodeId + " does not catch up";
    }
    voters.put(nodeId, endpoint);
    return null;
  }

  /** Appends a committed entry and hands it to every node in touch. */
  long commit(Entry entry) {
    log.add(entry);
    nodes.values().stream().filter(MemoryRaftGroup::inTouch).forEach(MemoryRaftGroup::catchesUp);
    return committedIndex();
  }

  void transferFrom(int nodeId) {
    List<Integer> order = new ArrayList<>(nodes.tailMap(nodeId, false).keySet());
    order.addAll(nodes.headMap(nodeId).keySet());
    for (int next : order) {
      if (votes(node(next)) && hasMajority()) {
        lead(next);
        return;
      }
    }
  }

  void closed(MemoryRaftGroup node) {
    nodes.remove(node.nodeId());
    if (leaderId == node.nodeId()) {
      leaderId = RaftGroup.NO_NODE;
      electIfNeeded();
      tellRoles();
    }
  }

  /** To be called without the lock. */
  void wakeAll() {
    List<MemoryRaftGroup> all;
    synchronized (this) {
      all = List.copyOf(nodes.values());
    }
    all.forEach(MemoryRaftGroup::wake);
  }

  private MemoryRaftGroup node(int nodeId) {
    MemoryRaftGroup node = nodes.get(nodeId);
    if (node == null) {
      throw new IllegalArgumentException("node " + nodeId + " is not up: " + nodes.keySet());
    }
    return node;
  }

  private void electIfNeeded() {
    if (!electsItself || leaderId != RaftGroup.NO_NODE || !hasMajority()) {
      return;
    }
    for (MemoryRaftGroup node : nodes.values()) {
      if (votes(node)) {
        lead(node.nodeId());
        return;
      }
    }
  }

  private void lead(int nodeId) {
    term++;
    leaderId = nodeId;
    tellRoles();
    commit(new Entry(term, null));
    node(nodeId).startsLeading(term);
  }

  private void tellRoles() {
    for (MemoryRaftGroup node : nodes.values()) {
      if (node.inTouch()) {
        node.learns(term, leaderId);
      }
    }
  }

  private void commitWaiting() {
    MemoryRaftGroup leader = nodes.get(leaderId);
    if (leader != null && leader.inTouch() && hasMajority()) {
      leader.commitsWaiting();
    }
  }
}
