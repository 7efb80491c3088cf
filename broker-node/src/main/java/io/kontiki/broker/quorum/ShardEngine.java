package io.kontiki.broker.quorum;

import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.StateMachine;
import java.util.SortedMap;

/** What the Raft groups of shards run on. */
public interface ShardEngine {
  /**
   * Starts this node's part of a group; blocks while its files are read.
   *
   * @param group its name, and that of its folder
   * @param voters of the cluster, with their Raft addresses
   * @param joining the group waits to be added to its configuration (M16)
   */
  RaftGroup startShard(
      String group, SortedMap<Integer, Endpoint> voters, boolean joining, StateMachine machine);
}
