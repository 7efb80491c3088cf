package io.kontiki.broker.quorum;

import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.ShardViews;
import io.kontiki.internal.v1.RaftGroupState;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Asks all voters for the shards of consumer groups, and believes each group's leader. */
final class ShardReports implements ShardViews {
  private final int self;
  private final Supplier<ClusterImage> image;
  private final Supplier<List<RaftGroup>> own;
  private final Peers peers;
  private final EventLoop loop;

  /**
   * @param own the shards that run on this node
   */
  ShardReports(
      int self,
      Supplier<ClusterImage> image,
      Supplier<List<RaftGroup>> own,
      Peers peers,
      EventLoop control) {
    this.self = self;
    this.image = image;
    this.own = own;
    this.peers = peers;
    this.loop = control;
  }

  @Override
  public void views(long deadlineNanos, Completion<List<RaftStatus>> completion) {
    loop.execute(() -> gather(deadlineNanos, completion));
  }

  private void gather(long deadlineNanos, Completion<List<RaftStatus>> completion) {
    List<VoterImage> others =
        image.get().voters().values().stream().filter(voter -> voter.id() != self).toList();
    long timeout = deadlineNanos - loop.clock().nanoTime();
    Gather.<List<RaftGroupState>>all(
        loop,
        others.size(),
        i -> List.of(),
        (i, answer) -> GroupStates.askAll(peers, others.get(i).raft(), timeout, answer),
        answers -> {
          TreeMap<String, RaftStatus> best = new TreeMap<>();
          TreeMap<String, Boolean> leads = new TreeMap<>();
          for (RaftGroup group : own.get()) {
            RaftStatus status = group.status();
            best.put(status.group(), status);
            leads.put(status.group(), status.leading());
          }
          for (List<RaftGroupState> told : answers) {
            for (RaftGroupState state : told) {
              if (!state.getName().equals(QuorumEngine.GROUP)) {
                take(state, best, leads);
              }
            }
          }
          completion.complete(new ArrayList<>(best.values()));
        });
  }

  /** A leader knows more than who follows, and who knows a newer term more than others. */
  private static void take(
      RaftGroupState state, TreeMap<String, RaftStatus> best, TreeMap<String, Boolean> leads) {
    RaftStatus known = best.get(state.getName());
    boolean sure = leads.getOrDefault(state.getName(), false);
    if (known == null
        || state.getTerm() > known.term()
        || (state.getTerm() == known.term() && state.getLeading() && !sure)) {
      best.put(state.getName(), GroupStates.status(state, state.getAppliedIndex()));
      leads.put(state.getName(), state.getLeading());
    }
  }
}
