package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.NodeManager;
import com.alipay.sofa.jraft.rpc.Connection;
import com.alipay.sofa.jraft.rpc.RaftServerService;
import com.alipay.sofa.jraft.rpc.RpcContext;
import com.alipay.sofa.jraft.rpc.RpcRequestClosure;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rule M13 for one group: starts an election as soon as the leader's process is known to be gone,
 * instead of waiting for the election timeout.
 *
 * <p>Voters stand one after the other, by node id. When its turn comes, a voter stands unless a new
 * leader is known, it has voted for somebody in a newer term, or it is being sent a snapshot. A
 * term that merely moved does not stop it: the one before may have lost because its log was
 * shorter.
 *
 * <p>At most one election per voter and leader is started here; the rest is the timers' work. The
 * election itself is JRaft's: the node is handed a TimeoutNowRequest, which it ignores when its
 * term is another one or it is not a follower. When an election starts is never a matter of safety.
 *
 * <p>Thread-safe; the callbacks do not wait.
 */
final class FastElection implements RaftRpcService.RequestObserver {
  private static final Logger LOG = LoggerFactory.getLogger(FastElection.class);

  private final RaftChannels channels;
  private final String group;
  private final int self;
  private final long stepMs;
  private final LongPredicate candidacy;
  private final IntConsumer deadListener = this::onDead;

  private List<Integer> voters;
  private @Nullable Followed followed;
  private long votedTerm;
  private boolean voteGranted;
  private int snapshotsComing;

  /**
   * @param voters sorted
   * @param stepMs how long each voter waits for the one before it
   * @param candidacy makes the node stand, if it still follows in the given term; may wait for
   *     disks
   */
  FastElection(
      RaftChannels channels,
      String group,
      int self,
      List<Integer> voters,
      long stepMs,
      LongPredicate candidacy) {
    this.channels = channels;
    this.group = group;
    this.self = self;
    this.voters = voters;
    this.stepMs = stepMs;
    this.candidacy = candidacy;
    channels.onDead(deadListener);
  }

  void close() {
    channels.removeDeadListener(deadListener);
  }

  /** The group has other voters now; sorted. */
  synchronized void onVoters(List<Integer> nodeIds) {
    voters = nodeIds;
  }

  /** This node follows a leader. */
  void onFollowing(int leaderId, long term) {
    synchronized (this) {
      followed = new Followed(leaderId, term);
    }
    if (!channels.connected(leaderId)) {
      channels.suspect(leaderId); // it may have died before we heard that it leads
    }
  }

  /** This node leads. */
  synchronized void onLeading() {
    followed = null;
  }

  @Override
  public synchronized void onVote(long term, boolean granted) {
    if (term > votedTerm) {
      votedTerm = term;
      voteGranted = granted;
    } else if (term == votedTerm) {
      voteGranted |= granted;
    }
  }

  @Override
  public synchronized void onSnapshotBegin() {
    snapshotsComing++;
  }

  @Override
  public synchronized void onSnapshotEnd() {
    snapshotsComing--;
  }

  /** The process of a node is gone. */
  void onDead(int nodeId) {
    Followed leader;
    long waitMs;
    synchronized (this) {
      leader = followed;
      if (leader == null || leader.nodeId != nodeId || leader.judged) {
        return;
      }
      leader.judged = true;
      waitMs = stepMs * placeWithout(nodeId);
    }
    if (waitMs >= 0) {
      LOG.info(
          "[{}] the process of leader {} (term {}) is gone; own turn in {} ms",
          group,
          leader.nodeId,
          leader.term,
          waitMs);
      channels.inBackground(() -> stand(leader), waitMs);
    }
  }

  /**
   * How many other voters come before this node, up or not; negative when it is no voter. Leaving
   * out those that seem to be down would give two nodes the same turn while they see it differently
   * (a split vote); counting them costs one turn at most, since a majority must be up.
   */
  private int placeWithout(int leaderId) {
    int place = 0;
    for (int voter : voters) {
      if (voter == self) {
        return place;
      }
      if (voter != leaderId) {
        place++;
      }
    }
    return -1;
  }

  private void stand(Followed leader) {
    long term;
    synchronized (this) {
      if (followed != leader || snapshotsComing > 0) {
        return;
      }
      term = leader.term;
      if (votedTerm > term) {
        if (voteGranted) {
          return;
        }
        term = votedTerm;
      }
    }
    LOG.info(
        "[{}] {} for election after term {}",
        group,
        candidacy.test(term) ? "stood" : "was too late to stand",
        term);
  }

  /** Makes JRaft's node of a group stand, if it still follows in the given term. */
  static LongPredicate candidacyOf(String group, int self) {
    String peer = RaftPeers.peer(self).toString();
    return term -> {
      TimeoutNowRequest request =
          TimeoutNowRequest.newBuilder()
              .setGroupId(group)
              .setServerId(peer)
              .setPeerId(peer)
              .setTerm(term)
              .build();
      return NodeManager.getInstance().get(group, RaftPeers.peer(self))
              instanceof RaftServerService node
          && node.handleTimeoutNowRequest(request, new RpcRequestClosure(new NoAnswer())) == null;
    };
  }

  private static final class Followed {
    private final int nodeId;
    private final long term;
    private boolean judged;

    Followed(int nodeId, long term) {
      this.nodeId = nodeId;
      this.term = term;
    }
  }

  /** JRaft answers the request that we made ourselves; nobody waits for it. */
  private static final class NoAnswer implements RpcContext {
    @Override
    public void sendResponse(Object response) {
      // the election is seen by its outcome
    }

    @Override
    public @Nullable Connection getConnection() {
      return null;
    }

    @Override
    public String getRemoteAddress() {
      return "self";
    }
  }
}
