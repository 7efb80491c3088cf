package io.kontiki.broker.api;

import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import java.util.List;

/** The Raft groups of the shards of consumer groups, for operators. Thread-safe. */
public interface ShardViews {
  /** There are none. */
  ShardViews NONE = (deadlineNanos, completion) -> completion.complete(List.of());

  /**
   * Each as its leader sees it, else as somebody does who answers; by name. What nobody tells of is
   * missing.
   *
   * @param deadlineNanos by the loop's clock
   * @param completion on any loop
   */
  void views(long deadlineNanos, Completion<List<RaftStatus>> completion);
}
