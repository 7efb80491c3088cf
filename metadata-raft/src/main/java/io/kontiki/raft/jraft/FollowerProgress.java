package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What the followers of one group have acknowledged to this node while it led. Thread-safe. */
final class FollowerProgress {
  private final Map<Integer, Match> matches = new ConcurrentHashMap<>();

  private record Match(long term, long index) {}

  /** A follower has answered; a refusal says nothing about what it holds. */
  void onAnswer(int nodeId, AppendEntriesRequest request, @Nullable Object answer) {
    if (answer instanceof AppendEntriesResponse response && response.getSuccess()) {
      long index = request.getPrevLogIndex() + request.getEntriesCount();
      matches.merge(nodeId, new Match(request.getTerm(), index), FollowerProgress::newer);
    }
  }

  /** What a follower is known to hold in the leader's log of a term; -1 if it has not said. */
  long matchIndex(int nodeId, long term) {
    Match match = matches.get(nodeId);
    return match == null || match.term != term ? -1 : match.index;
  }

  private static Match newer(Match a, Match b) {
    if (a.term != b.term) {
      return a.term > b.term ? a : b;
    }
    return a.index >= b.index ? a : b;
  }
}
