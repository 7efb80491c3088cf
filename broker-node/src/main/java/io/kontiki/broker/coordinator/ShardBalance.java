package io.kontiki.broker.coordinator;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import java.util.List;
import java.util.OptionalInt;

/**
 * Where the leadership of a shard belongs: shard i to the voter after the i-th, so that several
 * shards, and the metadata, are led by different nodes; away from a broker that may not do a
 * coordinator's work (rule R5). Moves are rare, and go to voters that are up and hold everything.
 */
public final class ShardBalance {
  /** Before a leadership moves for the sake of the spread. */
  static final long QUIET_NANOS = 5_000_000_000L;

  /** Before it leaves a broker that is fenced. */
  static final long FENCED_NANOS = 1_000_000_000L;

  /** After a move that did not come about. */
  static final long AGAIN_NANOS = 30_000_000_000L;

  private static final long CONTACT_MS = 1_000;

  private final int self;
  private final int shard;
  private boolean led;
  private long ledSince;
  private long fencedSince;
  private long notBefore = Long.MIN_VALUE;

  /**
   * @param self this node
   */
  public ShardBalance(int self, int shard) {
    this.self = self;
    this.shard = shard;
  }

  /** The voter to hand leadership to now, if there is one. */
  public OptionalInt onTick(RaftStatus status, ClusterImage image, long now) {
    if (!status.leading()) {
      led = false;
      return OptionalInt.empty();
    }
    boolean fenced = !active(image, self);
    if (!led) {
      led = true;
      ledSince = now;
      fencedSince = now;
    } else if (!fenced) {
      fencedSince = now;
    }
    List<Integer> voters = List.copyOf(image.voters().keySet());
    if (voters.size() < 2 || now < notBefore) {
      return OptionalInt.empty();
    }
    int first = (shard + 1) % voters.size();
    for (int i = 0; i < voters.size(); i++) {
      int voter = voters.get((first + i) % voters.size());
      if (voter == self) {
        if (!fenced) {
          return OptionalInt.empty(); // no better one can take it
        }
      } else if (can(status, image, voter)) {
        // Only to the preferred one, unless this broker cannot do the work.
        boolean moves =
            fenced ? now - fencedSince >= FENCED_NANOS : i == 0 && now - ledSince >= QUIET_NANOS;
        if (moves) {
          notBefore = now + AGAIN_NANOS;
          return OptionalInt.of(voter);
        }
        return OptionalInt.empty();
      } else if (!fenced) {
        return OptionalInt.empty(); // the preferred one is not there: it stays
      }
    }
    return OptionalInt.empty();
  }

  private static boolean active(ClusterImage image, int voter) {
    BrokerImage broker = image.brokers().get(voter);
    return broker != null && broker.state() == BrokerImage.State.ACTIVE;
  }

  /** Whether it is up, may do the work, and would not be waited for. */
  private static boolean can(RaftStatus status, ClusterImage image, int voter) {
    for (RaftGroup.Member member : status.voters()) {
      if (member.nodeId() == voter) {
        return active(image, voter)
            && member.matchIndex() >= status.committedIndex()
            && answers(member);
      }
    }
    return false;
  }

  /** Whether the leader has heard of it lately. */
  public static boolean answers(RaftGroup.Member member) {
    return member.lastContactMs() >= 0 && member.lastContactMs() <= CONTACT_MS;
  }
}
