package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.rpc.InvokeCallback;
import com.google.protobuf.Message;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The channel to one voter, with two streams on it, so that a long queue of entries does not delay
 * a vote or a heartbeat. Thread-safe.
 */
final class RaftPeer {
  private static final Logger LOG = LoggerFactory.getLogger(RaftPeer.class);
  private static final long RETRY_CONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final RaftChannels channels;
  private final int nodeId;
  private final RaftThreads threads;
  private final List<ReplicatorGroup> groups = new CopyOnWriteArrayList<>();
  private final @Nullable RaftStream[] lanes = new RaftStream[2];
  private volatile ManagedChannel channel;
  private volatile long lastHeardNanos = System.nanoTime();
  private volatile boolean heardEver;
  private volatile long lastDialNanos = System.nanoTime();
  private boolean closed;

  RaftPeer(RaftChannels channels, int nodeId, RaftThreads threads) {
    this.channels = channels;
    this.nodeId = nodeId;
    this.threads = threads;
    this.channel = channels.dial(nodeId);
    watch(channel, channel.getState(true));
  }

  void addGroups(List<ReplicatorGroup> more) {
    for (ReplicatorGroup group : more) {
      if (!groups.contains(group)) {
        groups.add(group);
      }
    }
  }

  void removeGroups(List<ReplicatorGroup> gone) {
    groups.removeAll(gone);
  }

  /**
   * Whether calls may be tried now; starts connecting when they may not. Never waits. When the
   * connection comes up, the replicators are told.
   */
  boolean usable() {
    ManagedChannel current = channel;
    ConnectivityState state = current.getState(true);
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      long now = System.nanoTime();
      if (now - lastDialNanos > RETRY_CONNECT_NANOS) {
        lastDialNanos = now;
        current.resetConnectBackoff();
      }
      return false;
    }
    return state != ConnectivityState.SHUTDOWN;
  }

  boolean connected() {
    return channel.getState(false) == ConnectivityState.READY;
  }

  long lastContactMs() {
    return heardEver ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastHeardNanos) : -1;
  }

  void call(boolean bulk, Message request, InvokeCallback callback, long timeoutMs) {
    lane(bulk ? 1 : 0).call(request, callback, timeoutMs);
  }

  void heard() {
    lastHeardNanos = System.nanoTime();
    heardEver = true;
  }

  /** A call got no answer: a channel on which nothing came for long is thrown away. */
  void timedOut() {
    if (System.nanoTime() - lastHeardNanos > channels.silenceNanos()) {
      redial();
    }
  }

  void close() {
    synchronized (this) {
      closed = true;
    }
    channel.shutdownNow();
  }

  @Override
  public String toString() {
    return "node " + nodeId + " (" + channel.getState(false) + ")";
  }

  private synchronized RaftStream lane(int index) {
    RaftStream stream = lanes[index];
    if (stream == null || stream.isDead()) {
      stream = new RaftStream(this, channel, channels.method(), threads);
      lanes[index] = stream;
    }
    return stream;
  }

  private void watch(ManagedChannel watched, ConnectivityState from) {
    watched.notifyWhenStateChanged(
        from,
        () -> {
          ConnectivityState state = watched.getState(false);
          if (from == ConnectivityState.READY && watched == channel) {
            LOG.info("Connection to node {} ended", nodeId);
            channels.suspect(nodeId);
          }
          if (state == ConnectivityState.IDLE) {
            watched.getState(true);
          }
          if (state == ConnectivityState.READY) {
            LOG.info("Connected to node {}", nodeId);
            lastHeardNanos = System.nanoTime();
            channels.inBackground(this::wakeReplicators);
          }
          if (state != ConnectivityState.SHUTDOWN) {
            watch(watched, state);
          }
        });
  }

  private void wakeReplicators() {
    PeerId id = RaftPeers.peer(nodeId);
    for (ReplicatorGroup group : groups) {
      try {
        group.checkReplicator(id, true);
      } catch (RuntimeException e) {
        LOG.warn("Waking the replicator of node {} failed", nodeId, e);
      }
    }
  }

  private void redial() {
    synchronized (this) {
      if (channel.getState(false) != ConnectivityState.READY
          || System.nanoTime() - lastDialNanos < channels.silenceNanos()) {
        return;
      }
      lastDialNanos = System.nanoTime();
    }
    LOG.info("No answer from node {}: connecting anew", nodeId);
    moved();
  }

  /** Throws the channel away and dials the node's present address. */
  void moved() {
    ManagedChannel old;
    synchronized (this) {
      if (closed) {
        return;
      }
      old = channel;
      Arrays.fill(lanes, null); // their calls fail when the old channel goes
      channel = channels.dial(nodeId);
      watch(channel, channel.getState(true));
    }
    old.shutdownNow();
  }
}
