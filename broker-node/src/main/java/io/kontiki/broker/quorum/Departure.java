package io.kontiki.broker.quorum;

import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.EventLoop;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a voter stops to be one (M23): when its image does not call it a voter any more, or when it
 * hears of no leader and so may have missed that, it asks all voters it knows until the metadata
 * leader says that no configuration counts it, has itself taken out of the shards in the same way,
 * and only then stops its Raft: until then a majority may need it. On the control loop.
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
  private final Supplier<ClusterImage> image;
  private final Hellos hellos;
  private final EventLoop loop;
  private final Voting voting;
  private final Runnable left;
  private long ledAt;
  private boolean told;
  private boolean departing;
  private boolean closed;

  /**
   * @param admittedIndex see {@link FormingFile.Stored}: older images do not count
   * @param left told, once, that nothing counts this node
   */
  Departure(
      NodeIdentity identity,
      RaftGroup group,
      long admittedIndex,
      Supplier<ClusterImage> image,
      Hellos hellos,
      EventLoop control,
      Voting voting,
      Runnable left) {
    this.identity = identity;
    this.group = group;
    this.admittedIndex = admittedIndex;
    this.image = image;
    this.hellos = hellos;
    this.loop = control;
    this.voting = voting;
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
    if (closed || departing) {
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
    if (removed || (now.formed() && loop.clock().nanoTime() - ledAt >= ALONE_NANOS)) {
      ask(now);
    }
    loop.schedule(TICK_NANOS, this::tick);
  }

  private void ask(ClusterImage now) {
    Set<Endpoint> known = new LinkedHashSet<>();
    identity.voters().forEach((id, raft) -> addOther(known, id, raft));
    now.voters().values().forEach(voter -> addOther(known, voter.id(), voter.raft()));
    for (Endpoint raft : known) {
      hellos.ask(
          raft,
          Hellos.Seeks.LEAVE,
          HELLO_TIMEOUT_NANOS,
          answer -> loop.execute(() -> answered(answer, now)));
    }
  }

  private void addOther(Set<Endpoint> known, int id, Endpoint raft) {
    if (id != identity.nodeId()) {
      known.add(raft);
    }
  }

  private void answered(@Nullable HelloResponse answer, ClusterImage asked) {
    if (closed
        || departing
        || answer == null
        || !answer.getLeft()
        || answer.getImageIndex() < admittedIndex
        || !Peers.uid(answer.getClusterId()).equals(asked.clusterId())) {
      return;
    }
    departing = true;
    LOG.info(
        "node {} leads the metadata and counts this node no more: it leaves the shards (M23)",
        answer.getNodeId());
    voting.depart(
        answer.getImageIndex(),
        () -> {
          if (!closed) {
            left.run();
          }
        });
  }
}
