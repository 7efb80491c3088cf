package io.kontiki.broker.quorum;

import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.EventLoop;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a voter learns that it is none any more (M23): when its image says so, or when it hears of no
 * leader and so may have missed that, it asks all voters it knows, until the metadata leader says
 * that no configuration counts it. It votes until then: a majority may need it. On the control
 * loop.
 */
final class Departure {
  private static final Logger LOG = LoggerFactory.getLogger(Departure.class);
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long HELLO_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Without a leader for so long a voter asks whether it is one. */
  private static final long ALONE_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final NodeIdentity identity;
  private final RaftGroup group;
  private final long admittedIndex;
  private final Uid directoryCluster;
  private final Supplier<ClusterImage> image;
  private final Hellos hellos;
  private final EventLoop loop;
  private final LongConsumer left;
  private long ledAt;
  private boolean told;
  private boolean closed;

  /**
   * @param admittedIndex see {@link FormingFile.Stored}: older images do not count
   * @param directoryCluster of this node's directory when the process started
   * @param left told, once, the index of an image in which this node is no voter
   */
  Departure(
      NodeIdentity identity,
      RaftGroup group,
      long admittedIndex,
      Uid directoryCluster,
      Supplier<ClusterImage> image,
      Hellos hellos,
      EventLoop control,
      LongConsumer left) {
    this.identity = identity;
    this.group = group;
    this.admittedIndex = admittedIndex;
    this.directoryCluster = directoryCluster;
    this.image = image;
    this.hellos = hellos;
    this.loop = control;
    this.left = left;
  }

  void start() {
    ledAt = loop.clock().nanoTime();
    loop.schedule(TICK_NANOS, this::tick);
  }

  void close() {
    closed = true;
  }

  private void tick() {
    if (closed) {
      return;
    }
    ClusterImage now = image.get();
    boolean removed =
        now.formed()
            && now.index() >= admittedIndex
            && !now.voters().containsKey(identity.nodeId());
    if (removed && !told) {
      told = true;
      LOG.info("this node is no voter any more: it votes until no configuration counts it (M23)");
    }
    if (group.status().leaderId() != RaftGroup.NO_NODE) {
      ledAt = loop.clock().nanoTime();
    }
    if (removed || loop.clock().nanoTime() - ledAt >= ALONE_NANOS) {
      ask(now);
    }
    loop.schedule(TICK_NANOS, this::tick);
  }

  private void ask(ClusterImage now) {
    Set<Endpoint> known = new LinkedHashSet<>();
    identity.voters().forEach((id, raft) -> addOther(known, id, raft));
    now.voters().values().forEach(voter -> addOther(known, voter.id(), voter.raft()));
    Uid cluster = now.formed() ? now.clusterId() : directoryCluster;
    for (Endpoint raft : known) {
      hellos.ask(
          raft,
          Hellos.Seeks.LEAVE,
          HELLO_TIMEOUT_NANOS,
          answer -> loop.execute(() -> answered(answer, cluster)));
    }
  }

  private void addOther(Set<Endpoint> known, int id, Endpoint raft) {
    if (id != identity.nodeId()) {
      known.add(raft);
    }
  }

  private void answered(@Nullable HelloResponse answer, Uid cluster) {
    if (closed
        || answer == null
        || !answer.getLeft()
        || answer.getImageIndex() < admittedIndex
        || cluster.equals(Uid.NONE)
        || !Peers.uid(answer.getClusterId()).equals(cluster)) {
      return;
    }
    closed = true;
    LOG.info("node {} leads the metadata and counts this node no more (M23)", answer.getNodeId());
    left.accept(answer.getImageIndex());
  }
}
