package io.kontiki.broker.session;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.MoveLeaders;
import io.kontiki.metadata.controller.PreferredLeaders;
import io.kontiki.metadata.controller.PreferredLeaders.Found;
import io.kontiki.model.PartitionId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Brings leaderships back to their preferred brokers, a few at a time (R43): one batch under way,
 * the next when every active broker has acted on the last; none soon after a fence, after the start
 * of this leader, or after an election of the partition itself. One per node that votes, idle while
 * it does not lead; belongs to one loop.
 *
 * <p>Each call of {@link #onTick} looks at a bounded number of partitions, and at none while
 * nothing has changed.
 */
public final class LeaderBalance {
  private static final int LOOK = 500;
  private static final int BATCH = 10;
  private static final long PAUSE_NANOS = 500_000_000;

  private final long quiet;

  private boolean leading;
  private long term;
  private ClusterImage image = ClusterImage.EMPTY;
  private boolean everFenced;
  private long lastFence;

  // An image that is between one and two quiet times old, and the one that will follow it.
  private @Nullable ClusterImage older;
  private ClusterImage newer = ClusterImage.EMPTY;
  private long newerSince;

  // The walk: where it stands, whether it has found anything, what it has gone through in vain.
  private @Nullable PartitionId at;
  private boolean found;
  private ClusterImage began = ClusterImage.EMPTY;
  private @Nullable ClusterImage searched;
  private @Nullable ClusterImage searchedAgainst;

  // The batch: at most one.
  private long batches;
  private boolean proposed;
  private boolean everEnded;
  private long ended;
  private long settledAt;

  /**
   * Moves to propose, under this term only.
   *
   * @param number names the batch in {@link #onProposed}
   */
  public record Batch(long number, long term, MoveLeaders command) {}

  /**
   * @param quiet nanoseconds; {@link Long#MAX_VALUE}: leaderships stay where they are
   */
  public LeaderBalance(long quiet) {
    this.quiet = quiet;
  }

  /** This node leads the term. */
  public void onLeaderStart(long newTerm, ClusterImage newest, Now now) {
    leading = true;
    term = newTerm;
    image = newest;
    everFenced = false;
    older = null;
    newer = newest;
    newerSince = now.nanos();
    at = null;
    found = false;
    searched = null;
    searchedAgainst = null;
    proposed = false;
    everEnded = false;
  }

  /** This node leads no more. */
  public void onLeaderStop() {
    leading = false;
    older = null;
    newer = ClusterImage.EMPTY;
    began = ClusterImage.EMPTY;
    searched = null;
    searchedAgainst = null;
  }

  /** This node has applied an image. */
  public void onImage(ClusterImage newest, Now now) {
    if (leading && newest.brokers() != image.brokers()) {
      for (BrokerImage broker : image.brokers().values()) {
        BrokerImage after = newest.brokers().get(broker.id());
        if (broker.unfenced()
            && (after == null || !after.unfenced() || after.epoch() != broker.epoch())) {
          everFenced = true;
          lastFence = now.nanos();
        }
      }
    }
    image = newest;
  }

  /**
   * Time has passed.
   *
   * @param everywhere the least index applied by all active brokers
   */
  public Optional<Batch> onTick(long everywhere, Now now) {
    if (!leading) {
      return Optional.empty();
    }
    if (now.nanos() - newerSince >= quiet) {
      older = newer;
      newer = image;
      newerSince = now.nanos();
    }
    ClusterImage before = older;
    if (before == null || !calm(everywhere, now)) {
      return Optional.empty();
    }
    if (searched != null
        && searched.topics() == image.topics()
        && searched.brokers() == image.brokers()
        && searchedAgainst == before) {
      return Optional.empty();
    }
    if (at == null) {
      found = false;
      began = image;
    }
    Found step = PreferredLeaders.walk(before, image, at, LOOK, BATCH);
    at = step.at();
    found |= !step.moves().isEmpty();
    if (at == null && !found) {
      searched = began;
      searchedAgainst = before;
    }
    if (step.moves().isEmpty()) {
      return Optional.empty();
    }
    proposed = true;
    return Optional.of(new Batch(++batches, term, new MoveLeaders(now.wallMs(), step.moves())));
  }

  private boolean calm(long everywhere, Now now) {
    return !proposed
        && (!everFenced || now.nanos() - lastFence >= quiet)
        && (!everEnded || now.nanos() - ended >= PAUSE_NANOS && everywhere >= settledAt);
  }

  /** A batch has ended, however: what it left undone is found again (M2). */
  public void onProposed(long number, Now now) {
    if (number == batches && proposed) {
      proposed = false;
      everEnded = true;
      ended = now.nanos();
      settledAt = image.index();
    }
  }
}
