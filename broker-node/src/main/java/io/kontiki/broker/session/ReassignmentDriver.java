package io.kontiki.broker.session;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.FinishReassignments;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.metadata.MetadataCommand.MoveLeaders;
import io.kontiki.metadata.MetadataCommand.PartitionAt;
import io.kontiki.metadata.MetadataCommand.ReassignPartitions;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.Drains;
import io.kontiki.metadata.controller.ReassignmentProgress;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Brings reassignments to their end (rule R34), one batch of steps under way at a time, and begins
 * those that empty a broker which an operator drains of its replicas (R47), a few at a time. One
 * per node that votes, idle while it does not lead; belongs to one loop. What it knows beside the
 * image is since when it has seen each partition led as it is.
 *
 * <p>Replicas are taken out only when each of them, if it is unfenced, has applied the last
 * election of the partition that this node has seen, or the image with which this node began to
 * lead: else a former leader among them could answer "end of the log" with its lease, while the
 * others commit without it (rules R5, P7).
 */
public final class ReassignmentDriver {
  private static final int BATCH = 10;

  /** Partitions under way at a time for the sake of a drain. */
  private static final int DRAINING = 20;

  private static final long PAUSE_NANOS = 100_000_000;

  /**
   * Whoever has just resigned to a replica that goes is not made the leader again at once (R38).
   */
  private static final long REST_NANOS = 2_000_000_000;

  private final TreeMap<PartitionId, Watched> watched = new TreeMap<>();

  private boolean leading;
  private long term;
  private ClusterImage image = ClusterImage.EMPTY;
  private long batches;
  private boolean proposed;
  private long restUntil;

  /** An image in which no replica could be moved away from a drained broker. */
  private @Nullable ClusterImage nothingToDrain;

  /**
   * A partition under way, as it has been led since.
   *
   * @param index of an image that shows it led so
   */
  private record Watched(int leaderEpoch, long index, long sinceNanos) {}

  /**
   * A command to propose, under this term only.
   *
   * @param number names the batch in {@link #onProposed}
   */
  public record Batch(long number, long term, MetadataCommand command) {}

  /** This node leads the term. */
  public void onLeaderStart(long newTerm, ClusterImage newest, Now now) {
    leading = true;
    term = newTerm;
    proposed = false;
    restUntil = now.nanos();
    watched.clear();
    image = ClusterImage.EMPTY;
    onImage(newest, now);
  }

  /** This node leads no more. */
  public void onLeaderStop() {
    leading = false;
    watched.clear();
    nothingToDrain = null;
    image = ClusterImage.EMPTY;
  }

  /** This node has applied an image. */
  public void onImage(ClusterImage newest, Now now) {
    ClusterImage before = image;
    image = newest;
    if (!leading || before.topics() == newest.topics()) {
      return;
    }
    watched.keySet().removeIf(id -> newest.partition(id) == null);
    for (TopicImage topic : newest.topics().values()) {
      if (before.topics().get(topic.id()) != topic) {
        for (int i = 0; i < topic.partitions().size(); i++) {
          watch(new PartitionId(topic.id(), i), topic.partitions().get(i), now);
        }
      }
    }
  }

  private void watch(PartitionId id, PartitionImage partition, Now now) {
    if (!partition.reassigning()) {
      watched.remove(id);
      return;
    }
    Watched known = watched.get(id);
    if (known == null || known.leaderEpoch() != partition.leaderEpoch()) {
      watched.put(id, new Watched(partition.leaderEpoch(), image.index(), now.nanos()));
    }
  }

  /**
   * Time has passed.
   *
   * @param applied the index that a broker is known to have applied; {@link Long#MAX_VALUE} for one
   *     that is fenced, 0 for one that has not been heard of
   */
  public Optional<Batch> onTick(IntToLongFunction applied, Now now) {
    if (!leading || proposed || now.nanos() < restUntil) {
      return Optional.empty();
    }
    List<PartitionAt> finished = new ArrayList<>();
    List<LeaderMove> moves = new ArrayList<>();
    for (var entry : watched.entrySet()) {
      if (finished.size() == BATCH || moves.size() == BATCH) {
        break;
      }
      PartitionId id = entry.getKey();
      PartitionImage partition = Objects.requireNonNull(image.partition(id));
      TopicImage topic = Objects.requireNonNull(image.topics().get(id.topicId()));
      switch (ReassignmentProgress.next(image, topic, partition)) {
        case WAIT -> {}
        case MOVE_LEADER -> {
          if (now.nanos() - entry.getValue().sinceNanos() >= REST_NANOS) {
            moves.add(move(id, partition));
          }
        }
        case FINISH -> {
          if (leaversKnow(partition, entry.getValue().index(), applied)) {
            finished.add(new PartitionAt(id, partition.partitionEpoch()));
          }
        }
      }
    }
    MetadataCommand command = command(finished, moves, now);
    if (command == null) {
      command = drain(now);
    }
    if (command == null) {
      return Optional.empty();
    }
    proposed = true;
    return Optional.of(new Batch(++batches, term, command));
  }

  private static @Nullable MetadataCommand command(
      List<PartitionAt> finished, List<LeaderMove> moves, Now now) {
    if (!finished.isEmpty()) {
      return new FinishReassignments(now.wallMs(), finished);
    }
    return moves.isEmpty() ? null : new MoveLeaders(now.wallMs(), moves);
  }

  private @Nullable MetadataCommand drain(Now now) {
    ClusterImage before = nothingToDrain;
    boolean known =
        before != null && before.topics() == image.topics() && before.brokers() == image.brokers();
    if (known || watched.size() >= DRAINING || !Drains.wanted(image)) {
      return null;
    }
    List<Reassignment> moves = Drains.next(image, Math.min(BATCH, DRAINING - watched.size()));
    nothingToDrain = moves.isEmpty() ? image : null;
    return moves.isEmpty() ? null : new ReassignPartitions(now.wallMs(), moves);
  }

  private LeaderMove move(PartitionId id, PartitionImage partition) {
    return new LeaderMove(
        id,
        ReassignmentProgress.successor(image, partition),
        partition.leaderEpoch(),
        partition.partitionEpoch());
  }

  private boolean leaversKnow(PartitionImage partition, long index, IntToLongFunction applied) {
    for (int leaver : partition.removing()) {
      BrokerImage broker = image.brokers().get(leaver);
      if (broker != null && broker.unfenced() && applied.applyAsLong(leaver) < index) {
        return false;
      }
    }
    return true;
  }

  /** A batch has ended, however: what it left undone is found again (M2). */
  public void onProposed(long number, Now now) {
    if (number == batches && proposed) {
      proposed = false;
      restUntil = now.nanos() + PAUSE_NANOS;
    }
  }
}
