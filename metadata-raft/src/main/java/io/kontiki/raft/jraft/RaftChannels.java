package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.ReplicatorGroup;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.kontiki.model.Endpoint;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process's connections to the other voters, shared by all groups: one channel a node.
 *
 * <p>Thread-safe. The channels belong to this object and close with it.
 */
final class RaftChannels {
  private static final Logger LOG = LoggerFactory.getLogger(RaftChannels.class);
  private static final int KEEP_CONNECTED_MS = 250;

  private final Function<Endpoint, ManagedChannel> dialler;
  private final long silenceNanos;
  private final RaftThreads threads;
  private final MethodDescriptor<RaftFrame, RaftFrame> method =
      RaftFrame.sessionMethod(GrpcRaftRpcFactory.instance().messages());
  private final ConcurrentMap<Integer, Endpoint> addresses = new ConcurrentHashMap<>();
  private final ConcurrentMap<Integer, RaftPeer> peers = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Set<Integer>> votersByGroup = new ConcurrentHashMap<>();
  private final Set<Integer> suspects = ConcurrentHashMap.newKeySet();
  private final List<IntConsumer> deadListeners = new CopyOnWriteArrayList<>();
  private volatile boolean closed;

  RaftChannels(Function<Endpoint, ManagedChannel> dialler, long silenceMs, RaftThreads threads) {
    this.dialler = dialler;
    this.silenceNanos = TimeUnit.MILLISECONDS.toNanos(silenceMs);
    this.threads = threads;
    Future<?> unused =
        threads
            .timer()
            .scheduleWithFixedDelay(
                this::reconnect, KEEP_CONNECTED_MS, KEEP_CONNECTED_MS, TimeUnit.MILLISECONDS);
  }

  /** Where a node listens; a node that has moved is dialled there at once. */
  void address(int nodeId, Endpoint endpoint) {
    Endpoint before = addresses.put(nodeId, endpoint);
    RaftPeer peer = peers.get(nodeId);
    if (peer != null && !endpoint.equals(before)) {
      peer.moved();
    }
  }

  @Nullable Endpoint address(int nodeId) {
    return addresses.get(nodeId);
  }

  /** The listener learns which nodes' processes are proved dead (R6), on a background thread. */
  void onDead(IntConsumer listener) {
    deadListeners.add(listener);
  }

  void removeDeadListener(IntConsumer listener) {
    deadListeners.remove(listener);
  }

  /**
   * Connects to a group's other voters and keeps trying. Without it a follower's channel to a voter
   * that was down stays in grpc-java's backoff (up to two minutes) after that voter has come back,
   * and the vote requests of the next election skip it.
   */
  void keepConnected(String group, Collection<Integer> others) {
    votersByGroup.put(group, Set.copyOf(others));
    others.forEach(this::peer);
  }

  void release(String group) {
    votersByGroup.remove(group);
  }

  private void reconnect() {
    for (Set<Integer> voters : votersByGroup.values()) {
      for (int voter : voters) {
        try {
          RaftPeer peer = peer(voter);
          if (peer != null) {
            peer.usable();
          }
        } catch (RuntimeException e) { // must not end the repetition
          LOG.warn("Connecting to node {} failed", voter, e);
        }
      }
    }
  }

  private boolean isVoter(int nodeId) {
    return votersByGroup.values().stream().anyMatch(all -> all.contains(nodeId));
  }

  boolean connected(int nodeId) {
    RaftPeer peer = peers.get(nodeId);
    return peer != null && peer.connected();
  }

  /** Milliseconds since the node last answered anything; -1: never since it was first dialled. */
  long lastContactMs(int nodeId) {
    RaftPeer peer = peers.get(nodeId);
    return peer == null ? -1 : peer.lastContactMs();
  }

  /** A stream from or to this voter has ended: finds out whether its process is gone. */
  void suspect(int nodeId) {
    Endpoint endpoint = addresses.get(nodeId);
    if (closed || endpoint == null || !isVoter(nodeId) || !suspects.add(nodeId)) {
      return;
    }
    inBackground(
        () -> {
          boolean gone;
          try {
            gone = ProcessProbe.isGone(endpoint);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
          } finally {
            suspects.remove(nodeId);
          }
          if (gone) {
            deadListeners.forEach(listener -> listener.accept(nodeId));
          }
        });
  }

  /** Runs a task that may wait for disks and locks; drops it when the transport is closed. */
  void inBackground(Runnable task) {
    try {
      threads.background().execute(task);
    } catch (RejectedExecutionException e) {
      LOG.debug("Too many background tasks, or closed", e);
    }
  }

  /** The same after a time. */
  void inBackground(Runnable task, long delayMs) {
    try {
      Future<?> unused =
          threads.timer().schedule(() -> inBackground(task), delayMs, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("Closed", e);
    }
  }

  /** Null when nobody has said where the node listens, or all is closed. */
  @Nullable RaftPeer peer(int nodeId) {
    RaftPeer known = peers.get(nodeId);
    if (known != null || closed || !addresses.containsKey(nodeId)) {
      return known;
    }
    return peers.computeIfAbsent(nodeId, id -> new RaftPeer(this, id, threads));
  }

  void forget(List<ReplicatorGroup> groups) {
    peers.values().forEach(peer -> peer.removeGroups(groups));
  }

  ManagedChannel dial(int nodeId) {
    Endpoint endpoint = addresses.get(nodeId);
    if (endpoint == null) {
      throw new IllegalStateException("node " + nodeId + " has no address");
    }
    return dialler.apply(endpoint);
  }

  MethodDescriptor<RaftFrame, RaftFrame> method() {
    return method;
  }

  long silenceNanos() {
    return silenceNanos;
  }

  void close() {
    closed = true;
    peers.values().forEach(RaftPeer::close);
  }
}
